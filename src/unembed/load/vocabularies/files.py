"""The files of tokenizers, within limits: tables in JSON, lists of lines, and the ids in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unembed.outside.documents import parse_json
from unembed.outside.files import read_bytes
from unembed.outside.limits import JSON_BYTES, VOCABULARY_BYTES
from unembed.outside.lines import read_text
from unembed.outside.text import shown


def parsed(path: Path, name: str | None = None) -> Any:
    """Return what a tokenizer's JSON file holds.

    Args:
        path: of the file.
        name: as errors name it; by default the path.

    Raises:
        FormatError: when it is no JSON, or more of it than any tokenizer has.
    """
    return parse_json(read_bytes(path, JSON_BYTES), name or str(path))


def lines_of(path: Path) -> list[str]:
    """Return the lines of a tokenizer's text file; the last is empty where the file ends in one.

    Raises:
        FormatError: when it is no text, or more than any tokenizer has.
    """
    return read_text(path, VOCABULARY_BYTES).split("\n")


def token_id(value: object) -> int:
    """Return an id or a rank as a file has it; `Vocabulary.from_ids` says how large it may be.

    Raises:
        TypeError: when it is no whole number (`true` is none, nor is 1.0).
    """
    if type(value) is not int:
        raise TypeError(f"{shown(repr(value), most=40)} is no whole number")
    return value


def piece_text(value: object) -> str:
    """Return a piece or a token's text as a file has it.

    Raises:
        TypeError: when it is no text.
    """
    if not isinstance(value, str):
        raise TypeError(f"{shown(repr(value), most=40)} is no text")
    return value
