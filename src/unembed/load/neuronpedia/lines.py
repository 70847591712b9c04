"""Files of an export as objects: one a line, packed with gzip or not; a dashboard as one."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from unembed.errors import FormatError
from unembed.outside import limits
from unembed.outside.documents import parse_json
from unembed.outside.files import read_bytes

_GZIP = b"\x1f\x8b"


def objects_in(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield each object of a file, with the place where it stands, as errors name it.

    Args:
        path: `.json` is one object or a list; all else is one object a line. Either may be packed.

    Raises:
        FormatError: when it cannot be read, is damaged, no JSON, or beyond a limit.
    """
    what = str(path)
    if path.name.removesuffix(".gz").endswith(".json"):
        yield (
            what,
            parse_json(
                _whole(path, what),
                what,
                most=limits.DASHBOARD_BYTES,
                values=limits.DASHBOARD_VALUES,
            ),
        )
        return
    try:
        with path.open("rb") as file:
            yield from objects_of(file, what)
    except OSError as error:
        raise FormatError(
            f"{what} cannot be read: {error.strerror or error}. Check its path and rights."
        ) from error


def objects_of(file: BinaryIO, what: str) -> Iterator[tuple[str, Any]]:
    """Yield each object of an open file of lines, likewise.

    Args:
        file: packed with gzip, or not.
        what: it is called, as errors name it.
    """
    try:
        packed = file.read(2) == _GZIP
        file.seek(0)
        readline = gzip.GzipFile(fileobj=file).readline if packed else file.readline
        for number, line in enumerate(_bounded(readline, what), 1):
            if line.strip():
                where = f"{what}, line {number:,}"
                yield where, parse_json(line, where)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(what, error) from error


def _whole(path: Path, what: str) -> bytes:
    raw = read_bytes(path, limits.DASHBOARD_BYTES)
    if not raw.startswith(_GZIP):
        return raw
    try:
        unpacker = zlib.decompressobj(wbits=31)
        found = unpacker.decompress(raw, limits.DASHBOARD_BYTES)
    except zlib.error as error:
        raise _damaged(what, error) from error
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise _damaged(what, "it is cut short, or too large when it is unpacked")
    return found


def _bounded(readline: Callable[[int], bytes], what: str) -> Iterator[bytes]:
    read = 0
    while line := readline(limits.EXPORT_LINE_BYTES + 1):
        read += len(line)
        if len(line) > limits.EXPORT_LINE_BYTES:
            raise _damaged(what, f"a line has more than {limits.EXPORT_LINE_BYTES >> 20} MB")
        if read > limits.EXPORT_UNPACKED_BYTES:
            raise _damaged(
                what, f"it has more than {limits.EXPORT_UNPACKED_BYTES >> 30} GB when unpacked"
            )
        yield line


def _damaged(what: str, why: object) -> FormatError:
    return FormatError(f"{what} is damaged: {str(why).rstrip('.')}. Download it again.")
