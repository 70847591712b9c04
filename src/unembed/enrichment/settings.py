"""`EnrichmentSettings`: how token sets are tested in a run, and what of it is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from unembed.errors import UnembedError
from unembed.sweep.settings import WEIGHTS, Weight

FEWEST_DIRECTIONS = 100

TseaOf = Literal["kept", "all", "none"]
"""Which pairs TSEA is read of: those that pass the direction test, every one, or none."""
TSEA_OF: tuple[TseaOf, ...] = ("kept", "all", "none")


@dataclass(frozen=True)
class EnrichmentSettings:
    """How token sets are tested in a run, and what of it is kept.

    Attributes:
        tsea: which pairs have ES and AUROC too: those that are `kept`, which is what anybody
            reads; `all`, a table of them many times as long in the making; or `none`.
        weight: what a hit adds to ES: `none`, `normal-scores` or `magnitude`.
        directions: random directions that are swept for each bank, for the envelope of skewness
            and kurtosis; half of them, and their opposites, are the null of ES.
        seed: decides them.
        max_q: pairs of a feature and a set with a q-value up to this are kept with everything; of
            the others what z follows from.

    Raises:
        UnembedError: for values that make no sense.
    """

    tsea: TseaOf = "kept"
    weight: Weight = "none"
    directions: int = 1000
    seed: int = 0
    max_q: float = 0.05

    def __post_init__(self) -> None:
        if self.tsea not in TSEA_OF:
            raise UnembedError(f"TSEA is of {', '.join(TSEA_OF)}, not of {self.tsea!r}.")
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
        if self.tsea == "none":
            del every["weight"]
        return every
