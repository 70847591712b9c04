"""A safetensors file on a hub, of which byte ranges are fetched and kept: a tensor at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property
from operator import index
from pathlib import Path
from typing import Any
from urllib.parse import quote

import huggingface_hub
import torch
from huggingface_hub import constants
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

from unembed.errors import FormatError, SourceError
from unembed.load.hub.cache import new_file
from unembed.load.hub.progress import download_progress
from unembed.load.tensors.file import Part, no_tensor
from unembed.load.tensors.safetensors import LocalSafetensors

CHUNK_BYTES = 8 << 20
MAX_HEADER_BYTES = 100 << 20
"""The most that the safetensors format allows."""


class HubSafetensors:
    """A safetensors file in a repository, at one commit.

    Args:
        place: the file, as errors name it.
        url: where its bytes are.
        cache: the folder for its header and its tensors, each a file.
        label: the repository, as the progress bar names it.
        errors: turns the hub's errors into ours.

    Raises:
        SourceError: at the first read, when the hub cannot be reached or does not send
            byte ranges.
        FormatError: when the file is damaged; nothing of it is kept then.
    """

    def __init__(
        self,
        place: str,
        url: str,
        cache: Path,
        label: str,
        errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.place = place
        self.url = url
        self.cache = cache
        self.label = label
        self.errors = errors

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor, by name; only the header is fetched."""
        return {name: tuple(entry["shape"]) for name, entry in self._header.items()}

    def read(self, tensor: str, part: Part | None = None) -> torch.Tensor:
        """Return one tensor, fetched unless it is in the cache, or a part of it."""
        if tensor not in self._header:
            raise no_tensor(self.place, tensor, self.shapes())
        kept = self.cache / f"{quote(tensor, safe='')}.safetensors"
        if not kept.exists():
            self._keep(tensor, kept)
        return LocalSafetensors(kept).read(tensor, part)

    def _keep(self, tensor: str, kept: Path) -> None:
        """Fetch one tensor, into a safetensors file of its own."""
        entry = self._header[tensor]
        start, stop = (self._body + offset for offset in entry["data_offsets"])
        raw = self._range(start, stop, label=f"{tensor} of {self.label}")
        header = json.dumps({tensor: {**entry, "data_offsets": [0, len(raw)]}}).encode()
        header += b" " * (-len(header) % 8)  # the format aligns tensors to 8 bytes
        with new_file(kept) as part:
            with part.open("wb") as file:
                file.write(len(header).to_bytes(8, "little") + header)
                file.write(raw)
            try:
                LocalSafetensors(part)
            except FormatError as error:
                raise self._damaged(f"tensor {tensor}: {error.__cause__}") from error

    @property
    def _body(self) -> int:
        return len(self._raw_header)

    @cached_property
    def _header(self) -> dict[str, dict[str, Any]]:
        return self._parse(self._raw_header)

    @cached_property
    def _raw_header(self) -> bytes:
        """The length of the header (8 bytes), and the header."""
        kept = self.cache / "header"
        if kept.exists():
            return kept.read_bytes()
        length = self._range(0, 8)
        size = int.from_bytes(length, "little")
        if size > MAX_HEADER_BYTES:
            raise self._damaged("it has no header")
        raw = bytes(length + self._range(8, 8 + size))
        self._parse(raw)  # what cannot be read is not kept
        with new_file(kept) as part:
            part.write_bytes(raw)
        return raw

    def _parse(self, raw_header: bytes) -> dict[str, dict[str, Any]]:
        """Return tensor name → its dtype, shape and data_offsets."""
        try:
            header = json.loads(raw_header[8:])
            tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
            for name, entry in tensors.items():
                start, stop = (index(offset) for offset in entry["data_offsets"])
                if not (0 <= start <= stop and isinstance(entry["shape"], list)):
                    raise ValueError(f"{name} is {entry}")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._damaged(f"its header is wrong ({error!r})") from error
        return tensors

    def _range(self, start: int, stop: int, *, label: str | None = None) -> bytearray:
        """Return bytes start … stop of the file, fetched a chunk at a time."""
        raw = bytearray()
        with self.errors(), download_progress(label, stop - start) as advance:
            for first in range(start, stop, CHUNK_BYTES):
                chunk = self._chunk(first, min(first + CHUNK_BYTES, stop) - 1)
                raw += chunk
                advance(len(chunk))
        return raw

    def _chunk(self, first: int, last: int) -> bytes:
        headers = {
            **build_hf_headers(),
            "Range": f"bytes={first}-{last}",
            "Accept-Encoding": "identity",  # a CDN that may compress ignores the range
        }
        with huggingface_hub.get_session().stream(
            "GET", self.url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT
        ) as answer:
            if answer.status_code == 416:
                raise self._damaged(f"it ends before byte {last + 1:,}")
            hf_raise_for_status(answer)
            if answer.status_code != 206:  # the whole file follows, which may be very large
                raise SourceError(
                    f"{self.place}: asked for bytes {first:,} to {last:,}, but the server does not "
                    "support byte ranges. Download the repository and name its folder instead."
                )
            chunk = answer.read()
        if len(chunk) != last - first + 1:
            raise self._damaged(f"it ends before byte {last + 1:,}")
        return chunk

    def _damaged(self, reason: str) -> FormatError:
        return FormatError(
            f"{self.place} cannot be read as safetensors: {reason}. It is damaged, or was not "
            "uploaded whole; name another revision, or tell its owner."
        )
