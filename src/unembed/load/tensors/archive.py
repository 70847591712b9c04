"""A zip file, of which the directory and then single entries are read, by range."""

from __future__ import annotations

import zipfile
import zlib
from functools import cached_property
from zipfile import ZipInfo

import numpy as np

from unembed.errors import FormatError, UnembedError
from unembed.load.tensors.blob import Blob, Piece, damaged
from unembed.load.tensors.elements import Bytes, raw_bytes
from unembed.load.tensors.seekable import Seekable
from unembed.outside.limits import (
    INFLATED_BYTES,
    INFLATED_TIMES,
    TENSOR_NAME,
    ZIP_DIRECTORY_BYTES,
)

MAGIC = b"PK\x03\x04"
LOCAL_HEADER_BYTES = 30
_OVERHEAD_BYTES = 64
"""By how much more than a thousandth deflate may make bytes longer."""
_CHUNK_BYTES = 1 << 16
"""How much is inflated at once, to at most a thousand times as much."""


class Archive:
    """The entries of a zip, stored or deflated.

    Args:
        blob: the zip's bytes.
        container: what it should be, as errors name it.

    Raises:
        FormatError: at the first question, when the zip is damaged.
    """

    def __init__(self, blob: Blob, container: str) -> None:
        self.blob = blob
        self.container = container

    @cached_property
    def entries(self) -> dict[str, ZipInfo]:
        """Each entry by its name, in the directory's order; only the directory is read."""
        try:
            with zipfile.ZipFile(Seekable(self.blob, at_once=ZIP_DIRECTORY_BYTES)) as opened:
                return _checked(opened.infolist(), self.blob.size)
        except UnembedError:
            raise
        except Exception as error:  # whatever a damaged directory makes the library stumble over
            raise self.damaged(str(error) or type(error).__name__) from error

    def known_as(self, container: str) -> Archive:
        """Return the same zip, now that its entries say what it should be."""
        self.container = container
        return self

    def head(self, name: str, size: int, *, extra: int = 0) -> bytes:
        """Return the first bytes of an entry, at most `size`; one request where `extra` is right.

        Args:
            name: of the entry.
            size: how many bytes.
            extra: how long the extra field before the entry's content probably is.
        """
        entry = self.entries[name]
        size = min(size, entry.file_size)
        stored = entry.compress_type == zipfile.ZIP_STORED
        packed = size if stored else min(entry.compress_size, size + size // 1000 + _OVERHEAD_BYTES)
        start = self._start(entry, ahead=len(name.encode()) + extra + packed)
        found = self.blob.read(start, start + packed)
        if stored:
            return found
        try:
            plain: bytes = self._decompressor(name).decompress(found, size)
        except zlib.error as error:
            raise self.damaged(f"{name}: {error}") from error
        if len(plain) < size:
            raise self.damaged(f"{name} ends before its byte {size:,}")
        return plain

    def content(self, name: str, first: int, last: int, *, whole: bool = True) -> Bytes:
        """Return bytes first … last of an entry, mapped where the entry is stored.

        Args:
            name: of the entry.
            first: byte of the entry.
            last: byte of the entry, itself no longer returned.
            whole: whether all of them are wanted; otherwise only what is looked at is read.

        Raises:
            FormatError: when the entry is shorter, or packed in a way that is not known.
        """
        if self.is_stored(name):
            return raw_bytes(self.piece(name, first, last), last - first, whole=whole)
        self._check_length(name, last)
        entry = self.entries[name]
        start = self._start(entry)
        piece = self.blob.piece(start, start + entry.compress_size, name)
        packed = raw_bytes(piece, entry.compress_size, whole=False)
        return self._inflated(name, packed, first, last)

    def is_stored(self, name: str) -> bool:
        """Return whether an entry lies in the zip as it is."""
        return self.entries[name].compress_type == zipfile.ZIP_STORED

    def piece(self, name: str, first: int, last: int) -> Piece:
        """Return where bytes first … last of an entry lie that is stored.

        Raises:
            FormatError: when the entry is shorter.
        """
        self._check_length(name, last)
        start = self._start(self.entries[name])
        return self.blob.piece(start + first, start + last, name)

    def check(self, name: str, *parts: bytes | memoryview) -> None:
        """Check a whole entry's bytes against the checksum that the zip keeps of them.

        Raises:
            FormatError: when they are not what was written; nothing of the file is kept then.
        """
        sum_of = 0
        for part in parts:
            sum_of = zlib.crc32(part, sum_of)
        if sum_of != self.entries[name].CRC:
            self.blob.forget()
            raise self.damaged(f"{name} is not what was written: its checksum differs")

    def damaged(self, reason: object) -> FormatError:
        """Return the error for a zip that is not what it should be."""
        return damaged(self.blob, self.container, reason)

    def _check_length(self, name: str, last: int) -> None:
        has = self.entries[name].file_size
        if last > has:
            raise self.damaged(f"{name} has {has:,} bytes, and should have {last:,}")

    def _start(self, entry: ZipInfo, ahead: int = 0) -> int:
        """Return where an entry's content begins; its local header says so.

        Args:
            entry: of the directory.
            ahead: how many bytes to read beyond the header's fixed part.
        """
        at = entry.header_offset
        stop = min(at + LOCAL_HEADER_BYTES + ahead, self.blob.size)
        header = self.blob.read(at, max(stop, at + LOCAL_HEADER_BYTES))
        if header[:4] != MAGIC:
            raise self.damaged(f"{entry.filename} is not where the directory says")
        if entry.flag_bits & 1:
            raise self.damaged(f"{entry.filename} is encrypted")
        name, extra = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
        return at + LOCAL_HEADER_BYTES + name + extra

    def _decompressor(self, name: str) -> zlib._Decompress:
        kind = self.entries[name].compress_type
        if kind != zipfile.ZIP_DEFLATED:
            known = zipfile.compressor_names.get(kind, kind)  # type: ignore[attr-defined]
            raise self.damaged(f"{name} is packed by {known}, and only deflate can be read")
        return zlib.decompressobj(-15)

    def _inflated(self, name: str, packed: Bytes, first: int, last: int) -> Bytes:
        """Return bytes first … last of an entry, inflated a chunk at a time."""
        out = np.empty(last - first, np.uint8)
        decompressor, at = self._decompressor(name), 0
        try:
            for begin in range(0, len(packed), _CHUNK_BYTES):
                if at >= last:
                    break
                plain = decompressor.decompress(packed[begin : begin + _CHUNK_BYTES].data)
                _copy(plain, at - first, out)
                at += len(plain)
        except zlib.error as error:
            raise self.damaged(f"{name}: {error}") from error
        if at < last:
            raise self.damaged(f"{name} ends before its byte {last:,}")
        return out


def _checked(entries: list[ZipInfo], size: int) -> dict[str, ZipInfo]:
    """Return entries by name, held against one another and the file.

    Raises:
        ValueError: when two have one name or lie in the same bytes, or one does not fit the file,
            or would become larger than anything real does.
    """
    named: dict[str, ZipInfo] = {}
    end, before = size, "the directory"
    for entry in sorted(entries, key=lambda each: each.header_offset, reverse=True):
        name = entry.filename
        if len(name) > TENSOR_NAME:
            raise ValueError(f"an entry's name has {len(name):,} characters")
        if named.setdefault(name, entry) is not entry:
            raise ValueError(f"two entries are called {name}")
        if entry.header_offset + LOCAL_HEADER_BYTES + entry.compress_size > end:
            raise ValueError(f"{name} and {before} lie in the same bytes")
        end, before = entry.header_offset, name
        packed, plain = entry.compress_size, entry.file_size
        stored = entry.compress_type == zipfile.ZIP_STORED
        if stored and packed != plain:
            raise ValueError(f"{name} has {packed:,} bytes, and should have {plain:,}")
        if plain > INFLATED_BYTES and plain > INFLATED_TIMES * packed:
            raise ValueError(
                f"{name} has {packed:,} bytes that would become {plain:,}, more than "
                f"{INFLATED_TIMES} times as many"
            )
    return {entry.filename: entry for entry in entries}


def _copy(plain: bytes, at: int, out: Bytes) -> None:
    """Copy bytes to their place in `out`, of which they may begin before and end behind."""
    source = np.frombuffer(plain, np.uint8)[max(0, -at) :]
    place = out[max(0, at) : max(0, at) + len(source)]
    place[:] = source[: len(place)]
