"""Raw bytes as a tensor: read from the disk, or mapped where a part of it is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib.stride_tricks import as_strided

from unembed.errors import FormatError
from unembed.load.tensors.blob import Piece, unreadable
from unembed.load.tensors.file import Part
from unembed.outside.row_reader import RowReader

Bytes = npt.NDArray[np.uint8]

_CARRIERS: dict[int, Any] = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64, 16: np.complex128}
"""NumPy's type for each size of an element: it knows no bfloat16 and no float8."""


def raw_bytes(piece: Piece, n_bytes: int, *, whole: bool) -> Bytes:
    """Return bytes of a file: in memory, so that the file may go or change, or mapped.

    Args:
        piece: where they begin.
        n_bytes: how many they are.
        whole: whether all of them are wanted; of a part, what is looked at is copied from the map,
            and the rest is never read.

    Raises:
        SourceError: when the system refuses.
        FormatError: when the file was cut in the meantime.
    """
    if n_bytes == 0:
        return np.empty(0, np.uint8)
    try:
        if not whole:
            found = np.memmap(piece.path, np.uint8, "r", piece.start, (n_bytes,))
            return found.view(np.ndarray)
        read = np.fromfile(piece.path, np.uint8, n_bytes, offset=piece.start)
    except (OSError, ValueError) as error:
        raise unreadable(piece.path, error) from error
    if len(read) < n_bytes:
        raise FormatError(f"{piece.path} became shorter while it was read. Read it again.")
    return read


def as_tensor(
    raw: Bytes,
    dtype: torch.dtype,
    shape: Sequence[int],
    *,
    strides: Sequence[int] | None = None,
    swap: bool = False,
    part: Part | None = None,
) -> torch.Tensor:
    """Return bytes as a tensor, a view of them where that is possible, or a part of it.

    Args:
        raw: the elements, from the first that the tensor has to the last.
        dtype: of the tensor.
        shape: of the tensor.
        strides: in elements, by default those of C order. They must not lead out of `raw`.
        swap: whether the bytes of each element are in the other machine's order.
        part: an index; by default everything.
    """
    if prod(shape) == 0:
        empty = torch.empty(tuple(shape), dtype=dtype, device="cpu")
        return empty if part is None else empty[part]
    elements = raw.view(_CARRIERS[dtype.itemsize])
    if strides is None:
        array = elements.reshape(tuple(shape))
    else:
        steps = [step * dtype.itemsize for step in strides]
        array = as_strided(elements, tuple(shape), steps)
    if part is not None:
        array = array[part]
    if swap:
        array = _swapped(array, dtype)
    if part is not None:  # of a map that goes with the file
        array = array.copy()
    return torch.from_numpy(np.require(array, requirements=["A", "W"])).view(dtype)


def stored_rows(
    piece: Piece, dtype: torch.dtype, shape: Sequence[int], *, swap: bool = False
) -> RowReader:
    """Return the rows of a tensor that lies in C order in a file, each read when it is needed.

    Args:
        piece: where the tensor begins.
        dtype: of the tensor.
        shape: of the tensor.
        swap: whether the bytes of each element are in the other machine's order.
    """
    inner = tuple(shape[1:])
    row_bytes = prod(inner) * dtype.itemsize

    def read(start: int, stop: int) -> torch.Tensor:
        at = Piece(piece.path, piece.start + start * row_bytes)
        raw = raw_bytes(at, (stop - start) * row_bytes, whole=True)
        return as_tensor(raw, dtype, (stop - start, *inner), swap=swap)

    return RowReader(tuple(shape), read)


def fortran_strides(shape: Sequence[int]) -> list[int]:
    """Return the strides of a tensor in Fortran order, in elements.

    >>> fortran_strides([2, 3, 4])
    [1, 2, 6]
    """
    return [prod(shape[:axis]) for axis in range(len(shape))]


def extent(shape: Sequence[int], strides: Sequence[int]) -> int:
    """Return how many elements lie from a tensor's first to its last.

    >>> extent([2, 3], [10, 1])
    13
    """
    if prod(shape) == 0:
        return 0
    return 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))


def _swapped(array: npt.NDArray[Any], dtype: torch.dtype) -> npt.NDArray[Any]:
    if dtype.is_complex:  # two numbers, each turned round by itself
        half = np.dtype(f"c{dtype.itemsize}")
        return np.ascontiguousarray(array).view(half).byteswap().view(array.dtype)
    return array.byteswap()
