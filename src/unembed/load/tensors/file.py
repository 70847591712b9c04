"""What a file of named tensors must offer, whatever container it is."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Protocol

import torch

from unembed.errors import FormatError, did_you_mean, listed
from unembed.outside.limits import TENSOR_AXES, TENSOR_NAME, TENSOR_NUMBERS
from unembed.outside.row_reader import RowReader
from unembed.outside.text import has_half

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

    def rows(self, tensor: str) -> RowReader:
        """Return the rows of a tensor as they are stored, read a few at a time where they can be.

        Raises:
            FormatError: when there is no such tensor.
        """


def no_tensor(place: str, tensor: str, shapes: dict[str, tuple[int, ...]]) -> FormatError:
    """Return the error for a tensor that a file does not hold."""
    holds = listed(f"{name} {list(shape)}" for name, shape in sorted(shapes.items()))
    return FormatError(
        f"{place} has no tensor {tensor!r}.{did_you_mean(tensor, shapes)} It holds: {holds}."
    )


def check_tensor(name: str, shape: Sequence[int]) -> None:
    """Check what a file says a tensor is called and how large it is.

    Raises:
        ValueError: for a name that is too long or no text, and a shape that no tensor has.
    """
    if len(name) > TENSOR_NAME:
        raise ValueError(f"a tensor's name has {len(name):,} characters: {name[:40]!r}…")
    if has_half(name):
        raise ValueError(f"a tensor's name is no text: {name[:40]!r}")
    if (
        len(shape) > TENSOR_AXES
        or prod(max(n, 1) for n in shape) > TENSOR_NUMBERS
        or min(shape, default=0) < 0
    ):
        said = f"{[*shape]}" if len(shape) <= 8 else f"{len(shape):,} axes"
        raise ValueError(f"tensor {name} has an impossible shape: {said:.200}")
