"""The months and days of the week of languages other than English."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.lexicon.sources import CLDR, unpacked
from scripts.lexicon.wordlist import WordList, is_word, word_list

LANGUAGES = {
    "ar": "arabic", "bg": "bulgarian", "ca": "catalan", "cs": "czech", "da": "danish",
    "nl": "dutch", "fi": "finnish", "fr": "french", "de": "german", "el": "greek", "he": "hebrew",
    "hu": "hungarian", "id": "indonesian", "it": "italian", "no": "norwegian",
    "fa": "persian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sk": "slovak", "es": "spanish", "sv": "swedish", "tr": "turkish", "uk": "ukrainian",
}  # fmt: skip
"""CLDR's codes of the languages that put spaces between words, and their names."""

KINDS = {"months": ("months", "Months"), "weekdays": ("days", "Days of the week")}
"""Of each kind, what CLDR calls it, and what it is in a description."""

_FEWEST = 5


def word_lists(english: frozenset[str]) -> Iterator[WordList]:
    """Yield the months of each language, and the days of the week.

    Args:
        english: lower-case English words; what reads as one of them or as an English month or
            day (april, mars) is left out.
    """
    for kind, (key, said) in KINDS.items():
        ours = english | {word.casefold() for word in _names("en", key)}
        found = {
            language: [word for word in _names(code, key) if word.casefold() not in ours]
            for code, language in LANGUAGES.items()
        }
        for language, words in sorted(found.items()):
            if len(words) >= _FEWEST:
                text = f"{said} in {language.capitalize()}; those that English has are left out."
                yield word_list(
                    f"{kind}:{language}", f"language/{kind}", text, CLDR.name, words, "sentence"
                )


def _names(code: str, key: str) -> set[str]:
    """Return the names that a language's Gregorian calendar has, as they stand alone and in dates.

    Names that are cut short are left out: too many read as something else (Sal, Min, gen, mag).
    """
    content = json.loads(_file(code).read_text(encoding="utf-8"))
    calendar: dict[str, Any] = content["main"][code]["dates"]["calendars"]["gregorian"][key]
    names = (
        name for context in ("format", "stand-alone") for name in calendar[context]["wide"].values()
    )
    return {name for name in names if is_word(name) and "’" not in name}


def _file(code: str) -> Path:
    return unpacked(CLDR) / "package" / "main" / code / "ca-gregorian.json"
