"""A file in a hub repository, of which ranges of bytes are fetched and kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

from unembed.errors import SourceError
from unembed.load.hub.cache import is_entry, new_entry, read_entry
from unembed.load.hub.progress import download_progress
from unembed.load.tensors.blob import Piece, ends_before

CHUNK_BYTES = 8 << 20
_KEPT = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", re.ASCII)
_FIRST_BYTES = 8
_DIGITS = re.compile(rb"\d{1,19}")
_SIZE = "size"
_SIZE_BYTES = 4096
"""Of that entry: its digits, and a seal that says its path."""


class HubBlob:
    """A file in a repository, at one commit.

    Every range of bytes that was fetched is an entry of the cache, named `START-STOP`; ranges
    inside it are read from there.

    Args:
        name: the file, as errors name it.
        url: where its bytes are.
        cache: the folder for what is fetched of it.
        label: the repository, as the progress bar names it.
        errors: turns the hub's errors into ours.

    Raises:
        SourceError: at a read, when the hub cannot be reached or does not send byte ranges.
    """

    advice = "It is damaged, or was not uploaded whole; name another revision, or tell its owner."

    def __init__(
        self,
        name: str,
        url: str,
        cache: Path,
        label: str,
        errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.name = name
        self.url = url
        self.cache = cache
        self.label = label
        self.errors = errors
        self._direct: str | None = None

    @cached_property
    def size(self) -> int:
        known = self._known_size()
        if known is None:
            self._keep(0, _FIRST_BYTES, None)  # any answer says it
            known = self._known_size()
        if known is None:
            raise SourceError(f"{self.name}: the server does not say how large it is.")
        return known

    def read(self, start: int, stop: int) -> bytes:
        kept = self._kept(start, stop) or self._keep(start, stop, None)
        with kept.path.open("rb") as file:
            file.seek(kept.start)
            return file.read(stop - start)

    def fetched(self, start: int, stop: int, what: str | None = None) -> bytes:
        """Return bytes as the hub sends them now: nothing of them is kept here.

        Args:
            start: of a half-open range.
            stop: of it.
            what: they are, for a progress bar; with None there is none.
        """
        parts = []
        with download_progress(what, stop - start) as advance:
            for first in range(start, stop, CHUNK_BYTES):
                parts.append(self._chunk(first, min(first + CHUNK_BYTES, stop)))
                advance(len(parts[-1]))
        return b"".join(parts)

    def piece(self, start: int, stop: int, what: str) -> Piece:
        return self._kept(start, stop) or self._keep(start, stop, f"{what} of {self.label}")

    def forget(self) -> None:
        for path in self.cache.iterdir() if self.cache.is_dir() else ():
            if _KEPT.fullmatch(path.name) or path.name == _SIZE:
                with suppress(OSError):  # the cache may be shared, to read only
                    path.unlink()

    def _kept(self, start: int, stop: int) -> Piece | None:
        """Return where bytes lie in the cache, if they do."""
        for path in self.cache.iterdir() if self.cache.is_dir() else ():
            found = _KEPT.fullmatch(path.name)
            if found is None or not int(found[1]) <= start <= stop <= int(found[2]):
                continue
            if is_entry(path, int(found[2]) - int(found[1])):  # what is damaged is fetched again
                return Piece(path, start - int(found[1]))
        return None

    def _keep(self, start: int, stop: int, label: str | None) -> Piece:
        """Fetch bytes, straight into a file of the cache."""
        kept = self.cache / f"{start}-{stop}"
        with (
            new_entry(kept) as part,
            part.open("wb") as file,
            download_progress(label, stop - start) as advance,
        ):
            for first in range(start, stop, CHUNK_BYTES):
                chunk = self._chunk(first, min(first + CHUNK_BYTES, stop))
                file.write(chunk)
                advance(len(chunk))
        return Piece(kept, 0)

    def _chunk(self, first: int, stop: int) -> bytes:
        """Fetch bytes first … stop, from where the hub sent us last time if that still works."""
        with self.errors():
            if self._direct is not None:
                try:
                    return self._answer(self._direct, first, stop)
                except HfHubHTTPError:  # such an address is good for some time only
                    self._direct = None
            return self._answer(self.url, first, stop)

    def _answer(self, url: str, first: int, stop: int) -> bytes:
        headers = {
            **build_hf_headers(),
            "Range": f"bytes={first}-{stop - 1}",
            "Accept-Encoding": "identity",  # a CDN that may compress ignores the range
        }
        if url != self.url:
            headers.pop("authorization", None)  # the login is for the hub alone
        timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
        session = huggingface_hub.get_session()
        with session.stream("GET", url, headers=headers, timeout=timeout) as answer:
            if answer.status_code == 416:
                raise ends_before(self, stop)
            hf_raise_for_status(answer)
            sent = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if answer.status_code != 206 or sent is None or int(sent[1]) != first:
                # the whole file may follow, which may be very large
                raise SourceError(
                    f"{self.name}: asked for bytes {first:,} to {stop - 1:,}, but the server does "
                    "not support byte ranges. Download the repository and name its folder instead."
                )
            self._direct = str(answer.url)
            self._keep_size(sent[2])
            chunk = answer.read()
        if len(chunk) != stop - first:
            raise ends_before(self, stop)
        return chunk

    def _keep_size(self, size: str) -> None:
        if self._known_size() is None:
            with new_entry(self.cache / _SIZE) as part:
                part.write_text(size)

    def _known_size(self) -> int | None:
        """Return how large the file is, by an earlier answer; None where there was none."""
        digits = read_entry(self.cache / _SIZE, _SIZE_BYTES) or b""
        return int(digits) if _DIGITS.fullmatch(digits) else None
