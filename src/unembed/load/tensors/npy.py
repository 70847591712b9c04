"""NumPy's `.npy`: a header of a few bytes, and one array."""

from __future__ import annotations

import io
import warnings
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from numpy.lib import format as npy_format

from unembed.errors import FormatError
from unembed.load.tensors.blob import Blob, damaged
from unembed.load.tensors.elements import Bytes, as_tensor, fortran_strides, raw_bytes
from unembed.load.tensors.file import Part, check_tensor, no_tensor
from unembed.outside.limits import ARRAY_HEADER_BYTES
from unembed.outside.row_reader import RowReader

NAME = "array"
"""What the one array of a `.npy` file is called."""
MAGIC = b"\x93NUMPY"
_NUMBERS = "fiubc"
"""The kinds of NumPy types that are numbers or truth values."""


class Header(NamedTuple):
    """What stands before an array.

    Attributes:
        dtype: NumPy's, with the order of its bytes.
        shape: of the array.
        fortran: whether the first axis runs fastest.
        size: of the header itself, in bytes.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    size: int

    @property
    def n_bytes(self) -> int:
        """How many bytes the array has."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def torch_dtype(self) -> torch.dtype | None:
        """PyTorch's type of the elements, or None where it has none: texts, objects, records."""
        name = self.dtype.newbyteorder("=").name
        found = getattr(torch, name, None) if self.dtype.kind in _NUMBERS else None
        return found if isinstance(found, torch.dtype) else None

    def tensor(self, raw: Bytes, part: Part | None) -> torch.Tensor:
        """Return the array, or a part of it, given its bytes."""
        assert self.torch_dtype is not None
        strides = fortran_strides(self.shape) if self.fortran else None
        swap = not self.dtype.isnative
        return as_tensor(raw, self.torch_dtype, self.shape, strides=strides, swap=swap, part=part)


def header_size(start: bytes) -> int:
    """Return how many bytes the header has, given the array's first twelve.

    Raises:
        ValueError: when no array begins so.
    """
    if start[:6] != MAGIC or len(start) < 12:
        raise ValueError(f"it begins with {start[:6]!r}")
    width = 2 if start[6] == 1 else 4
    size = 8 + width + int.from_bytes(start[8 : 8 + width], "little")
    if size > ARRAY_HEADER_BYTES:
        raise ValueError(f"its header has {size:,} bytes, and should have about 128")
    return size


def parse_header(raw: bytes) -> Header:
    """Return the header, given at least all of its bytes.

    Raises:
        ValueError: when it is wrong.
    """
    file = io.BytesIO(raw)
    version = npy_format.read_magic(file)
    one = version == (1, 0)  # version 3 differs from 2 in names of records alone
    read = npy_format.read_array_header_1_0 if one else npy_format.read_array_header_2_0
    try:
        with warnings.catch_warnings():  # of Python's parser: the header is a literal of its own
            warnings.simplefilter("ignore")
            shape, fortran, dtype = read(file)
    except Exception as error:  # whatever a literal makes that parser stumble over
        reason = str(error) or type(error).__name__
        raise ValueError(f"its header is wrong ({reason:.200})") from error
    if not all(type(size) is int for size in shape):  # a long one of Python 2, or a flag
        raise ValueError(f"its header says the shape {shape!r:.100}")
    check_tensor(NAME, shape)
    if dtype.itemsize == 0 or prod(shape) * dtype.itemsize >= 1 << 63:
        raise ValueError(f"its header says {dtype} {list(shape)}")
    return Header(dtype, shape, fortran, file.tell())


class Npy:
    """A `.npy` file: one tensor, called `array`.

    Raises:
        FormatError: at the first question, when the file is damaged.
    """

    def __init__(self, blob: Blob) -> None:
        self.blob = blob

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {NAME: self._header.shape}

    def read(self, tensor: str, part: Part | None = None) -> torch.Tensor:
        if tensor != NAME:
            raise no_tensor(self.blob.name, tensor, self.shapes())
        header = self._header
        if header.torch_dtype is None:
            raise no_numbers(self.blob.name, header.dtype)
        piece = self.blob.piece(header.size, header.size + header.n_bytes, NAME)
        return header.tensor(raw_bytes(piece, header.n_bytes, whole=part is None), part)

    def rows(self, tensor: str) -> RowReader:
        return RowReader.of(self.read(tensor))

    @cached_property
    def _header(self) -> Header:
        start = self.blob.read(0, 12)
        try:
            size = header_size(start)
            return parse_header(start[:size] + self.blob.read(12, size))
        except ValueError as error:
            raise damaged(self.blob, "a NumPy array", error) from error


def no_numbers(place: str, dtype: object) -> FormatError:
    """Return the error for an array of texts, objects or records."""
    return FormatError(
        f"{place} holds {dtype}, which is no number. Objects are never unpickled: save the numbers "
        "again, with numpy.save(…, allow_pickle=False)."
    )
