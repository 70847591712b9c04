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

from unembed import cache as entries
from unembed.cache import cache_folder, new_entry
from unembed.errors import FormatError
from unembed.outside import limits
from unembed.outside.documents import parse_json, parse_yaml
from unembed.outside.fields import Fields, is_number, is_whole, needed
from unembed.outside.files import read_bytes

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
    return tuple(_entries(Fields(_table(), "The table of published SAEs")))


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


def compact(raw: bytes, version: str, what: str = DIRECTORY) -> dict[str, Any]:
    """Return the table of a `pretrained_saes.yaml`, with what is read here alone.

    Args:
        raw: the file's bytes.
        version: of the SAELens that it is from.
        what: the file, as errors name it.

    Raises:
        FormatError: when it is no such table.
    """
    content = Fields(parse_yaml(raw, what), what)
    return {
        "sae_lens": version,
        "releases": {name: _release(name, content.table(name)) for name in content},
    }


def _release(name: str, facts: Fields) -> dict[str, Any]:
    overrides = facts.table("config_overrides").content
    saes = needed(facts.items("saes"), facts, "saes")
    return {
        "loader": facts.text("conversion_func") or NATIVE,
        "model": _MODELS.get(name, _named(facts, "model")),
        "repo": _named(facts, "repo_id"),
        **({"overrides": overrides} if overrides else {}),
        "saes": [_sae(Fields(sae, f"{facts.where}, SAE {at}")) for at, sae in enumerate(saes)],
    }


def _sae(sae: Fields) -> list[Any]:
    """Return id, path (some are whole numbers in the file), and the facts there are."""
    path = sae.content.get("path")
    path = str(path) if is_whole(path, limits.LAYERS) else _named(sae, "path")
    facts = {name: sae.content[name] for name in _FACTS if sae.says(name)}
    return [_named(sae, "id"), path, *([facts] if facts else [])]


def _named(fields: Fields, key: str) -> str:
    return needed(fields.text(key), fields, key)


def dump(table: dict[str, Any]) -> bytes:
    """Return a table as it is shipped."""
    text = json.dumps(table, separators=(",", ":"), ensure_ascii=False)
    return lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)


def load(raw: bytes, what: str = "The table of published SAEs") -> dict[str, Any]:
    """Return a table that `dump` wrote.

    Args:
        raw: the file's bytes.
        what: the file, as errors name it.

    Raises:
        FormatError: when it is damaged, or no such table.
    """
    unpacking = lzma.LZMADecompressor(memlimit=limits.UNPACKING_BYTES)
    try:
        text = unpacking.decompress(raw, max_length=limits.TABLE_BYTES)
    except (lzma.LZMAError, EOFError) as error:
        raise FormatError(f"{what} is damaged: {error}. Install unembed again.") from error
    if not unpacking.eof:
        raise FormatError(f"{what} is not whole, or has more than {limits.TABLE_BYTES >> 20} MB.")
    table = Fields(parse_json(text, what), what)
    _named(table, "sae_lens")
    table.table("releases")
    return dict(table.content)


def _entries(table: Fields) -> Iterator[Published]:
    releases = table.table("releases")
    for name in releases:
        facts = releases.table(name)
        repo, model, loader = (_named(facts, key) for key in ("repo", "model", "loader"))
        overrides = facts.table("overrides")
        overrides.text("hook_name")
        stated = dict(overrides.content)
        for row in needed(facts.items("saes"), facts, "saes"):
            if not _is_sae(row):
                raise facts.wrong("saes", "a list of [id, path, facts]")
            yield Published(
                name, row[0], repo, row[1], model, loader, **(row[2] if len(row) == 3 else {}),
                overrides=stated,
            )  # fmt: skip


def _is_sae(row: Any) -> bool:
    """Return whether a row is of the types that `_sae` gives; there are very many."""
    if not isinstance(row, list) or len(row) not in (2, 3):
        return False
    more = row[2] if len(row) == 3 else {}
    return (
        isinstance(row[0], str)
        and isinstance(row[1], str)
        and isinstance(more, dict)
        and more.keys() <= {*_FACTS}
        and isinstance(more.get("neuronpedia", ""), str)
        and all(is_number(more.get(key, 0)) for key in _FACTS[1:])
    )


@cache
def _table() -> dict[str, Any]:
    shipped = _read(SHIPPED)
    installed = _installed()
    if installed is None or _numbers(installed[0]) <= _numbers(shipped["sae_lens"]):
        return shipped
    return _of_installed(*installed) or shipped


def _read(path: Path) -> dict[str, Any]:
    return load(read_bytes(path, limits.TABLE_BYTES), str(path))


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
    with suppress(OSError, FormatError):
        known = load(entries.content(kept), str(kept))
        list(_entries(Fields(known, str(kept))))
        return known
    try:
        table = compact(read_bytes(path, limits.TABLE_BYTES), found, str(path))
    except FormatError:
        return None
    with suppress(OSError), new_entry(kept) as part:
        part.write_bytes(dump(table))
    return table


def _numbers(text: str) -> tuple[int, ...]:
    """Return a version as numbers: 6.54.12 is newer than 6.9."""
    return tuple(int(part) for part in text.split(".") if part.isdecimal() and len(part) < 10)
