"""One safetensors file, of which single tensors are read without the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open

from unembed.errors import FormatError, did_you_mean


class TensorFile(Protocol):
    """A file of named tensors; the shapes are known before anything is read."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor, by name."""

    def read(self, tensor: str) -> torch.Tensor:
        """Return one tensor as it is stored."""


class LocalSafetensors:
    """A safetensors file on this disk, opened through a memory map.

    Raises:
        FormatError: when the file is damaged or no safetensors file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with safe_open(path, framework="pt") as file:
                self._shapes = {k: tuple(file.get_slice(k).get_shape()) for k in file.keys()}  # noqa: SIM118 - no dict
        except (SafetensorError, OSError) as error:
            raise FormatError(
                f"{path} cannot be read as safetensors: {error}. Download it again."
            ) from error

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return self._shapes

    def read(self, tensor: str) -> torch.Tensor:
        if tensor not in self._shapes:
            raise no_tensor(str(self.path), tensor, self._shapes)
        with safe_open(self.path, framework="pt") as file:
            read: torch.Tensor = file.get_tensor(tensor)
        return read


def no_tensor(place: str, tensor: str, shapes: dict[str, tuple[int, ...]]) -> FormatError:
    """Return the error for a tensor that a file does not hold."""
    listing = ", ".join(f"{name} {list(shape)}" for name, shape in sorted(shapes.items())[:12])
    return FormatError(
        f"{place} has no tensor {tensor!r}.{did_you_mean(tensor, shapes)} It holds: "
        f"{listing}{', …' if len(shapes) > 12 else ''}."
    )
