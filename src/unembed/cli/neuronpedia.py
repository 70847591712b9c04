"""`unembed neuronpedia`: a run's features on Neuronpedia, and in the names of its fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console

from unembed.addresses import ADDRESS
from unembed.cache import new_file
from unembed.cli.browser import linked, open_link
from unembed.cli.options import Json, NeuronpediaIds, RunFolder
from unembed.cli.output import print_json
from unembed.errors import UnembedError
from unembed.neuronpedia import Sources, exported, page, place, sources_of
from unembed.store import Run


def neuronpedia(
    path: RunFolder,
    features: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FEATURES…]", help="bank/index of each; all if none is given."),
    ] = None,
    quick_list: Annotated[
        str | None, typer.Option(metavar="NAME", help="Print one link to all of them, as a list.")
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page, or the list, in the browser.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write labels, top logits and histograms as JSON."),
    ] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens of either end to export.")] = 10,
    ids: NeuronpediaIds = None,
    as_json: Json = False,
) -> None:
    """Print links to features' pages on Neuronpedia, or export them with its field names.

    unembed neuronpedia runs/gpt2 sae.8/4467 sae.8/1036 --quick-list "Names" --open

    Where the SAE does not say what it is called there, say it; and labels of a whole bank:

        unembed neuronpedia runs/gpt2 --neuronpedia sae.8=gpt2-small/8-res-jb --export labels.json
    """
    run = Run.open(path)
    sources = sources_of(run, ids or ())
    addresses = [_address(run, each) for each in features or ()] or _all(run, sources)
    if export is not None:
        _write(export, exported(run, _rows(run, addresses), sources, tokens=tokens))
        count = f"{len(addresses):,} feature{'s' if len(addresses) > 1 else ''}"
        Console(stderr=True).print(f"Wrote {count} to {export}.")
    if quick_list is not None or open_browser:
        link = linked(run, addresses, quick_list, ids or ())
        if quick_list is not None:
            print(link)
        if open_browser:
            open_link(link)
    elif export is None or as_json:
        _print(addresses, sources, as_json)


def _address(run: Run, given: str) -> str:
    row = run.feature(given)
    return f"{row['bank']}/{row['index']}"


def _all(run: Run, sources: Sources) -> list[str]:
    known = run.features.filter(pl.col("bank").is_in(list(sources)))
    addresses = known.select(ADDRESS)["bank"].to_list()
    if not addresses:
        place(f"{run.banks[0]}/0", sources)
    return addresses


def _rows(run: Run, addresses: list[str]) -> pl.DataFrame:
    wanted = pl.DataFrame({"address": addresses})
    table = run.features.with_columns(address=ADDRESS)
    return wanted.join(table, on="address", how="left", maintain_order="left").drop("address")


def _print(addresses: list[str], sources: Sources, as_json: bool) -> None:
    pages = {address: page(*place(address, sources)) for address in addresses}
    if as_json:
        print_json([{"feature": address, "neuronpedia": link} for address, link in pages.items()])
    else:
        print("\n".join(f"{address}  {link}" for address, link in pages.items()))


def _write(path: Path, content: list[dict[str, object]]) -> None:
    try:
        with new_file(path) as part:
            part.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        raise UnembedError(f"{path} cannot be written: {error.strerror or error}.") from error
