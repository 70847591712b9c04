"""A bare matrix of directions: `.npy`, or one tensor of a `.safetensors` file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from unembed.errors import FormatError
from unembed.features import Features
from unembed.load.reference import Place

_FLOATS = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64))


def read_matrix(place: Place) -> Features:
    """Return the matrix [features, d_model] of a file as a bank named after the file.

    A `.safetensors` file of several tensors must hold one named `W_dec`.

    Raises:
        FormatError: when the file holds no such matrix.
    """
    assert place.file is not None
    origin = {"format": "matrix", **place.origin}
    name = _bank_name(place.file)
    if place.file.endswith(".npy"):
        return Features.from_array(_numpy(place.path()), name=name, origin=origin)
    file = place.folder.tensors(place.file)
    shapes = file.shapes()
    matrices = [key for key, shape in shapes.items() if len(shape) == 2]
    tensor = "W_dec" if "W_dec" in shapes else matrices[0] if len(matrices) == 1 else None
    if tensor is None:
        listing = ", ".join(f"{key} {list(shape)}" for key, shape in shapes.items())
        raise FormatError(
            f"{place.name} should hold W_dec, or one matrix alone. It holds: {listing}."
        )
    matrix = file.read(tensor)
    if not matrix.is_floating_point():
        raise _no_floats(f"{place.name}, tensor {tensor},", matrix.dtype)
    return Features.from_array(matrix, name=name, origin=origin)


def _numpy(path: Path) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise FormatError(
            f"{path} cannot be read as a NumPy array: {error}. Save it again with numpy.save."
        ) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise FormatError(f"{path} is an archive of arrays (.npz); save W_dec alone as .npy.")
    native = array.dtype.newbyteorder("=")
    if native not in _FLOATS:
        raise _no_floats(str(path), array.dtype)
    return array.astype(native, copy=False)


def _no_floats(place: str, dtype: object) -> FormatError:
    return FormatError(
        f"{place} holds {dtype}; expected directions in floating point of 16 to 64 bits."
    )


def _bank_name(file: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", Path(file).stem)
    return stem if stem[:1].isalnum() else f"features{stem}"
