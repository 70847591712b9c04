"""A folder of a hub repository: only the files, and of large files only the tensors, needed.

Every read is pinned to the commit that the revision named when it was first asked for. Small
files go through `huggingface_hub`'s own cache. Single tensors are fetched by byte range and
kept in unembed's cache (`UNEMBED_CACHE`, by default `~/.cache/unembed`), so that a second
run needs no network.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status
from safetensors.torch import save_file

from unembed.errors import FormatError, ReferenceError
from unembed.load.folder import missing
from unembed.load.progress import download_progress
from unembed.load.safetensors_file import LocalSafetensors, TensorFile, no_tensor

CHUNK_BYTES = 8 << 20
_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


class HubFolder:
    """A folder of a model repository, at one commit.

    Args:
        repo: `org/name`, or a bare `name` for the hub's oldest models (`gpt2`).
        subfolder: the folder inside it, `""` for its root.
        revision: branch, tag or commit; by default the repository's main branch.

    Raises:
        ReferenceError: at the first read, when the repository, revision or folder is not
            there, needs a login, or cannot be reached and is not in the cache.
    """

    def __init__(self, repo: str, subfolder: str = "", revision: str | None = None) -> None:
        self.repo = repo
        self.subfolder = subfolder.strip("/")
        self.revision = revision or "main"

    @property
    def name(self) -> str:
        inside = f"/{self.subfolder}" if self.subfolder else ""
        return f"hf:{self.repo}{inside}@{self.revision}"

    @property
    def short_name(self) -> str:
        return self.repo

    @property
    def origin(self) -> dict[str, str]:
        return {"repo": self.repo, "subfolder": self.subfolder, "commit": self.commit}

    @property
    def commit(self) -> str:
        """The commit that the revision stands for."""
        return self._listing[0]

    def names(self) -> list[str]:
        prefix = f"{self.subfolder}/" if self.subfolder else ""
        inside = (f.removeprefix(prefix) for f in self._listing[1] if f.startswith(prefix))
        return sorted(name for name in inside if "/" not in name)

    def has(self, name: str) -> bool:
        return name in self.names()

    def fetch(self, name: str) -> Path:
        if not self.has(name):
            raise missing(self, name)
        with _hub_errors(self):
            return Path(
                huggingface_hub.hf_hub_download(self.repo, self.file(name), revision=self.commit)
            )

    def tensors(self, name: str) -> TensorFile:
        if not self.has(name):
            raise missing(self, name)
        return _HubSafetensors(self, name)

    def file(self, name: str) -> str:
        """Return the path of a file inside the repository."""
        return f"{self.subfolder}/{name}" if self.subfolder else name

    @property
    def cache(self) -> Path:
        """Where this repository's tensors and listings are kept."""
        root = os.environ.get("UNEMBED_CACHE") or Path.home() / ".cache" / "unembed"
        return Path(root) / "hub" / self.repo.replace("/", "--")

    @cached_property
    def _listing(self) -> tuple[str, list[str]]:
        """The commit and all its file paths: from the hub, else from the last time."""
        kept = self.cache / "revisions" / f"{self.revision.replace('/', '--')}.json"
        try:
            with _hub_errors(self):
                info = huggingface_hub.HfApi().model_info(self.repo, revision=self.revision)
        except _UnreachableError:
            if not kept.exists():
                raise
            content = json.loads(kept.read_text())
            return content["commit"], content["files"]
        commit, files = info.sha or "", [entry.rfilename for entry in info.siblings or []]
        _write(kept, json.dumps({"commit": commit, "files": files}).encode())
        return commit, files


