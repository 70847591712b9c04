r"""`Reading`: the tokens of a vocabulary as words, so that one definition serves every tokenizer.

A token's *word* is its text without one leading space: " May" and "May" both read as `May`,
"\n\n" reads as itself, and a token of three spaces reads as two. Masked tokens are not read,
nor are tokens whose bytes are only a part of some character: they have no text. Nor are tokens of
more than a thousand characters, which are no words, and on which some patterns would take forever.
"""

from __future__ import annotations

import sys
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from string import ascii_lowercase, ascii_uppercase
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.outside.limits import LONGEST_WORD
from unembed.tokensets.token_sets import Ids
from unembed.vocabulary import BoolArray, Vocabulary

Space = Literal["whole", "any", "required", "forbidden"]
"""Which tokens stand for a word. `required`: those with a leading space; `forbidden`: those
without; `any`: both; `whole`: those that are surely the word, with a leading space, or without one
if the vocabulary has the word with one too, in any case. (In GPT-2 "tern" is a piece of "pattern"
and no bird: there is no " tern". Digits, punctuation and clitics need no space.)"""


_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)
_MANY = 1_000
"""Fewer words may happen to have no capital."""


class Reading:
    """What the unmasked tokens of a vocabulary read as.

    Attributes:
        vocabulary: the vocabulary.
        ids: [N] int32 the tokens that are read, ascending.
        texts: N texts.
        spaced: [N] whether the text begins with a space.
        words: N texts without that space.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        readable = np.flatnonzero(~(vocabulary.masked | vocabulary.partial_utf8))
        texts = vocabulary.texts
        short = (len(texts[token]) <= LONGEST_WORD for token in readable)
        self.ids: Ids = readable[np.fromiter(short, np.bool_, len(readable))].astype(np.int32)
        self.texts: list[str] = [vocabulary.texts[token] for token in self.ids]
        self.spaced: BoolArray = np.fromiter(
            (text.startswith(" ") for text in self.texts), np.bool_, len(self.texts)
        )
        self.words: list[str] = [text.removeprefix(" ") for text in self.texts]

    @cached_property
    def ids_of_word(self) -> dict[str, list[int]]:
        """Each word → the tokens that read so, with and without a leading space."""
        found: dict[str, list[int]] = {}
        for token, word in zip(self.ids.tolist(), self.words, strict=True):
            found.setdefault(word, []).append(token)
        return found

    @cached_property
    def spellings(self) -> dict[str, list[str]]:
        """Each word in folded case → the words of the vocabulary that differ in case alone."""
        found: dict[str, list[str]] = {}
        for word in self.ids_of_word:
            found.setdefault(word.casefold(), []).append(word)
        return found

    @cached_property
    def uncased(self) -> bool:
        """Whether the tokenizer writes capitals small, as that of an uncased BERT.

        None of its words has a capital, and they are more than would do so by chance.
        """
        return len(self.words) >= _MANY and not any(word != word.lower() for word in self.words)

    @cached_property
    def is_spaced(self) -> BoolArray:
        """[V] whether a token begins with a space."""
        flags = np.zeros(len(self.vocabulary), np.bool_)
        flags[self.ids] = self.spaced
        return flags

    def tokens_of(self, words: Iterable[str], space: Space = "any") -> Ids:
        """Return the tokens that read as any of the words exactly."""
        known = self.ids_of_word
        ids = np.array([token for word in words for token in known.get(word, ())], np.int32)
        return self.with_space(np.unique(ids), space)

    def fitting(self, word: str, space: Space) -> Sequence[int]:
        """Return those tokens that read as a word whose leading space is as wanted."""
        tokens = self.ids_of_word.get(word, ())
        if space == "any":
            return tokens
        if space == "whole":
            return tokens if self.is_whole(word) else ()
        return [token for token in tokens if self.is_spaced[token] == (space == "required")]

    def is_whole(self, word: str) -> bool:
        """Return whether some token is this word with a leading space, or needs none."""
        return not word.isalpha() or word.casefold() in self._spaced_words or not self._spaced_words

    @cached_property
    def _spaced_words(self) -> frozenset[str]:
        """The words of letters that have a token with a leading space, in folded case."""
        words = zip(self.words, self.spaced, strict=True)
        return frozenset(word.casefold() for word, spaced in words if spaced and word.isalpha())

    def with_space(self, ids: Ids, space: Space) -> Ids:
        """Return those of the tokens whose leading space is as wanted."""
        if space == "any":
            return ids
        if space == "whole":
            texts = self.vocabulary.texts
            whole = (self.is_whole(texts[token].removeprefix(" ")) for token in ids)
            return ids[np.fromiter(whole, np.bool_, len(ids))]
        fits: BoolArray = self.is_spaced[ids] == (space == "required")
        return ids[fits]

    def where(self, flags: BoolArray) -> Ids:
        """Return the ids of the read tokens that are flagged.

        Args:
            flags: [N], in the order of `ids`.
        """
        found: Ids = self.ids[flags]
        return found

    def matching(self, test: Callable[[str], object], *, whole: bool = False) -> Ids:
        """Return the tokens whose word, or with `whole` whose text, passes a test.

        Each distinct word is tested once.
        """
        if whole:
            return self.where(np.fromiter((bool(test(text)) for text in self.texts), np.bool_))
        return self.tokens_of(filter(test, self.ids_of_word))

    def spelled(self, pattern: str, space: Space | Literal["kept"]) -> Ids:
        r"""Return the tokens whose word is, as a whole, what a pattern of Unicode classes says.

        Args:
            pattern: a regular expression of Rust's `regex`, such as `\p{Lu}\p{Ll}+`.
            space: which of them; with `kept` the pattern is fitted to the whole text.
        """
        seen = self._texts if space == "kept" else self._words
        found = self.where(seen.str.contains(rf"(?s)\A(?:{pattern})\z").to_numpy())
        return found if space == "kept" else self.with_space(found, space)

    @cached_property
    def _words(self) -> pl.Series:
        return pl.Series(self.words, dtype=pl.String)

    @cached_property
    def _texts(self) -> pl.Series:
        return pl.Series(self.texts, dtype=pl.String)

    def beginning_with(self, letters: str) -> list[str]:
        """Return the words of letters alone that begin with letters a to z, in either case."""
        return self._between(self._by_beginning, letters.lower())

    def ending_with(self, letters: str) -> list[str]:
        """Return the words of letters alone that end with letters a to z, in either case."""
        return self._between(self._by_ending, letters.lower()[::-1])

    @cached_property
    def _by_beginning(self) -> list[tuple[str, str]]:
        """Words of letters alone, each after itself with A to Z made small, in order of that.

        Folding case would make ss of ß, and i and a dot of İ.
        """
        words = filter(str.isalpha, self.ids_of_word)
        return sorted((word.translate(_SMALL), word) for word in words)

    @cached_property
    def _by_ending(self) -> list[tuple[str, str]]:
        """The same by the letters in reverse."""
        return sorted((folded[::-1], word) for folded, word in self._by_beginning)

    @staticmethod
    def _between(words: list[tuple[str, str]], letters: str) -> list[str]:
        start = bisect_left(words, (letters,))
        stop = bisect_left(words, (letters + chr(sys.maxunicode),))
        return [word for _, word in words[start:stop]]

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """[N] the number of characters of each word."""
        return np.fromiter(map(len, self.words), np.int64, len(self.words))

    @cached_property
    def _code_points(self) -> npt.NDArray[np.uint32]:
        """The code points of all words, one word after another."""
        return np.frombuffer("".join(self.words).encode("utf-32-le"), np.uint32)

    @cached_property
    def _alphabet(self) -> tuple[pl.Series, npt.NDArray[np.int64]]:
        """The distinct characters of all words, and for each code point which one it is."""
        points, positions = np.unique(self._code_points, return_inverse=True)
        return pl.Series([chr(point) for point in points], dtype=pl.String), positions

    def with_characters(self, class_: str, how: Literal["all", "any"]) -> Ids:
        r"""Return the tokens of whose word all, or any, characters are of a class.

        Args:
            class_: a character class of Unicode regular expressions (UTS #18), such as
                `\p{Greek}`, `\p{Lu}` or `[α-ω]`.
            how: `all` of at least one character, or `any`.
        """
        alphabet, positions = self._alphabet
        hit = alphabet.str.contains(rf"\A(?:{class_})\z").to_numpy()[positions]
        counts = np.concatenate([[0], np.cumsum(hit)])
        ends = np.cumsum(self.lengths)
        hits = counts[ends] - counts[ends - self.lengths]
        enough = hits > 0 if how == "any" else (hits == self.lengths) & (hits > 0)
        return self.where(enough)


def is_mark(character: str) -> bool:
    """Return whether a character is punctuation or a symbol.

    >>> is_mark("—"), is_mark("$"), is_mark("a"), is_mark(" ")
    (True, True, False, False)
    """
    return unicodedata.category(character)[0] in "PS"
