"""`unembed enrichment` and `unembed leading-edge`: the token sets of a run's features."""

from __future__ import annotations

from typing import Annotated

import typer

from unembed import questions, terminal
from unembed.cli.opened import open_run
from unembed.cli.options import (
    Banks,
    Csv,
    Family,
    Feature,
    FeatureOption,
    Features,
    Json,
    Limit,
    RunFolder,
    SetName,
    SetOption,
    Sign,
    one_format,
    several,
)
from unembed.cli.output import aside, console, print_frame, print_json


def enrichment(
    path: RunFolder,
    features: Features = None,
    feature: FeatureOption = None,
    token_set: SetOption = None,
    family: Family = None,
    bank: Banks = None,
    sign: Sign = None,
    max_q: Annotated[
        float | None, typer.Option(min=0, max=1, help="Only pairs with a q-value up to this.")
    ] = None,
    sort: Annotated[
        str,
        typer.Option(metavar="COLUMN", help="The column to sort by, the largest |value| first."),
    ] = "z",
    tsea: Annotated[
        bool,
        typer.Option(
            "--tsea", help="Read TSEA of pairs that do not pass too, from the weights, of FEATURES."
        ),
    ] = False,
    limit: Limit = 20,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """List pairs of a feature and a token set, the strongest first.

    Of a feature, or one set, every pair; else those that pass the run's false discovery rate.

        unembed enrichment runs/demo mlp.26/1329

        unembed enrichment runs/demo mlp.26/1329 --tsea --sort es

        unembed enrichment runs/demo --set pronouns_reflexive --bank sae.26 --sign +

        unembed enrichment runs/demo --family grammar --max-q 0.01 --csv --limit 0
    """
    one_format(as_json, as_csv)
    named = several(features, feature)
    run = open_run(path, *(named or ()))
    found = questions.list_pairs(
        run, named, token_set=token_set, family=several(family), bank=several(bank), sign=sign,
        max_q=max_q, sort=sort, limit=limit or None, tsea=tsea,
    )  # fmt: skip
    print_frame(found, terminal.enrichment.table, "No pair fits.", as_json=as_json, as_csv=as_csv)


def leading_edge(
    path: RunFolder,
    feature: Feature,
    token_set: SetName,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens to show.")] = 30,
    as_json: Json = False,
) -> None:
    """Show which tokens of a set make its enrichment score.

    The members up to the running sum's peak for a promoted set, those from it on for a suppressed
    one, with their rank among all tokens. The weights are read again from where the run came from.

        unembed leading-edge runs/demo mlp.26/1329 pronouns_second_person
    """
    run = open_run(path, feature, token_set)
    with aside().status("Reading the weights …"):
        facts = questions.leading_edge_facts(run, feature, token_set)
    if as_json:
        print_json(facts)
    else:
        console().print(terminal.leading_edge.draw(facts, n_tokens=tokens))
