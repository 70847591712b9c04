"""Words people rate as good or bad: VADER's lexicon (Hutto & Gilbert 2014)."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.lexicon.sources import VADER, file
from scripts.lexicon.wordlist import WordList, word_list

_BANDS = {
    "positive": (1.0, 4.0), "negative": (-4.0, -1.0), "very_positive": (2.5, 4.0),
    "very_negative": (-4.0, -2.5),
}  # fmt: skip


def word_lists() -> Iterator[WordList]:
    """Yield the words by their mean rating, from -4 (most negative) to 4."""
    lines = [line.split("\t") for line in file(VADER, "vader_lexicon.txt").read_text().splitlines()]
    rated = {word: float(mean) for word, mean, *_ in lines}
    for name, (low, high) in _BANDS.items():
        yield word_list(
            f"sentiment:{name}",
            "meaning/sentiment",
            f"Words that people rated from {low:g} to {high:g}, of -4 to 4.",
            VADER.name,
            [word for word, mean in rated.items() if low <= mean <= high and len(word) > 2],
        )
