"""What the extra `unembed[fit]` brings, or in words that it is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from unembed.errors import MissingExtraError

_INSTALL = "pip install 'unembed[fit]'."


def transformers_package() -> Any:
    """Return `transformers`, which runs the model.

    Raises:
        MissingExtraError: when it is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise MissingExtraError(
            f"This runs the model, which needs transformers: {_INSTALL}"
        ) from error
    return transformers


def save_tensors(tensors: dict[str, Tensor], path: Path, said: dict[str, str]) -> None:
    """Write a safetensors file, which others may read as they may any file that is written here.

    Args:
        tensors: by name.
        path: of the file; its folder is there.
        said: the texts of its header.

    Raises:
        MissingExtraError: when the package is not installed.
    """
    try:
        import safetensors.torch
    except ImportError as error:
        raise MissingExtraError(f"Fitting a lens needs safetensors: {_INSTALL}") from error
    path.touch()
    mode = path.stat().st_mode
    safetensors.torch.save_file(tensors, path, said)  # which lets its owner alone read it
    path.chmod(mode)


def needs_accelerate() -> MissingExtraError:
    """Return what is said where a GGUF file cannot be opened for want of a package."""
    return MissingExtraError(f"transformers opens a GGUF file with accelerate and gguf: {_INSTALL}")
