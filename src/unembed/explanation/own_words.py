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
from unembed.explanation.names import WRITES, Verbs
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
        heavy = [SHAPED.get(each, (False, False)) for each in classes.tolist()]
        asked = np.array(heavy, bool).reshape(-1, 2) & silent[:, None] & (len(self._null) > 0)
        feature, end = np.nonzero(asked)
        if len(feature):
            ids = np.stack([statistics.top_ids[feature], statistics.bottom_ids[feature]])
            told = self._of(ids[end, np.arange(len(end))], MAX_P / asked[feature].sum(1))
            for at, of, words in zip(feature.tolist(), end.tolist(), told, strict=True):
                found[at] = (found[at][0], words) if of else (words, found[at][1])
        return found

    def _of(self, ids: I32, max_p: F64) -> list[OwnWords]:
        """Return the words of lists, each told where its p is so low."""
        found = self._cohesion.each(ids)
        chances, least = log10_p(found.values, self._null), np.log10(max_p)
        told = []
        for tokens, grouped, chance, most in zip(
            found.tokens, found.grouped, chances.tolist(), least.tolist(), strict=True
        ):
            words = [self._texts[token] for token in tokens[grouped].tolist()]
            told.append(OwnWords(chance, words, bool(words) and chance <= most))
        return told


def own_label(ends: Ends, verbs: Verbs = WRITES) -> str | None:
    """Return the label that says a feature's own words, None where they are not told.

    >>> own_label((OwnWords(-4.0, [" data", " information", " info"], True), None))
    'its own words: promotes data / information / info (cohesion p 1.0e-4)'
    """
    said = [
        f"{verb} {' / '.join(map(_said, words.words[:_MOST_NAMED]))} "
        f"(cohesion p {power(words.log10_p)})"
        for (verb, _), words in zip((verbs[1], verbs[-1]), ends, strict=True)
        if words and words.passes
    ]
    return f"its own words: {'; '.join(said)}" if said else None


def _said(text: str) -> str:
    """Return a token as a word in a list, in quotes where it would not be seen as one."""
    word = text.removeprefix(" ")
    return word if word.isprintable() and word.split() == [word] else quoted(text)
