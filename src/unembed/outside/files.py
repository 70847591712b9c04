"""Files that a person may hand us, read within a limit; a byte-order mark is not content."""

from __future__ import annotations

import codecs
from pathlib import Path

from unembed.errors import FormatError

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16's, which it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_bytes(path: Path, most: int) -> bytes:
    """Return a file's content.

    Args:
        path: the file.
        most: how many bytes it may have.

    Raises:
        FormatError: when it cannot be read, or is larger.
    """
    try:
        with path.open("rb") as file:  # what has no end, as a device, has no size either
            raw = file.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"{path} cannot be read: {reason}. Check its path and rights.") from error
    if len(raw) > most:
        raise FormatError(
            f"{path} has more than {most >> 20} MB, which no file of its kind has. It is damaged, "
            "or another one is meant."
        )
    return raw


def decoded(raw: bytes) -> str:
    r"""Return bytes as text: UTF-8, or what a byte-order mark says, with `\n` between lines.

    >>> decoded(b"\xef\xbb\xbfa\r\nb")
    'a\nb'

    Raises:
        ValueError: when they are no such text.
    """
    encoding = next((each for mark, each in _MARKS.items() if raw.startswith(mark)), "utf-8")
    return raw.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
