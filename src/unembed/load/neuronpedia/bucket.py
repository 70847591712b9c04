"""The bucket of the exports: what it holds of a source, and its files in the cache."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from filelock import FileLock

from unembed import cache
from unembed.disk import told
from unembed.errors import FormatError, SourceError
from unembed.load.hub.cache import new_entry
from unembed.load.neuronpedia import web
from unembed.load.neuronpedia.gathered import KINDS, Kind
from unembed.outside import limits

_PAGE = 1000
"""Keys in a page of the list: as many as S3 gives."""
_PAGE_BYTES = 4 << 20
_ENTRY = re.compile(r"<Contents>(.*?)</Contents>", re.DOTALL)
_FIELD = r"<{0}>([^<]*)</{0}>"
_MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Batch(NamedTuple):
    """One file of an export.

    Attributes:
        kind: what it holds.
        number: in its name.
        key: below the host, such as `v1/gpt2-small/8-res-jb/features/batch-0.jsonl.gz`.
        size: in bytes, and tag, the hash that its list gives; None without a list.
    """

    kind: Kind
    number: int
    key: str
    size: int | None = None
    tag: str | None = None


class Bucket:
    """Exports below an address.

    Args:
        base: `https://HOST/v1`; further folders, of a mirror, may stand between.

    Raises:
        SourceError: when it is no address of the web.
    """

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query:
            raise SourceError(
                f"{base} is no address of exports: write it as https://HOST/v1, so that "
                "MODEL/SOURCE/features/batch-0.jsonl.gz lies below it."
            )
        self.base = base.rstrip("/")
        self.root = f"{parts.scheme}://{parts.netloc}"
        self.prefix = parts.path.strip("/")

    def batches(self, source: str) -> dict[Kind, list[Batch]]:
        """Return the files of a source by kind, in the order of their numbers.

        Args:
            source: `model/source`.

        Raises:
            SourceError: when the site cannot be reached.
        """
        found = self._listed(source)
        if found is None:
            found = [batch for kind in KINDS for batch in self._counted(source, kind)]
        return {
            kind: sorted(
                (each for each in found if each.kind == kind),
                key=lambda each: (each.key.rpartition("/")[0], each.number),
            )
            for kind in KINDS
        }

    def _listed(self, source: str) -> list[Batch] | None:
        """Return what the bucket's list has of a source; None where there is no list."""
        prefix = "/".join(filter(None, (self.prefix, source))) + "/"
        asked: dict[str, str | int] = {"list-type": 2, "prefix": prefix, "max-keys": _PAGE}
        found: list[Batch] = []
        while len(found) < limits.EXPORT_FILES:
            page = web.text(f"{self.root}/?{urlencode(asked)}", _PAGE_BYTES)
            if page is None or "<ListBucketResult" not in page:
                return None
            found += filter(None, (_batch(entry, prefix) for entry in _ENTRY.findall(page)))
            token = _field(page, "NextContinuationToken")
            if _field(page, "IsTruncated") != "true" or not token:
                return found
            asked["continuation-token"] = token
        raise SourceError(f"The list of {self.base}/{source} has no end. Give files with --from.")

    def _counted(self, source: str, kind: Kind) -> Iterator[Batch]:
        """Yield batches until one is not there; those that follow are asked for as they come."""
        for number in range(limits.EXPORT_FILES):
            key = "/".join(filter(None, (self.prefix, source, kind, f"batch-{number}.jsonl.gz")))
            batch = Batch(kind, number, key)
            if not self._entry(batch).is_file() and not web.is_there(self._url(batch)):
                return
            yield batch

    def fetched(self, batch: Batch) -> Path:
        """Return where a file lies in the cache, after it was fetched if it did not yet.

        Raises:
            SourceError: when it cannot be fetched, or the disk refuses it.
        """
        entry = self._entry(batch)
        if _is_whole(entry):
            return entry
        part = entry.with_name(f"{entry.name}.part")
        with told(entry, "in the cache cannot be written", SourceError):
            part.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{part}.lock"):
                if _is_whole(entry):  # another program has fetched it meanwhile
                    return entry
                # without a hash there is no telling whether what is there is of the same file
                if batch.tag is None:
                    part.unlink(missing_ok=True)
                web.download(self._url(batch), part, limits.EXPORT_BYTES, batch.size, batch.tag)
                self._check(batch, part)
                with new_entry(entry) as whole:
                    part.replace(whole)
        return entry

    def _check(self, batch: Batch, part: Path) -> None:
        """Check what arrived against the list; what is wrong does not stay."""
        size = part.stat().st_size
        right = batch.size in (None, size)
        if right and batch.tag is not None and _MD5.fullmatch(batch.tag):
            with part.open("rb") as file:
                digest = hashlib.new("md5", usedforsecurity=False)
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
            right = digest.hexdigest() == batch.tag
        if not right:
            part.unlink()
            raise SourceError(
                f"{self._url(batch)} arrived with {size:,} bytes, which are not those that its "
                f"list speaks of{'' if batch.size is None else f' ({batch.size:,})'}. Try again."
            )

    def _url(self, batch: Batch) -> str:
        return f"{self.root}/{quote(batch.key)}"

    def _entry(self, batch: Batch) -> Path:
        """Return the cache's file, another one whenever the bucket has another."""
        known = hashlib.sha256(f"{self._url(batch)} {batch.tag or ''}".encode()).hexdigest()
        return cache.cache_folder() / "neuronpedia" / f"{known[:32]}.jsonl.gz"


def _is_whole(entry: Path) -> bool:
    try:
        return cache.verify(entry)
    except (OSError, FormatError):
        return False


def _batch(entry: str, prefix: str) -> Batch | None:
    """Return the batch of an entry of the list; None where it is another file."""
    key = _field(entry, "Key") or ""
    inside = re.fullmatch(r"([a-z]+)(-[^/]+)?/batch-(\d{1,9})\.jsonl\.gz", key.removeprefix(prefix))
    if not key.startswith(prefix) or inside is None:
        return None
    kind = next((each for each in KINDS if each == inside[1]), None)
    if kind is None or (inside[2] and kind != "explanations"):
        return None
    size, tag = _field(entry, "Size") or "", (_field(entry, "ETag") or "").strip('"')
    known = int(size) if size.isascii() and size.isdigit() and len(size) < 16 else None
    return Batch(kind, int(inside[3]), key, known, tag or None)


def _field(text: str, name: str) -> str | None:
    found = re.search(_FIELD.format(name), text)
    return html.unescape(found[1]) if found else None
