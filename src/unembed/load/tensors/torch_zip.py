"""What `torch.save` writes: a zip with a pickle (`data.pkl`) and a file for each storage."""

from __future__ import annotations

import io
import sys
from functools import cached_property
from typing import Any

import torch

from unembed.errors import FormatError
from unembed.load.tensors.archive import LOCAL_HEADER_BYTES, Archive
from unembed.load.tensors.elements import stored_rows
from unembed.load.tensors.file import Part
from unembed.load.tensors.torch_pickle import RefusedError, refused, unpickle
from unembed.load.tensors.torch_views import (
    Unread,
    View,
    flattened,
    said_beside,
    shapes_of,
    view_of,
)
from unembed.outside.limits import PICKLE_BYTES
from unembed.outside.row_reader import RowReader

PICKLE = "/data.pkl"
_ALIGNED = 64
"""torch lets each entry's content begin at a multiple of this, by an extra field of padding."""


class TorchZip:
    """The tensors of a file of `torch.save`, by their keys joined with dots.

    Args:
        archive: the zip.

    Raises:
        FormatError: at the first question, when the file is damaged, or its pickle names more
            than `torch.load(weights_only=True)` lets through.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return shapes_of(self._views)

    def read(self, tensor: str, part: Part | None = None) -> torch.Tensor:
        view, entry = self._found(tensor)
        raw = self.archive.content(entry, *view.span, whole=part is None)
        return view.tensor(raw, swap=self._swap, part=part)

    def rows(self, tensor: str) -> RowReader:
        view, entry = self._found(tensor)
        if not view.is_dense or not self.archive.is_stored(entry):
            return RowReader.of(self.read(tensor))
        piece = self.archive.piece(entry, *view.span)
        return stored_rows(piece, view.dtype, view.shape, swap=self._swap)

    def said(self) -> dict[str, Any]:
        """Return what the pickle says beside the tensors (see `said_beside`)."""
        try:
            return said_beside(self._value)
        except ValueError as error:
            raise self.archive.damaged(error) from error

    @property
    def saved_as(self) -> str:
        """What the file was called when it was written, without its ending; `archive` of a stream.

        torch names the folder of the entries so, whatever the file is called by now.
        """
        return self._folder.rpartition("/")[2]

    def _found(self, tensor: str) -> tuple[View, str]:
        """Return a tensor's view, and the entry that is its storage."""
        view = view_of(self.archive.blob.name, tensor, self._views)
        entry = f"{self._folder}/data/{view.storage.key}"
        if entry not in self.archive.entries:
            raise self.archive.damaged(f"it has no {entry}")
        return view, entry

    @property
    def _swap(self) -> bool:
        """Whether the bytes of each element are in the other machine's order."""
        return self._byte_order != sys.byteorder

    @cached_property
    def _folder(self) -> str:
        """The folder in which all of the file's entries lie."""
        found = min((name for name in self.archive.entries if name.endswith(PICKLE)), key=len)
        return found.removesuffix(PICKLE)

    @cached_property
    def _byte_order(self) -> str:
        name = f"{self._folder}/byteorder"
        if name not in self.archive.entries:  # as torch wrote files before 2.1
            return "little"
        found = self._small(name)
        if found not in (b"little", b"big"):
            raise self.archive.damaged(f"its byte order is {found[:20]!r}")
        return found.decode()

    @cached_property
    def _views(self) -> dict[str, View | Unread]:
        try:
            return flattened(self._value)
        except ValueError as error:
            raise self.archive.damaged(error) from error

    @cached_property
    def _value(self) -> object:
        """What the pickle holds, with a view in place of each tensor."""
        place = self.archive.blob.name
        if f"{self._folder}/constants.pkl" in self.archive.entries:
            raise FormatError(
                f"{place} is a TorchScript program, which would have to be run. Save its tensors "
                "alone: torch.save(torch.jit.load(file).state_dict(), other_file)."
            )
        try:
            (value,), _ = unpickle(io.BytesIO(self._small(self._folder + PICKLE)), count=1)
        except RefusedError as error:
            raise refused(place, error) from error
        except ValueError as error:
            raise self.archive.damaged(error) from error
        return value

    def _small(self, name: str) -> bytes:
        """Return a whole entry, in one request where torch wrote the file."""
        entry = self.archive.entries[name]
        if entry.file_size > PICKLE_BYTES:
            reason = f"{name} has {entry.file_size:,} bytes, and {PICKLE_BYTES:,} are read at most"
            raise self.archive.damaged(reason)
        before = entry.header_offset + LOCAL_HEADER_BYTES + len(name.encode())
        padding = -(before + 4) % _ALIGNED + 4
        return self.archive.head(name, entry.file_size, extra=padding)
