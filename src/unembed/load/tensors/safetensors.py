"""A safetensors file: a header of JSON, and the tensors one after another.

The format: eight bytes for the header's length, the header (`{name: {dtype, shape,
data_offsets}}`, and `__metadata__`), the tensors' bytes in C order, little-endian.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from math import prod
from operator import index
from typing import Any, NamedTuple

import torch

from unembed.errors import FormatError
from unembed.load.tensors.blob import Blob, damaged
from unembed.load.tensors.elements import as_tensor, raw_bytes
from unembed.load.tensors.file import Part, no_tensor

MAX_HEADER_BYTES = 100 << 20
"""The most that the safetensors format allows."""

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

    def read(self, tensor: str, part: Part | None = None) -> torch.Tensor:
        entry = self._entries.get(tensor)
        if entry is None:
            raise no_tensor(self.blob.name, tensor, self.shapes())
        dtype = getattr(torch, _TYPES[entry.dtype][1] or "", None)
        if dtype is None:
            raise FormatError(
                f"{self.blob.name}: tensor {tensor} is stored as {entry.dtype}, which cannot be "
                "read here. A newer PyTorch may know it; or take an unquantised file."
            )
        piece = self.blob.piece(entry.start, entry.stop, tensor)
        raw = raw_bytes(piece, entry.stop - entry.start, whole=part is None)
        return as_tensor(raw, dtype, entry.shape, part=part)

    @cached_property
    def _entries(self) -> dict[str, _Entry]:
        length = int.from_bytes(self.blob.read(0, 8), "little")
        if length > MAX_HEADER_BYTES:
            raise damaged(self.blob, "safetensors", "it has no header")
        raw = self.blob.read(8, 8 + length)
        try:
            header: dict[str, Any] = json.loads(raw)
            header.pop("__metadata__", None)
            entries = {name: _entry(fields, 8 + length) for name, fields in header.items()}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            reason = f"its header is wrong ({error!r})"
            raise damaged(self.blob, "safetensors", reason) from error
        end = max((entry.stop for entry in entries.values()), default=0)
        if end > self.blob.size:
            reason = f"its header promises {end:,} bytes, but it has {self.blob.size:,}"
            raise damaged(self.blob, "safetensors", reason)
        return entries


def _entry(fields: Mapping[str, Any], body: int) -> _Entry:
    """Return a tensor's entry, checked against itself.

    Raises:
        ValueError, TypeError, KeyError: when it is wrong.
    """
    start, stop = (index(offset) for offset in fields["data_offsets"])
    shape = tuple(index(n) for n in fields["shape"])
    if (
        min((start, *shape), default=0) < 0
        or stop - start != prod(shape) * _TYPES[fields["dtype"]][0] // 8
    ):
        raise ValueError(f"an entry is {dict(fields)}")
    return _Entry(fields["dtype"], shape, body + start, body + stop)
