"""The direction test: does a feature shift a token set more than a random direction would?

Our primary test. The standardised shift t = δ·w / sqrt(wᵀΣw) says how many standard deviations of
the feature's logit weights a set's mean lies from the vocabulary's; z = t / sd(t) is that in units
of what random directions do, and its p-value is exact (`direction_null`). Two thin products, never
[F, V].
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.enrichment.direction_null import DirectionNull
from unembed.enrichment.discovery_rate import DiscoveryRate, log10_q
from unembed.enrichment.effects import Effects, Testable, effects_of
from unembed.enrichment.lookup import critical_values, log10_p_of_pairs, log10_p_values
from unembed.enrichment.second_moment import SecondMoment
from unembed.enrichment.tails import Tails
from unembed.features import Features, check_width, held_against
from unembed.products import product
from unembed.progress import Progress, Report, report_of, silent
from unembed.sweep import Sweep, SweepSettings
from unembed.sweep.device import enough_memory
from unembed.sweep.settings import AUTO
from unembed.unembedding import Unembedding

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_FEATURES_AT_ONCE = 2048
_NOTHING = 1e-6
"""z of a feature that writes nothing is 0, and no pair of its own ever passes."""

Null = SecondMoment | Features | Literal["bank", "identity"]
"""What random directions are like: a bank, the bank itself, all dimensions alike, or a given M."""


class Scores(NamedTuple):
    """What the direction test says of F features and S sets.

    A flat feature (a row of zeros) and a set that cannot be tested have z = 0, log10_p = 0, q = 1,
    and do not count among the tested pairs.

    Attributes:
        z: [F, S] float32; positive promotes, negative suppresses.
        log10_p: [F, S] float32, two-sided.
        q: [F, S] float32, Benjamini and Hochberg's over all pairs.
    """

    z: Float[np.ndarray, "features sets"]
    log10_p: Float[np.ndarray, "features sets"]
    q: Float[np.ndarray, "features sets"]


class DirectionTest:
    """The test of S effects against one null, ready for any number of features.

    Args:
        sweep: of the unembedding: it scales features to logit weights of standard deviation 1.
        effects: what is tested.
        moment: what random directions are like.
        null: what is known of them already (`of`).
    """

    def __init__(
        self,
        sweep: Sweep,
        effects: Effects,
        moment: SecondMoment,
        null: DirectionNull | None = None,
    ) -> None:
        self.sweep = sweep
        self.moment = moment
        self._null = null or DirectionNull(sweep.covariance, moment)
        self.effects = effects
        self.testable = effects.testable
        delta = effects.delta[self.testable]
        self._seen = self._null.seen_part(delta)
        self.sd = np.zeros(len(effects))
        self.sd[self.testable] = self._null.sd(self._seen)
        scaled = np.zeros(effects.delta.shape, np.float32)
        scaled[self.testable] = delta / self.sd[self.testable, None]
        self._scaled = torch.from_numpy(scaled).to(sweep.device)
        self._columns = np.where(self.testable, np.cumsum(self.testable) - 1, -1)

    @cached_property
    def tails(self) -> Tails:
        """The tail probabilities of every testable set, in float32."""
        return self._null.tails(self._seen, self.sd[self.testable]).single()

    @cached_property
    def coordinates(self) -> F32:
        """[S, d_model] a unit vector for each set; their dot products are correlations of z.

        So do random directions move sets together. Zeros for sets that cannot be tested.
        """
        found = np.zeros(self.effects.delta.shape, np.float32)
        in_sd = self._seen / self.sd[self.testable, None]
        found[self.testable] = self._null.coordinates(in_sd)
        return found

    def of(self, effects: Effects) -> DirectionTest:
        """Return the test of other effects against the same null, of which nothing is made anew."""
        return DirectionTest(self.sweep, effects, self.moment, self._null)

    def coordinates_of_tokens(self, rows: I64) -> F64:
        """Return [K, d_model] the same of single rows of W_U, of the length of their t's sd."""
        W_U = self.sweep.unembedding.W_U[torch.from_numpy(rows)]
        return self._null.coordinates(self._null.seen_part(W_U.double().numpy()))

    def critical(self, log10_p: float) -> F32:
        """Return [S] the |z| from which a pair's log10 p may be this low, found in the tables.

        At most a ten-thousandth below where it is: p falls with |z|. Infinite for sets that cannot
        be tested, and where no z comes to that.
        """
        found = np.full(len(self.effects), np.inf, np.float32)
        of_testable = np.empty(np.count_nonzero(self.testable), np.float32)
        critical_values(log10_p, *self.tails, of_testable)
        found[self.testable] = np.maximum(of_testable, _NOTHING)
        return found

    def critical_of(self, log10_p: float, sets: I64) -> F32:
        """Return the same of some testable sets, making tables of them alone."""
        tails = self._null.tails(self._seen[self._columns[sets]], self.sd[sets]).single()
        found = np.empty(len(sets), np.float32)
        critical_values(log10_p, *tails, found)
        return np.maximum(found, np.float32(_NOTHING))

    def z_of_sets(self, token_sets: I64, log10_p: F64) -> F64:
        """Return about the |z| at which each of some testable sets [P] has a log10 p [P]."""
        columns = self._columns[token_sets]
        rows = zip(self.tails.z[columns], self.tails.log10_p[columns], log10_p, strict=True)
        return np.array([np.interp(-wanted, -p, z) for z, p, wanted in rows])

    def log10_p_of_sets(
        self, token_sets: npt.NDArray[np.int64], z: npt.NDArray[np.floating]
    ) -> F32:
        """Return log10 p of single pairs: z [P] of the sets with these numbers [P]."""
        out = np.zeros(len(z), np.float32)
        log10_p_of_pairs(z.astype(np.float32), self._columns[token_sets], *self.tails, out)
        return out

    def log10_p_of(
        self,
        token_sets: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float64],
        z: npt.NDArray[np.float64],
    ) -> F32:
        """Return log10 p of z [P], each of a combination of sets, such as a partial effect.

        Args:
            token_sets: [P, C] numbers of the sets that are combined.
            weights: [P, C] how much of each, in its own sd: 0 where fewer are combined (of any
                set), but no combination is zero.
            z: [P] the combinations' t, in standard deviations over random directions.
        """
        seen, sd = np.zeros((len(z), self._seen.shape[1])), self.sd[self.testable, None]
        for column, weight in zip(self._columns[token_sets].T, weights.T, strict=True):
            seen += weight[:, None] * (self._seen[column] / sd[column])
        out = np.empty(len(z), np.float32)
        tails = self._null.tails_around(seen, z).single()
        log10_p_of_pairs(z.astype(np.float32), np.arange(len(z)), *tails, out)
        return out

    @property
    def variance_inflation(self) -> npt.NDArray[np.float64]:
        """[S] VIF: the variance of t over random directions, by that over random sets of tokens.

        Random sets of m of n tokens have variance (n − m) / (m (n − 1)); the classical test takes
        it for granted. 0 where there is no set.
        """
        n, m = self.sweep.unembedding.n_tokens, self.effects.sizes
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((m > 0) & (m < n), self.sd**2 * m * (n - 1) / (n - m), 0.0)

    def z(self, standardised: Float[Tensor, "features d_model"]) -> F32:
        """Return [B, S] z of features that `Sweep.standardised` scaled."""
        return self.z_there(standardised).cpu().numpy()

    def z_there(
        self, standardised: Float[Tensor, "features d_model"], sets: I64 | None = None
    ) -> Float[Tensor, "features sets"]:
        """Return the same on the sweep's device, of all sets or of some."""
        scaled = self._scaled
        if sets is not None:
            scaled = scaled[torch.from_numpy(sets).to(scaled.device)]
        return product(standardised, scaled.T)

    def log10_p(self, z: Float[np.ndarray, "features sets"]) -> F32:
        """Return [B, S] two-sided log10 p of z, 0 for sets that cannot be tested."""
        out = np.empty(z.shape, np.float32)
        log10_p_values(np.ascontiguousarray(z), self._columns, *self.tails, out)
        return out


