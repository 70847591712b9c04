"""A folder of files, on this disk or in a hub repository, behind one small interface."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from unembed.errors import SourceError, did_you_mean, listed
from unembed.load.tensors.blob import LocalBlob, unreadable
from unembed.load.tensors.container import open_tensors
from unembed.load.tensors.file import TensorFile


class Folder(Protocol):
    """What a reader of models or SAEs may ask of the place they lie in."""

    @property
    def name(self) -> str:
        """The place in full, as errors name it."""

    @property
    def short_name(self) -> str:
        """The folder or repository alone, as tables name it."""

    @property
    def origin(self) -> dict[str, str]:
        """Where the files came from: a path, or a repository with its commit."""

    def names(self) -> list[str]:
        """Return the names of the files directly in this folder, sorted."""

    def folders(self) -> list[str]:
        """Return the names of the folders directly in this folder, sorted."""

    def has(self, path: str) -> bool:
        """Return whether a file is in this folder, or below: `checkpoints/final.safetensors`."""

    def fetch(self, path: str) -> Path:
        """Return the path of a whole file on this disk, downloaded first where needed."""

    def tensors(self, path: str) -> TensorFile:
        """Return a file of tensors, whatever its container; only its header is read.

        Raises:
            FormatError: when it holds no tensors, or is damaged.
        """

    def inside(self, path: str) -> Folder:
        """Return the folder at a path below this one; it need not be there."""

    def parent(self) -> Folder | None:
        """Return the folder around this one; None for a repository's root, or the disk's."""


class LocalFolder:
    """A folder on this disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def short_name(self) -> str:
        return self.path.resolve().name

    @property
    def origin(self) -> dict[str, str]:
        return {"path": str(self.path.resolve())}

    def names(self) -> list[str]:
        return sorted(entry.name for entry in self._entries() if is_file(entry))

    def folders(self) -> list[str]:
        return sorted(entry.name for entry in self._entries() if entry.is_dir())

    def _entries(self) -> list[Path]:
        try:
            return list(self.path.iterdir())
        except OSError as error:
            raise unreadable(self.path, error) from error

    def has(self, path: str) -> bool:
        return is_file(self.path / path)

    def fetch(self, path: str) -> Path:
        if not self.has(path):
            raise missing(self, path)
        return self.path / path

    def tensors(self, path: str) -> TensorFile:
        return open_tensors(LocalBlob(self.fetch(path)))

    def inside(self, path: str) -> LocalFolder:
        return LocalFolder(self.path / path)

    def parent(self) -> LocalFolder | None:
        whole = self.path.resolve()
        return None if whole == whole.parent else LocalFolder(whole.parent)


def is_file(path: Path) -> bool:
    """Return whether a file is there; a name that no file can have is none.

    Raises:
        SourceError: when the system does not let us see it.
    """
    try:
        return path.is_file()
    except PermissionError as error:
        raise unreadable(path, error) from error
    except (OSError, ValueError):  # too long, a null byte
        return False


def missing(folder: Folder, path: str) -> SourceError:
    """Return the error for a file that a folder does not hold."""
    *above, name = path.split("/")
    place = folder.inside("/".join(above)) if above else folder
    names = place.names()
    near = did_you_mean(name, names)
    return SourceError(f"{place.name} has no {name}.{near} It holds: {listed(names, 'no files')}.")
