"""References: how a person names a model, an SAE, a matrix or a tokenizer.

| reference | what it is |
|---|---|
| `path/to/folder`, `path/model.gguf`, `W_dec.npy` | on this disk |
| `hf:org/repo/sub/folder@revision` | a folder, or a file, of a hub repository |
| `gpt2`, `org/repo` | a hub repository, where no such path exists here |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unembed.errors import SourceError
from unembed.load.folder import Folder, LocalFolder
from unembed.load.hub import HubFolder

_HUB = re.compile(
    r"(?P<repo>[\w.-]+/[\w.-]+(?=[/@]|$)|[\w.-]+(?=/?(?:@|$)))"
    r"(?P<inside>(?:/[^/@]+)*)/?(?:@(?P<revision>[^@]+))?"
)
_FILE_ENDINGS = (".gguf", ".npy", ".safetensors", ".json", ".tiktoken", ".tiktoken.gz")


@dataclass(frozen=True)
class Place:
    """Where a reference leads: a folder, and one file of it where a file was named."""

    folder: Folder
    file: str | None = None

    @property
    def name(self) -> str:
        """The place, as errors and manifests name it."""
        return f"{self.folder.name}/{self.file}" if self.file else self.folder.name

    @property
    def origin(self) -> dict[str, str]:
        """Where it came from, for a manifest."""
        return {**self.folder.origin, **({"file": self.file} if self.file else {})}

    def path(self) -> Path:
        """Return the named file's path on this disk, fetched whole where needed."""
        assert self.file is not None
        return self.folder.fetch(self.file)


def resolve(reference: str | Path) -> Place:
    """Return the place that a reference names. Nothing is fetched yet.

    >>> resolve("hf:org/sae/blocks.8@v1").name
    'hf:org/sae/blocks.8@v1'

    Raises:
        SourceError: when there is no such path and it cannot be a repository either.
    """
    text = str(reference)
    if not text.startswith("hf:"):
        place = _on_disk(text)
        if place is not None:
            return place
        if isinstance(reference, Path) or _surely_a_path(text):
            raise SourceError(
                f"No file or folder at {text}. Give a local path, or a hub repository as "
                "hf:org/repo/subfolder@revision."
            )
    parts = _HUB.fullmatch(text.removeprefix("hf:"))
    if parts is None:
        raise SourceError(
            f"{text!r} is no reference: there is no such path, and a hub repository is written "
            "hf:org/repo/subfolder@revision."
        )
    folder, _, last = parts["inside"].strip("/").rpartition("/")
    if last.endswith(_FILE_ENDINGS):
        return Place(HubFolder(parts["repo"], folder, parts["revision"]), last)
    return Place(HubFolder(parts["repo"], parts["inside"], parts["revision"]))


def reference_of(origin: Mapping[str, str]) -> str:
    """Return a reference to the very place that a manifest's origin names.

    >>> reference_of({"repo": "org/sae", "subfolder": "blocks.8", "commit": "1a2b"})
    'hf:org/sae/blocks.8@1a2b'
    """
    parts = [origin.get(part, "") for part in ("subfolder", "file")]
    if "repo" in origin:
        inside = "/".join(part for part in (origin["repo"], *parts) if part)
        return f"hf:{inside}@{origin['commit']}"
    return str(Path(origin["path"], *filter(None, parts)))


def _on_disk(text: str) -> Place | None:
    """Return the file or folder of this disk that has that name, or None."""
    try:
        path = Path(text).expanduser()
        if path.is_file():
            return Place(LocalFolder(path.parent), path.name)
        if text and path.is_dir():  # Path("") would be the working directory
            return Place(LocalFolder(path))
    except PermissionError as error:
        raise SourceError(
            f"{text} cannot be read: {error.strerror}. Ask its owner for access, or give another "
            "path."
        ) from error
    except (OSError, RuntimeError):  # a name too long, or the home of nobody
        return None
    return None


def _surely_a_path(text: str) -> bool:
    return text.startswith((".", "/", "~")) or text.endswith(_FILE_ENDINGS)
