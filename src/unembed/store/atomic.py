"""Writing a file so that it is either whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from polars.exceptions import PolarsError

from unembed.errors import RunError

PART = ".part"


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, then give it its name.

    Raises:
        RunError: when the disk refuses; the temporary file is gone then.
    """
    part = path.with_name(f"{path.name}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, PolarsError) as error:
        raise RunError(
            f"{path} cannot be written: {getattr(error, 'strerror', None) or error}. What is "
            "finished stays; the same command goes on from there."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
