"""`SweepSettings`: how the sweep is cut up, and what it keeps; and what a hit of TSEA may weigh.

Nothing heavy is imported here, so that a command line can show its defaults at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unembed.errors import UnembedError

Weight = Literal["none", "normal-scores", "magnitude"]
"""What a hit adds to the running sum of TSEA: the same for all, by rank, or the token's |z|."""
WEIGHTS: tuple[Weight, ...] = ("none", "normal-scores", "magnitude")

MAX_TOP_K = 1000
AUTO = "auto"
"""The device that stands for a GPU where torch sees one, and else for the CPU."""


@dataclass(frozen=True)
class SweepSettings:
    """How the sweep is cut up, and what it keeps.

    Attributes:
        top_k: tokens kept at either end of each feature.
        tile: features in a tile, rounded up to a multiple of 128 (`products.ROWS`); four times as
            many on a GPU. It decides how much memory is used, and on the CPU no number: a tile of
            128 has a quarter of the default's.
        device: a torch device that knows float64: `cpu`, `cuda`, `cuda:1` …; `auto` is a GPU where
            torch sees one, and else the CPU, but for a run that is there it is the run's own.

    Raises:
        UnembedError: for values that make no sense, or a device that cannot be used.
    """

    top_k: int = 50
    tile: int = 512
    device: str = AUTO

    def __post_init__(self) -> None:
        for name in ("top_k", "tile"):
            if getattr(self, name) < 1:
                raise UnembedError(f"{name} is at least 1, but was {getattr(self, name)}.")
        if self.top_k > MAX_TOP_K:
            raise UnembedError(
                f"top_k is at most {MAX_TOP_K}, but was {self.top_k}: for all logit weights of "
                "a feature multiply, W_dec[i] @ W_U.T."
            )
        if self.device not in ("cpu", AUTO):  # which are always there; torch need not be asked
            from unembed.sweep.device import device_named

            object.__setattr__(self, "device", str(device_named(self.device)))
