"""`refused`: what the disk refused, in words, by the system's own number and not by a library's.

Whoever writes or reads a file says with it why that cannot be done, and what to do: a full disk is
not a damaged table.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOM = "Make room there, or choose another place."
_RIGHTS = "Change its permissions or its owner, or choose another place."
_DEVICE = "Look after the disk or the connection, then give the same command again."
_KINDS = {
    ("ENOSPC",): ("the disk is full", _ROOM),
    ("EDQUOT",): ("your share of the disk is used up", _ROOM),
    ("EFBIG",): ("the file grows larger than a file may be there", _ROOM),
    ("EACCES", "EPERM"): ("permission is denied", _RIGHTS),
    ("EROFS",): ("the file system can only be read", "Choose another place."),
    ("EMFILE", "ENFILE"): (
        "too many files are open", "Close some, or raise the limit (`ulimit -n`)."
    ),
    ("ENAMETOOLONG",): ("a name in the path, or all of it, is too long", "Choose a shorter one."),
    ("EILSEQ", "EINVAL"): ("the disk does not take such a name or file", "Choose another name."),
    ("ENOENT",): ("it, or a folder above it, is not there", "Look whether it was moved."),
    ("EISDIR",): ("a folder is where a file should be", "Move it away, or choose another place."),
    ("ENOTDIR",): ("a file is where a folder should be", "Move it away, or choose another place."),
    ("EEXIST", "ENOTEMPTY"): (
        "something else is there already", "Move it away, or choose another place."
    ),
    ("ELOOP",): ("links lead in a circle, or may not be followed there", "Choose another place."),
    ("EXDEV",): ("it lies on another disk", "Choose a place on one disk."),
    ("EBUSY", "ETXTBSY"): ("another program holds it", "Wait until that is done."),
    ("EIO", "ENODEV", "ENXIO", "ESTALE", "ETIMEDOUT"): ("the disk does not answer", _DEVICE),
    ("ENOMEM",): ("memory is used up", "Close other programs."),
}  # fmt: skip
_BY_NUMBER = {
    getattr(errno, name): said
    for names, said in _KINDS.items()
    for name in names
    if hasattr(errno, name)  # Windows has not all of them
}
_WITHIN = re.compile(r"\(os error (\d+)\)")
"""How libraries in Rust pass the number on, inside their message."""


def number_of(error: BaseException) -> int | None:
    """Return the system's number of what it refused; None for an error of another kind."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if within := _WITHIN.search(str(error)):
        return int(within[1])
    return number_of(error.__cause__) if error.__cause__ else None


def refused(error: BaseException) -> str:
    """Return why a file cannot be read or written, and what to do, as the end of a sentence.

    >>> refused(OSError(28, "No space left on device"))
    'the disk is full (No space left on device). Make room there, or choose another place.'

    Args:
        error: of the system, or of a library that passes it on.
    """
    number = number_of(error)
    if number is not None and number in _BY_NUMBER:
        what, do = _BY_NUMBER[number]
        return f"{what} ({os.strerror(number)}). {do}"
    lines = str(getattr(error, "strerror", None) or error).splitlines()
    return f"{(lines or [type(error).__name__])[0].rstrip('.')}."


@contextmanager
def told(path: Path, cannot: str, kind: type[Exception]) -> Iterator[None]:
    """Turn what the disk refuses into an error that names the file.

    Args:
        path: that is worked on.
        cannot: what cannot be done with it, such as "cannot be written".
        kind: of the error.
    """
    try:
        yield
    except OSError as error:
        raise kind(f"{path} {cannot}: {refused(error)}") from error
