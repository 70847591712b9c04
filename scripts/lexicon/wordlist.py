"""`WordList`: one row of the lexicon."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*\.?")


class WordList(NamedTuple):
    """A token set that is defined by its words.

    An entry that begins with `=` stands for exactly what is written after it; the others for
    themselves with more capitals, or as `case` says.
    """

    name: str
    family: str
    description: str
    source: str
    words: list[str]
    case: str = "raised"


def word_list(
    name: str,
    family: str,
    description: str,
    source: str,
    words: Iterable[str],
    case: str = "raised",
) -> WordList:
    """Return a row of single words, sorted, each once."""
    single = {word for word in words if is_word(word)}
    return WordList(name, family, description, source, sorted(single), case)


def is_word(text: str) -> bool:
    """Return whether a text is one word: letters, with hyphens and apostrophes inside.

    >>> is_word("=Will"), is_word("New York"), is_word("42"), is_word("o'clock")
    (True, False, False, True)
    """
    return _WORD.fullmatch(text.removeprefix("=")) is not None
