"""What was found of the files of a run, in the terminal: the verdict, and what is wrong."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed import questions
from unembed.outside.text import quoted
from unembed.store.added import again, room_of

_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def draw(folder: Path, files: pl.DataFrame) -> Group:
    """Return the verdict on a run, and a row for each file with which something is wrong.

    Args:
        folder: of the run.
        files: as `check_run` returns it.
    """
    wrong = questions.wrong(files)
    lines: list[RenderableType] = [_verdict(folder, files, wrong)]
    if wrong.height:
        lines += [_table(wrong), Text(_advice(wrong), style="dim")]
    return Group(*lines, *_besides(files))


def _verdict(folder: Path, files: pl.DataFrame, wrong: pl.DataFrame) -> Text:
    own = files.filter(~pl.col("verdict").is_in(["unfinished", "other"]))
    size = _size(int(own["bytes"].sum()))
    of_run = f"{folder}: {own.height:,} files, {size}"
    if wrong.height:
        said = f"{wrong.height:,} not as they should be" if wrong.height > 1 else "one is not whole"
        return Text.assemble((f"{of_run}; {said}:", "bold red"))
    unhashed = int((own["verdict"] == "no hash").sum())
    if not unhashed:
        return Text.assemble((f"{of_run}; all whole, and of this run.", "bold green"))
    return Text.assemble(
        (f"{of_run}; all there and readable, with the right rows.", "bold"),
        f" {'None carries' if unhashed == own.height else f'{unhashed:,} do not carry'} a hash: an "
        "earlier version made the run, and damage inside its tables cannot be told.",
    )


def _table(wrong: pl.DataFrame) -> Table:
    drawn = Table(box=None, pad_edge=False)
    drawn.add_column("file", style="bold", overflow="fold")
    drawn.add_column("verdict", style="red", no_wrap=True)
    drawn.add_column("bytes", justify="right", no_wrap=True)
    drawn.add_column("problem")
    for row in wrong.iter_rows(named=True):
        size = "" if row["bytes"] is None else f"{row['bytes']:,}"
        drawn.add_row(row["file"], row["verdict"], size, Text(row["problem"] or ""))
    return drawn


def _advice(wrong: pl.DataFrame) -> str:
    found = wrong.filter(pl.col("verdict") != "unreadable")["file"].to_list()
    if not found:
        return "What the disk does not give was not looked at, and need not be damaged."
    said = dict.fromkeys(f"{room_of(file)}: {how}" for file in found if (how := again(file)))
    if not all(map(again, found)):
        own = (
            "The command that made the run, given again, makes exactly these files again, where "
            "they are missing or damaged; move away first what belongs elsewhere."
        )
        return "\n".join((own, *said))
    return "\n".join(said)


def _besides(files: pl.DataFrame) -> list[Text]:
    said = {
        "unfinished": "left by a program that was stopped; the same command clears it up",
        "other": "not the run's, and left alone",
    }
    lines = []
    for verdict, why in said.items():
        found = files.filter(pl.col("verdict") == verdict)["file"].to_list()
        if found:
            more = f" and {len(found) - 6:,} more" if len(found) > 6 else ""
            shown = ", ".join(quoted(name) for name in found[:6])
            lines.append(Text(f"Besides: {shown}{more} ({why}).", style="dim"))
    return lines


def _size(count: int) -> str:
    return next(
        (f"{count / unit:,.1f} {name}" for name, unit in _UNITS if count >= unit), f"{count} bytes"
    )
