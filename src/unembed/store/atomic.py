"""Writing a file so that it is either whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from polars.exceptions import PolarsError

from unembed.disk import refused
from unembed.errors import RunError
from unembed.store.held import part_of, prepare
from unembed.store.standing import in_the_way, kind_of


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, then give it its name.

    Folders inside a run are made; the run's own is not.

    Raises:
        RunError: when the disk refuses, the run's folder is not there any more, or something that
            is no plain file has the name; the temporary file is gone then.
    """
    part = part_of(path)
    try:
        prepare(path)  # where that refuses, what is there may be another program's
        try:
            _clear(part)
            write(part)
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            with suppress(OSError, RunError):
                _clear(part)
    except (OSError, PolarsError) as error:
        raise RunError(
            f"{path} cannot be written: {refused(error)} What is finished stays; the same command "
            "goes on from there."
        ) from error


def _clear(part: Path) -> None:
    """Remove what a stopped program left; a link is not written through, nor is it ours."""
    kind = kind_of(part)
    if kind == "a file":
        part.unlink()  # not written over: it may have another name elsewhere
    elif kind is not None:
        raise in_the_way(part, kind)
