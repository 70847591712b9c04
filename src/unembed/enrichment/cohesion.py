"""Do the outermost words of a feature belong together, more than those of a random direction?

The first fifteen distinct words (`tokensets.distinct`) at one end are looked at in the whitened
unembedding, where no token is near another for being frequent. Link two words whose cosine is c or
more: the largest group that links hold together has m(c) words. Cohesion is the mean of m(c) − 1
over c from where unrelated words end (3/√d, three standard deviations of their cosines) to 0.5,
beyond which words are as near as need be, in units of what it is if all are linked throughout.

The outermost tokens of any direction are somewhat near one another, and now and then readable: they
are all on one side of it. So it is held against the same of random directions (`simulate`).
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.compiled import compiled
from unembed.fixed_order import LANES, sum_products
from unembed.products import cholesky, laid_out, lengths, product, solve_lower
from unembed.unembedding import Unembedding
from unembed.workers import on_one_thread, over_rows

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

WORDS = 15
"""Distinct words that are looked at."""
FEWEST = 3
"""Words of a group that is named."""
_NEAR = 0.5
_UNRELATED = 3.0
_LARGEST_LEAST = 0.25
"""In few dimensions many unrelated words are near by chance."""
_MANY = 1024
_AT_ONCE = 64
"""Lists that a thread takes at a time."""
_LISTS, _PARTS = 4, 4
"""Lists that are whitened at once; and parts of the columns of what they are multiplied with, of
which half are zeros."""
_UNSEEN = 1e-6
"""Variance that is added in every direction, by the mean one: LayerNorm leaves one without any."""


class Cohesion(NamedTuple):
    """What was found of S lists of outermost tokens.

    Attributes:
        values: [S] from 0, no two words are linked, to 1.
        tokens: [S, 15] the outermost token of each distinct word, in order, −1 for none.
        grouped: [S, 15] which of them make the group that adds most; none if it has fewer than
            three words.
    """

    values: F64
    tokens: I32
    grouped: Bools


class WordCohesion:
    """The cohesion of words of one unembedding.

    Args:
        unembedding: whose rows say what is near.
        words: [V] the word of each token; those of identical rows are one.
        covariance: of its rows, [d, d].
        device: where many rows are whitened; few are on the CPU, which need not wait for it.
    """

    def __init__(
        self,
        unembedding: Unembedding,
        words: I64,
        covariance: Float[Tensor, "d d"],
        device: torch.device,
    ) -> None:
        self._unembedding = unembedding
        self._words = words
        self._row_of_token = np.full(len(words), -1)
        self._row_of_token[unembedding.token_ids] = np.arange(unembedding.n_tokens)
        self._whitening = whitening(covariance).float()
        self._device = device
        self._least = min(_UNRELATED / unembedding.d_model**0.5, _LARGEST_LEAST)

    def of(self, ids: Int[np.ndarray, "lists k"]) -> Cohesion:
        """Return the cohesion of lists of token ids, each the outermost first.

        Rows are whitened together: last digits of a list's value may depend on what else is asked.
        """
        tokens = self._first(ids)
        distinct, place = np.unique(tokens[tokens >= 0], return_inverse=True)
        rows = np.full(tokens.shape, -1)
        rows[tokens >= 0] = place
        return self._read(tokens, rows, self._units(self._row_of_token[distinct]))

    def each(self, ids: Int[np.ndarray, "lists k"]) -> Cohesion:
        """Return the same, of each list to the last bit what it is if that is asked for alone.

        Always so many rows are whitened at once as four lists may have: how a product adds up
        depends on how many there are.
        """
        tokens = self._first(ids)
        blocks = range(0, len(ids), _LISTS)
        padded = np.zeros((len(blocks) * _LISTS, WORDS), np.int64)
        padded[: len(ids)] = self._row_of_token[np.maximum(tokens, 0)]
        units = np.empty((padded.size, self._unembedding.d_model), np.float32)
        on_one_thread(lambda: self._whiten_blocks(padded.ravel(), units))
        rows = np.where(tokens >= 0, np.arange(tokens.size).reshape(tokens.shape), -1)
        return self._read(tokens, rows, units)

    def _first(self, ids: Int[np.ndarray, "lists k"]) -> I32:
        """[lists, 15] the outermost token of each distinct word, −1 for none."""
        tokens = np.full((len(ids), WORDS), -1, np.int32)
        first_of_words(np.ascontiguousarray(ids), self._words, tokens)
        return tokens

    def _read(self, tokens: I32, rows: I64, units: F32) -> Cohesion:
        """The cohesion of lists of rows of `units`, −1 for none."""
        values, grouped = np.zeros(len(tokens)), np.zeros(tokens.shape, np.bool_)
        over_rows(_read, len(tokens), _AT_ONCE, rows, units, self._least, _NEAR, values, grouped)
        return Cohesion(values / ((WORDS - 1) * (_NEAR - self._least)), tokens, grouped)

    def _units(self, rows: I64) -> F32:
        """Return [·, d] some rows of W_U, whitened, of length 1; those of zeros stay zeros."""
        device = self._device if len(rows) >= _MANY else torch.device("cpu")
        there = self._unembedding.W_U[torch.from_numpy(rows)].to(device)
        return _of_length_1(product(there, self._whitening.to(device)).cpu())

    def _whiten_blocks(self, rows: I64, units: F32) -> None:
        """Fill in [·, d] rows of W_U, whitened, of length 1, so many at a time."""
        for start in range(0, len(rows), _LISTS * WORDS):
            block = slice(start, start + _LISTS * WORDS)
            there = self._unembedding.W_U[torch.from_numpy(rows[block])].cpu()
            whitened = [product(there[:, : len(part)], part) for part in self._parts]
            units[block] = _of_length_1(torch.cat(whitened, 1))

    @cached_property
    def _parts(self) -> list[Float[Tensor, "upper part"]]:
        """Columns of what rows are whitened with, without the zeros below its diagonal."""
        edges = np.linspace(0, len(self._whitening), _PARTS + 1).astype(int).tolist()
        return [laid_out(self._whitening[:stop, start:stop]) for start, stop in pairwise(edges)]


def _of_length_1(rows: Float[Tensor, "rows d"]) -> F32:
    """Return rows divided by their lengths; those of zeros stay zeros."""
    size = lengths(rows)
    size[size == 0] = 1
    units: F32 = (rows / size[:, None]).float().numpy()
    return units


def whitening(covariance: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    """Return a matrix that rows are multiplied with, after which their covariance is the identity.

    Cosines of the products do not depend on which one it is. What is below its diagonal is 0.
    """
    covariance = covariance.cpu().clone()
    covariance.diagonal().add_(_UNSEEN * float(covariance.diagonal().mean()))
    identity = torch.eye(len(covariance), dtype=torch.float64, device="cpu")
    return solve_lower(cholesky(covariance), identity).T


def log10_p(values: F64, null: F64) -> F64:
    """Return log10 of the share of random directions that have such a cohesion, or a larger one.

    (r + 1) / (n + 1), with r of n that reach it: never below what n can show.

    Args:
        values: [S]
        null: [n] that of random directions.
    """
    reach = len(null) - np.searchsorted(np.sort(null), values)
    found: F64 = np.log10((reach + 1) / (len(null) + 1))
    return found


@compiled()
def first_of_words(ids: I32, words: I64, tokens: I32) -> None:
    """Fill in [S, K] the first token of each distinct word of lists [S, k]; the rest is left."""
    for at in range(len(ids)):
        count = 0
        for token in ids[at]:
            if count == tokens.shape[1]:
                break
            known = False
            for other in tokens[at, :count]:
                known |= words[other] == words[token]
            if not known:
                tokens[at, count] = token
                count += 1


@compiled()
def _read(
    first: int, stop: int, rows: I64, units: F32, least: float, near: float, values: F64,
    grouped: Bools,
) -> None:  # fmt: skip
    """Fill in ∫ (m(c) − 1) dc and the group of lists [S, K] of rows, −1 for none."""
    lanes = np.empty(LANES)
    cosines = np.empty((rows.shape[1], rows.shape[1]))
    for at in range(first, stop):
        count = (rows[at] >= 0).sum()
        for i in range(count):
            for j in range(i):
                cosines[i, j] = sum_products(units[rows[at, i]], units[rows[at, j]], lanes)
        values[at] = linked(cosines[:count, :count], least, near, grouped[at])


@compiled()
def linked(cosines: F64, least: float, near: float, grouped: Bools) -> float:
    """Return ∫ (m(c) − 1) dc from `least` to `near`, and fill in which words are the group.

    m(c) is the size of the largest group of words that links of cosine c or more hold together. The
    group is the one with the largest (size − 1) · (c − least), c where its last word joins it.

    Args:
        cosines: [m, m] of words with one another; what is above the diagonal is not read.
        least: where links begin.
        near: beyond which cosines are alike.
        grouped: [m or more] filled in.
    """
    count = len(cosines)
    one, other = np.empty(count * count, np.int64), np.empty(count * count, np.int64)
    pairs = 0
    for i in range(count):
        for j in range(i):
            if cosines[i, j] > least:
                one[pairs], other[pairs] = i, j
                pairs += 1
    by_cosine = np.empty(pairs)
    for pair in range(pairs):
        by_cosine[pair] = -cosines[one[pair], other[pair]]
    group, largest, reached, best, total = np.arange(count), 1, near, 0.0, 0.0
    for pair in np.argsort(by_cosine, kind="mergesort"):
        joins, stays = group[one[pair]], group[other[pair]]
        if joins == stays:
            continue
        at = min(-by_cosine[pair], near)
        size = 0
        for i in range(count):
            if group[i] == joins:
                group[i] = stays
            size += group[i] == stays
        if size > largest:
            total += (reached - at) * (largest - 1)
            largest, reached = size, at
        if size >= FEWEST and (size - 1) * (at - least) > best:
            best = (size - 1) * (at - least)
            grouped[:count] = group == stays
    return total + (reached - least) * (largest - 1)
