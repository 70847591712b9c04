"""The null of ES over directions, which has no closed form, as a run keeps and reads it.

What random directions do to ES gives normalised scores (NES) and p-values; what they do to skewness
and kurtosis is the envelope that a shaped feature leaves; and what they do to z checks the
direction test's closed form on the user's own data. `direction_simulation` makes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SimulatedNull:
    """What N random directions do to S token sets.

    Attributes:
        std, skewness, kurtosis: [K] of the logit weights of the directions, and of mixtures of them
            (`sweep.mixtures`), which old runs have not.
        left_tail, right_tail: [K] the kurtosis of each tail (`sweep.statistics.Moments`).
        z_sd: [S] the standard deviation of z; 1 where the closed form holds.
        z_beyond: [S] the share of directions with direction-test p below 1 %.
        means: [2, S] mean |ES| of the directions with positive and with negative ES, which are
            alike but in old runs; NaN where there is none, or the set was not read.
        es: [2, S, K] |ES| of each sign at the knots of its p-value, rising; NaN likewise.
        log10_p: [2, S, K] log10 of the share of that sign's directions beyond each knot.
        cohesion: [N, 2] of the top and the bottom words of each direction (`enrichment.cohesion`);
            none in old runs.
    Means, knots and log10 p have no sets where TSEA was left out.
    """

    std: F64
    skewness: F64
    kurtosis: F64
    left_tail: F64
    right_tail: F64
    z_sd: F64
    z_beyond: F64
    means: F64
    es: F32
    log10_p: F32
    cohesion: F64 = field(default_factory=lambda: np.empty((0, 2)))

    def normalised(self, es: F64, sets: I64) -> F64:
        """Return NES = ES / mean |null ES| of the same sign, of pairs.

        Args:
            es: [pairs] ES.
            sets: [pairs] which set each is of.
        """
        normalised: F64 = es / self.means[(es < 0).astype(np.int64), sets]
        return normalised

    def p_values(self, es: F64, sets: I64) -> F64:
        """Return log10 p of pairs: the share of directions with the same sign that reach |ES|.

        From the directions themselves, and beyond the outermost tenth of them from a generalised
        Pareto tail. ES saturates at ±1 for small sets, so that it may say little where z does.
        """
        out = np.zeros(len(es))
        sign = (es < 0).astype(np.int64)
        order = np.lexsort((sets, sign))
        groups = np.flatnonzero(np.diff(sign[order] * (sets.max(initial=0) + 1) + sets[order])) + 1
        for pairs in np.split(order, groups) if len(order) else ():
            of = (sign[pairs[0]], sets[pairs[0]])
            out[pairs] = np.interp(np.abs(es[pairs]), self.es[of], self.log10_p[of])
        return out


def no_scores() -> tuple[F64, F32, F32]:
    """Return means, knots and log10 p of no sets."""
    knots = np.zeros((2, 0, 0), np.float32)
    return np.zeros((2, 0)), knots, knots
