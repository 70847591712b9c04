"""Text files from outside that are read line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unembed.errors import FormatError
from unembed.outside.files import decoded, read_bytes


def read_text(path: Path, most: int) -> str:
    """Return a file's text (see `files.decoded`).

    Raises:
        FormatError: when it cannot be read, has more than `most` bytes, or is no text, with the
            line and the byte.
    """
    return text_of(read_bytes(path, most), str(path))


def text_of(raw: bytes, what: str) -> str:
    r"""Return bytes as text.

    >>> text_of(b"one\ntwo \xff", "a.gmt")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    unembed.errors.FormatError: a.gmt, line 2: the byte 0xff is no UTF-8...

    Args:
        raw: UTF-8, or what its byte-order mark says.
        what: the file, as errors name it.

    Raises:
        FormatError: when they are no text, with the line and the byte.
    """
    try:
        return decoded(raw)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = raw[error.start : error.start + 1].hex() or "(none)"
        raise FormatError(
            f"{what}, line {line}: the byte 0x{byte} is no {error.encoding.upper()}. Save it as "
            "UTF-8, or download it again."
        ) from error


def lines_in(text: str) -> Iterator[str]:
    r"""Yield the lines of a text one at a time: of all at once, a second copy would lie in memory.

    >>> list(lines_in("a\n\nb\n"))
    ['a', '', 'b', '']
    """
    start = 0
    while (stop := text.find("\n", start)) >= 0:
        yield text[start:stop]
        start = stop + 1
    yield text[start:]
