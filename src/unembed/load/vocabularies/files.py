"""The files of tokenizers: tables in JSON, and lists of lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unembed.errors import FormatError
from unembed.text_file import read_json, read_text


def parsed(path: Path, name: str | None = None) -> Any:
    """Return what a tokenizer's JSON file holds.

    Args:
        path: of the file.
        name: as errors name it; by default the path.

    Raises:
        FormatError: when it is no JSON.
    """
    try:
        return read_json(path)
    except ValueError as error:
        raise FormatError(
            f"{name or path} is not JSON: {error}. Download the file again."
        ) from error


def lines_of(path: Path) -> list[str]:
    """Return the lines of a tokenizer's text file; the last is empty where the file ends in one.

    Raises:
        FormatError: when it is no text.
    """
    try:
        return read_text(path).split("\n")
    except ValueError as error:
        raise FormatError(f"{path} is no text: {error}. Download it again.") from error
