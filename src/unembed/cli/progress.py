"""The analysis with a progress bar, and what Ctrl-C says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from unembed.analysis import analyze
from unembed.features import Features
from unembed.store import Run
from unembed.sweep import SweepSettings
from unembed.unembedding import Unembedding


class _Rate(ProgressColumn):
    """Features per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="dim")


def analyze_with_progress(
    unembedding: Unembedding,
    banks: Sequence[Features],
    out: Path,
    settings: SweepSettings,
    overwrite: bool,
) -> Run:
    """Return the finished run; a bar on standard error shows the rate and the time left."""
    console = Console(stderr=True)
    columns = (
        TextColumn("Features"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    total = sum(len(bank) for bank in banks)
    try:
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("features", total=total)
            return analyze(
                unembedding,
                banks,
                out,
                settings=settings,
                overwrite=overwrite,
                progress=lambda done: bar.advance(task, done),
            )
    except KeyboardInterrupt:
        console.print(f"Stopped. What is finished stays in {out}; the same command goes on.")
        raise typer.Exit(130) from None
