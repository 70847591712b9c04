"""What `torch.save` wrote before version 1.6: five pickles in a row, and then the storages.

The pickles are a magic number, the protocol's version, facts of the machine, the tensors, and
the storages' keys in order; each storage is its number of elements (8 bytes) and the elements.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import torch

from unembed.load.tensors.blob import Blob, Piece, damaged
from unembed.load.tensors.elements import raw_bytes, stored_rows
from unembed.load.tensors.file import Part
from unembed.load.tensors.seekable import Seekable
from unembed.load.tensors.torch_pickle import RefusedError, refused, unpickle
from unembed.load.tensors.torch_views import (
    Storage,
    Unread,
    View,
    flattened,
    said_beside,
    shapes_of,
    shown,
    view_of,
)
from unembed.outside.limits import PICKLE_BYTES
from unembed.outside.row_reader import RowReader

MAGIC = bytes.fromhex("80028a0a6cfc9c46")
"""The beginning of the first pickle, a number that torch chose."""
_PROTOCOL = 1001
_BUFFER_BYTES = 1 << 16


class _Contents(NamedTuple):
    """All of it, tensors by name, where each storage begins, and whose order the bytes are in."""

    value: object
    views: dict[str, View | Unread]
    starts: dict[str, int]
    swap: bool


class LegacyTorch:
    """The tensors of an old file of `torch.save`, by their keys joined with dots.

    Args:
        blob: the file's bytes.

    Raises:
        FormatError: at the first question, when the file is damaged, or its pickle names more
            than `torch.load(weights_only=True)` lets through.
    """

    def __init__(self, blob: Blob) -> None:
        self.blob = blob

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return shapes_of(self._contents.views)

    def said(self) -> dict[str, Any]:
        """Return what the pickle says beside the tensors (see `said_beside`)."""
        try:
            return said_beside(self._contents.value)
        except ValueError as error:
            raise damaged(self.blob, "a torch file", error) from error

    def read(self, tensor: str, part: Part | None = None) -> torch.Tensor:
        view, piece = self._found(tensor)
        first, last = view.span
        raw = raw_bytes(piece, last - first, whole=part is None)
        return view.tensor(raw, swap=self._contents.swap, part=part)

    def rows(self, tensor: str) -> RowReader:
        view, piece = self._found(tensor)
        if not view.is_dense:
            return RowReader.of(self.read(tensor))
        return stored_rows(piece, view.dtype, view.shape, swap=self._contents.swap)

    def _found(self, tensor: str) -> tuple[View, Piece]:
        """Return a tensor's view, and where its first element lies."""
        view = view_of(self.blob.name, tensor, self._contents.views)
        start = self._contents.starts[view.storage.key]
        first, last = view.span
        return view, self.blob.piece(start + first, start + last, tensor)

    @cached_property
    def _contents(self) -> _Contents:
        file = io.BufferedReader(Seekable(self.blob, first=PICKLE_BYTES), _BUFFER_BYTES)
        try:
            (_, protocol, machine, value, keys), storages = unpickle(file, count=5)
            if protocol != _PROTOCOL:
                raise ValueError(f"it is of protocol {shown(protocol)}, expected {_PROTOCOL}")
            views = flattened(value)
            starts = _starts(keys, storages, file.tell(), self.blob.size)
        except RefusedError as error:
            raise refused(self.blob.name, error) from error
        except ValueError as error:
            raise damaged(self.blob, "a torch file", error) from error
        return _Contents(value, views, starts, _little(machine) != (sys.byteorder == "little"))


def _starts(keys: Any, storages: Mapping[str, Storage], at: int, size: int) -> dict[str, int]:
    """Return where each storage's elements begin, the first of them behind `at`.

    Raises:
        ValueError: when a key is no storage's, one of them has none, or they do not fit the file.
    """
    if not isinstance(keys, list):
        raise ValueError("it lists no storages")
    starts: dict[str, int] = {}
    for key in keys:
        if not isinstance(key, str) or key not in storages or key in starts:
            raise ValueError(f"it lists a storage {shown(key)} that no tensor has, or twice")
        starts[key] = at + 8
        at = starts[key] + storages[key].size * storages[key].dtype.itemsize
    if at > size:
        raise ValueError(f"it promises {at:,} bytes, but has {size:,}")
    unlisted = next((key for key in storages if key not in starts), None)
    if unlisted is not None:
        raise ValueError(f"it lists no storage {shown(unlisted)}, which a tensor needs")
    return starts


def _little(machine: object) -> bool:
    """Return whether the machine that wrote the file puts the lowest byte first."""
    return not isinstance(machine, dict) or bool(machine.get("little_endian", True))
