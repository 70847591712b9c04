"""Sets that a vocabulary makes of itself: the tokens with each punctuation mark or symbol."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import numpy as np

from unembed.tokensets.assemble import Draft
from unembed.tokensets.reading import Reading, is_mark
from unembed.tokensets.token_sets import SetInfo

MIN_TOKENS = 3
SOURCE = "the vocabulary"
_PLACES = {
    "contains": "Holds",
    "begins": "Begins, after any leading space, with",
    "ends": "Ends with",
}


def drafts(reading: Reading) -> Iterator[Draft]:
    """Yield a set for each mark, of the tokens that contain it, begin with it, or end with it."""
    found: dict[tuple[str, str], list[int]] = {}
    for word, ids in reading.ids_of_word.items():
        if word.isalnum():
            continue
        for mark in set(filter(is_mark, word)):
            found.setdefault(("contains", mark), []).extend(ids)
        for place, mark in (("begins", word[:1]), ("ends", word[-1:])):
            if mark and is_mark(mark):
                found.setdefault((place, mark), []).extend(ids)
    for (place, mark), tokens in sorted(found.items()):
        if len(tokens) >= MIN_TOKENS:
            yield _draft(place, mark, tokens)


def _draft(place: str, mark: str, tokens: list[int]) -> Draft:
    name = unicodedata.name(mark, f"U+{ord(mark):04X}").lower()
    info = SetInfo(
        f"{place}:{mark}",
        f"characters/{place}",
        f"{_PLACES[place]} the {name} ({mark}).",
        SOURCE,
        f"text {place} {mark}",
    )
    return Draft(info, np.unique(np.array(tokens, np.int32)))
