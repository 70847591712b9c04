"""Files that lie elsewhere, and are read here as if they lay in a folder: a piece at a time.

Each file has its full size on this disk from the start, and is empty: on most disks it takes no
place until a piece of it is fetched. A piece is what was published when it has the hash that was
published of it. That is asked before anything of it is read, so that nothing else has to be kept:
what was fetched by another program is found, what is damaged or was never fetched is fetched
(again), and what was seen once can be seen without a network. A hash finds damage, not intent.

Whoever reads a file of a run (`parquet`, `sealed`, `store.arrays`) asks here first for the ranges
that it will read; of a file that is in no such folder there is nothing to ask.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock, RLock
from typing import NamedTuple

import xxhash

from unembed.disk import refused
from unembed.errors import RunError

PIECE = 1 << 14
"""Bytes of a piece, but for a file's last: one row of a table costs a few of them."""
HASH_BYTES = 8
"""Of a piece's hash, XXH3 of 64 bits: a two-thousandth of the run, which is all fetched at once."""
_WHEN = 1_000_000_000 * 10**9
"""The time of change of every such file: what may be read of it never changes."""
_AT_ONCE = 8
"""Files that are asked for at once: what each waits for is the way, not this machine."""
_DEEPEST = 4
"""How far below its folder a file lies."""

Range = tuple[int, int]
Fetch = Callable[[str, int, int], bytes]
"""Returns some bytes of a file, by its path in the folder."""


class Known(NamedTuple):
    """What was published of a file.

    Attributes:
        size: in bytes.
        hashes: of its pieces, one behind the other.
    """

    size: int
    hashes: bytes


