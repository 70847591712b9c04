"""`EnrichmentSettings`: how token sets are tested in a run, and what of it is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from unembed.errors import UnembedError
from unembed.sweep.settings import WEIGHTS, Weight

FEWEST_DIRECTIONS = 100


@dataclass(frozen=True)
class EnrichmentSettings:
    """How token sets are tested in a run, and what of it is kept.

    Attributes:
        tsea: read ES and AUROC too; without it the direction test alone, which never multiplies
            out the logit weights, is what is said of token sets.
        weight: what a hit adds to ES: `none`, `normal-scores` or `magnitude`.
        directions: random directions that are swept for each bank, for the null of ES and the
            envelope of skewness and kurtosis.
        seed: decides them.
        max_q: pairs of a feature and a set with a q-value up to this are kept with everything; of
            the others, z alone.

    Raises:
        UnembedError: for values that make no sense.
    """

    tsea: bool = True
    weight: Weight = "none"
    directions: int = 1000
    seed: int = 0
    max_q: float = 0.05

    def __post_init__(self) -> None:
        if self.weight not in WEIGHTS:
            raise UnembedError(f"The weight is one of {', '.join(WEIGHTS)}, not {self.weight!r}.")
        if self.directions < FEWEST_DIRECTIONS:
            raise UnembedError(
                f"A null needs {FEWEST_DIRECTIONS} random directions or more, not "
                f"{self.directions}."
            )
        if not 0 < self.max_q <= 1:
            raise UnembedError(f"max_q is above 0 and at most 1, but was {self.max_q}.")

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest says of them: those that make a difference."""
        every = asdict(self)
        if not self.tsea:
            del every["weight"]
        return every
