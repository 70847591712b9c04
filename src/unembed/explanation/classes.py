"""Classes of features: prediction, suppression and partition, and what is none of them.

Bloom & Lin (2024) and Gurnee et al. (2024, *Universal Neurons in GPT2 Language Models*, section 4)
tell them by the tails of the logit weights. Here the cut-offs are not numbers tuned to one model,
but what random directions like the bank's reach.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

FeatureClass = Literal[
    "prediction", "suppression", "two-sided", "partition", "diffuse", "dead", "flat"
]
"""What a feature does to the vocabulary.

| class | |
|---|---|
| `prediction` | promotes a small class of tokens: a heavy right tail |
| `suppression` | suppresses one: a heavy left tail |
| `two-sided` | heavy tails on both sides, neither the heavier |
| `partition` | splits the vocabulary in two broad parts, without heavy tails |
| `diffuse` | as random directions are |
| `dead` | (almost) never fires, where the bank says how often |
| `flat` | a decoder row of zeros: it writes nothing |
"""
CLASSES: tuple[FeatureClass, ...] = get_args(FeatureClass)


class Envelope(NamedTuple):
    """What the shapes of random directions stay within.

    Attributes:
        kurtosis_above: the kurtosis that all but a share of them stay below.
        skewness_below, skewness_above: half of that share lies beyond each.
    """

    kurtosis_above: float
    skewness_below: float
    skewness_above: float

    @classmethod
    def of(cls, skewness: F64, kurtosis: F64, inside: float) -> Envelope:
        """Return the envelope that holds a share of random directions.

        Args:
            skewness: [N] of the directions' logit weights.
            kurtosis: [N] likewise.
            inside: the share.
        """
        edge = (1 - inside) / 2
        return cls(
            float(np.quantile(kurtosis, inside)),
            float(np.quantile(skewness, edge)),
            float(np.quantile(skewness, 1 - edge)),
        )


def classify(
    skewness: F64,
    kurtosis: F64,
    envelope: Envelope,
    *,
    splits: npt.NDArray[np.bool_],
    dead: npt.NDArray[np.bool_],
    flat: npt.NDArray[np.bool_],
) -> npt.NDArray[np.str_]:
    """Return the class of each feature.

    Tails come first: a partition has none. Kurtosis says whether there are tails, skewness on
    which side.

    Args:
        skewness: [F] of the features' logit weights.
        kurtosis: [F] likewise.
        envelope: of the bank's random directions.
        splits: [F] a broad set passes the direction test and explains enough of the variance.
        dead: [F] the features that never fire.
        flat: [F] the features that write nothing.
    """
    tails = kurtosis > envelope.kurtosis_above
    conditions = [
        flat,
        dead,
        tails & (skewness > envelope.skewness_above),
        tails & (skewness < envelope.skewness_below),
        tails,
        splits,
    ]
    names = ["flat", "dead", "prediction", "suppression", "two-sided", "partition"]
    return np.select(conditions, names, "diffuse")
