r"""Sealed files: each carries a hash of all its bytes, so that damage is seen before it is read.

The seal lies inside the file, which stays one thing that is there or not. A Parquet file has it in
its own metadata, where any other reader sees a key more. Every other file has it behind its
content, where NumPy's readers do not look:

```text
content | what the file says of itself, as JSON | \nunembed.seal LENGTH xxh3-128:HASH\n
```

LENGTH is that of the JSON, in eight hexadecimal digits. HASH is XXH3 of 128 bits, in 32 of them, of
all other bytes of the file; in Parquet, of the file with zeros in its place. It finds damage, not
intent: who changes a file on purpose can seal it again.

A file is verified whole, before anything is taken from it, and once in a process for as long as it
stays the same file: same place, same inode, same size, same time of change.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import xxhash

from unembed.distant import file_at
from unembed.errors import FormatError
from unembed.outside.documents import parse_json

KEY = "unembed.seal"
METHOD = "xxh3-128:"
_ZEROS = "0" * 32
BLANK = {KEY: f"{METHOD}{_ZEROS}"}
"""What a Parquet file's metadata says before it is sealed: as long as it will be."""

_IN_PARQUET = b"\x18%c%b\x18%c%b" % (len(KEY), KEY.encode(), len(BLANK[KEY]), METHOD.encode())
"""What stands before the hash in the footer: each text behind its length, as Thrift writes it."""
_END = re.compile(
    rb"\n%b (?P<said>[0-9a-f]{8}) %b(?P<hash>[0-9a-f]{32})\n"
    % (re.escape(KEY.encode()), METHOD.encode())
)
_END_BYTES = 1 + len(KEY) + 1 + 8 + 1 + len(METHOD) + 32 + 1
_MAGIC = b"PAR1"
_NUMPY = b"\x93NUMPY"
_ARRAY = re.compile(rb"'descr': '[<>|=]?[a-zA-Z](\d+)'.*'shape': \(([\d, ]*)\)", re.DOTALL)
_NEAR_END = 1 << 20
"""A seal, whole or broken, lies in the last bytes of its file; a Parquet footer is shorter."""
_NEAR_END_OF_ARRAY = 1 << 14
"""What any other file says of itself lies in so many last bytes: of an array a few hundred."""
_CHUNK = 1 << 20

_Identity = tuple[int, int, int, int]
_verified: dict[Path, tuple[_Identity, bool]] = {}
"""Files that were found undamaged in this process, and whether they carry a seal."""


class _Seal(NamedTuple):
    """Where a file has its seal.

    Attributes:
        hash: position of the hash.
        content: how many bytes of the file are its content, where the rest lies behind it.
        covered: how many bytes the hash is of.
    """

    hash: int
    content: int
    covered: int


def seal(path: Path, said: Mapping[str, str] | None = None) -> None:
    """Put a seal behind the content of a file that has just been written.

    Equal content gives equal bytes.

    Args:
        path: any file but a Parquet table.
        said: what the file says of itself besides.
    """
    text = json.dumps(dict(said), ensure_ascii=False).encode() if said else b""
    with path.open("rb+") as file:
        file.seek(0, os.SEEK_END)
        file.write(text + f"\n{KEY} {len(text):08x} {METHOD}".encode())
        file.write(_hash(file, file.tell()).encode() + b"\n")


def seal_parquet(file: BinaryIO) -> None:
    """Fill in the seal of a Parquet file that was written with `BLANK` in its metadata."""
    size = file.seek(0, os.SEEK_END)
    found = _in_parquet(file, size)
    if found is None:
        raise ValueError("a Parquet file was written without a place for its seal")
    whole = _hash(file, size, found.hash)
    file.seek(found.hash)
    file.write(whole.encode())


def verify(path: Path, *, required: bool = False, anew: bool = False) -> bool:
    """Return whether a file carries a seal, which is right then.

    Args:
        path: the file.
        required: whether it must have one; files of earlier versions have none.
        anew: whether it is hashed again, although it was before.

    Raises:
        FormatError: when the file is damaged, or has no seal and must have one.
        OSError: when it is not there, or may not be read.
    """
    if far := file_at(path):
        far.need()
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        identity = status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
        place = path.absolute()
        known, sealed = _verified.get(place, (None, False))
        if anew or known != identity:
            _verified.pop(place, None)
            sealed = _check(path, file, status.st_size)
            _verified[place] = identity, sealed
    if required and not sealed:
        raise FormatError(
            f"{path} carries no hash of its content, and a file made by this version does: it is "
            "damaged, or was put there by something else."
        )
    return sealed


