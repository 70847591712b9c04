"""Links to Neuronpedia, printed or opened."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterable
from typing import TYPE_CHECKING

from unembed import questions
from unembed.cli.output import aside, print_line

if TYPE_CHECKING:
    import polars as pl

    from unembed import Run

LIST_NAME = "unembed"


def link_to(run: Run, features: pl.DataFrame, name: str | None, ids: Iterable[str]) -> str:
    """Return one link to some features: a page where it is one and no list is named, else a list.

    Args:
        run: the run.
        features: with their bank and index.
        name: the list's title, if one was given.
        ids: what `--neuronpedia` gave.

    Raises:
        QueryError: when a bank has no id, or there are too many features for a link.
    """
    sources = questions.neuronpedia.sources_of(run, ids)
    places = [
        (questions.neuronpedia.source_of(bank, sources), index)
        for bank, index in features.select("bank", "index").iter_rows()
    ]
    if len(places) == 1 and name is None:
        return questions.neuronpedia.page(*places[0])
    return questions.neuronpedia.quick_list(name or LIST_NAME, places)


def open_link(link: str) -> None:
    """Open a link in the browser; where there is none, print it."""
    if not webbrowser.open(link):
        aside().print("No browser could be opened. The link is:", style="yellow")
        print_line(link)
