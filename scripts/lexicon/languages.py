"""The most frequent words of languages other than English."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.lexicon.sources import STOP_WORDS, unpacked
from scripts.lexicon.wordlist import WordList, word_list


def word_lists(english: frozenset[str]) -> Iterator[WordList]:
    """Yield the stop words of each language that has a list.

    Args:
        english: lower-case English words, which would be read as such (die, war, he); they
            are left out of all languages but English.
    """
    for path in sorted(unpacked(STOP_WORDS).rglob("stop-words/*.txt")):
        language = path.stem
        words = path.read_text(encoding="utf-8").split()
        yield word_list(
            f"language:{language}",
            "language/frequent_words",
            _description(language),
            STOP_WORDS.name,
            [word for word in words if _belongs(word, language, english)],
            case="sentence",
        )


def _belongs(word: str, language: str, english: frozenset[str]) -> bool:
    known = len(word) > 1 and word == word.lower()
    return known and (language == "english" or word not in english)


def _description(language: str) -> str:
    text = f"Words that are frequent in {language.capitalize()} texts"
    return (
        f"{text}."
        if language == "english"
        else f"{text}, without those that are common in English."
    )
