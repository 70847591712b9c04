"""A folder of files, on this disk or in a hub repository, behind one small interface."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from unembed.errors import SourceError, did_you_mean
from unembed.load.tensors.file import TensorFile
from unembed.load.tensors.safetensors import LocalSafetensors


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
        """Return the names of the files in this folder, sorted, without sub-folders."""

    def has(self, name: str) -> bool:
        """Return whether a file is in this folder."""

    def fetch(self, name: str) -> Path:
        """Return the path of a whole file, downloaded first where needed."""

    def tensors(self, name: str) -> TensorFile:
        """Return a safetensors file, of which single tensors can then be read."""


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
        return sorted(entry.name for entry in self.path.iterdir() if entry.is_file())

    def has(self, name: str) -> bool:
        return name in self.names()

    def fetch(self, name: str) -> Path:
        if not self.has(name):
            raise missing(self, name)
        return self.path / name

    def tensors(self, name: str) -> TensorFile:
        return LocalSafetensors(self.fetch(name))


def missing(folder: Folder, name: str) -> SourceError:
    """Return the error for a file that a folder does not hold."""
    names = folder.names()
    near = did_you_mean(name, names)
    return SourceError(
        f"{folder.name} has no {name}.{near} It holds: {', '.join(names[:12]) or 'no files'}"
        f"{', …' if len(names) > 12 else ''}."
    )
