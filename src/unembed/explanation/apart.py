"""What sets a feature apart from the nearest of those that carry the same label.

A label that many features carry tells them from all others, but not from one another. What does is
looked for in what a run keeps, among what is more than chance by itself: words whose tokens are
further out than any token of a random direction (`stands_out`), in the feature or in its neighbours
alike; and sets whose p in the feature no set has in a random direction (`least_log10_p`), and that
do not pass in its neighbours.

How large the difference must be: were the feature unrelated to its m neighbours, then its z (of a
token's logit weight, or of the direction test) less the mean of theirs would have a standard
deviation of sqrt(1 + 1/m). Of all N that are compared the largest stays below `noise` in 19 of 20
cases; what does not reach it is not spoken of. Of a token that is not among the outermost, no more
is known than that it lies within the last of these: that is taken for its z.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10, sqrt
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

Kind = Literal["without", "with", "strongest", "set"]
"""The feature lacks a word that its neighbours have; has one that they lack; has it the furthest
out of all that carry the label; or moves a set that they do not."""

NEAREST = 5
"""Neighbours that a feature is held against, at most."""
_ONE_OF = 5
"""Of so many, one may be otherwise."""
_LEVEL = 0.01
_LEVEL_OF_DIFFERENCES = 0.05
_ALMOST = 0.9
_SAME = 0.5


class End(NamedTuple):
    """The outermost tokens of n features at one end, the outermost first.

    Attributes:
        words: [n, k] numbers; the forms of one word (` May`, `MAY`) have the same.
        ids: [n, k] the tokens.
        z: [n, k] how far out each is, in standard deviations of the feature's logit weights; above
            0 also at the lower end.
    """

    words: I64
    ids: I64
    z: F32


class Difference(NamedTuple):
    """What sets a feature apart.

    Attributes:
        kind: see `Kind`.
        what: the token, or the number of the set.
        promotes: whether it is of the upper end, or promoted.
        z: of the feature, above 0 also for what is suppressed; at most that much for `without`.
        others: the mean of its neighbours; at most that much where they lack the word.
    """

    kind: Kind
    what: int
    promotes: bool
    z: float
    others: float

    @property
    def size(self) -> float:
        """How large the difference is, at least; below 0 where nothing is known of it."""
        return self.others - self.z if self.kind == "without" else self.z - self.others


class Compared(NamedTuple):
    """What a feature and its neighbours were compared by.

    Attributes:
        number: of words, or of sets.
        differences: in which they differ, however little.
    """

    number: int
    differences: list[Difference]


def noise(count: int, neighbours: int) -> float:
    """Return what the largest of so many differences from chance stays below, in 19 of 20 cases.

    >>> round(noise(1, 1), 2), round(noise(20, 5), 2)
    (2.77, 3.31)

    Args:
        count: of what is compared.
        neighbours: m, whose mean it is held against.
    """
    return sqrt(1 + 1 / neighbours) * _largest(count, _LEVEL_OF_DIFFERENCES)


def stands_out(n_tokens: int) -> float:
    """Return what the largest |z| of so many tokens stays below in 99 of 100 random directions.

    >>> round(stands_out(50_000), 2)
    5.2
    """
    return _largest(n_tokens, _LEVEL)


def least_log10_p(n_sets: int) -> float:
    """Return what the smallest log10 p of so many sets is above in 99 of 100 random directions.

    >>> round(least_log10_p(10_000), 3)
    -6.0
    """
    return log10(_LEVEL / n_sets)


def _largest(count: int, level: float) -> float:
    return NormalDist().inv_cdf(1 - level / (2 * max(count, 1)))


def apart(neighbours: int, *compared: Compared) -> Difference | None:
    """Return the largest difference beyond noise, the first of equal ones; None if none is.

    One of degree (`strongest`) is spoken of only where no other is.

    Args:
        neighbours: how many there are.
        compared: by words, and by sets.
    """
    least = noise(sum(each.number for each in compared), neighbours)
    beyond = [each for of in compared for each in of.differences if each.size >= least]
    in_kind = [each for each in beyond if each.kind != "strongest"]
    return max(in_kind or beyond, key=lambda each: each.size, default=None)


def by_words(ends: tuple[End, End], own: int, near: Sequence[int], n_tokens: int) -> Compared:
    """Return by which words a feature differs from its neighbours.

    Args:
        ends: the upper and the lower end of all features that carry the label.
        own: the row of the feature in them.
        near: those of its neighbours.
        n_tokens: how many there are, of which the outermost are a choice.
    """
    least, count, found = stands_out(n_tokens), 0, []
    for promotes, end in zip((True, False), ends, strict=True):
        mine, edge = _row(end, own), float(end.z[own, -1])
        shared = {word: of for word, of in _shared(end, near).items() if of[1] >= least}
        proper = {word: of for word, of in mine.items() if of[1] >= least}
        count += len(shared.keys() | proper.keys())
        for word, (token, others) in shared.items():
            if word not in mine:
                found.append(Difference("without", token, promotes, edge, others))
        for word, (token, z) in proper.items():
            others, having = _theirs(end, near, word)
            if having <= len(near) // _ONE_OF:
                found.append(Difference("with", token, promotes, z, others))
            elif _is_most(end, own, word):
                found.append(Difference("strongest", token, promotes, z, others))
    return Compared(count, found)


def by_sets(token_set: I64, z: F32, others: F32, plain: npt.NDArray[np.bool_]) -> Compared:
    """Return by which set a feature differs most from its neighbours.

    Args:
        token_set: [C] those that the feature moves, and none of its neighbours.
        z: [C] of the feature, positive promotes.
        others: [C] the mean z of its neighbours.
        plain: [C] whether a person would name the set so: such a set is spoken of where its
            difference is nine tenths of the largest.
    """
    if not len(token_set):
        return Compared(0, [])
    sign = np.where(z > 0, 1, -1)
    size = sign * (z - others)
    likely = np.flatnonzero(size >= _ALMOST * size.max())
    at = max(likely.tolist(), key=lambda each: (bool(plain[each]), float(size[each]), -each))
    found = Difference(
        "set", int(token_set[at]), bool(z[at] > 0), float(abs(z[at])), float(sign[at] * others[at])
    )
    return Compared(len(token_set), [found])


def says_the_same(common: int, size: int, named: int, n_tokens: int, *, splits: bool) -> bool:
    """Return whether a set has so many tokens in common with a named one that it says the same.

    Half of the smaller of both. What splits the vocabulary has half of nearly any set, so that
    there it is half of all that both have; or that the set and the other side of the split have.

    >>> says_the_same(6, 40, 12, 1000, splits=False), says_the_same(6, 40, 600, 1000, splits=True)
    (True, False)

    Args:
        common: tokens that both have.
        size: of the set.
        named: the size of the named one.
        n_tokens: of the vocabulary.
        splits: whether the label says of the named one that it splits.
    """
    if not splits:
        return common >= _SAME * min(size, named)
    sides = ((common, named), (size - common, n_tokens - named))
    return any(shared >= _SAME * (size + side - shared) for shared, side in sides)


def _row(end: End, row: int) -> dict[int, tuple[int, float]]:
    """Return the words of a feature: the outermost token of each, and its z."""
    found: dict[int, tuple[int, float]] = {}
    columns = (end.words[row].tolist(), end.ids[row].tolist(), end.z[row].tolist())
    for word, token, z in zip(*columns, strict=True):
        found.setdefault(word, (token, z))
    return found


def _shared(end: End, near: Sequence[int]) -> dict[int, tuple[int, float]]:
    """Return the words that (nearly) all neighbours have: a token of each, and the mean z."""
    rows = [_row(end, each) for each in near]
    found = {}
    for word in dict.fromkeys(word for row in rows for word in row):
        having = [row[word] for row in rows if word in row]
        if len(having) >= len(near) - len(near) // _ONE_OF:
            outermost = max(having, key=lambda each: each[1])
            found[word] = (outermost[0], sum(z for _, z in having) / len(having))
    return found


def _theirs(end: End, near: Sequence[int], word: int) -> tuple[float, int]:
    """Return the mean z of a word in neighbours, at most so much, and how many of them have it."""
    has = end.words[near] == word
    z = np.where(has, end.z[near], -np.inf).max(1)
    having = has.any(1)
    return float(np.where(having, z, end.z[near, -1]).mean()), int(having.sum())


def _is_most(end: End, own: int, word: int) -> bool:
    """Return whether a word is further out than in any other feature that carries the label."""
    z = np.where(end.words == word, end.z, -np.inf).max(1)
    return bool(z[own] > np.delete(z, own).max())


def sharing(ends: tuple[End, End], own: int, of: Difference) -> int:
    """Return how many other features that carry the label have, or lack, a word as one does.

    Args:
        ends: of all of them.
        own: the row of the one.
        of: its difference in a word.
    """
    if of.kind == "strongest":
        return 0
    end = ends[0 if of.promotes else 1]
    word = end.words[end.ids == of.what][0]
    alike = (end.words == word).any(1) == (of.kind == "with")
    return int(alike.sum()) - int(alike[own])
