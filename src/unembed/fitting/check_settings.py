"""`CheckSettings`: what the lenses of a run are held against; and what a check is about to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from unembed.errors import UnembedError
from unembed.fitting.settings import DTYPES
from unembed.sweep.settings import AUTO

NEUTRAL = "neutral"
"""What the sentences of `fitting.neutral` are called, where a text may be named instead."""
STRENGTH = 0.1
"""Of the stream's length behind the block, as a median over positions: its first ones can be a
hundred times as long as all others."""
_FEWEST = 3
"""Random directions: with fewer there is no telling what chance does."""


@dataclass(frozen=True)
class CheckSettings:
    """What the lenses of a run are held against.

    Attributes:
        features: of each bank, drawn at random.
        random: directions like them, likewise.
        prompts: how many the change is a mean over.
        tokens: of each, where they are cut from a text.
        strength: how far the stream is moved, in its own lengths.
        dtype: what the model computes in.
        device: a torch device; `auto` is a GPU where torch sees one.
        seed: decides which features and which random directions.

    Raises:
        UnembedError: when nothing could be told from it.
    """

    features: int = 24
    random: int = 12
    prompts: int = 100
    tokens: int = 16
    strength: float = STRENGTH
    dtype: str = DTYPES[0]
    device: str = AUTO
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise UnembedError(f"{self.dtype!r} is no dtype. Known: {', '.join(DTYPES)}.")
        if self.features < 1 or self.random < _FEWEST:
            raise UnembedError(
                f"A lens is held against one feature or more, and {_FEWEST} random directions or "
                f"more, not {self.features} and {self.random}: chance is measured between them."
            )
        if self.prompts < 1 or self.tokens < 1:
            raise UnembedError("The change of the logits is measured on one prompt or more.")
        if not 0 < self.strength < float("inf"):
            raise UnembedError(
                f"A direction is added with a strength above 0, such as {STRENGTH}, not "
                f"{self.strength}."
            )


class CheckPlan(NamedTuple):
    """What is about to be done.

    Attributes:
        banks: that are checked, each with the block behind which its directions are added.
        left_out: others, and why.
        directions: that are added of each bank.
        prompts: how many.
        model: what runs.
        device: on what.
        seconds: how long it takes, about.
    """

    banks: dict[str, int]
    left_out: dict[str, str]
    directions: int
    prompts: int
    model: str
    device: str
    seconds: float
