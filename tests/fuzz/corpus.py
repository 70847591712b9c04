"""Cases that were faults once, kept as files: the smallest of each, whatever mutations become."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.hunt import Found
from tests.fuzz.seeds import seeds_of

FOLDER = Path(__file__).parent / "corpus"
LARGEST = 20_000
"""Bytes of a case that is worth keeping."""


class Kept(NamedTuple):
    """A case by the content of its files.

    Attributes:
        reader: its kind.
        seed: what it was made from.
        files: those that are other than the seed's; None for one that is gone.
        why: what it did.
    """

    reader: str
    seed: str
    files: dict[str, bytes | None]
    why: str


def kept() -> dict[str, Kept]:
    """Return the cases by name."""
    return {path.stem: _load(path) for path in sorted(FOLDER.glob("*.json"))}


def _load(path: Path) -> Kept:
    told = json.loads(path.read_text(encoding="utf-8"))
    files = {
        name: None if packed is None else zlib.decompress(base64.b64decode(packed))
        for name, packed in told["files"].items()
    }
    return Kept(told["reader"], told["seed"], files, told["why"])


def keep(found: Found) -> None:
    """Write the smallest case of a fault, unless it is large."""
    case = found.case
    files = case.files(seeds_of(case.reader)[case.seed])
    packed = {
        name: None if content is None else base64.b64encode(zlib.compress(content, 9)).decode()
        for name, content in files.items()
    }
    why = f"{found.outcome.kind}: {found.outcome.said[:200]}"
    told = {"reader": case.reader, "seed": case.seed, "why": why, "files": packed}
    text = json.dumps(told, indent=1, sort_keys=True) + "\n"
    if len(text) <= LARGEST:
        FOLDER.mkdir(exist_ok=True)
        name = hashlib.sha256(json.dumps([case.seed, packed]).encode()).hexdigest()[:10]
        path = FOLDER / f"{case.reader}-{name}.json"
        path.write_text(text, encoding="utf-8")
