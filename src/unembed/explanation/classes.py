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
from unembed.sweep.tails import TailKurtosis


class Envelope(NamedTuple):
    """What the shapes of random directions stay within.

    Attributes:
        kurtosis_above: the kurtosis that all but a share of them stay below.
        skewness_below, skewness_above: half of that share lies beyond each.
        left_tail_above, right_tail_above: half of that share has a heavier tail on this side
            (`sweep.tail_kurtosis`). Classes are cut here.
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
        ends = (
            (null.kurtosis, inside),
            (null.skewness, edge),
            (null.skewness, 1 - edge),
            (null.left_tail, 1 - edge),
            (null.right_tail, 1 - edge),
        )
        return cls(*(float(np.quantile(values, share)) for values, share in ends))


def classify(
    tails: TailKurtosis,
    envelope: Envelope,
    *,
    splits: npt.NDArray[np.bool_],
    dead: npt.NDArray[np.bool_],
    flat: npt.NDArray[np.bool_],
) -> npt.NDArray[np.str_]:
    """Return the class of each feature.

    Each tail is judged by itself. Kurtosis with the sign of skewness, as the post has it, says
    less: on the demo's SAE nine features in ten whose kurtosis is beyond the envelope, but whose
    skewness is not, write sets on one side only.

    Args:
        tails: of the features.
        envelope: of the bank's random directions.
        splits: [F] a broad set passes the direction test and explains enough of the variance.
        dead: [F] the features that never fire.
        flat: [F] the features that write nothing.
    """
    left, right = tails.left > envelope.left_tail_above, tails.right > envelope.right_tail_above
    conditions = [flat, dead, left & right, right, left, splits]
    names = ["flat", "dead", "two-sided", "prediction", "suppression", "partition"]
    return np.select(conditions, names, "diffuse")
