"""Neuronpedia (neuronpedia.org): links to its pages, and features in the names of its fields.

A bank is known there as `model/source`, such as `gpt2-small/8-res-jb`, and a feature by its index
in it. SAELens keeps that id in the `cfg.json` of a published SAE. Nothing here uses the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import polars as pl

from unembed.addresses import bank_named
from unembed.errors import QueryError, did_you_mean
from unembed.outside.text import has_half
from unembed.store.tables import RunTables
from unembed.sweep.bins import bin_edges
from unembed.version import __version__

SITE = "https://www.neuronpedia.org"
LIST_LIMIT = 100
"""Features in one quick list: they all stand in the link, and servers refuse very long ones."""
PARTS = ("plots", "explanation", "test", "activations", "link", "steer")
"""Parts of a page that can be left out where it is embedded."""

_SOURCE = re.compile(r"[^/\s?#\ud800-\udfff]+/[^/\s?#\ud800-\udfff]+")

Sources = Mapping[str, str]
"""`model/source` of banks, by name."""


def page(source: str, index: int) -> str:
    """Return the link to a feature's page.

    >>> page("gpt2-small/8-res-jb", 4467)
    'https://www.neuronpedia.org/gpt2-small/8-res-jb/4467'

    Args:
        source: the bank's `model/source`.
        index: the feature's index in it.
    """
    return f"{SITE}/{quote(source)}/{index}"


def embedded(source: str, index: int, *, without: Iterable[str] = ()) -> str:
    """Return the link to a feature's page as it is shown inside another one (an iframe).

    >>> embedded("gpt2-small/8-res-jb", 4467, without=["plots"])
    'https://www.neuronpedia.org/gpt2-small/8-res-jb/4467?embed=true&embedplots=false'

    Args:
        source: the bank's `model/source`.
        index: the feature's index in it.
        without: parts to leave out: plots, explanation, test, activations, link, steer.

    Raises:
        QueryError: for another part.
    """
    hidden = list(without)
    for part in hidden:
        if part not in PARTS:
            raise QueryError(
                f"A page has no part {part!r}.{did_you_mean(part, PARTS)} Parts: "
                f"{', '.join(PARTS)}."
            )
    options = {"embed": "true", **{f"embed{part}": "false" for part in hidden}}
    return f"{page(source, index)}?{urlencode(options)}"


def quick_list(name: str, features: Sequence[tuple[str, int]]) -> str:
    """Return the link to a list of features, shown below each other.

    Args:
        name: the list's title.
        features: `model/source` and index of each, at most 100.

    Raises:
        QueryError: for no feature, or too many, or a name that is no text.
    """
    if not 0 < len(features) <= LIST_LIMIT:
        raise QueryError(
            f"A quick list is one link that holds every feature: 1 to {LIST_LIMIT} of them, not "
            f"{len(features):,}. Choose the first ones, or export them as JSON."
        )
    if has_half(name):
        raise QueryError(f"A list cannot be called {name!r}: that holds half of a character.")
    entries = [_identity(source, index) for source, index in features]
    content = json.dumps(entries, separators=(",", ":"))
    options = urlencode({"name": name, "features": content}, quote_via=quote)
    return f"{SITE}/quick-list/?{options}"


def sources_of(run: RunTables, given: Iterable[str] = ()) -> dict[str, str]:
    """Return the `model/source` of each of a run's banks that has one.

    Args:
        run: a finished run.
        given: further ones, in place of what the run knows: `model/source` where the run has one
            bank, or `bank=model/source`.

    Raises:
        QueryError: when one is no `model/source`, or is of no bank of the run.
    """
    known = {bank.name: bank.neuronpedia for bank in run.manifest.banks}
    for text in given:
        name, equals, source = text.rpartition("=")
        if not equals and len(run.banks) > 1:
            raise QueryError(
                f"Which bank is {text!r}? Write BANK={text}; the run's banks: "
                f"{', '.join(run.banks)}."
            )
        name = bank_named(name or run.banks[0], known)
        if not _SOURCE.fullmatch(source):
            raise QueryError(
                f"{source!r} is no id of Neuronpedia: write model/source, as in the address of a "
                "feature's page, such as gpt2-small/8-res-jb."
            )
        known[name] = source
    return {name: source for name, source in known.items() if source}


def source_of(bank: str, sources: Sources) -> str:
    """Return the `model/source` of a bank.

    Args:
        bank: its name.
        sources: as `sources_of` returns them.

    Raises:
        QueryError: when it has no id.
    """
    if bank not in sources:
        raise QueryError(
            f"The run does not know where {bank} is on Neuronpedia. SAELens writes that into the "
            "cfg.json of published SAEs (neuronpedia_id), and a run takes it from there. If you "
            f"know it, give it: --neuronpedia {bank}=gpt2-small/8-res-jb."
        )
    return sources[bank]


def exported(
    run: RunTables, features: pl.DataFrame, sources: Sources, *, tokens: int = 10
) -> list[dict[str, Any]]:
    """Return features as Neuronpedia writes them: top logits, histogram, and the label.

    `modelId`, `layer` (the source), `index` (as text); `pos_str`, `pos_values`, `neg_str`,
    `neg_values`, the outermost tokens first; `logits_hist_data_bar_values`, the middles of the
    bars in logit weights, and `logits_hist_data_bar_heights`, tokens in each;
    `frac_nonzero` where the bank comes with densities; `explanations`, with the label as
    `description` where there is one.

    Args:
        run: a finished run.
        features: rows of `run.features`.
        sources: as `sources_of` returns them.
        tokens: how many of either end.

    Raises:
        QueryError: when the bank of a feature has no id.
    """
    texts = [run.token_texts(features[f"{end}_ids"].list.head(tokens)) for end in ("top", "bottom")]
    rows = features.with_columns(texts).iter_rows(named=True)
    return [_exported(row, sources, tokens) for row in rows]


def _exported(row: Mapping[str, Any], sources: Sources, tokens: int) -> dict[str, Any]:
    identity = _identity(source_of(row["bank"], sources), row["index"])
    values, heights = _bars(row)
    density = row["log10_density"]
    return {
        **identity,
        "pos_str": row["top_tokens"] or [],
        "pos_values": (row["top_weights"] or [])[:tokens],
        "neg_str": row["bottom_tokens"] or [],
        "neg_values": (row["bottom_weights"] or [])[:tokens],
        "logits_hist_data_bar_values": values,
        "logits_hist_data_bar_heights": heights,
        **({} if density is None else {"frac_nonzero": 10.0**density}),
        "explanations": [
            {
                **identity,
                "description": row["label"],
                "typeName": "unembed",
                "explanationModelName": f"unembed {__version__}",
            }
        ]
        if row["label"]
        else [],
    }


def _identity(source: str, index: int) -> dict[str, str]:
    model, _, layer = source.partition("/")
    return {"modelId": model, "layer": layer, "index": str(index)}


def _bars(row: Mapping[str, Any]) -> tuple[list[float], list[int]]:
    """Return the middles and heights of a feature's bars, from the first to the last with tokens.

    The run's bins are a tenth of a standard deviation wide; the outer two are open, and end where
    the weights do.
    """
    if row["histogram"] is None:
        return [], []
    heights = np.asarray(row["histogram"])
    edges = bin_edges()
    ends = (np.array([row["min"], row["max"]]) - row["mean"]) / row["std"]
    edges[0], edges[-1] = min(ends[0], edges[1]), max(ends[1], edges[-2])
    filled = np.flatnonzero(heights)
    shown = slice(filled[0], filled[-1] + 1)
    middles = row["mean"] + row["std"] * (edges[:-1] + edges[1:])[shown] / 2
    return middles.tolist(), heights[shown].tolist()
