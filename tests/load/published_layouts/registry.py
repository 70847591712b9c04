"""The registry's entries, as they stand in the shipped table."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parents[3] / "src" / "unembed" / "load" / "published" / "releases.json.xz"


class Entry(NamedTuple):
    """One published SAE, where it lies, and which of SAELens' loaders reads it."""

    release: str
    id: str
    repo: str
    path: str
    model: str
    loader: str

    @property
    def name(self) -> str:
        return f"{self.release}/{self.id}"


@cache
def entries() -> tuple[Entry, ...]:
    releases = json.loads(lzma.decompress(TABLE.read_bytes()))["releases"]
    return tuple(
        Entry(name, id_, facts["repo"], path, facts["model"], facts["loader"])
        for name, facts in releases.items()
        for id_, path, *_ in facts["saes"]
    )


@cache
def by_name() -> dict[str, Entry]:
    return {entry.name: entry for entry in entries()}
