"""Files from outside, no more of them than is allowed, as bytes or as text."""

from __future__ import annotations

from pathlib import Path

from unembed.text_file import decoded


def read_bytes(path: Path, most: int) -> bytes:
    """Return a file's bytes.

    Args:
        path: of the file; of one without an end no more is read than is allowed.
        most: bytes that it may have.

    Raises:
        OSError: when it cannot be read.
        ValueError: when it has more.
    """
    with path.open("rb") as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise ValueError(f"it has more than {_size(most)}, and what it should be has not")
    return raw


def read_text(path: Path, most: int) -> str:
    """Return a file's text (see `text_file.decoded`).

    Raises:
        OSError: when it cannot be read.
        ValueError: when it has more than `most` bytes, or is no text, with the line.
    """
    return text_of(read_bytes(path, most))


def text_of(raw: bytes) -> str:
    r"""Return bytes as text.

    >>> text_of(b"one\ntwo \xff")
    Traceback (most recent call last):
    ValueError: line 2 is no UTF-8: it holds the byte 0xff

    Raises:
        ValueError: when they are none, with the line and the byte.
    """
    try:
        return decoded(raw)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = raw[error.start : error.start + 1].hex() or "nothing"
        raise ValueError(
            f"line {line} is no {error.encoding.upper()}: it holds the byte 0x{byte}"
        ) from error


def _size(size: int) -> str:
    return f"{size // 2**20:,} MB" if size >= 2**20 else f"{size:,} bytes"
