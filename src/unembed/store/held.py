"""The run folders that this program writes to: each stays the one it took, or nothing is written.

A folder that is removed, moved or replaced while a run is being written is not made again: what
would be written there is of no run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from unembed.errors import RunError
from unembed.store.standing import check_way, in_the_way, kind_of

Mark = tuple[int, ...]


PART = ".part"
"""What the name of an unfinished file ends in."""


class Hold:
    """One run folder that is being written to.

    Args:
        folder: of the run.
        lock: that is held: the run's, or of one of several programs that write to it.
        part: the unfinished file of this program, where several write to the run; each file has one
            beside it else.
    """

    def __init__(self, folder: Path, lock: Path, part: Path | None = None) -> None:
        self._folder = folder
        self.part = part
        self._marks = {lock: mark_of(lock)}  # who holds it may write into it

    def rely_on(self, path: Path) -> None:
        """Let nothing more be written once a file is gone, or another one is in its place."""
        self._marks[path] = _mark(path)

    def prepare(self, path: str) -> None:
        """Make the folders of a file that is about to be written, but never the run's own.

        Raises:
            RunError: when the run's folder is not what it was, or something else is in the way.
            OSError: when the disk refuses.
        """
        for known, mark in self._marks.items():
            if is_marked(known, mark):
                continue
            raise RunError(
                f"{self._folder} was removed, moved or replaced while the run was written to it, "
                "and nothing more is written. Where it was moved, the same command with its new "
                "place goes on from there; where it was removed, the same command begins again."
            )
        check_way(self._folder, path)
        for above in reversed(PurePosixPath(path).parents[:-1]):
            with suppress(FileExistsError):
                (self._folder / above).mkdir()


_held: dict[Path, Hold] = {}


@contextmanager
def held(folder: Path, lock: Path, part: Path | None = None) -> Iterator[Hold]:
    """Say of a folder, for as long as it is written to, that it must stay what it is.

    Args:
        folder: of the run.
        lock: that is held, as for `Hold`.
        part: the unfinished file of this program, likewise.

    Raises:
        RunError: when this program writes to the folder already, in another thread.
    """
    if folder in _held:
        raise RunError(
            f"This program is writing to {folder} already. Make another share in a program of its "
            "own."
        )
    _held[folder] = hold = Hold(folder, lock, part)
    try:
        yield hold
    finally:
        del _held[folder]


def part_of(path: Path) -> Path:
    """Return where a file is written before it is whole: in its own folder or run."""
    own = next((_held[folder].part for folder in path.parents if folder in _held), None)
    return own or path.with_name(f"{path.name}{PART}")


def prepare(path: Path) -> None:
    """Make ready for a file to be written, of a run that is held or elsewhere.

    Raises:
        RunError: as `Hold.prepare` does.
        OSError: when the disk refuses.
    """
    for folder in path.parents:
        if folder in _held:
            _held[folder].prepare(path.relative_to(folder).as_posix())
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = kind_of(path)
    if kind not in (None, "a file"):
        raise in_the_way(path, kind)


def is_marked(path: Path, mark: Mark) -> bool:
    """Return whether a file is the one of which this mark was taken."""
    with suppress(OSError):
        return _mark(path)[: len(mark)] == mark
    return False


def mark_of(path: Path) -> Mark:
    """Return a mark of a file, whatever is written to it."""
    return _mark(path)[:2]


def _mark(path: Path) -> Mark:
    found = os.lstat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