class DistantFile:
    """One file, of which what is needed is here or comes here.

    Args:
        path: here.
        inside: its path in the folder.
        known: what was published of it.
        folder: that it is in.
    """

    def __init__(self, path: Path, inside: str, known: Known, folder: DistantFolder) -> None:
        self.path, self.inside, self.size = path, inside, known.size
        self._hashes, self._folder = known.hashes, folder
        self._lock = RLock()
        self._here = bytearray(-(-known.size // PIECE))
        self._checked = False

    @property
    def folder(self) -> str:
        """The folder elsewhere, as errors name it."""
        return self._folder.name

    def look(self) -> None:
        """Check once what the file says of itself, as whoever opened the folder wants it.

        Raises:
            RunError: when it is not what it should be, or cannot be fetched.
        """
        with self._lock:
            if not self._checked:
                self._checked = True  # the check reads the file itself
                try:
                    self._folder.check(self.inside)
                except BaseException:
                    self._checked = False
                    raise

    def need(self, *ranges: Range) -> None:
        """Have some bytes of the file here, each of them as it was published.

        Args:
            ranges: half-open; none for the whole file.

        Raises:
            RunError: when they cannot be fetched, or what is sent is not what was published.
        """
        wanted = ranges or ((0, self.size),)
        try:
            with self._lock:
                self._be_there()
                for start, stop in _runs(self._missing(wanted)):
                    self._fetch(start, stop)
        except OSError as error:
            raise RunError(
                f"{self.path} in the cache cannot be used: {refused(error)} UNEMBED_CACHE names "
                "the folder of the cache: set it to another one."
            ) from error

    def _missing(self, ranges: Iterable[Range]) -> list[int]:
        """Return the pieces of some ranges that are not here, in order."""
        pieces = {
            piece
            for start, stop in ranges
            for piece in range(start // PIECE, -(-min(stop, self.size) // PIECE))
            if not self._here[piece]
        }
        missing = []
        if pieces:
            with self.path.open("rb") as file:
                for piece in sorted(pieces):
                    file.seek(piece * PIECE)
                    if self._is_right(piece, file.read(PIECE)):
                        self._here[piece] = 1
                    else:
                        missing.append(piece)
        return missing

    def _fetch(self, first: int, stop: int) -> None:
        """Fetch some pieces in a row, a second time those that came damaged."""
        start, end = first * PIECE, min(stop * PIECE, self.size)
        for _ in range(2):
            raw = self._folder.fetch(self.inside, start, end)
            each = (raw[at : at + PIECE] for at in range(0, end - start, PIECE))
            if all(self._is_right(first + at, piece) for at, piece in enumerate(each)):
                break
        else:
            raise RunError(
                f"{self.inside} of {self._folder.name} is damaged: what was sent is not what was "
                "published, by the hash of each piece. It was not used. Try again later; if it "
                "stays so, tell whoever published the run."
            )
        self._be_there()
        with self.path.open("r+b") as file:
            file.seek(start)
            file.write(raw)
        os.utime(self.path, ns=(_WHEN, _WHEN))
        self._here[first:stop] = b"\1" * (stop - first)

    def _is_right(self, piece: int, raw: bytes) -> bool:
        said = self._hashes[piece * HASH_BYTES : (piece + 1) * HASH_BYTES]
        return xxhash.xxh3_64_digest(raw) == said

    def _be_there(self) -> None:
        """Have the file here, empty if it is new, or if somebody took it away."""
        if not self.path.is_file() or self.path.stat().st_size != self.size:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.truncate(self.size)
            os.utime(self.path, ns=(_WHEN, _WHEN))
            self._here[:] = bytes(len(self._here))


class DistantFolder:
    """A folder here that stands for one elsewhere.

    Args:
        path: of the folder here.
        name: of the one elsewhere, as errors name it.
        files: what was published of each, by its path.
        fetch: returns bytes of one.
        check: told of each file before it is first read.

    """

    def __init__(
        self,
        path: Path,
        name: str,
        files: Mapping[str, Known],
        fetch: Fetch,
        check: Callable[[str], None],
    ) -> None:
        self.path, self.name, self.fetch, self.check = path.absolute(), name, fetch, check
        self._files = {
            inside: DistantFile(self.path / inside, inside, known, self)
            for inside, known in files.items()
        }
        for file in self._files.values():
            file.need((0, 0))

    def file(self, inside: str) -> DistantFile | None:
        """Return a file by its path in the folder, None where there is none."""
        return self._files.get(inside)


_folders: dict[Path, DistantFolder] = {}
_lock = Lock()


def stand_for(folder: DistantFolder) -> None:
    """Let what is read below a folder's path be asked of it from now on."""
    with _lock:
        _folders[folder.path] = folder


def folder_at(path: Path) -> DistantFolder | None:
    """Return the folder elsewhere that a folder here stands for, None where it is just a folder."""
    return _folders.get(path.absolute()) if _folders else None


def file_at(path: Path) -> DistantFile | None:
    """Return the file elsewhere that one here stands for, None where it is just a file."""
    if not _folders:
        return None
    whole = path.absolute()
    for above in whole.parents[:_DEEPEST]:
        if folder := _folders.get(above):
            return folder.file(whole.relative_to(above).as_posix())
    return None


def at_once(do: Callable[[DistantFile], object], files: Collection[DistantFile]) -> None:
    """Do something that waits for a network with each of some files, several at once."""
    if len(files) < 2:
        for file in files:
            do(file)
        return
    with ThreadPoolExecutor(_AT_ONCE, "distant") as pool:
        for _ in pool.map(do, files):
            pass


def hashes_of(path: Path) -> Known:
    """Return what is to be published of a file.

    Raises:
        OSError: when the disk refuses.
    """
    found = bytearray()
    size = 0
    with path.open("rb") as file:
        while raw := file.read(PIECE):
            size += len(raw)
            found += xxhash.xxh3_64_digest(raw)
    return Known(size, bytes(found))


def _runs(pieces: list[int]) -> list[Range]:
    """Return stretches of neighbours; two that have one piece between them are fetched as one."""
    runs: list[Range] = []
    for piece in pieces:
        if runs and piece <= runs[-1][1] + 1:
            runs[-1] = runs[-1][0], piece + 1
        else:
            runs.append((piece, piece + 1))
    return runs
