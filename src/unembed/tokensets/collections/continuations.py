"""Sets that a vocabulary makes of itself: what follows a piece in the words that it splits.

A feature that fires on " out" may write the rest of outnumbered, outspoken and outlived. Which
words are split, and where, is the tokenizer's own affair: `Cutter` tells it from the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import numpy as np
import polars as pl

from unembed.tokensets.assemble import Draft
from unembed.tokensets.collections.lexicon import lexicon
from unembed.tokensets.cutting import Cutter
from unembed.tokensets.definitions import bare
from unembed.tokensets.reading import Reading
from unembed.tokensets.token_sets import SetInfo

FAMILY = "affixes/continuations"
SOURCE = "the vocabulary and the lexicon"
LEAST_BEGINNINGS = 10
"""A piece has a set if what follows it begins in this many ways, by the first two letters.

Inflections of one word (vulgar-ise, -ised, -ises, -ising, -ize …) begin alike and count once. Of a
piece that begins few words a set would say little more than one of those words."""

LEAST_LETTERS = 3
"""Shorter pieces begin so many words that what follows them is any piece."""

_WORDS = ("grammar/pos", "grammar/inflection")
_NAMES = ("meaning/names", "meaning/places")
_N_EXAMPLES = 3

Followers = dict[str, str]
"""The text of each token that follows a piece → a word in which it does."""


def drafts(reading: Reading) -> Iterator[Draft]:
    """Yield a set for each first piece of words and names that enough different tokens follow."""
    cut = Cutter(reading.vocabulary)
    found = followers(cut, (*words(), *names()))
    for piece in sorted(found):
        beginnings = {text[:2] for text in found[piece]}
        if len(piece) >= LEAST_LETTERS and len(beginnings) >= LEAST_BEGINNINGS:
            yield _draft(piece, found[piece], cut.ids)


def followers(cut: Cutter, words: Iterable[str]) -> dict[str, Followers]:
    """Return the first token of each word that is split, without its space → what follows it.

    Words are cut after a space, as inside a sentence; only tokens of letters follow.
    """
    found: dict[str, Followers] = {}
    for word in words:
        text = f" {word}"
        if text.encode() in cut.ids:
            continue
        first, second = (*cut(text), b"")[:2]
        after = second.decode(errors="replace")
        if len(first) > 1 and first in cut.ids and second in cut.ids and after.isalpha():
            found.setdefault(first.decode(errors="replace")[1:], {}).setdefault(after, word)
    return {piece: after for piece, after in found.items() if piece.isalpha()}


@cache
def words() -> tuple[str, ...]:
    """Return the lower-case English words of the lexicon, inflected forms included.

    The dictionary has rarer ones too, of which many pieces begin enough.
    """
    found = (
        bare(word) for word in lexicon().filter(pl.col("family").is_in(_WORDS))["words"].explode()
    )
    return tuple(
        sorted({word for word in found if word.isascii() and word.isalpha() and word.islower()})
    )


@cache
def names() -> tuple[str, ...]:
    """Return the names of persons and places in the lexicon; no codes, which are all capitals."""
    words = lexicon().filter(pl.col("family").is_in(_NAMES))["words"].explode()
    one = {bare(word) for word in words if bare(word).isalpha() and not word.isupper()}
    return tuple(sorted(word for word in one if word[0].isupper()))


def _draft(piece: str, found: Followers, ids: Mapping[bytes, int]) -> Draft:
    longest = sorted(found, key=lambda text: (-len(text), text))[:_N_EXAMPLES]
    examples = ", ".join(found[text] for text in longest)
    info = SetInfo(
        f"continues:{piece}",
        FAMILY,
        f"What follows “{piece}” in words that this tokenizer splits: {examples}.",
        SOURCE,
        f"second tokens of words whose first token is “{piece}”",
    )
    return Draft(info, np.unique(np.array([ids[text.encode()] for text in found], np.int32)))
