"""Names of banks: short, and unique among those that are loaded together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from unembed.errors import SourceError
from unembed.features import Features

_WORD = re.compile(r"[^._@-]+[._@-]*|[._@-]+")


@dataclass(frozen=True)
class Source:
    """One bank that a reference names.

    Attributes:
        path: where it is, as errors name it.
        read: reads it.
        given: the NAME of `NAME=REFERENCE`.
        model: the model it was made for, where its release or its config says so.
        reads: reads the banks of what its features read, each with `Features.reads`, or raises an
            error that says why that is not known; None where nothing reads.
    """

    path: str
    read: Callable[[], Features]
    given: str | None = None
    model: str | None = None
    reads: Callable[[], list[Features]] | None = None


def named(sources: Sequence[Source]) -> list[Features]:
    """Return the banks, read and named.

    Banks that would have the same name are told apart by their paths: the first folder that
    differs is added, without the words it shares with the others but one. A name that was given
    to one bank stays as it is.

    Raises:
        SourceError: when two banks still have one name.
    """
    banks = [source.read() for source in sources]
    return [
        bank if bank.name == name else bank.renamed(name)
        for bank, name in zip(banks, names_of(sources, banks), strict=True)
    ]


def names_of(sources: Sequence[Source], banks: Sequence[Features]) -> list[str]:
    """Return the names that banks get, one of each source (see `named`).

    Raises:
        SourceError: when two would have one name.
    """
    givens = [source.given for source in sources]
    counts = Counter(givens)
    names = [
        _from_given(bank, given, counts[given]) for bank, given in zip(banks, givens, strict=True)
    ]
    places: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        places.setdefault(name, []).append(number)
    for name, at in places.items():
        if len(at) == 1:
            continue
        for number, ending in zip(at, apart([sources[n].path for n in at]), strict=True):
            kept = givens[number] == name or not ending
            names[number] = name if kept else f"{name}.{ending}"
    first_of: dict[str, int] = {}
    for number, name in enumerate(names):
        first = first_of.setdefault(name, number)
        if first != number:
            raise SourceError(
                f"Two banks are named {name!r}, {sources[first].path} and "
                f"{sources[number].path}, and a feature's address is bank/index. Leave one out, "
                "or name it otherwise, as NAME=REFERENCE."
            )
    return names


def _from_given(bank: Features, given: str | None, count: int) -> str:
    if given is None:
        return bank.name
    if count == 1:
        return given
    return f"{given}.{bank.name if bank.layer is None else bank.layer}"


def apart(paths: Sequence[str]) -> list[str]:
    """Return what tells paths apart, short; empty texts where nothing does.

    >>> apart(["l_20/width_16k/l0_71", "l_20/width_65k/l0_114"])
    ['width_16k', 'width_65k']
    >>> apart(["saes/blocks.8.hook_resid_pre", "saes/blocks.8.hook_mlp_out"])
    ['hook_resid_pre', 'hook_mlp_out']
    """
    folders = [path.rstrip("/").split("/") for path in paths]
    start = _shared(folders)
    folders = [each[start:] for each in folders]
    end = _shared([each[::-1] for each in folders])
    folders = [each[: len(each) - end] for each in folders]
    if len({len(each) for each in folders}) == 1:
        for column in zip(*folders, strict=True):
            if len(set(column)) == len(paths):
                return _short(column)
    return _short(["-".join(each) for each in folders])


def _shared(rows: Sequence[Sequence[str]]) -> int:
    """Return how many items at the front are the same in all rows."""
    return sum(1 for _ in takewhile(lambda items: len(set(items)) == 1, zip(*rows, strict=False)))


def _short(texts: Sequence[str]) -> list[str]:
    """Return texts without the words that all of them begin with, but the last of those."""
    words = [_WORD.findall(text) for text in texts]
    drop = max(0, min(_shared(words), *(len(each) - 1 for each in words)) - 1)
    return [_clean("".join(each[drop:])) for each in words]


def _clean(text: str) -> str:
    """Return a text of the characters that a bank's name may have."""
    return re.sub(r"[^A-Za-z0-9._→-]+", "-", text).strip("-._")
