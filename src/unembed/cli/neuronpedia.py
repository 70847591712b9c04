"""`unembed neuronpedia`: links, what it says of features, whether that fits, and exports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import unembed
from unembed import questions, terminal
from unembed.cli.browser import link_to, open_link
from unembed.cli.neuronpedia_export import export
from unembed.cli.opened import open_run
from unembed.cli.options import (
    Banks,
    Csv,
    Features,
    Json,
    NeuronpediaIds,
    RunFolder,
    one_format,
    several,
)
from unembed.cli.output import aside, console, print_csv, print_json, print_line, stoppable
from unembed.cli.progress import show_progress
from unembed.outside.text import shown

if TYPE_CHECKING:
    import polars as pl

    from unembed import Run
    from unembed.questions.neuronpedia import Sources

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Neuronpedia: links, what it says of a run's features, and exports for it.",
)
app.command()(export)


@app.command()
def links(
    path: RunFolder,
    features: Features = None,
    quick_list: Annotated[
        str | None, typer.Option(metavar="NAME", help="Print one link to all of them, as a list.")
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page, or the list, in the browser.")
    ] = False,
    ids: NeuronpediaIds = None,
    as_json: Json = False,
) -> None:
    """Print links to features' pages on Neuronpedia.

    Nothing is looked up or sent: a link may lead nowhere, if the index is not there.

        unembed neuronpedia links runs/gpt2 sae.8/4467 sae.8/1036 --quick-list "Names" --open

    Where the SAE does not say what it is called there, say it:

        unembed neuronpedia links runs/gpt2 --neuronpedia sae.8=gpt2-small/8-res-jb
    """
    named = several(features) or []
    run = open_run(path, *named)
    sources = questions.neuronpedia.sources_of(run, ids or ())
    found = questions.neuronpedia.on_site(run, named, sources)
    if quick_list is None and not open_browser:
        _print(found, sources, as_json)
        return
    link = link_to(run, found, quick_list, ids or ())
    if as_json:
        _print(found, sources, as_json)
    elif quick_list is not None:
        print_line(link)
    if open_browser:
        open_link(link)


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


@app.command()
def fetch(
    path: RunFolder,
    features: Features = None,
    files: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="PATH",
            help="Read a file or a folder of exports, or of SAEDashboard's batch-N.json, in the "
            "place of the site; may be given more than once.",
        ),
    ] = None,
    what: Annotated[
        list[str] | None,
        typer.Option(
            "--what",
            metavar="KIND",
            help="explanations, features (how often each fires), activations (texts that it fires "
            "on); several with commas. All three for features that are named and for files; for "
            "whole banks all but activations, which have hundreds of megabytes a bank.",
        ),
    ] = None,
    texts: Annotated[int, typer.Option(min=1, max=100, help="Texts to keep of each feature.")] = 5,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            envvar="UNEMBED_NEURONPEDIA",
            metavar="URL",
            show_default="Neuronpedia's bucket",
            help="Where the exports are: MODEL/SOURCE/features/batch-0.jsonl.gz lies below it.",
        ),
    ] = None,
    ids: NeuronpediaIds = None,
    as_json: Json = False,
) -> None:
    """Fetch what features fire on, and keep it beside the run.

    Explanations, how often each feature fires, and the texts that it fires on most, from the public
    exports of Neuronpedia; `show`, `explain`, `explore` and `report` have them beside the label
    then. The export of a source is a few dozen files, which are fetched one after the other, and
    stay in the cache; what was stopped goes on.

        unembed neuronpedia fetch runs/gpt2
        unembed neuronpedia fetch runs/gpt2 sae.8/4467 sae.8/1036

    From files of an export, or of a dashboard of one's own:

        unembed neuronpedia fetch runs/mine --from dashboards/
    """
    named = several(features)
    run = open_run(path, *(named or ()))
    where = {} if base is None else {"base": base}
    console_ = aside()
    with (
        stoppable("Stopped; nothing was written. What arrived stays in the cache."),
        show_progress(console_) as progress,
    ):
        found = unembed.fetch_neuronpedia(
            run, named, kinds=several(what), files=files or (), ids=ids or (), examples=texts,
            progress=progress, **where,
        )  # fmt: skip
    if as_json:
        print_json([each._asdict() for each in found])
        return
    console().print(terminal.neuronpedia.fetched(found))
    for each in found:
        if files and each.beyond:
            console_.print(
                f"{each.beyond:,} features of the files are not of {shown(each.bank)}, or were not "
                "asked for, and were passed over.",
                style="dim",
            )


@app.command()
def agreement(
    path: RunFolder,
    bank: Banks = None,
    explainer: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Whose explanations count, such as gpt-4o-mini; those that most features of a "
            "bank have, if not given.",
        ),
    ] = None,
    shuffles: Annotated[
        int, typer.Option(min=1, help="How often explanations are dealt out anew, for p.")
    ] = 999,
    seed: Annotated[int, typer.Option(min=0, help="Decides how they are dealt out.")] = 0,
    each: Annotated[
        Literal["agree", "differ", "only explanation", "only label", "all"] | None,
        typer.Option(
            "--list", help="List the features, of one kind or all, in the place of shares."
        ),
    ] = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Say whether explanations and labels speak of the same tokens.

    They agree where a word of the explanation that carries content lies in a set that the label
    names, is one of the ten outermost tokens, or a word of the label. Chance is what the same
    explanations do when they are dealt out anew among the features of the bank.

        unembed neuronpedia agreement runs/gpt2
        unembed neuronpedia agreement runs/gpt2 --list differ --csv > differ.csv
    """
    one_format(as_json, as_csv)
    run = open_run(path)
    banks = several(bank)
    if each is not None:
        found = questions.neuronpedia.agreements(run, banks, explainer=explainer)
        _print_listed(_of_state(found, each), as_json, as_csv)
        return
    with aside().status("Dealing out explanations …"):
        table = questions.neuronpedia.agreement(
            run, banks, explainer=explainer, shuffles=shuffles, seed=seed
        )
    _print_table(run, table, as_json, as_csv)


def _of_state(found: pl.DataFrame, state: str) -> pl.DataFrame:
    return found if state == "all" else found.filter(found["agreement"] == state)


def _print_listed(found: pl.DataFrame, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json(found.to_dicts())
    elif as_csv:
        print_csv(found)
    elif found.height:
        console().print(terminal.neuronpedia.listed(found))
    else:
        console().print("No feature is like that.")


def _print_table(run: Run, found: pl.DataFrame, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json(found.to_dicts())
    elif as_csv:
        print_csv(found)
    else:
        console().print(terminal.neuronpedia.agreement(found))
