"""The progress bar of a download; silent where nobody watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from unembed.outside.text import shown


@contextmanager
def download_progress(label: str | None, size: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told of every byte that arrived.

    Args:
        label: what is fetched; with None there is no bar.
        size: how many bytes it has.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=label is None
    ) as bar:
        task = bar.add_task(f"Fetching {shown(label)}", total=size)
        yield lambda count: bar.advance(task, count)
