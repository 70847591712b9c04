"""Banks' names and features' addresses, `bank/index`: how they are written, and read when typed."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from unembed.errors import QueryError, did_you_mean

BANK = r"[A-Za-z0-9][A-Za-z0-9._→-]*"
"""What a bank may be called; the arrow is of banks that write to another layer (`clt.5→9`)."""
ADDRESS = pl.concat_str("bank", "index", separator="/")
"""The address of each row, from its columns `bank` and `index`. (Not by `pl.format`, which panics
where the first part of a frame that was read from several files has been filtered away.)"""

_BANK = re.compile(BANK)


def as_written(name: str) -> str:
    """Return a bank's name, or an address, as runs write it: `->` is easier to type than `→`.

    >>> as_written("clt.5->9/12")
    'clt.5→9/12'
    """
    return name.replace("->", "→")


def is_bank_name(name: str) -> bool:
    """Return whether a bank may be called so."""
    return _BANK.fullmatch(name) is not None


def split(address: str) -> tuple[str, str]:
    """Return bank and index of an address; the bank is empty where it was left out.

    >>> split("sae.8/12"), split("12")
    (('sae.8', '12'), ('', '12'))
    """
    bank, _, index = as_written(address).rpartition("/")
    return bank, index


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
