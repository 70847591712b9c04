"""`unembed neuronpedia`: a run's features on Neuronpedia, and in the names of its fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unembed import questions
from unembed.cache import new_file
from unembed.cli.browser import link_to, open_link
from unembed.cli.opened import open_run
from unembed.cli.options import Features, Json, NeuronpediaIds, RunFolder, several
from unembed.cli.output import aside, print_json, print_line
from unembed.errors import UnembedError
from unembed.outside.text import shown
from unembed.strict_json import dumps

if TYPE_CHECKING:
    import polars as pl

    from unembed import Run
    from unembed.questions.neuronpedia import Sources


def neuronpedia(
    path: RunFolder,
    features: Features = None,
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
    named = several(features) or []
    run = open_run(path, *named)
    sources = questions.neuronpedia.sources_of(run, ids or ())
    found = _chosen(run, named, sources)
    if export is not None:
        _write(export, questions.neuronpedia.exported(run, found, sources, tokens=tokens))
        count = f"{found.height:,} feature{'s' if found.height > 1 else ''}"
        aside().print(f"Wrote {count} to {shown(export)}.")
    if quick_list is not None or open_browser:
        link = link_to(run, found, quick_list, ids or ())
        if quick_list is not None:
            print_line(link)
        if open_browser:
            open_link(link)
    elif export is None or as_json:
        _print(found, sources, as_json)


def _chosen(run: Run, features: list[str], sources: Sources) -> pl.DataFrame:
    """Return the rows of the features that are named, or all whose pages are known."""
    rows = run.features
    if features:
        return rows[[run.row_of(each) for each in features]]
    known = [bank for bank in run.banks if bank in sources]
    if not known:
        questions.neuronpedia.source_of(run.banks[0], sources)  # says what is missing
    return rows.filter(rows["bank"].is_in(known))


def _print(found: pl.DataFrame, sources: Sources, as_json: bool) -> None:
    page, source_of = questions.neuronpedia.page, questions.neuronpedia.source_of
    listed = [
        {
            "feature": feature,
            "bank": bank,
            "index": index,
            "neuronpedia": page(source_of(bank, sources), index),
        }
        for feature, bank, index in found.select("feature", "bank", "index").iter_rows()
    ]
    if as_json:
        print_json(listed)
    else:
        for each in listed:
            print_line(f"{each['feature']}  {each['neuronpedia']}")


def _write(path: Path, content: list[dict[str, object]]) -> None:
    try:
        with new_file(path) as part:
            part.write_text(dumps(content, indent=1), encoding="utf-8")
    except OSError as error:
        raise UnembedError(f"{path} cannot be written: {error.strerror or error}.") from error
