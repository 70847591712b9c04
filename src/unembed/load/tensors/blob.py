"""The bytes of one file, read by range, wherever it lies: what every container is read from."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple, Protocol

from unembed.errors import FormatError, SourceError


class Piece(NamedTuple):
    """Bytes that lie on this disk: a file, and where in it they begin."""

    path: Path
    start: int


class Blob(Protocol):
    """A file of known size, of which any range of bytes can be had."""

    @property
    def name(self) -> str:
        """The file, as errors name it."""

    @property
    def advice(self) -> str:
        """What to do when the file is damaged, as a sentence."""

    @property
    def size(self) -> int:
        """How many bytes it has."""

    def read(self, start: int, stop: int) -> bytes:
        """Return bytes start … stop: a header, never a tensor.

        Raises:
            FormatError: when the file ends before.
            SourceError: when it cannot be reached.
        """

    def piece(self, start: int, stop: int, what: str) -> Piece:
        """Return where bytes start … stop lie on this disk, fetched first where needed.

        Args:
            start: the first byte.
            stop: the byte behind the last.
            what: they are, as a progress bar names them.

        Raises:
            FormatError: when the file ends before.
            SourceError: when it cannot be reached.
        """

    def forget(self) -> None:
        """Keep nothing of what was fetched: it cannot be read."""


class LocalBlob:
    """A file on this disk.

    Args:
        path: of the file.
        name: as errors name it; by default the path.
        advice: what to do when it is damaged.
    """

    def __init__(
        self, path: Path, name: str | None = None, advice: str = "Download it again."
    ) -> None:
        self.path = path
        self.name = name or str(path)
        self.advice = advice

    @property
    def size(self) -> int:
        try:
            found = self.path.stat()
        except (OSError, ValueError) as error:
            raise unreadable(self.name, error) from error
        if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for, a device has no end
            raise FormatError(f"{self.name} is no file but {_kind(found.st_mode)}. Name a file.")
        return found.st_size

    def read(self, start: int, stop: int) -> bytes:
        if self.size < stop:  # before as much memory is asked for
            raise ends_before(self, stop)
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                found = file.read(stop - start)
        except OSError as error:
            raise unreadable(self.name, error) from error
        if len(found) < stop - start:
            raise ends_before(self, stop)
        return found

    def piece(self, start: int, stop: int, what: str) -> Piece:
        if self.size < stop:
            raise ends_before(self, stop)
        if not os.access(self.path, os.R_OK):
            raise unreadable(self.name, PermissionError(13, "Permission denied"))
        return Piece(self.path, start)

    def forget(self) -> None:
        """Nothing was fetched."""


def ends_before(blob: Blob, stop: int) -> FormatError:
    """Return the error for a file that is shorter than it should be."""
    return FormatError(
        f"{blob.name} cannot be read as tensors: it ends before byte {stop:,}. {blob.advice}"
    )


def unreadable(name: object, error: Exception) -> SourceError:
    """Return the error for a file that the system does not let us read.

    Args:
        name: the file, as errors name it.
        error: the system's.
    """
    reason = getattr(error, "strerror", None) or error
    advice = "Ask its owner for access" if isinstance(error, PermissionError) else "Mend that"
    return SourceError(f"{name} cannot be read: {reason}. {advice}, or give another path.")


def _kind(mode: int) -> str:
    """Return what lies in place of a file, in a word."""
    kinds = {
        stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket",
        stat.S_ISCHR: "a device", stat.S_ISBLK: "a device",
    }  # fmt: skip
    return next((kind for is_such, kind in kinds.items() if is_such(mode)), "something else")


def damaged(blob: Blob, container: str, reason: object) -> FormatError:
    """Return the error for a file that is not what its first bytes promise.

    Args:
        blob: the file.
        container: what it should be: `safetensors`.
        reason: what is wrong with it.
    """
    return FormatError(f"{blob.name} cannot be read as {container}: {reason}. {blob.advice}")
