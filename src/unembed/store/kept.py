"""What is on disk, and whole, is not made again; what is missing or damaged is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from unembed import sealed
from unembed.disk import told
from unembed.errors import RunError
from unembed.store.stamp import must_be_sealed
from unembed.store.standing import is_file


def is_whole(path: Path) -> bool:
    """Return whether a file is there, and undamaged.

    Raises:
        RunError: when that cannot be told, since the disk refuses to let it be read.
    """
    with told(path, "cannot be read", RunError):
        if not is_file(path):
            return False
        return sealed.is_whole(path, required=must_be_sealed(path))


def keep(paths: Iterable[Path], make: Callable[[], None]) -> None:
    """Make the files of a step, unless they are there and whole.

    Args:
        paths: of all the files that `make` writes.
        make: writes them, each whole or not at all.

    Raises:
        RunError: when one of them may not be read, or cannot be written.
    """
    if not all(is_whole(path) for path in paths):
        make()
