"""What commands print: tables for people, JSON and CSV for scripts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console

from unembed import questions
from unembed.strict_json import dumps

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

_WIDE = 100_000
"""Columns where no terminal limits them: what is piped on is never cut."""


def console() -> Console:
    """Return where tables go: as wide as the terminal, and where there is none, as they are."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_WIDE)


def aside() -> Console:
    """Return where remarks go: standard error."""
    return Console(stderr=True, highlight=False)


def print_json(content: object) -> None:
    """Print content as JSON."""
    print(dumps(content, indent=2))


def print_csv(frame: pl.DataFrame) -> None:
    """Print a frame as CSV; lists become JSON inside their cell."""
    sys.stdout.write(questions.flat(frame).write_csv())


def print_frame(
    frame: pl.DataFrame,
    draw: Callable[[pl.DataFrame], Table],
    nothing: str,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Print a frame: as JSON, as CSV, or as it is drawn.

    Args:
        frame: what was found.
        draw: returns it as a table, for people.
        nothing: what they read where nothing was found.
        as_json: one object a row.
        as_csv: lists become JSON inside their cell.
    """
    if as_json:
        print_json(frame.to_dicts())
    elif as_csv:
        print_csv(frame)
    else:
        console().print(draw(frame) if frame.height else nothing)
