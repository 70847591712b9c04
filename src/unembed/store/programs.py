"""Several programs that write to one run at a time: each holds a place of its own in `.programs`.

A place is a lock, which ends with the program that holds it, and the one file that this program is
about to write. Both are named by number, so that what a program leaves that was stopped is known.
Places are taken and cleared by whoever holds the run's own lock.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from unembed.errors import RunError
from unembed.store.held import PART
from unembed.store.standing import check_way, in_the_way, kind_of

PROGRAMS = ".programs"
_MOST = 10_000
_NAME = re.compile(r"0|[1-9][0-9]{0,3}")
_PATH = re.compile(rf"{re.escape(PROGRAMS)}/({_NAME.pattern})({re.escape(PART)})?")


class Place(NamedTuple):
    """What one program has of a run's folder.

    Attributes:
        path: the lock, held for as long as the program writes.
        part: the file that it writes, before that has its name.
        lock: of the path.
    """

    path: Path
    part: Path
    lock: FileLock

    @classmethod
    def numbered(cls, folder: Path, number: int) -> Place:
        """Return a place in a run's folder.

        Raises:
            RunError: when something else is there.
            OSError: when the disk refuses.
        """
        path = f"{PROGRAMS}/{number}"
        for each in (path, f"{path}{PART}"):
            check_way(folder, each)
        check_lock(folder / path)
        return cls(folder / path, folder / f"{path}{PART}", FileLock(folder / path, timeout=0))

    def take(self) -> bool:
        """Take it, and return whether that could be: whether no program holds it."""
        try:
            self.lock.acquire()
        except Timeout:
            return False
        return True

    def clear(self) -> None:
        """Delete what is in it, and give it up."""
        self.part.unlink(missing_ok=True)
        self.lock.release()
        self.path.unlink(missing_ok=True)


def take_place(folder: Path) -> Place:
    """Take the first place that is free.

    Raises:
        RunError: when there is none, or something else is in the way.
        OSError: when the disk refuses.
    """
    check_way(folder, f"{PROGRAMS}/0")
    (folder / PROGRAMS).mkdir(exist_ok=True)
    for number in range(_MOST):
        place = Place.numbered(folder, number)
        if place.take():
            return place
    raise RunError(f"{_MOST:,} programs write to {folder} already. Wait until one is done.")


def clear_places(folder: Path) -> int:
    """Delete what programs left that were stopped, and return how many still write.

    Raises:
        RunError: when something else is in the way.
        OSError: when the disk refuses.
    """
    places = [Place.numbered(folder, number) for number in sorted(_numbers(folder))]
    holding = 0
    for place in places:
        if place.take():
            place.clear()
        else:
            holding += 1
    if not holding:
        with suppress(OSError):  # it is not there, or somebody has something in it
            (folder / PROGRAMS).rmdir()
    return holding


def is_of_program(path: str) -> bool:
    """Return whether a path in a run is the lock or the unfinished file of a program."""
    return _PATH.fullmatch(path) is not None


def check_lock(path: Path) -> None:
    """Check that a lock is ours: empty, or with the number of its process.

    Raises:
        RunError: when it is not.
        OSError: when the disk refuses.
    """
    kind = kind_of(path)
    if kind not in (None, "a file"):
        raise in_the_way(path, kind)
    with suppress(FileNotFoundError), path.open("rb") as file:
        said = file.readline(64)
        if said and not said.strip().isdigit():
            raise RunError(
                f"{path} is the lock of another program. Nothing was touched. Choose another "
                "folder for the run."
            )


def _numbers(folder: Path) -> set[int]:
    """Return the numbers of the places of which anything is there."""
    if kind_of(folder / PROGRAMS) is None:
        return set()
    check_way(folder, f"{PROGRAMS}/0")
    names = (path.name.removesuffix(PART) for path in (folder / PROGRAMS).iterdir())
    return {int(name) for name in names if _NAME.fullmatch(name)}