def direction_test(
    features: Features,
    unembedding: Unembedding,
    token_sets: Testable,
    *,
    null: Null = "bank",
    device: str = AUTO,
    progress: Progress = silent,
) -> Scores:
    """Return z, log10 p and q of every feature and set.

    >>> scores = direction_test(features, unembedding, token_sets)  # doctest: +SKIP
    >>> scores.z[7], scores.log10_p[7], scores.q[7]  # doctest: +SKIP

    Args:
        features: the bank that is tested.
        unembedding: of the model that it writes to; with its embedding for what features read.
        token_sets: `TokenSets`; a sequence of `Contrast`; or a mapping of names to properties, one
            value a token (see `effects_of`).
        null: what random directions are like: the bank itself, another bank (`--null-bank`), the
            identity, or a `SecondMoment`.
        device: a torch device for the products; `auto` is a GPU where torch sees one.
        progress: told how many features are tested so far, and how many there are.

    Raises:
        ShapeError: when widths do not agree.
        TokenSetError: when the sets are of another vocabulary.
    """
    unembedding = held_against(features, unembedding)
    check_width(features, unembedding)
    sweep = Sweep(unembedding, SweepSettings(device=device))
    moment = second_moment(null, features, unembedding)
    with enough_memory(sweep.device):
        test = DirectionTest(sweep, effects_of(token_sets, unembedding), moment)
        return _scores(test, features.W_dec, report_of(progress, "Direction test"))


def _scores(
    test: DirectionTest, W_dec: Float[Tensor, "features d_model"], report: Report
) -> Scores:
    z = np.empty((len(W_dec), len(test.effects)), np.float32)
    log10_p, rate = np.empty_like(z), DiscoveryRate()
    for start in range(0, len(W_dec), _FEATURES_AT_ONCE):
        part = slice(start, start + _FEATURES_AT_ONCE)
        rows = test.sweep.standardised(W_dec[part])
        z[part] = test.z(rows.scaled)
        log10_p[part] = test.log10_p(z[part])
        rate.add(log10_p[part][rows.std > 0], test.testable)
        report(start + len(rows.std), len(W_dec))
    return Scores(z, log10_p, 10 ** log10_q(log10_p, rate.curve()))


def second_moment(
    null: Null,
    bank: Features,
    unembedding: Unembedding,
) -> SecondMoment:
    """Return the M that `null` names, for features of a bank.

    Of a bank that is read through a lens, random directions are drawn in its own layer, and taken
    to the last one as its features are.

    Raises:
        ShapeError: when the null's bank is not as wide as the unembedding.
    """
    if isinstance(null, SecondMoment):
        return null
    if null == "identity":
        moment = SecondMoment.identity(unembedding.d_model)
    else:
        chosen = bank if null == "bank" else null
        check_width(chosen, unembedding)
        if chosen is bank or bank.lens is None:
            return SecondMoment.of(chosen)
        moment = SecondMoment.of(chosen.before or chosen)
    return moment if bank.lens is None else moment.through(bank.lens)
