"""A blob as a file that libraries read from."""

from __future__ import annotations

import io
from functools import cached_property
from typing import Any

from unembed.load.tensors.blob import Blob

_TAIL_BYTES = 98
"""The three records at the end of a zip without a comment: 56, 20 and 22 bytes."""


class Seekable(io.RawIOBase):
    """A blob, read from any place; the records at the end of a zip are asked for at once.

    Args:
        blob: the file's bytes.
        at_once: the most that a single reading may ask for.
        first: only so many bytes are shown: the file seems to end there.
    """

    def __init__(self, blob: Blob, *, at_once: int | None = None, first: int | None = None) -> None:
        self._blob = blob
        self._at = 0
        self._at_once = at_once
        self._size = blob.size if first is None else min(first, blob.size)
        self._tail_start = max(0, self._size - _TAIL_BYTES)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if at < 0:
            raise OSError("before the file's beginning")
        self._at = at
        return at

    @cached_property
    def _tail(self) -> bytes:
        return self._blob.read(self._tail_start, self._size)

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, asked for before as much memory is."""
        left = max(0, self._size - self._at)
        size = left if size < 0 else min(size, left)
        if self._at_once is not None and size > self._at_once:
            raise ValueError(f"{size:,} bytes at once are more than {self._at_once:,}")
        found: bytes = super().read(size)
        return found

    def readinto(self, buffer: Any) -> int:
        stop = min(self._at + len(buffer), self._size)
        if stop <= self._at:
            return 0
        if self._at >= self._tail_start:
            found = self._tail[self._at - self._tail_start : stop - self._tail_start]
        else:
            found = self._blob.read(self._at, stop)
        buffer[: len(found)] = found
        self._at = stop
        return len(found)
