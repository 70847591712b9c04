"""What is on disk is not made again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Read = TypeVar("Read")


def keep(path: Path, make: Callable[[], None]) -> None:
    """Make a file of a run, unless it is there.

    Args:
        path: of the file, the last that `make` writes.
        make: writes it, whole or not at all.
    """
    if not path.is_file():
        make()


def kept(path: Path, make: Callable[[], None], read: Callable[[], Read]) -> Read:
    """Return what a file of a run holds, which is made first unless it is there.

    Args:
        path: as for `keep`.
        make: likewise.
        read: reads it again, so that a run that goes on sees what one that never stopped does.
    """
    keep(path, make)
    return read()
