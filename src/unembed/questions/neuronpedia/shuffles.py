"""Explanations dealt out anew: how often any of them would have spoken of a feature's tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]


def chances(words: Sequence[Sequence[int]], spoken: Sequence[set[int]]) -> F64:
    """Return [F] the share of all explanations that share a word with each feature.

    It is the chance that a feature agrees when explanations are dealt out anew: each feature gets
    each with the same probability, its own too.

    Args:
        words: [E] the numbers of each explanation's words.
        spoken: [F] the numbers of the words that each feature speaks of.
    """
    holding: dict[int, list[int]] = {}
    for place, numbers in enumerate(words):
        for number in numbers:
            holding.setdefault(number, []).append(place)
    postings = {number: np.asarray(places, np.int64) for number, places in holding.items()}
    found = np.zeros(len(spoken))
    for place, heard in enumerate(spoken):
        hit = [postings[number] for number in heard if number in postings]
        if hit:
            found[place] = len(np.unique(np.concatenate(hit))) / len(words)
    return found


class Dealing:
    """Which features would agree if explanations were dealt out in another order.

    Args:
        words: [F] the numbers of each explanation's words.
        spoken: [F] the numbers of the words that each feature speaks of.
    """

    def __init__(self, words: Sequence[Sequence[int]], spoken: Sequence[set[int]]) -> None:
        self._count = len(words)
        self._lengths = np.asarray([len(numbers) for numbers in words], np.int64)
        self._words = np.asarray([each for numbers in words for each in numbers], np.int64)
        self._base = int(self._words.max(initial=0)) + 1
        keys = [
            place * self._base + each for place, numbers in enumerate(spoken) for each in numbers
        ]
        self._keys = np.unique(np.asarray(keys, np.int64))

    def agreeing(self, order: I64) -> Bools:
        """Return [F] whether each feature shares a word with the explanation that it is given.

        Args:
            order: of each explanation, the feature that it is given to.
        """
        found = np.zeros(self._count, np.bool_)
        if not len(self._words) or not len(self._keys):
            return found
        given = np.repeat(order, self._lengths)
        wanted = given * self._base + self._words
        at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        found[given[self._keys[at] == wanted]] = True
        return found
