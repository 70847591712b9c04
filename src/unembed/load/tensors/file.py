"""What a file of named tensors must offer, whatever container it is."""

from __future__ import annotations

from typing import Protocol

import torch

from unembed.errors import FormatError, did_you_mean, listed

Part = tuple[int | slice, ...]
"""Which part of a tensor to read, as an index: `(slice(None), 3)` is slice 3 of its second axis."""


class TensorFile(Protocol):
    """A file of named tensors; the shapes are known before anything is read."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor, by name."""

    def read(self, tensor: str, part: Part | None = None) -> torch.Tensor:
        """Return one tensor as it is stored, or a part of it.

        Raises:
            FormatError: when there is no such tensor.
        """


def no_tensor(place: str, tensor: str, shapes: dict[str, tuple[int, ...]]) -> FormatError:
    """Return the error for a tensor that a file does not hold."""
    holds = listed(f"{name} {list(shape)}" for name, shape in sorted(shapes.items()))
    return FormatError(
        f"{place} has no tensor {tensor!r}.{did_you_mean(tensor, shapes)} It holds: {holds}."
    )
