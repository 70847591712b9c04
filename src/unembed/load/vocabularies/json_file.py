"""JSON files of tokenizers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unembed.errors import FormatError
from unembed.text_file import read_json


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
