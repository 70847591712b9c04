"""What the tokenizer itself knows of its tokens: their rank, and the bytes they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from unembed.tokensets.definitions import Definition, Predicate
from unembed.tokensets.reading import Reading
from unembed.tokensets.token_sets import Ids

SOURCE = "the vocabulary"
_EDGES = (0, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000)


def definitions() -> Iterator[Definition]:
    """Yield bands of token ids, and sets of tokens that are bytes."""
    for start, stop in pairwise(_EDGES):
        yield _definition(
            f"rank:{start}-{stop}",
            f"Tokens {start:,} to {stop:,} in order of id, in which most tokenizers number their "
            "merges: the more frequent first.",
            _ranked(start, stop),
        )
    yield _definition("byte_tokens", "Tokens of a single byte.", _by_bytes(_single, "one byte"))
    yield _definition(
        "partial_utf8",
        "Tokens whose bytes are only a part of some character.",
        Predicate(_partial, "bytes that are no UTF-8"),
    )
    yield _definition(
        "utf8_lead_bytes",
        "Tokens that end inside a character, which the next token must finish.",
        _by_bytes(_begins, "bytes that end before a character does"),
    )
    yield _definition(
        "utf8_continuation_bytes",
        "Tokens that begin inside a character, which the token before began.",
        _by_bytes(_continues, "bytes that begin inside a character"),
    )


def _definition(name: str, description: str, rule: Predicate) -> Definition:
    return Definition(name, "tokenizer/rank" if ":" in name else "tokenizer/bytes",
                      description, SOURCE, rule)  # fmt: skip


def _ranked(start: int, stop: int) -> Predicate:
    def select(reading: Reading) -> Ids:
        return np.flatnonzero(~reading.vocabulary.masked)[start:stop].astype(np.int32)

    return Predicate(select, f"unmasked tokens {start:,} to {stop:,} by id")


def _by_bytes(test: Callable[[bytes], bool], text: str) -> Predicate:
    def select(reading: Reading) -> Ids:
        vocabulary = reading.vocabulary
        hits = np.fromiter(map(test, vocabulary.token_bytes), np.bool_, len(vocabulary))
        return np.flatnonzero(hits & ~vocabulary.masked).astype(np.int32)

    return Predicate(select, text)


def _partial(reading: Reading) -> Ids:
    vocabulary = reading.vocabulary
    return np.flatnonzero(vocabulary.partial_utf8 & ~vocabulary.masked).astype(np.int32)


def _single(raw: bytes) -> bool:
    return len(raw) == 1


def _continues(raw: bytes) -> bool:
    return bool(raw) and 0x80 <= raw[0] < 0xC0


def _begins(raw: bytes) -> bool:
    r"""Return whether bytes end before their last character does.

    >>> _begins(b"\xe2\x80"), _begins("—".encode()), _begins(b"a")
    (True, False, False)
    """
    for back in range(1, min(4, len(raw)) + 1):
        byte = raw[-back]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back < needed
        if byte < 0x80:
            return False
    return False
