"""Links to Neuronpedia, printed or opened."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterable, Sequence

from rich.console import Console

from unembed.neuronpedia import page, place, quick_list, sources_of
from unembed.store import Run

LIST_NAME = "unembed"


def linked(run: Run, features: Sequence[str], name: str | None, ids: Iterable[str]) -> str:
    """Return one link to some features: a page where it is one and no list is named, else a list.

    Args:
        run: the run.
        features: `bank/index` of each.
        name: the list's title, if one was given.
        ids: what `--neuronpedia` gave.

    Raises:
        QueryError: when a bank has no id, or there are too many features for a link.
    """
    sources = sources_of(run, ids)
    places = [place(address, sources) for address in features]
    if len(places) == 1 and name is None:
        return page(*places[0])
    return quick_list(name or LIST_NAME, places)


def open_link(link: str) -> None:
    """Open a link in the browser; where there is none, print it."""
    if not webbrowser.open(link):
        Console(stderr=True).print("No browser could be opened. The link is:", style="yellow")
        print(link)
