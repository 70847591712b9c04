"""What of a run is nobody else's business: where on the maker's machine things lay.

A manifest says where weights came from. A place on the hub is for everyone; a folder of this
machine is not, and names its user as often as not. It is replaced by its last part, wherever in the
manifest its text stands. None of that is part of a run's identity, so that its tables stay its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

import polars as pl

from unembed import demo
from unembed.errors import RunError
from unembed.store.added import NEURONPEDIA, STEERING
from unembed.store.manifest import Manifest
from unembed.store.schema import LENS_CHECK

LOCAL = " (a folder of whoever published the run)"
_TEXTS = ("name", "family", "description", "source", "definition")
_TOLD = {
    LENS_CHECK: ("model", "text"),
    STEERING: ("model",),
    f"{NEURONPEDIA}/explanations": ("model",),
}
"""Columns that may name what lay on this machine, of the tables that a run was given, by the table
or its folder. What others wrote of features is theirs, whatever it begins with."""
_LEAST = 4
"""Characters of a path that is looked for inside of other texts: `/` stands in all of them."""
_ABSOLUTE = re.compile(r"/[^/\s][^/]*/.|[A-Za-z]:[/\\].|\\\\.")
"""How a path begins that leads from a disk's root: `/ ‖W_dec‖`, a step, is none."""
_ALWAYS = re.compile(r"(?:/(?:home|Users)|[A-Za-z]:\\Users)[/\\][^/\\\s]+")
"""A user's own folder, whoever it is of."""


class Change(NamedTuple):
    """A text that goes out otherwise than it stands in the run.

    Attributes:
        where: the field, or the table's column.
        old: as it stands.
        new: as it goes out.
    """

    where: str
    old: str
    new: str


def without_places(manifest: Manifest) -> tuple[Manifest, list[Change]]:
    """Return a manifest that names no folder of this machine, and what was changed in it.

    Folders of the embedded demo, which is on every machine that has unembed, are named as such.

    Raises:
        RunError: when such a folder stands in what is the run's identity.
    """
    places = _places(manifest.content)
    changes: list[Change] = []
    content = _replaced(manifest.content, places, "", changes)
    if not changes:
        return manifest, []
    try:
        return manifest.with_content(content), changes
    except ValueError as error:
        raise RunError(
            "The run names a folder of this machine in what says which run it is, so that it "
            f"cannot go out otherwise: {', '.join(change.where for change in changes[:6])}. Make "
            "the run again with another name for that."
        ) from error


def texts_without_places(
    sets: pl.DataFrame, manifest: Manifest
) -> tuple[pl.DataFrame, list[Change]]:
    """Return token sets whose texts name no folder of this machine, and what was changed in them.

    Args:
        sets: the table.
        manifest: of the run, as it stands.
    """
    places = _places(manifest.content)
    columns, changes = {}, []
    for name in _TEXTS:
        old = sets[name].to_list()
        new = [text and _spelt(text, places) for text in old]
        if old != new:
            pairs = dict.fromkeys((a, b) for a, b in zip(old, new, strict=True) if a != b)
            changes += [Change(f"token_sets.{name}", a, b) for a, b in pairs]
            columns[name] = pl.Series(new, dtype=pl.String)
    return sets.with_columns(**columns), changes


def added_without_places(
    table: pl.DataFrame, path: str, manifest: Manifest
) -> tuple[pl.DataFrame, list[Change]]:
    """Return a table that the run was given, without folders of this machine, and the changes.

    Such a folder may be named there alone: that of a model that was run.

    Args:
        table: as it stands.
        path: of it in the run.
        manifest: of the run, as it stands.
    """
    columns, changes = {}, []
    for name in (*_TOLD.get(path, ()), *_TOLD.get(PurePosixPath(path).parent.as_posix(), ())):
        old = table[name].to_list()
        named = {text: _said(text) for text in old if text and _is_place("", text)}
        places = {**_places(manifest.content), **named}
        new = [text and _spelt(text, places) for text in old]
        if old != new:
            pairs = dict.fromkeys((a, b) for a, b in zip(old, new, strict=True) if a != b)
            changes += [Change(f"{path}: {name}", a, b) for a, b in pairs]
            columns[name] = pl.Series(new, dtype=pl.String)
    return table.with_columns(**columns), changes


def answer_without_places(answer: Any, manifest: Manifest) -> Any:
    """Return an answer that names no folder of this machine.

    Args:
        answer: texts and numbers, in lists and by their names.
        manifest: of the run, as it stands.
    """
    return _replaced(answer, _places(manifest.content), "", [])


def _places(content: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands in the place of each folder of this machine that a manifest names."""
    named = {text for at, text in _texts(content) if _is_place(at, text)}
    found = {text: _said(text) for text in named}
    home = _home()
    return {**found, **({home: "~"} if home else {})}


def _said(place: str) -> str:
    """Return how a folder is named to others."""
    try:
        return demo.reference_to(Path(place))
    except ValueError:
        windows = "\\" in place or PureWindowsPath(place).drive
        path = PureWindowsPath(place) if windows else PurePosixPath(place)
        return f"{path.name or 'weights'}{LOCAL}"


def _is_place(at: str, text: str) -> bool:
    if text.startswith(demo.REFERENCE) or text.endswith(LOCAL):
        return False
    is_path = at.rpartition(".")[2] == "path"
    return is_path or bool(_ABSOLUTE.match(text)) or text.startswith("~/")


def _home() -> str | None:
    try:
        home = str(Path.home())
    except RuntimeError:
        return None
    return home if len(home) >= _LEAST else None


def _texts(content: Any, at: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(content, str):
        yield at, content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _texts(value, f"{at}.{key}".lstrip("."))
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from _texts(value, f"{at}[{number}]")


def _replaced(content: Any, places: Mapping[str, str], at: str, changes: list[Change]) -> Any:
    if isinstance(content, str):
        new = _spelt(content, places)
        if new != content:
            changes.append(Change(at, content, new))
        return new
    if isinstance(content, Mapping):
        items = content.items()
        return {
            key: _replaced(value, places, f"{at}.{key}".lstrip("."), changes)
            for key, value in items
        }
    if isinstance(content, list):
        return [
            _replaced(value, places, f"{at}[{number}]", changes)
            for number, value in enumerate(content)
        ]
    return content


def _spelt(text: str, places: Mapping[str, str]) -> str:
    """Return a text with every folder of this machine in it named as others may know it."""
    if text in places:
        return places[text]
    for place in sorted(places, key=len, reverse=True):
        if len(place) >= _LEAST:
            text = text.replace(place, places[place])
    return _ALWAYS.sub("~", text)
