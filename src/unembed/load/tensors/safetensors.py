"""One safetensors file, of which single tensors are read without the rest."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from unembed.errors import FormatError
from unembed.load.tensors.file import Part, no_tensor


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

    def read(self, tensor: str, part: Part | None = None) -> torch.Tensor:
        if tensor not in self._shapes:
            raise no_tensor(str(self.path), tensor, self._shapes)
        with safe_open(self.path, framework="pt") as file:
            read: torch.Tensor = (
                file.get_tensor(tensor) if part is None else file.get_slice(tensor)[part]
            )
        return read
