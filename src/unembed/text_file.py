"""Text files that a person may hand us: the byte-order mark that editors leave is not content."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16's, which it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def decoded(raw: bytes) -> str:
    r"""Return bytes as text: UTF-8, or what a byte-order mark says, with `\n` between lines.

    >>> decoded(b"\xef\xbb\xbfa\r\nb")
    'a\nb'

    Raises:
        ValueError: when they are no such text.
    """
    encoding = next((each for mark, each in _MARKS.items() if raw.startswith(mark)), "utf-8")
    return raw.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def read_text(path: Path) -> str:
    """Return a file's text (see `decoded`).

    Raises:
        OSError: when the file cannot be read.
        ValueError: when it is no text.
    """
    return decoded(path.read_bytes())


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        OSError: when the file cannot be read.
        ValueError: when it is no JSON, or nested deeper than anything that means something.
    """
    try:
        return json.loads(decoded(path.read_bytes()))
    except RecursionError as error:
        raise ValueError("its lists and tables are nested too deep") from error
