"""What a search gives back: scores, and what a person wants to see beside them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from unembed.addresses import ADDRESS
from unembed.neuronpedia import page, sources_of
from unembed.search.scored import Scored
from unembed.store import Run


def shown(run: Run, found: pl.DataFrame, scored: Mapping[str, Scored], tokens: int) -> pl.DataFrame:
    """Return the columns of a result (see `find`), with tokens as text.

    Args:
        run: the run.
        found: features in their order, with `row`, their place in the run, and every score.
        scored: the criteria by name.
        tokens: how many of either end.
    """
    ids = run.outermost(found["row"].to_list()).select(pl.all().list.head(tokens))
    texts = [run.token_texts(column) for column in ids]
    scores = [name for each in scored.values() for name in each.columns]
    if "token" in scored:
        scores.insert(scores.index("token_weight") + 1, "token_rank")
    return found.with_columns(*texts, _pages(run, found)).select(
        ADDRESS.alias("feature"),
        "layer",
        "class",
        "label",
        *scores,
        "std",
        "skewness",
        "kurtosis",
        "top_tokens",
        "bottom_tokens",
        "neuronpedia",
    )


def _pages(run: Run, found: pl.DataFrame) -> pl.Series:
    sources = sources_of(run)
    places = found.select("bank", "index").iter_rows()
    links = [page(sources[bank], index) if bank in sources else None for bank, index in places]
    return pl.Series("neuronpedia", links, dtype=pl.String)
