"""A GGUF file (llama.cpp), read through the `gguf` package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from unembed.errors import FormatError, MissingExtraError
from unembed.load.tensors.file import no_tensor


class GGUFFile:
    """Metadata and tensors of a GGUF file; tensors are dequantised one at a time."""

    def __init__(self, path: Path, reader: Any) -> None:
        self.path = path
        self._reader = reader
        self._tensors = {tensor.name: tensor for tensor in reader.tensors}

    def metadata(self, key: str, **default: Any) -> Any:
        """Return a metadata value; a missing key returns `default` where one is given.

        Raises:
            FormatError: when the key is missing and there is no default.
        """
        field = self._reader.get_field(key)
        if field is not None:
            return field.contents()
        if "default" in default:
            return default["default"]
        raise FormatError(f"{self.path} has no metadata {key!r}, so it is no language model.")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor, outermost axis first as in PyTorch."""
        return {
            name: tuple(int(n) for n in reversed(tensor.shape))
            for name, tensor in self._tensors.items()
        }

    def read(self, tensor: str) -> torch.Tensor:
        """Return one tensor in float32, dequantised."""
        from gguf.quants import dequantize

        found = self._tensors.get(tensor)
        if found is None:
            raise no_tensor(str(self.path), tensor, self.shapes())
        try:
            values = dequantize(found.data, found.tensor_type)
        except NotImplementedError as error:
            raise FormatError(
                f"{self.path}: tensor {tensor} is quantised as {found.tensor_type.name}, which "
                "the gguf package cannot undo. Take a file of another quantisation, such as Q8_0."
            ) from error
        return torch.from_numpy(np.array(values, dtype=np.float32))


def open_gguf(path: Path) -> GGUFFile:
    """Return a GGUF file, with nothing but its header read.

    Raises:
        MissingExtraError: when the `gguf` package is not installed.
        FormatError: when the file is damaged or no GGUF file.
    """
    try:
        import gguf
    except ImportError as error:
        raise MissingExtraError(
            "Reading a GGUF file needs the gguf package: pip install 'unembed[gguf]'."
        ) from error
    try:
        return GGUFFile(path, gguf.GGUFReader(path))
    except (ValueError, OSError, IndexError, KeyError) as error:
        raise FormatError(f"{path} cannot be read as GGUF: {error}. Download it again.") from error
