"""References: how a person names a model, an SAE, a matrix or a tokenizer.

| reference | what it is |
|---|---|
| `path/to/folder`, `path/model.gguf`, `W_dec.npy` | on this disk |
| `hf:org/repo/sub/folder@revision` | a folder, or a file, of a hub repository |
| `hf://org/repo@revision/sub`, `https://huggingface.co/org/repo/tree/main/sub` | the same |
| `gpt2`, `org/repo` | a hub repository, where no such path exists here |

What exists on this disk is itself, whatever characters its name has; what lies on the hub is a
folder or a file by the repository's listing, never by its ending.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unembed import demo
from unembed.errors import SourceError, did_you_mean
from unembed.load.folder import Folder, LocalFolder
from unembed.load.hub import HubFolder
from unembed.load.hub.address import Address, is_address, is_page, parse_address
from unembed.load.tensors.blob import unreadable
from unembed.load.tensors.file import TensorFile
from unembed.outside import limits

_FILE_ENDINGS = (
    ".gguf", ".npy", ".npz", ".safetensors", ".pt", ".pth", ".bin", ".json", ".tiktoken",
    ".tiktoken.gz",
)  # fmt: skip
"""Endings of names that no person would give a repository."""


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

    def tensors(self) -> TensorFile:
        """Return the tensors of the named file; only its header is read."""
        assert self.file is not None
        return self.folder.tensors(self.file)


def resolve(reference: str | Path) -> Place:
    """Return the place that a reference names.

    Nothing is fetched but the listing of a hub repository, where a path in it is named.

    >>> resolve("hf:org/sae@v1").name
    'hf:org/sae@v1'

    Raises:
        SourceError: when there is no such path and it cannot be on the hub either, or the hub has
            no such repository, revision or path, or cannot be reached.
    """
    text = str(reference)
    check_length(text)
    if isinstance(reference, Path) or not is_address(text):
        place = on_disk(text)
        if place is not None:
            return place
        if isinstance(reference, Path) or (surely_a_path(text) and not is_page(text)):
            raise _no_path(text)
    address = parse_address(text)
    if address is None:
        raise SourceError(
            f"{text!r} is no reference: there is no such path, and a hub repository is written "
            "hf:org/repo/subfolder@revision."
        )
    return on_hub(HubFolder(address.repo, "", address.revision), address.inside)


def check_length(text: str) -> None:
    """Check that a reference is no longer than any that leads somewhere.

    Raises:
        SourceError: when it is.
    """
    if len(text) > limits.REFERENCE:
        raise SourceError(
            f"A reference has {limits.REFERENCE:,} characters at most; this one has {len(text):,}, "
            f"and begins with {text[:60]!r}."
        )


def on_hub(root: HubFolder, inside: str) -> Place:
    """Return the folder or file at a path of a repository.

    Raises:
        SourceError: when there is neither, or the repository cannot be reached.
    """
    if not inside:
        return Place(root)
    if root.has(inside):
        folder, _, file = inside.rpartition("/")
        return Place(root.inside(folder), file)
    if root.is_folder(inside):
        return Place(root.inside(inside))
    raise root.nothing_at(inside)


def reference_of(origin: Mapping[str, str]) -> str:
    """Return a reference to the very place that a manifest's origin names.

    >>> reference_of({"repo": "org/sae", "subfolder": "blocks.8", "commit": "1a2b"})
    'hf:org/sae/blocks.8@1a2b'
    """
    parts = [origin.get(part, "") for part in ("subfolder", "file")]
    if "repo" in origin:
        return Address(origin["repo"], "/".join(filter(None, parts)), origin["commit"]).text
    return str(demo.path_of(origin["path"]).joinpath(*filter(None, parts)))


def on_disk(text: str) -> Place | None:
    """Return the file or folder of this disk that has that name, or None.

    Raises:
        SourceError: when it may not be read.
    """
    try:
        path = Path(text).expanduser()
        if path.is_file():
            return Place(LocalFolder(path.parent), path.name)
        if text and path.is_dir():  # Path("") would be the working directory
            return Place(LocalFolder(path))
    except PermissionError as error:
        raise unreadable(text, error) from error
    except (OSError, RuntimeError, ValueError):  # too long, the home of nobody, a null byte
        return None
    return None


def surely_a_path(text: str) -> bool:
    """Return whether a reference can only mean this disk."""
    rooted = bool(Path(text).anchor)  # `/` here; a drive or a share on Windows
    return rooted or text.startswith((".", "~")) or text.endswith(_FILE_ENDINGS)


def _no_path(text: str) -> SourceError:
    beside = on_disk(str(Path(text).parent))
    near = ""
    if beside and beside.file is None:
        near = did_you_mean(Path(text).name, [*beside.folder.folders(), *beside.folder.names()])
    with suppress(OSError, RuntimeError, ValueError):
        if Path(text).expanduser().exists():
            return SourceError(f"{text} is neither a file nor a folder: a pipe, or a device.")
    return SourceError(
        f"No file or folder at {text:.300}.{near} Give a local path, or a hub repository as "
        "hf:org/repo/subfolder@revision."
    )
