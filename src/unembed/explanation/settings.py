"""`ExplanationSettings`: where the classes of features are cut, and how long a label may be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from unembed.errors import UnembedError


@dataclass(frozen=True)
class ExplanationSettings:
    """Where the classes of features are cut, and how long a label may be.

    Attributes:
        max_q: features that are labelled have a q-value up to this, and so have, in each of them,
            the sets that its label names or that split it; at most that of the pairs which the run
            keeps.
        envelope: the share of random directions that lie inside the envelope of skewness and
            kurtosis: 0.99 takes one random direction in a hundred for a shaped feature.
        split_variance: the share of the logit weights' variance that a broad set explains in a
            partition feature, at least.
        dead_below: features whose log10 density is lower are dead.
        parts: most token sets that a label names.
        least_tokens: a set is named when it holds so many of the outermost tokens (`N_OUTERMOST`),
            beside sets that are named already so many that these do not …
        least_variance: … or explains this share of the variance. Others may be significant, but
            do not say what the feature writes.

    Raises:
        UnembedError: for values that make no sense.
    """

    max_q: float = 0.01
    envelope: float = 0.99
    split_variance: float = 0.1
    dead_below: float = -9.0
    parts: int = 3
    least_tokens: int = 2
    least_variance: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.max_q <= 1:
            raise UnembedError(f"max_q is above 0 and at most 1, but was {self.max_q}.")
        if not 0.5 <= self.envelope < 1:
            raise UnembedError(
                f"The envelope holds a share of the random directions from 0.5 to below 1, but "
                f"was {self.envelope}."
            )
        if not 0 < self.split_variance < 1:
            raise UnembedError(
                f"split_variance is a share between 0 and 1, but was {self.split_variance}."
            )
        if not 1 <= self.parts <= MOST_PARTS:
            raise UnembedError(f"A label has 1 to {MOST_PARTS} parts, not {self.parts}.")

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest says of them."""
        return asdict(self)


MOST_PARTS = 3
N_OUTERMOST = 50
"""Outermost tokens of which a label should cover some; no more than a number has bits."""
