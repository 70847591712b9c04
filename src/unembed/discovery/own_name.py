"""The words of a module that make a name which a person would read as one, if there are such."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from functools import cache

from unembed.tokensets.collections.lexicon import dictionary
from unembed.tokensets.reading import Reading

N_NAMING = 3
"""Words of a name."""
_STEM = 4
"""Words that begin with the same four letters tell one thing: dental, dentist."""
_SHORTEST = 3
_ENDS = 3
"""Words that begin, or end, with the same three letters are spelled alike."""
_SPELLED = 0.5
_UNSPACED = "Lo"
"""Letters of scripts that mostly write no spaces, and have no capitals."""


def naming_words(words: Sequence[str], reading: Reading) -> list[str]:
    """Return those of a module's words that can name it: whole ones, of each stem the first.

    Args:
        words: of a module, no two of them forms of one, the most typical first.
        reading: of their vocabulary.
    """
    found: dict[str, str] = {}
    for word in words:
        if is_whole(word, reading):
            found.setdefault(word[:_STEM], word)
    return list(found.values())


def unnameable(words: Sequence[str], naming: Sequence[str], reading: Reading) -> str:
    """Return why a module has no name; nothing where it has one.

    Args:
        words: of the module, as for `naming_words`.
        naming: those that can name it.
        reading: of their vocabulary.
    """
    if 2 * sum(is_whole(word, reading) for word in words) < len(words):
        return "pieces of words, numbers or marks"
    if len(naming) < N_NAMING:
        return f"{len(naming)} words of different stems, fewer than {N_NAMING}"
    return "words that are spelled alike" if spelled_alike(naming) else ""


def is_whole(word: str, reading: Reading) -> bool:
    """Return whether a word has letters only, a token that is all of it, and is no piece."""
    if len(word) < 2 or not word.isalpha():
        return False
    if all(unicodedata.category(letter) == _UNSPACED for letter in word):
        return True
    if len(word) < _SHORTEST:
        return False
    return not begins_a_word(word) and any(map(reading.is_whole, reading.spellings.get(word, ())))


def begins_a_word(word: str) -> bool:
    """Return whether letters are no English word, but the beginning of one.

    >>> begins_a_word("meticul"), begins_a_word("meticulous"), begins_a_word("schneider")
    (True, False, False)
    """
    words = _sorted()
    after = bisect_right(words, word)
    return word not in dictionary() and after < len(words) and words[after].startswith(word)


@cache
def _sorted() -> list[str]:
    return sorted(dictionary())


def spelled_alike(words: Sequence[str]) -> bool:
    """Return whether half of the words begin, or end, with the same three letters.

    >>> spelled_alike(["nation", "ration", "zoo", "tree"])
    True
    >>> spelled_alike(["poetry", "novel", "verse", "rhyme"])
    False
    """
    begins = Counter(word[:_ENDS] for word in words)
    ends = Counter(word[-_ENDS:] for word in words)
    most = max(*begins.values(), *ends.values())
    return most > 1 and most >= _SPELLED * len(words)