class _HubSafetensors:
    """A safetensors file in a repository, read by byte ranges."""

    def __init__(self, folder: HubFolder, name: str) -> None:
        self.folder = folder
        self.name = name
        self.place = f"{folder.name}/{name}"
        self.kept = folder.cache / folder.commit / folder.file(name)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(entry["shape"]) for name, entry in self._header.items()}

    def read(self, tensor: str) -> torch.Tensor:
        entry = self._header.get(tensor)
        if entry is None:
            raise no_tensor(self.place, tensor, self.shapes())
        kept = self.kept / f"{tensor}.safetensors"
        if not kept.exists():
            start, stop = (self._body + offset for offset in entry["data_offsets"])
            raw = self._range(start, stop, label=f"{tensor} of {self.folder.repo}")
            value = torch.frombuffer(raw, dtype=_DTYPES[entry["dtype"]]).reshape(entry["shape"])
            kept.parent.mkdir(parents=True, exist_ok=True)
            part = kept.with_name(f".{uuid.uuid4().hex}")
            save_file({tensor: value}, part)
            part.replace(kept)
        return LocalSafetensors(kept).read(tensor)

    @property
    def _body(self) -> int:
        return 8 + int.from_bytes(self._raw_header[:8], "little")

    @cached_property
    def _header(self) -> dict[str, dict[str, Any]]:
        try:
            header = json.loads(self._raw_header[8:])
        except ValueError as error:
            raise FormatError(f"{self.place} is not a safetensors file: {error}.") from error
        return {name: entry for name, entry in header.items() if name != "__metadata__"}

    @cached_property
    def _raw_header(self) -> bytes:
        """The length of the header (8 bytes), and the header."""
        kept = self.kept / "header"
        if not kept.exists():
            length = self._range(0, 8)
            size = int.from_bytes(length, "little")
            if size > 100 << 20:
                raise FormatError(f"{self.place} is not a safetensors file: no header found.")
            _write(kept, bytes(length + self._range(8, 8 + size)))
        return kept.read_bytes()

    def _range(self, start: int, stop: int, *, label: str | None = None) -> bytearray:
        """Return bytes start … stop of the file, fetched a chunk at a time."""
        url = huggingface_hub.hf_hub_url(
            self.folder.repo, self.folder.file(self.name), revision=self.folder.commit
        )
        session, headers = huggingface_hub.get_session(), build_hf_headers()
        raw = bytearray()
        with _hub_errors(self.folder), download_progress(label, stop - start) as advance:
            for first in range(start, stop, CHUNK_BYTES):
                last = min(first + CHUNK_BYTES, stop) - 1
                answer = session.get(url, headers={**headers, "Range": f"bytes={first}-{last}"})
                hf_raise_for_status(answer)
                if len(answer.content) != last - first + 1:
                    raise ReferenceError(
                        f"{self.place}: asked for bytes {first}-{last}, but the server sent "
                        f"{len(answer.content):,} bytes. It may not support byte ranges; "
                        "download the repository and name its folder instead."
                    )
                raw += answer.content
                advance(len(answer.content))
        return raw


class _UnreachableError(ReferenceError):
    """The hub did not answer, so that what is in the cache may serve."""


@contextmanager
def _hub_errors(folder: HubFolder) -> Iterator[None]:
    """Turn the hub's errors into ones that say what to do."""
    try:
        yield
    except GatedRepoError as error:
        raise ReferenceError(
            f"{folder.name} is gated. Accept its terms on its page, then log in with "
            "`hf auth login` or set HF_TOKEN."
        ) from error
    except RevisionNotFoundError as error:
        raise ReferenceError(
            f"{folder.repo} has no revision {folder.revision!r}. Name a branch, tag or commit "
            "of it behind '@'."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ReferenceError(
            f"There is no file or folder {folder.repo!r} here, and no such public repository on "
            "the hub. Check the spelling; for a private one log in with `hf auth login`."
        ) from error
    except EntryNotFoundError as error:
        raise ReferenceError(f"{folder.name}: {error}") from error
    except (OfflineModeIsEnabled, HfHubHTTPError, OSError, _TRANSPORT_ERROR) as error:
        raise _UnreachableError(
            f"{folder.name} is not in the cache and the hub cannot be reached: {error} "
            "Connect to a network and try again, or name a local folder."
        ) from error


def _transport_error() -> type[Exception]:
    """Return the base class of the network errors of huggingface_hub's HTTP library."""
    bases = [base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError"]
    return bases[0]


_TRANSPORT_ERROR = _transport_error()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}")
    part.write_bytes(content)
    part.replace(path)
