"""A safetensors file: a header of JSON, and the tensors one after another.

The format: eight bytes for the header's length, the header (`{name: {dtype, shape,
data_offsets}}`, and `__metadata__`), the tensors' bytes in C order, little-endian.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import torch

from unembed.errors import FormatError
from unembed.load.tensors.blob import Blob, damaged
from unembed.load.tensors.elements import as_tensor, raw_bytes, stored_rows
from unembed.load.tensors.file import Part, check_tensor, no_tensor
from unembed.outside.documents import parse_json
from unembed.outside.limits import TENSOR_HEADER_BYTES
from unembed.outside.row_reader import RowReader

FORMAT_HEADER_BYTES = 100 << 20
"""The most that the safetensors format allows: what begins with more is something else."""

_TYPES: dict[str, tuple[int, str | None]] = {
    "F64": (64, "float64"), "F32": (32, "float32"), "F16": (16, "float16"),
    "BF16": (16, "bfloat16"), "F8_E4M3": (8, "float8_e4m3fn"), "F8_E5M2": (8, "float8_e5m2"),
    "F8_E8M0": (8, "float8_e8m0fnu"), "F8_E4M3FNUZ": (8, "float8_e4m3fnuz"),
    "F8_E5M2FNUZ": (8, "float8_e5m2fnuz"), "F6_E2M3": (6, None), "F6_E3M2": (6, None),
    "F4": (4, None), "I64": (64, "int64"), "I32": (32, "int32"), "I16": (16, "int16"),
    "I8": (8, "int8"), "U64": (64, "uint64"), "U32": (32, "uint32"), "U16": (16, "uint16"),
    "U8": (8, "uint8"), "BOOL": (8, "bool"), "C64": (64, "complex64"),
}  # fmt: skip
"""The bits of an element, and PyTorch's name of its type; None where elements share bytes."""


class _Entry(NamedTuple):
    """Where one tensor lies: its bytes, counted from the start of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


class Safetensors:
    """A safetensors file, of which single tensors are read.

    Args:
        blob: the file's bytes.

    Raises:
        FormatError: at the first question, when the file is damaged.
    """

    def __init__(self, blob: Blob) -> None:
        self.blob = blob

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: entry.shape for name, entry in self._entries.items()}

    def said(self) -> dict[str, Any]:
        """Return the `__metadata__` of the header, texts by name; empty where there is none.

        Raises:
            FormatError: when it is no table.
        """
        said = self._header[1]
        if not isinstance(said, dict | None):
            reason = f"its __metadata__ is {said!r:.100}, and no table"
            raise damaged(self.blob, "safetensors", reason)
        return said or {}

    def read(self, tensor: str, part: Part | None = None) -> torch.Tensor:
        entry, dtype = self._found(tensor)
        piece = self.blob.piece(entry.start, entry.stop, tensor)
        raw = raw_bytes(piece, entry.stop - entry.start, whole=part is None)
        return as_tensor(raw, dtype, entry.shape, part=part)

    def rows(self, tensor: str) -> RowReader:
        entry, dtype = self._found(tensor)
        return stored_rows(self.blob.piece(entry.start, entry.stop, tensor), dtype, entry.shape)

    def _found(self, tensor: str) -> tuple[_Entry, torch.dtype]:
        """Return where a tensor lies, and PyTorch's type of its elements."""
        entry = self._entries.get(tensor)
        if entry is None:
            raise no_tensor(self.blob.name, tensor, self.shapes())
        dtype = getattr(torch, _TYPES[entry.dtype][1] or "", None)
        if dtype is None:
            raise FormatError(
                f"{self.blob.name}: tensor {tensor} is stored as {entry.dtype}, which cannot be "
                "read here. A newer PyTorch may know it; or take an unquantised file."
            )
        return entry, dtype

    @property
    def _entries(self) -> dict[str, _Entry]:
        return self._header[0]

    @cached_property
    def _header(self) -> tuple[dict[str, _Entry], object]:
        """The tensors, and what is said beside them, whatever it is."""
        length = int.from_bytes(self.blob.read(0, 8), "little")
        if length > TENSOR_HEADER_BYTES:
            reason = (
                f"its header has {length:,} bytes, and {TENSOR_HEADER_BYTES:,} are read at most"
            )
            raise damaged(self.blob, "safetensors", reason)
        raw = self.blob.read(8, 8 + length)
        try:
            header = parse_json(raw, "its header")
        except FormatError as error:
            reason, _, _advice = str(error).rpartition(". ")
            raise damaged(self.blob, "safetensors", reason) from error
        try:
            entries = _entries(header, 8 + length)
        except ValueError as error:
            reason = f"its header is wrong ({error})"
            raise damaged(self.blob, "safetensors", reason) from error
        end = max((entry.stop for entry in entries.values()), default=0)
        if end > self.blob.size:
            reason = f"its header promises {end:,} bytes, but it has {self.blob.size:,}"
            raise damaged(self.blob, "safetensors", reason)
        return entries, header.get("__metadata__")


def _entries(header: Any, body: int) -> dict[str, _Entry]:
    """Return the tensors of a header, checked against themselves and one another.

    Args:
        header: of JSON.
        body: where the tensors begin, in bytes from the start of the file.

    Raises:
        ValueError: when it is wrong.
    """
    if not isinstance(header, dict):
        raise ValueError(f"it is a {type(header).__name__}, and no table of tensors")
    entries = {
        name: _entry(name, fields, body)
        for name, fields in header.items()
        if name != "__metadata__"
    }
    lying = sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop))
    for (name, before), (other, after) in pairwise(lying):
        if after.start < before.stop:
            raise ValueError(f"tensors {name} and {other} lie in the same bytes")
    return entries


def _entry(name: str, fields: Any, body: int) -> _Entry:
    """Return a tensor's entry, checked against itself.

    Raises:
        ValueError: when it is wrong, with the tensor and the field.
    """
    if not isinstance(fields, dict):
        raise ValueError(f"tensor {name:.100} is {fields!r:.100}, and no table")
    dtype: Any = fields.get("dtype")
    shape: Any = fields.get("shape")
    offsets: Any = fields.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in _TYPES:
        raise ValueError(f"tensor {name:.100} is of dtype {dtype!r:.40}, which is not known")
    if not _are_counts(shape):
        raise ValueError(f"tensor {name:.100} has shape {shape!r:.100}")
    check_tensor(name, shape)
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError(f"tensor {name} has data_offsets {offsets!r:.100}")
    start, stop = offsets
    bits = prod(shape) * _TYPES[dtype][0]
    if 8 * (stop - start) != bits:
        raise ValueError(
            f"tensor {name} of {dtype} {shape} lies in {stop - start:,} bytes; expected "
            f"{-(-bits // 8):,}"
        )
    return _Entry(dtype, tuple(shape), body + start, body + stop)


def _are_counts(numbers: Any) -> bool:
    """Return whether it is a list of whole numbers from 0 on, as a file of this world has."""
    return isinstance(numbers, list) and all(type(n) is int and 0 <= n < 1 << 63 for n in numbers)
