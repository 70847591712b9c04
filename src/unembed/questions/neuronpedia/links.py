"""Links to Neuronpedia's pages, and what a run's banks are called there.

A bank is known there as `model/source`, such as `gpt2-small/8-res-jb`, and a feature by its index
in it. SAELens keeps that id in the `cfg.json` of a published SAE. Nothing here uses the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, urlencode

import polars as pl

from unembed.addresses import bank_named
from unembed.errors import QueryError, did_you_mean
from unembed.outside.text import has_half
from unembed.store.tables import RunTables

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
    entries = [identity(source, index) for source, index in features]
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


def on_site(run: RunTables, features: Sequence[str], sources: Sources) -> pl.DataFrame:
    """Return the rows of some features, or of all whose pages on Neuronpedia are known.

    Of all, each page stands once: for what the feature writes, through the run's first lens.

    Args:
        run: a finished run.
        features: addresses; none for all.
        sources: as `sources_of` returns them.

    Raises:
        QueryError: for an unknown feature, or when no bank has an id.
    """
    rows = run.features
    if features:
        return rows[[run.row_of(each) for each in features]]
    known: dict[str, str] = {}
    for bank in sorted(run.manifest.banks, key=lambda bank: bank.reads is not None):
        if bank.name in sources:
            known.setdefault(sources[bank.name], bank.name)
    if not known:
        source_of(run.banks[0], sources)  # says what is missing
    return rows.filter(rows["bank"].is_in([*known.values()]))


def identity(source: str, index: int) -> dict[str, str]:
    """Return a feature's address in Neuronpedia's names: modelId, layer (the source), index."""
    model, _, layer = source.partition("/")
    return {"modelId": model, "layer": layer, "index": str(index)}
