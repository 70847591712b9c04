"""Classes of features: prediction, suppression and partition, and what is none of them.

Bloom & Lin (2024) and Gurnee et al. (2024, *Universal Neurons in GPT2 Language Models*, section 4)
tell them by the tails of the logit weights. Here the cut-offs are not numbers tuned to one model,
but what random directions like the bank's reach.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.enrichment.simulated_null import SimulatedNull
from unembed.sweep import FeatureStatistics

F64 = npt.NDArray[np.float64]

_TAIL = 0.1
_FEWEST = 30
_NO_SHAPE = 1e-6


class Envelope(NamedTuple):
    """What the shapes of random directions stay within.

    −w is as likely as w: what one has on the right, the other has on the left. So both sides have
    one cut-off, from all directions and their opposites.

    Attributes:
        kurtosis_above: the kurtosis that all but a share of them stay below.
        skewness_below, skewness_above: half of that share lies beyond each.
        left_tail_above, right_tail_above: half of that share has a heavier tail on this side
            (`sweep.statistics.Moments`). Classes are cut here.
    """

    kurtosis_above: float
    skewness_below: float
    skewness_above: float
    left_tail_above: float
    right_tail_above: float

    @classmethod
    def of(cls, null: SimulatedNull, inside: float) -> Envelope:
        """Return the envelope that holds a share of random directions.

        Args:
            null: the bank's.
            inside: the share.
        """
        edge = (1 - inside) / 2
        skewness = _reached(np.concatenate([null.skewness, -null.skewness]), edge)
        tail = _reached(np.concatenate([null.left_tail, null.right_tail]), edge)
        return cls(_reached(null.kurtosis, 1 - inside), -skewness, skewness, tail, tail)


def _reached(values: F64, share: float) -> float:
    """Return what a share of the values goes beyond: of few beyond, by a fitted tail.

    That of a generalised Pareto distribution, fitted by moments to the outermost tenth (Hosking &
    Wallis 1987).
    """
    start = float(np.quantile(values, 1 - _TAIL))
    beyond = values[values > start] - start
    if share >= _TAIL or len(beyond) < _FEWEST or not beyond.var():
        return float(np.quantile(values, 1 - share, method="weibull"))
    shape = 0.5 * (1 - beyond.mean() ** 2 / beyond.var())
    scale = beyond.mean() * (1 - shape)
    log_share = np.log(share / _TAIL)
    rise = -log_share if abs(shape) < _NO_SHAPE else np.expm1(-shape * log_share) / shape
    return start + float(scale * rise)


def classify(
    statistics: FeatureStatistics,
    envelope: Envelope,
    *,
    splits: npt.NDArray[np.bool_],
    dead: npt.NDArray[np.bool_],
) -> npt.NDArray[np.str_]:
    """Return the class of each feature.

    Each tail is judged by itself. Kurtosis with the sign of skewness, as the post has it, says
    less: on the demo's SAE nine features in ten whose kurtosis is beyond the envelope, but whose
    skewness is not, write sets on one side only.

    Args:
        statistics: of the features.
        envelope: of the bank's random directions.
        splits: [F] a broad set passes the direction test and explains enough of the variance.
        dead: [F] the features that never fire.
    """
    left = statistics.left_tail > envelope.left_tail_above
    right = statistics.right_tail > envelope.right_tail_above
    conditions = [statistics.flat, dead, left & right, right, left, splits]
    names = ["flat", "dead", "two-sided", "prediction", "suppression", "partition"]
    return np.select(conditions, names, "diffuse")
