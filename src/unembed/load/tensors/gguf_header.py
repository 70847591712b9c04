"""The header of a GGUF file: its metadata, and where its tensors lie.

The format: `GGUF`, a version, the numbers of tensors and of metadata values, the values (`key`,
type, value), the tensors (name, axes from the innermost, type, offset), and behind padding to a
multiple of `general.alignment` the tensors' bytes. Every count and length in it is held against the
bytes that are left before anything is made of it.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unembed.load.tensors.blob import LocalBlob
from unembed.load.tensors.file import check_tensor
from unembed.outside.limits import GGUF_AXES, GGUF_ITEMS, GGUF_KEYS, GGUF_TENSORS, TENSOR_NAME

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_ALIGNMENT = "general.alignment"
_DEPTH = 4
_TEXT, _LIST = 8, 9
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q",
            12: "d"}  # fmt: skip
"""The types of metadata by their numbers, as `struct` and NumPy call them."""


class Placed(NamedTuple):
    """Where a tensor lies, and how it is stored.

    Attributes:
        shape: outermost axis first.
        kind: the number of its type, as ggml has it.
        start: its first byte in the file.
        n_bytes: how many it has.
    """

    shape: tuple[int, ...]
    kind: int
    start: int
    n_bytes: int

    def rows(self, start: int, stop: int) -> Placed:
        """Return where some rows of the tensor lie: no block of numbers is of two."""
        each = self.n_bytes // max(self.shape[0], 1)
        shape = (stop - start, *self.shape[1:])
        return Placed(shape, self.kind, self.start + start * each, (stop - start) * each)


class Header(NamedTuple):
    """What a GGUF file says of itself.

    Attributes:
        values: metadata by key; texts are bytes still, and lists of numbers arrays.
        tensors: by name.
    """

    values: dict[str, Any]
    tensors: dict[str, Placed]


def read_header(path: Path, sizes: Mapping[int, tuple[int, int]]) -> Header:
    """Return the header of a GGUF file.

    Args:
        path: the file.
        sizes: by the number of a type, how many numbers a block has, and how many bytes.

    Raises:
        ValueError: when it is wrong, with the field or the tensor.
        FormatError, SourceError: when it is no file, or cannot be read.
    """
    size = LocalBlob(path).size
    if size < 24:
        raise ValueError(f"it has {size} bytes, no GGUF magic and no counts")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        return _Reader(raw, sizes).header()


class _Reader:
    """Takes a header apart, from its beginning on."""

    def __init__(self, raw: mmap.mmap, sizes: Mapping[int, tuple[int, int]]) -> None:
        self._raw = raw
        self._size = len(raw)
        self._at = 0
        self._items = 0
        self._sizes = sizes

    def header(self) -> Header:
        magic = bytes(self._raw[:4])
        if magic != MAGIC:
            raise ValueError(f"its magic is {magic!r}, not {MAGIC!r}")
        self._at = 4
        version = self._number("I", "version")
        if version not in _VERSIONS:
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in _VERSIONS
            order = ", whose bytes are in big-endian order" if swapped else ""
            raise ValueError(f"it is of version {version}{order}; versions 2 and 3 are read")
        n_tensors, n_values = (self._number("Q", each) for each in ("tensor_count", "kv_count"))
        for what, found, most in (
            ("tensors", n_tensors, GGUF_TENSORS),
            ("metadata values", n_values, GGUF_KEYS),
        ):
            if found > most or found > self._size // 13:  # the shortest value has 13 bytes
                raise ValueError(f"it promises {found:,} {what} in {self._size:,} bytes")
        values: dict[str, Any] = {}
        for _ in range(n_values):
            key = self._name("a metadata key")
            if key in values:
                raise ValueError(f"metadata {key!r} stands in it twice")
            values[key] = self._value(self._number("I", key), key, 0)
        placed: dict[str, Placed] = {}
        for _ in range(n_tensors):
            name = self._name("a tensor's name")
            if name in placed:
                raise ValueError(f"tensor {name!r} stands in it twice")
            placed[name] = self._tensor(name)
        return Header(values, self._in_place(placed, values.get(_ALIGNMENT, 32)))

    def _take(self, size: int, what: str) -> bytes:
        """Return the next bytes, which the file must have."""
        start, self._at = self._at, self._at + size
        if self._at > self._size:
            self._at = start
            raise ValueError(
                f"{what} needs {size:,} bytes at byte {start:,}, and the file ends after "
                f"{self._size - start:,}"
            )
        return self._raw[start : self._at]

    def _number(self, code: str, what: str) -> Any:
        return struct.unpack(f"<{code}", self._take(struct.calcsize(f"<{code}"), what))[0]

    def _text(self, what: str) -> bytes:
        return self._take(self._number("Q", what), what)

    def _name(self, what: str) -> str:
        length = self._number("Q", what)
        if length > 4 * TENSOR_NAME:
            raise ValueError(f"{what} has {length:,} bytes")
        return text_of(self._take(length, what), what)

    def _value(self, kind: int, key: str, depth: int) -> Any:
        if kind == _TEXT:
            return self._text(key)
        if kind in _NUMBERS:
            return self._number(_NUMBERS[kind], key)
        if kind != _LIST:
            raise ValueError(f"metadata {key!r} is of type {kind}, which is not known")
        inside, length = self._number("I", key), self._number("Q", key)
        left = self._size - self._at
        code = _NUMBERS.get(inside)
        least = struct.calcsize(f"<{code}") if code else 8
        self._items += length
        if length * least > left or self._items > GGUF_ITEMS or depth == _DEPTH:
            raise ValueError(
                f"metadata {key!r} promises {length:,} items, {depth} deep in lists, in {left:,} "
                f"bytes; {GGUF_ITEMS:,} items are read at most"
            )
        if code:
            return np.frombuffer(self._take(length * least, key), np.dtype(code).newbyteorder("<"))
        if inside == _TEXT:
            return self._texts(length, key)
        return [self._value(inside, key, depth + 1) for _ in range(length)]

    def _texts(self, length: int, key: str) -> list[bytes]:
        """Return as many texts: a vocabulary, so that the loop is kept short."""
        raw, at, size, unpack = self._raw, self._at, self._size, struct.Struct("<Q").unpack_from
        found = []
        for number in range(length):
            stop = at + 8
            if stop <= size:
                stop += unpack(raw, at)[0]
            if stop > size:
                raise ValueError(f"item {number:,} of {key!r} ends behind the file's end")
            found.append(raw[at + 8 : stop])
            at = stop
        self._at = at
        return found

    def _tensor(self, name: str) -> Placed:
        """Return what is said of a tensor; its offset is still counted from the first one's."""
        axes = self._number("I", name)
        if axes > GGUF_AXES:
            raise ValueError(f"tensor {name!r} has {axes:,} axes; the format has {GGUF_AXES}")
        shape = tuple(self._number("Q", name) for _ in range(axes))[::-1]
        kind, offset = self._number("I", name), self._number("Q", name)
        check_tensor(name, shape)
        if kind not in self._sizes:
            raise ValueError(
                f"tensor {name!r} is of type {kind}, which the gguf package does not know"
            )
        block, size = self._sizes[kind]
        if block > 1 and (not shape or shape[-1] % block):
            raise ValueError(
                f"tensor {name!r} of type {kind} has shape {[*shape]}, which is not made of "
                f"blocks of {block}"
            )
        return Placed(shape, kind, offset, prod(shape) // block * size)

    def _in_place(self, tensors: dict[str, Placed], alignment: Any) -> dict[str, Placed]:
        """Return the tensors with their first bytes in the file."""
        if type(alignment) is not int or not 0 < alignment <= 1 << 30 or alignment & alignment - 1:
            raise ValueError(f"{_ALIGNMENT} is {alignment!r:.40}, and should be a power of two")
        body = -(-self._at // alignment) * alignment
        found = {}
        for name, tensor in tensors.items():
            start, stop = body + tensor.start, body + tensor.start + tensor.n_bytes
            if tensor.start % alignment:
                raise ValueError(f"tensor {name!r} begins at byte {start:,}, which is not aligned")
            if stop > self._size:
                raise ValueError(
                    f"tensor {name!r} ends at byte {stop:,}, and the file has {self._size:,}"
                )
            found[name] = tensor._replace(start=start)
        lying = sorted(found, key=lambda name: (found[name].start, found[name].n_bytes))
        for before, after in pairwise(lying):
            if found[after].start < found[before].start + found[before].n_bytes:
                raise ValueError(f"tensors {before!r} and {after!r} lie in the same bytes")
        return found


def text_of(raw: bytes, what: str) -> str:
    """Return bytes as text.

    Raises:
        ValueError: when they are no UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{what} is no UTF-8: {raw[:40]!r}") from error
