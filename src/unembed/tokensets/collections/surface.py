"""What can be counted about a token's spelling: lengths, bytes, years, repetition."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from unembed.tokensets.definitions import Definition, Predicate, Regex, Words
from unembed.tokensets.reading import Reading, is_mark
from unembed.tokensets.token_sets import Ids

SOURCE = "spelling"
_LONGEST = 15
_CENTURIES = {"19th": 18, "20th": 19, "21st": 20}


def definitions() -> Iterator[Definition]:
    """Yield the sets by length in characters and bytes, by year, and by repetition."""
    yield from _lengths()
    yield from _bytes()
    yield from _years()
    yield from _repetition()


def _lengths() -> Iterator[Definition]:
    for length in range(1, _LONGEST + 1):
        text = f"{length} character{'s' if length > 1 else ''}, a leading space not counted"
        yield _counted(f"length:{length}", "surface/length", text, _of_length(length, length))
    more = f"{_LONGEST + 1} characters or more, a leading space not counted"
    yield _counted(
        f"length:{_LONGEST + 1}_or_more", "surface/length", more, _of_length(_LONGEST + 1)
    )


def _bytes() -> Iterator[Definition]:
    for size in (*range(2, 13), 16, 32):
        yield _counted(f"bytes:{size}", "surface/length", f"{size} bytes in all", _of_bytes(size))


def _counted(name: str, family: str, text: str, rule: Predicate) -> Definition:
    return Definition(name, family, f"{text[0].upper()}{text[1:]}.", SOURCE, rule)


def _of_length(least: int, most: int | None = None) -> Predicate:
    def select(reading: Reading) -> Ids:
        lengths = reading.lengths
        return reading.where((lengths >= least) & (lengths <= (most or lengths.max(initial=0))))

    return Predicate(select, f"words of {least} characters{'' if most else ' or more'}")


def _of_bytes(size: int) -> Predicate:
    def select(reading: Reading) -> Ids:
        raw = reading.vocabulary.token_bytes
        lengths = np.fromiter((len(raw[token]) for token in reading.ids), np.int64)
        return reading.where(lengths == size)

    return Predicate(select, f"tokens of {size} bytes")


def _years() -> Iterator[Definition]:
    family = "surface/years"
    every = re.compile("^(1[0-9]{3}|20[0-9]{2})$")
    yield Definition("years", family, "Years from 1000 to 2099.", SOURCE, Regex(every))
    for name, century in _CENTURIES.items():
        yield Definition(
            f"years:{name}_century",
            family,
            f"Years from {century}00 to {century}99.",
            SOURCE,
            Regex(re.compile(f"^{century}[0-9]{{2}}$")),
        )
    for decade in range(1800, 2030, 10):
        years = tuple(str(year) for year in range(decade, decade + 10))
        yield Definition(
            f"years:{decade}s",
            family,
            f"The years {years[0]} to {years[-1]}, and the decade's name.",
            SOURCE,
            Words((*years, f"{decade}s"), case="exact"),
        )


def _repetition() -> Iterator[Definition]:
    """Yield the sets of one letter or mark, repeated; Python's patterns know neither."""
    for name, text, rule in (
        ("repeated_letter", "One letter, two or more times (aa, xxx).", _same(str.isalpha)),
        ("repeated_punctuation", "One mark, two or more times.", _same(is_mark)),
        (
            "stretched_word",
            "A letter three times in a row, inside other letters.",
            Predicate(_stretched, "letters, one of them three times in a row, and not it alone"),
        ),
    ):
        yield Definition(name, "surface/repetition", text, SOURCE, rule)


def _same(kind: Callable[[str], bool]) -> Predicate:
    def test(word: str) -> bool:
        return len(word) > 1 and word == len(word) * word[0] and kind(word[0])

    return Predicate(lambda reading: reading.matching(test), "one character, repeated")


def _stretched(reading: Reading) -> Ids:
    thrice = re.compile(r"(.)\1\1").search
    return reading.matching(lambda word: word.isalpha() and thrice(word) and len(set(word)) > 1)
