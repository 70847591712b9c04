"""The registry's entries, as they stand in the shipped table."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

TABLE = Path(__file__).parents[3] / "src" / "unembed" / "load" / "published" / "releases.json.xz"


class Entry(NamedTuple):
    """One published SAE, where it lies, and which of SAELens' loaders reads it."""

    release: str
    id: str
    repo: str
    path: str
    model: str
    loader: str
    overrides: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.release}/{self.id}"


@cache
def entries() -> tuple[Entry, ...]:
    releases = json.loads(lzma.decompress(TABLE.read_bytes()))["releases"]
    return tuple(
        Entry(
            name, sae[0], facts["repo"], sae[1], facts["model"], facts["loader"],
            tuple(facts.get("overrides", {}).items()),
        )
        for name, facts in releases.items()
        for sae in facts["saes"]
    )  # fmt: skip


@cache
def by_name() -> dict[tuple[str, str], Entry]:
    return {(entry.release, entry.id): entry for entry in entries()}


@cache
def by_repo() -> dict[str, tuple[Entry, ...]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries():
        found.setdefault(entry.repo, []).append(entry)
    return {repo: tuple(several) for repo, several in found.items()}
