"""Arrays of a run: sealed, verified before anything is taken from them, and mapped into memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unembed import sealed
from unembed.distant import file_at
from unembed.errors import FormatError
from unembed.recent import Recent
from unembed.store.atomic import write_atomically
from unembed.store.shards import damaged
from unembed.store.stamp import stamp

Array = npt.NDArray[Any]
MOST_MAPS = 128
"""Arrays that stay mapped: each holds a file open, of which some systems allow 256."""

_HEAD_BYTES = 1 << 12
"""In which an array's shape and kind stand; ours are said in 128 bytes."""

_maps = Recent[tuple[Path, int, int], Array](MOST_MAPS, lambda array: 1)


def write_array(
    path: Path,
    parts: Iterable[npt.NDArray[np.floating]],
    kind: type[np.floating] = np.float16,
) -> None:
    """Write an array, sealed, by stretches of its rows.

    Args:
        path: where.
        parts: [·, columns] stretches, whose numbers are cut off at what the kind holds.
        kind: of number; float16 is 0.05 % exact.
    """
    largest = np.finfo(kind).max
    joined = np.concatenate([part.clip(-largest, largest).astype(kind) for part in parts])
    said = stamp(path)

    def write(part: Path) -> None:
        with part.open("wb") as file:
            np.save(file, joined)
        sealed.seal(part, said)

    write_atomically(path, write)


def read_array(path: Path) -> Array:
    """Return an array that was written, verified by the hash it carries, and mapped into memory.

    The map is kept as long as the file is what it is: a new one has none of its pages.

    Raises:
        RunError: when it is missing or damaged.
    """
    if file := file_at(path):
        file.look()
    try:
        sealed.verify(path)
        now = path.stat()
    except (OSError, FormatError) as error:
        raise damaged(path, error) from error
    return _maps.get((path, now.st_mtime_ns, now.st_size), lambda: _mapped(path))


def read_rows_of_array(path: Path, rows: int | npt.NDArray[np.int64]) -> Array:
    """Return some rows of an array that was written; of a distant one, no others are fetched.

    Args:
        path: of the array.
        rows: one row, or [R] of them.

    Raises:
        RunError: when it is missing or damaged.
    """
    file = file_at(path)
    if file is None:
        found: Array = read_array(path)[rows]
        return found
    file.look()
    array = _mapped(path)
    width = array.strides[0]
    firsts = [array.offset + int(row) * width for row in np.atleast_1d(rows)]
    if firsts:  # with none, the whole file would be meant
        file.need(*((first, first + width) for first in firsts))
    taken: Array = np.array(array[rows])
    return taken


def height_of_array(path: Path) -> int:
    """Return how many rows an array has, from the file's head alone.

    Raises:
        RunError: when it is missing, or cannot be understood.
    """
    return len(_mapped(path))


def _mapped(path: Path) -> np.memmap[Any, Any]:
    if file := file_at(path):
        file.need((0, min(_HEAD_BYTES, file.size)))
    try:
        array: np.memmap[Any, Any] = np.load(path, mmap_mode="r")
    except Exception as error:  # NumPy hands the head of a file to Python's own parser
        raise damaged(path, error) from error
    return array
