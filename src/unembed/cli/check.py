"""`unembed check`: whether a run is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

import unembed
from unembed import questions, terminal
from unembed.cli.options import Csv, Json, RunFolder, one_format
from unembed.cli.output import aside, console, print_csv, print_json, stoppable
from unembed.cli.progress import show_progress

if TYPE_CHECKING:
    import polars as pl


def check(path: RunFolder, as_json: Json = False, as_csv: Csv = False) -> None:
    """Check that every file of a run is there, undamaged, and of this run.

    All of it is read, and held against the hashes that its files carry:

        unembed check runs/demo

    The exit status is 1 when something is missing, damaged or of another run. What else lies in
    the folder is named, and does not count.
    """
    one_format(as_json, as_csv)
    stop = stoppable("Stopped; nothing was changed.", "yellow")
    with stop, show_progress(aside()) as progress:
        files = unembed.check_run(path, progress)
    if as_json:
        print_json(_facts(files))
    elif as_csv:
        print_csv(files)
    else:
        console().print(terminal.check.draw(path, files))
    if not questions.is_whole(files):
        raise typer.Exit(1)


def _facts(files: pl.DataFrame) -> dict[str, object]:
    return {"whole": questions.is_whole(files), "files": files.to_dicts()}
