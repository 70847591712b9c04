"""What a shell may complete an argument to: the banks, sets, families and classes of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import typer

from unembed import store
from unembed.errors import UnembedError
from unembed.explanation import CLASSES
from unembed.outside.text import shown


def complete_bank(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the banks of the run that was named so far, behind those before a comma."""
    return _behind_commas(incomplete, _banks(ctx))


def complete_feature(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the beginnings of addresses, `bank/`, likewise."""
    return _behind_commas(incomplete, (f"{name}/" for name in _banks(ctx)))


def complete_set(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of token sets."""
    return [name for name in _of_sets(ctx, "name") if name.startswith(incomplete)]


def complete_family(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the families of token sets, likewise."""
    return _behind_commas(incomplete, dict.fromkeys(_of_sets(ctx, "family")))


def complete_class(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the classes of features, likewise."""
    return _behind_commas(incomplete, CLASSES)


def _behind_commas(incomplete: str, names: Iterable[str]) -> list[str]:
    """Return the names that complete the last of several, with those before it."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in names if name.startswith(last)]


def _banks(ctx: typer.Context) -> Iterable[str]:
    with suppress(UnembedError):
        return [name for name in store.Manifest.load(_folder(ctx)).names if _can_be_typed(name)]
    return ()


def _of_sets(ctx: typer.Context, column: str) -> Iterator[str]:
    with suppress(UnembedError):
        yield from filter(_can_be_typed, store.RunTables.open(_folder(ctx)).tested_sets[column])


def _can_be_typed(name: str) -> bool:
    """Whether a shell shows and takes a name as it is: a run from elsewhere may hold any."""
    return shown(name) == name


def _folder(ctx: typer.Context) -> Path:
    """Return the run that was named; behind an option without its value, none has its name yet."""
    return Path(ctx.params.get("path") or next(iter(ctx.args), ""))
