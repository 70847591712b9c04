"""The published SAEs that SAELens knows: releases, their SAEs, and where each lies.

The package ships a compact table made from `sae_lens/pretrained_saes.yaml`
(`scripts/make_registry.py`; facts, MIT). Where `sae_lens` is installed and newer, its own table is
read instead, once, and kept in the cache folder.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import lzma
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from unembed import cache as entries
from unembed.cache import cache_folder, new_entry
from unembed.errors import FormatError

DIRECTORY = "pretrained_saes.yaml"
"""The table's name inside `sae_lens`."""
SHIPPED = Path(__file__).with_name("releases.json.xz")
NATIVE = "sae_lens"
"""What SAELens calls the loader of its own layout."""

_FACTS = ("neuronpedia", "l0", "variance_explained")
_MODELS = {"gemma-scope-9b-it-res": "gemma-2-9b-it"}
"""Where SAELens' table names another model than its loader and the repository do."""


@dataclass(frozen=True)
class Published:
    """One published SAE.

    Attributes:
        release: the release's name, which has no slash.
        id: its name within the release.
        repo: the hub repository.
        path: the folder or file in it.
        model: the model it was trained on, as the release names it.
        loader: which of SAELens' loaders reads it; says the format.
        neuronpedia: Neuronpedia's `model/source`, where it is there.
        l0: how many features fire on a token, where known.
        variance_explained: as its makers measured it, where known.
        overrides: what the release says of its SAEs that their files do not.
    """

    release: str
    id: str
    repo: str
    path: str
    model: str
    loader: str
    neuronpedia: str | None = None
    l0: float | None = None
    variance_explained: float | None = None
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How a person names it: `release/id`."""
        return f"{self.release}/{self.id}"


@cache
def published() -> tuple[Published, ...]:
    """Return every published SAE, in the order of the table."""
    return tuple(_entries(_table()))


@cache
def releases() -> dict[str, tuple[Published, ...]]:
    """Return the SAEs of each release, by its name."""
    found: dict[str, list[Published]] = {}
    for entry in published():
        found.setdefault(entry.release, []).append(entry)
    return {name: tuple(entries) for name, entries in found.items()}


@cache
def saelens_version() -> str:
    """Return the version of SAELens whose table is used."""
    return str(_table()["sae_lens"])


def compact(text: bytes, version: str) -> dict[str, Any]:
    """Return the table of a `pretrained_saes.yaml`, with what is read here alone.

    Args:
        text: the file.
        version: of the SAELens that it is from.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(text, Loader=loader)
    return {
        "sae_lens": version,
        "releases": {name: _release(name, facts) for name, facts in content.items()},
    }


def _release(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "loader": facts.get("conversion_func") or NATIVE,
        "model": _MODELS.get(name, str(facts["model"])),
        "repo": str(facts["repo_id"]),
        **({"overrides": o} if (o := facts.get("config_overrides")) else {}),
        "saes": [_sae(sae) for sae in facts["saes"]],
    }


def _sae(sae: dict[str, Any]) -> list[Any]:
    """Return id, path (some are whole numbers in the file), and the facts there are."""
    facts = {name: sae[name] for name in _FACTS if sae.get(name) is not None}
    return [str(sae["id"]), str(sae["path"]), *([facts] if facts else [])]


def dump(table: dict[str, Any]) -> bytes:
    """Return a table as it is shipped."""
    text = json.dumps(table, separators=(",", ":"), ensure_ascii=False)
    return lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)


def load(raw: bytes) -> dict[str, Any]:
    """Return a table that `dump` wrote."""
    return dict(json.loads(lzma.decompress(raw)))


def _entries(table: dict[str, Any]) -> Iterator[Published]:
    for name, facts in table["releases"].items():
        for sae, path, *more in facts["saes"]:
            yield Published(
                name, sae, facts["repo"], path, facts["model"], facts["loader"],
                **(more[0] if more else {}), overrides=facts.get("overrides", {}),
            )  # fmt: skip


@cache
def _table() -> dict[str, Any]:
    shipped = _read(SHIPPED)
    installed = _installed()
    if installed is None or _numbers(installed[0]) <= _numbers(shipped["sae_lens"]):
        return shipped
    return _of_installed(*installed) or shipped


def _read(path: Path) -> dict[str, Any]:
    return load(path.read_bytes())


def _installed() -> tuple[str, Path] | None:
    """Return the version and the table of an installed `sae_lens`, which is not imported."""
    spec = importlib.util.find_spec("sae_lens")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations)), DIRECTORY)
    try:
        found = importlib.metadata.version("sae-lens")
    except importlib.metadata.PackageNotFoundError:
        return None
    return (found, path) if path.is_file() else None


def _of_installed(found: str, path: Path) -> dict[str, Any] | None:
    """Return the table of an installed SAELens; None where it cannot be understood."""
    kept = cache_folder() / "published" / f"sae_lens-{found}.json.xz"
    with suppress(OSError, FormatError, ValueError, EOFError, lzma.LZMAError):
        return load(entries.content(kept))
    try:
        table = compact(path.read_bytes(), found)
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return None
    with suppress(OSError), new_entry(kept) as part:
        part.write_bytes(dump(table))
    return table


def _numbers(text: str) -> tuple[int, ...]:
    """Return a version as numbers: 6.54.12 is newer than 6.9."""
    return tuple(int(part) for part in text.split(".") if part.isdecimal())
