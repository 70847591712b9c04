"""What follows a piece in split words: every word is cut anew, pair by pair, as BPE has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from unembed.tokensets.collections.lexicon import lexicon

from .tokens import Tokens

_BEGINNINGS = 10
"""By the first two letters, in so many ways must what follows a piece begin."""
_LETTERS = 3
"""And it has so many, at least."""
_OF_BYTES = ("byte-level", "gpt2", "tiktoken")
_ENGLISH = ("grammar/pos", "grammar/inflection")
_NAMES = ("meaning/names", "meaning/places")


def continued(tokens: Tokens) -> dict[str, set[int]]:
    """Return each piece's set, by name: the second tokens of words that have it as their first."""
    ids = {raw: index for index, raw in tokens.raw.items()}
    found: dict[str, set[int]] = defaultdict(set)
    beginnings: dict[str, set[str]] = defaultdict(set)
    of_bytes = any(kind in tokens.vocabulary.kind for kind in _OF_BYTES)
    for word in _words():
        text = f" {word}"
        if text.encode() not in ids:
            first, second = cut(text, ids, of_bytes)[:2]
            piece, after = _letters(first[1:]), _letters(second)
            if piece and after and first in ids and second in ids:
                found[f"continues:{piece}"].add(ids[second])
                beginnings[f"continues:{piece}"].add(after[:2])
    return {
        name: each
        for name, each in found.items()
        if len(beginnings[name]) >= _BEGINNINGS and len(name.partition(":")[2]) >= _LETTERS
    }


def cut(text: str, ids: Mapping[bytes, int], of_bytes: bool) -> list[bytes]:
    """Return the tokens of a text: of all pairs that are a token the one of the least id is joined.

    Of equal pairs the first, again and again until no pair is a token.
    """
    parts: list[bytes] = []
    for character in text:
        raw = character.encode()
        parts += [raw] if raw in ids and not of_bytes else [bytes([byte]) for byte in raw]
    while True:
        pairs = [one + other for one, other in pairwise(parts)]
        known = [pair for pair in pairs if pair in ids]
        if not known:
            return [*parts, b""]
        least = min(known, key=lambda pair: ids[pair])
        at = pairs.index(least)
        parts[at : at + 2] = [least]


def _words() -> Iterator[str]:
    """English words in small letters, and names that begin with a capital; no codes."""
    english, named = set(), set()
    for row in lexicon().iter_rows(named=True):
        words = {word.removeprefix("=") for word in row["words"]}
        english |= words if row["family"] in _ENGLISH else set()
        named |= words if row["family"] in _NAMES else set()
    yield from (word for word in english if all("a" <= c <= "z" for c in word))
    for word in named:
        if word.isalpha() and word[0].isupper() and not word.isupper():
            yield word


def _letters(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return ""
    return text if text.isalpha() else ""
