"""What the audit knows of a token: its text and bytes, read without `unembed.tokensets`."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from unembed import Vocabulary

Verdict = bool | None
Says = Callable[["Token"], Verdict]
"""Whether a token must be in a set; None where the statement leaves it open."""


class Token(NamedTuple):
    id: int
    text: str
    word: str

    @property
    def spaced(self) -> bool:
        return self.text != self.word


class Tokens:
    """The unmasked tokens of a vocabulary that have a text, and all tokens by their bytes.

    Those with a character that this Python does not know are left out: nothing tells what it is.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.read: list[Token] = []
        self.unknown: set[int] = set()
        self.raw: dict[int, bytes] = {}
        self._pieces: dict[tuple[int, int], defaultdict[str, list[Token]]] = {}
        for index, raw in enumerate(vocabulary.token_bytes):
            if vocabulary.special[index] or vocabulary.unused[index]:
                continue
            self.raw[index] = raw
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                continue
            if len(text) > 1_000 or any(unicodedata.category(each) == "Cn" for each in text):
                self.unknown.add(index)
            else:
                self.read.append(Token(index, text, text[1:] if text[:1] == " " else text))

    @cached_property
    def by_text(self) -> dict[str, int]:
        """Text → id; where two tokens write the same, the first."""
        found: dict[str, int] = {}
        for token in self.read:
            found.setdefault(token.text, token.id)
        return found

    @cached_property
    def by_word(self) -> dict[str, list[Token]]:
        found = defaultdict(list)
        for token in self.read:
            found[token.word].append(token)
        return dict(found)

    @cached_property
    def by_folded(self) -> dict[str, list[Token]]:
        found = defaultdict(list)
        for token in self.read:
            found[token.word.casefold()].append(token)
        return dict(found)

    @cached_property
    def spelled(self) -> list[tuple[Token, str]]:
        """The tokens of letters alone, with A to Z made small; ß, İ and K stay what they are."""
        return [
            (token, "".join(c.lower() if c.isascii() else c for c in token.word))
            for token in self.read
            if token.word and all(unicodedata.category(c)[0] == "L" for c in token.word)
        ]

    def begun(self, letters: str) -> list[Token]:
        """Those of letters alone that begin so."""
        return self._by_piece(len(letters), 0).get(letters, [])

    def ended(self, letters: str) -> list[Token]:
        """Those of letters alone that end so."""
        return self._by_piece(len(letters), -len(letters)).get(letters, [])

    def _by_piece(self, n: int, start: int) -> dict[str, list[Token]]:
        """By so many letters at one end; kept, since hundreds of sets ask for theirs."""
        if (n, start) not in self._pieces:
            found = self._pieces[n, start] = defaultdict(list)
            for token, word in self.spelled:
                found[word[start:] if start else word[:n]].append(token)
        return self._pieces[n, start]

    @cached_property
    def after_a_space(self) -> set[str]:
        """The words that some token writes with a space before them, in folded case."""
        return {token.word.casefold() for token in self.read if token.spaced}
