"""Banks' names and features' addresses, `bank/index`: how they are written, and read when typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from unembed.errors import QueryError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BANK = r"[A-Za-z0-9][A-Za-z0-9._→-]*"
"""What a bank may be called; the arrow is of banks that write to another layer (`clt.5→9`)."""
_BANK = re.compile(BANK)
_MOST_DIGITS = 18
"""Of an index: all of them are 64 bits wide."""
LONGEST = 200
"""Bytes of a bank's name, in UTF-8: names of files have up to 255."""
_DEVICES = re.compile(r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
"""Names that Windows keeps for devices, whatever ending follows: no file can be called so."""


def as_written(name: str) -> str:
    """Return a bank's name, or an address, as runs write it: `->` is easier to type than `→`.

    >>> as_written("clt.5->9/12")
    'clt.5→9/12'
    """
    return name.replace("->", "→")


def is_bank_name(name: object) -> bool:
    """Return whether a bank may be called so: its files are named after it."""
    if not isinstance(name, str) or len(name.encode(errors="replace")) > LONGEST:
        return False
    return _BANK.fullmatch(name) is not None


def is_device(name: str) -> bool:
    """Return whether a bank's tables could not be kept on Windows under its name.

    >>> is_device("aux"), is_device("con.3"), is_device("conv.3")
    (True, True, False)
    """
    return _DEVICES.fullmatch(name) is not None


def address(bank: str, index: int) -> str:
    """Return the address of a feature.

    >>> address("sae.8", 12)
    'sae.8/12'
    """
    return f"{bank}/{index}"


def is_address(text: str) -> bool:
    """Return whether a text is meant as the address of a feature, not as the name of a bank.

    >>> is_address("sae.8/12"), is_address("sae.8")
    (True, False)
    """
    return "/" in text


def split(address: str, banks: Sequence[str]) -> tuple[str, int]:
    """Return bank and index of an address that was typed.

    >>> split("sae.8/12", ["sae.8", "mlp.8"]), split("12", ["sae.8"])
    (('sae.8', 12), ('sae.8', 12))

    Args:
        address: `bank/index`; the bank may be left out where there is only one.
        banks: of the run.

    Raises:
        QueryError: when it is none, or of a bank that the run does not have.
    """
    bank, _, index = as_written(str(address)).rpartition("/")
    if not bank and len(banks) == 1:
        bank = banks[0]
    if not _is_index(index) or not bank:
        raise QueryError(f"{str(address)!r} is no feature: write bank/index{_meant(index, banks)}.")
    if bank not in banks:
        raise QueryError(
            f"There is no bank {bank!r} in this run; write bank/index.{did_you_mean(bank, banks)} "
            f"Its banks: {', '.join(banks)}."
        )
    return bank, int(index)


def _is_index(text: str) -> bool:
    """Whether a text is a whole number, of no more digits than any index has."""
    return text.isdecimal() and len(text) <= _MOST_DIGITS


def _meant(text: str, banks: Sequence[str]) -> str:
    """Return what an address without a bank, or without an index, may be meant to be."""
    if _is_index(text):
        return f", such as {' or '.join(address(bank, int(text)) for bank in banks[:3])}"
    for bank in banks:
        index = re.fullmatch(rf"{re.escape(bank)}\W+(\d+)", text)
        if index and _is_index(index[1]):
            return f": {address(bank, int(index[1]))}"
    return f", such as {address(banks[0], 0)}"


def position_of(index: int, indices: npt.NDArray[np.int64], bank: str) -> int:
    """Return the place of an index among those of a bank's features.

    Raises:
        QueryError: when the bank has no such feature.
    """
    found = (indices == index).nonzero()[0]
    if not len(found):
        raise QueryError(
            f"{bank} has no feature {index}: its {len(indices):,} indices are "
            f"{indices.min()} to {indices.max()}."
        )
    return int(found[0])


def bank_named(name: str, banks: Iterable[str]) -> str:
    """Return the bank of a run that is meant.

    Raises:
        QueryError: when there is none, with near names, and all of the run's banks.
    """
    known, meant = list(banks), as_written(name)
    if meant not in known:
        raise QueryError(
            f"There is no bank {name!r} in this run.{did_you_mean(meant, known)} "
            f"Its banks: {', '.join(known)}."
        )
    return meant