def is_whole(path: Path, *, required: bool = False) -> bool:
    """Return whether a file is there and undamaged.

    One of an earlier version, which carries no hash, counts as whole where it is not cut short.

    Args:
        path: the file.
        required: whether one without a hash counts as damaged.

    Raises:
        OSError: when it is there and may not be read.
    """
    try:
        verify(path, required=required)
    except (FormatError, FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
    return True


def content(path: Path) -> bytes:
    """Return the content of a file that is no Parquet table, without its seal, if it has one.

    Raises:
        FormatError: when it is damaged.
        OSError: when it is not there, or may not be read.
    """
    if far := file_at(path):
        far.need()
    raw = path.read_bytes()
    file = io.BytesIO(raw)
    if not _check(path, file, len(raw)):
        return raw
    found = _at_end(file, len(raw))
    assert found is not None  # it was just verified
    return raw[: found.content]


def said_of(path: Path) -> dict[str, str]:
    """Return what a file that is no Parquet table says of itself behind its content.

    Nothing where it carries no seal. The file is not verified.

    Raises:
        FormatError: when that is damaged.
        OSError: when it is not there, or may not be read.
    """
    if far := file_at(path):
        far.need((max(far.size - _NEAR_END_OF_ARRAY, 0), far.size))
    with path.open("rb") as file:
        found = _at_end(file, file.seek(0, os.SEEK_END))
        if found is None:
            return {}
        file.seek(found.content)
        text = file.read(found.covered - _END_BYTES + 33 - found.content)
    if not text:
        return {}
    said = parse_json(text, str(path))
    if not isinstance(said, dict):
        raise _damaged(path)
    return {str(key): str(value) for key, value in said.items()}


def hash_of(raw: bytes) -> str:
    """Return the hash of some bytes, with the name of its method before it."""
    return f"{METHOD}{xxhash.xxh3_128_hexdigest(raw)}"


def _check(path: Path, file: BinaryIO, size: int) -> bool:
    """Return whether an open file carries a seal.

    Raises:
        FormatError: when the file is damaged.
    """
    ends = _read(file, 0, 4), _read(file, max(size - 4, 0), size)
    is_parquet = path.suffix == ".parquet" or _MAGIC in ends  # a temporary file has no such name
    found = _in_parquet(file, size) if is_parquet else _at_end(file, size)
    if found is not None:
        if not _is_right(file, found):
            raise _damaged(path)
        return True
    last = _read(file, max(size - _NEAR_END, 0), size)
    if KEY.encode() in last or METHOD.encode() in last:
        raise _damaged(path)  # a seal that is broken itself, or has something behind it
    cut = _table_is_cut if is_parquet else _array_is_cut
    if size == 0 or ((is_parquet or path.suffix == ".npy") and cut(file, size)):
        raise FormatError(f"{path} is damaged: it is cut short, or lost its beginning or its end.")
    return False


def _in_parquet(file: BinaryIO, size: int) -> _Seal | None:
    """Return where a Parquet file has its seal: the last such place, behind all of the data."""
    start = max(size - _NEAR_END, 0)
    place = _read(file, start, size).rfind(_IN_PARQUET)
    return None if place < 0 else _Seal(start + place + len(_IN_PARQUET), size, size)


def _at_end(file: BinaryIO, size: int) -> _Seal | None:
    """Return where any other file has its seal."""
    end = size - _END_BYTES
    found = _END.fullmatch(_read(file, end, size)) if end >= 0 else None
    if found is None or int(found["said"], 16) > end:
        return None
    return _Seal(size - 33, end - int(found["said"], 16), size - 33)


def _is_right(file: BinaryIO, found: _Seal) -> bool:
    """Return whether the hash is that of the file."""
    within = found.hash if found.hash < found.covered else None
    said = _read(file, found.hash, found.hash + 32)
    return said == _hash(file, found.covered, within).encode()


def _hash(file: BinaryIO, stop: int, blank: int | None = None) -> str:
    """Return the hash of a file's first bytes, with zeros in place of the hash among them."""
    state = xxhash.xxh3_128()
    for chunk in _chunks(file, 0, stop if blank is None else blank):
        state.update(chunk)
    if blank is not None:
        state.update(_ZEROS.encode())
        for chunk in _chunks(file, blank + len(_ZEROS), stop):
            state.update(chunk)
    return state.hexdigest()


def _chunks(file: BinaryIO, start: int, stop: int) -> Iterator[memoryview]:
    room = memoryview(bytearray(min(_CHUNK, max(stop - start, 0))))
    file.seek(start)
    while start < stop and (got := file.readinto(room[: stop - start])):  # type: ignore[attr-defined]
        yield room[:got]
        start += got


def _read(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(max(stop - start, 0))


def _table_is_cut(file: BinaryIO, size: int) -> bool:
    """Return whether a Parquet file without a seal has lost its head or its foot."""
    foot = _read(file, max(size - 8, 0), size)
    return (
        _read(file, 0, 4) != _MAGIC
        or foot[4:] != _MAGIC
        or int.from_bytes(foot[:4], "little") > size - 12
    )


def _array_is_cut(file: BinaryIO, size: int) -> bool:
    """Return whether a `.npy` file without a seal has not the bytes that its head speaks of."""
    head, newline, _ = _read(file, 0, 4096).partition(b"\n")
    found = _ARRAY.search(head)
    if not head.startswith(_NUMPY) or not newline or found is None:
        return True
    parts = [part.strip() for part in found[2].split(b",") if part.strip()]
    if not all(part.isdigit() for part in parts):
        return True
    shape = [int(part) for part in parts]
    return size != len(head) + 1 + int(found[1]) * math.prod(shape)


def _damaged(path: Path) -> FormatError:
    return FormatError(
        f"{path} is damaged: its bytes are not those that were written, by the hash it carries."
    )
