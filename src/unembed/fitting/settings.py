"""`FitSettings`: what a Jacobian lens is fitted with."""

from __future__ import annotations

from dataclasses import dataclass

from unembed.errors import SourceError, UnembedError
from unembed.load.own.layers import layers_in
from unembed.outside import limits
from unembed.sweep.settings import AUTO

DTYPES = ("float32", "bfloat16", "float16", "float64")
SAMPLE = "sample"
"""The text that the model writes itself."""
_ROWS_ON = {"cpu": 8}
_ROWS = 64
_EMBEDDING = "-1"


@dataclass(frozen=True)
class FitSettings:
    """What a Jacobian lens is fitted with.

    The defaults are those of the published lenses, but for the number of prompts: theirs are fitted
    on 1,000, of which some 100 suffice.

    Attributes:
        layers: blocks behind which directions are written; −1 is the embedding, and None all blocks
            but the last, whose J is the identity.
        prompts: how many are averaged over.
        tokens: of each.
        skip: positions at the beginning that do not count.
        batch: rows of J made in one pass; None for 8 on the CPU, where more gain nothing, and
            64 elsewhere. It takes no part in the result but by rounding.
        dtype: what the model computes in.
        device: a torch device; `auto` is a GPU where torch sees one.
        seed: decides what the model samples, where it writes its prompts itself.

    Raises:
        UnembedError: when there can be no such fit.
    """

    layers: tuple[int, ...] | None = None
    prompts: int = 100
    tokens: int = 128
    skip: int = 16
    batch: int | None = None
    dtype: str = DTYPES[0]
    device: str = AUTO
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise UnembedError(f"{self.dtype!r} is no dtype to fit in. Known: {', '.join(DTYPES)}.")
        if self.prompts < 1:
            raise UnembedError(f"A lens is fitted on one prompt or more, not {self.prompts}.")
        if self.skip < 0 or self.tokens < self.skip + 2:
            raise UnembedError(
                f"Of prompts of {self.tokens} tokens, of which the first {self.skip} and the last "
                "do not count, no position is left. Give longer prompts, or skip fewer."
            )
        if self.batch is not None and self.batch < 1:
            raise UnembedError(f"One row of J or more is made in a pass, not {self.batch}.")

    def rows(self, device: str) -> int:
        """Return how many rows are made in one pass on a kind of device."""
        return self.batch or _ROWS_ON.get(device, _ROWS)

    def layers_of(self, n_layers: int) -> tuple[int, ...]:
        """Return the layers that are fitted of a model with so many blocks, in order.

        >>> FitSettings().layers_of(4), FitSettings(layers=(2, -1, 2)).layers_of(4)
        ((0, 1, 2), (-1, 2))

        Raises:
            UnembedError: when the model has no such block.
        """
        if self.layers is None:
            return tuple(range(n_layers - 1)) or (0,)
        wrong = [layer for layer in self.layers if not -1 <= layer < n_layers]
        if wrong or not self.layers:
            raise UnembedError(
                f"There is no layer {', '.join(map(str, wrong)) or '(none was given)'}: the model "
                f"has blocks 0 to {n_layers - 1}, and −1 is its embedding."
            )
        return tuple(sorted(set(self.layers)))


def layers_named(text: str) -> tuple[int, ...]:
    """Return layers from `3,10-12`, and `-1` for the embedding, in order.

    >>> layers_named("-1,3,10-12")
    (-1, 3, 10, 11, 12)

    Raises:
        SourceError: when it names none, or one twice.
    """
    parts = [part.strip() for part in text.split(",")]
    blocks = [part for part in parts if part != _EMBEDDING]
    if len(parts) - len(blocks) > 1:
        raise SourceError(f"{text[:200]!r} names the embedding, -1, more than once.")
    how = "them like 3,10-12; -1 is the embedding"
    found = layers_in(blocks, limits.LAYERS + 1, model="A model", how=how) if blocks else []
    return tuple(sorted([*found, *([-1] if len(blocks) < len(parts) else [])]))
