"""A file that a person named to be written: whole or not at all, and in no other file's place."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from unembed.cache import new_file
from unembed.disk import told
from unembed.errors import UnembedError

_CANNOT = "cannot be written"


def check_free(
    path: Path, *, overwrite: bool = False, is_ours: Callable[[Path], bool] | None = None
) -> None:
    """Check that a file may be written where a person wants it.

    Args:
        path: of the file.
        overwrite: replace a file that is there.
        is_ours: whether a file that is there was written by this program; where that can be told,
            it decides, and `overwrite` does not.

    Raises:
        UnembedError: when something is there that must stay.
    """
    with told(path, _CANNOT, UnembedError):
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return
        if not stat.S_ISREG(found.st_mode):
            raise UnembedError(
                f"{path} is a folder, a device or a pipe, and is not replaced by a file. Choose "
                "another name."
            )
        if is_ours is not None and not is_ours(path):
            raise UnembedError(
                f"{path} is there already and is not such a file of ours; it was not touched. "
                "Choose another name."
            )
    if is_ours is None and not overwrite:
        raise UnembedError(
            f"{path} is there already. Replace it with --overwrite (overwrite=True), or choose "
            "another name."
        )


@contextmanager
def output_file(path: Path, kind: type[UnembedError] = UnembedError) -> Iterator[Path]:
    """Yield a temporary path, which gets the name that a person chose when all went well.

    A path that is a link is followed: the file that it leads to is the one that is replaced.

    Args:
        path: the name, after `check_free`.
        kind: of the error.

    Raises:
        UnembedError: of that kind, when the disk refuses.
    """
    with told(path, _CANNOT, kind), new_file(path.resolve()) as part:
        yield part
