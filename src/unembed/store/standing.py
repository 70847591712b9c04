"""What stands at a path, links not followed: a run has plain files in real folders, and no more."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from unembed.errors import RunError

_SURROGATE = 0x20000000
"""The bit of Windows' reparse tags that says a folder or file stands for another one."""
_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def kind_of(path: Path) -> str | None:
    """Return `a file`, `a folder`, `a link` …; None where nothing is.

    Raises:
        OSError: when that cannot be seen.
    """
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:  # a zero byte, or half a character
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), ascii(path)) from error
    if stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0) & _SURROGATE:
        return "a link"
    if stat.S_ISREG(found.st_mode):
        return "a file"
    if stat.S_ISDIR(found.st_mode):
        return "a folder"
    return next((kind for holds, kind in _KINDS if holds(found.st_mode)), "something else")


def check_way(folder: Path, path: str, whose: str = "a run") -> bool:
    """Return whether a file is at a path of a run, after a look at all on the way to it.

    Args:
        folder: of the run; it may itself be reached by a link.
        path: relative to it.
        whose: files are meant.

    Raises:
        RunError: when a link, or anything but a folder, is on the way, or anything but a plain
            file at its end: none of that is the run's.
    """
    *above, last = _steps(path)
    for step in above:
        kind = kind_of(folder / step)
        if kind is None:
            return False
        if kind != "a folder":
            raise in_the_way(folder / step, kind, whose)
    kind = kind_of(folder / last)
    if kind not in (None, "a file"):
        raise in_the_way(folder / last, kind, whose)
    return kind is not None


def is_file(path: Path) -> bool:
    """Return whether a plain file is at a path, links followed, to be read.

    Raises:
        RunError: when something else is there: a folder, or what might never end.
        OSError: when that cannot be seen.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISREG(found.st_mode):
        kind = kind_of(path)
        raise in_the_way(path, f"{kind} to no file" if kind == "a link" else kind)
    return True


def in_the_way(path: Path, kind: str | None, whose: str = "a run") -> RunError:
    """Return the error for what stands where a run has its own, and is not."""
    return RunError(
        f"{path} is {kind}, and {whose} has plain files in folders of its own, no links. It was "
        "not touched. Move it away, or choose another folder."
    )


def _steps(path: str) -> Iterator[str]:
    """Yield the folders on the way to a path, and the path."""
    parts = PurePosixPath(path).parts
    for depth in range(1, len(parts) + 1):
        yield "/".join(parts[:depth])
