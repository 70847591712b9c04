"""A feature's own words: what is said of one that no known set fits.

Where the outermost words of a heavy tail belong together more than those of 99.5 % of the bank's
random directions (`enrichment.cohesion`), they are the label. One random direction in a hundred has
a heavy tail, and of these hardly more have such words than of others. Features without are not
asked: none of the demo's passes at a false discovery rate of 10 %.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.enrichment.cohesion import WordCohesion, log10_p
from unembed.explanation.explanation import NOT_ASKED, Ends, OwnWords
from unembed.numerals import power
from unembed.outside.text import quoted
from unembed.sweep import FeatureStatistics
from unembed.vocabulary import Vocabulary

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

MAX_P = 0.005
"""Chance that the words of a random direction are its own; of both its ends, where both count."""
SHAPED: dict[str, tuple[bool, bool]] = {
    "prediction": (True, False),
    "suppression": (False, True),
    "two-sided": (True, True),
}
"""Classes whose words are asked for, and whether those at the top, and those at the bottom."""
_MOST_NAMED = 5


class OwnWordsTest:
    """The test of a bank's features.

    Args:
        cohesion: of the unembedding's words.
        null: [n] the cohesion of the bank's random directions.
        vocabulary: that has the words.
    """

    def __init__(self, cohesion: WordCohesion, null: F64, vocabulary: Vocabulary) -> None:
        self._cohesion = cohesion
        self._null = np.sort(null)
        self._texts = vocabulary.texts

    def read(
        self,
        statistics: FeatureStatistics,
        classes: npt.NDArray[np.str_],
        silent: npt.NDArray[np.bool_],
    ) -> list[Ends]:
        """Return the words of each feature that is silent, and of a class that is asked.

        Args:
            statistics: of the features.
            classes: [F]
            silent: [F] which have no known set.
        """
        found = [NOT_ASKED] * len(classes)
        for at in np.flatnonzero(silent & np.isin(classes, [*SHAPED])) if len(self._null) else ():
            asked = SHAPED[str(classes[at])]
            outermost = statistics.top_ids[at], statistics.bottom_ids[at]
            top, bottom = (
                self._of(ids, MAX_P / sum(asked)) if wanted else None
                for ids, wanted in zip(outermost, asked, strict=True)
            )
            found[at] = top, bottom
        return found

    def _of(self, ids: I32, max_p: float) -> OwnWords:
        """Return the words of one list: asked alone, lest digits depend on what is beside it."""
        found = self._cohesion.of(ids[None])
        chance = float(log10_p(found.values, self._null)[0])
        words = [self._texts[token] for token in found.tokens[0][found.grouped[0]]]
        return OwnWords(chance, words, bool(words) and chance <= np.log10(max_p))


def own_label(ends: Ends) -> str | None:
    """Return the label that says a feature's own words, None where they are not told.

    >>> own_label((OwnWords(-4.0, [" data", " information", " info"], True), None))
    'its own words: promotes data / information / info (cohesion p 1.0e-4)'
    """
    said = [
        f"{verb} {' / '.join(map(_said, words.words[:_MOST_NAMED]))} "
        f"(cohesion p {power(words.log10_p)})"
        for verb, words in zip(("promotes", "suppresses"), ends, strict=True)
        if words and words.passes
    ]
    return f"its own words: {'; '.join(said)}" if said else None


def _said(text: str) -> str:
    """Return a token as a word in a list, in quotes where it would not be seen as one."""
    word = text.removeprefix(" ")
    return word if word.isprintable() and word.split() == [word] else quoted(text)
