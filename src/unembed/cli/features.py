"""`unembed features` and `unembed show`: a run's features, listed and one by one."""

from __future__ import annotations

from typing import Annotated

import typer

from unembed import questions, terminal
from unembed.cli.opened import open_run
from unembed.cli.options import (
    Banks,
    Csv,
    Feature,
    Json,
    Limit,
    RunFolder,
    Where,
    one_format,
    several,
)
from unembed.cli.output import console, print_frame, print_json


def features(
    path: RunFolder,
    bank: Banks = None,
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help="The column to sort by, as in --json.")
    ] = "kurtosis",
    ascending: Annotated[bool, typer.Option("--ascending", help="Smallest first.")] = False,
    where: Where = None,
    limit: Limit = 20,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """List a run's features with their statistics, class, label and tokens.

    The suppression-like ones of one bank:

        unembed features runs/demo --bank mlp.26 --where "kurtosis > 10 and skewness < 0"
    """
    one_format(as_json, as_csv)
    found = questions.list_features(
        open_run(path), bank=several(bank), where=where, sort=sort, ascending=ascending,
        limit=limit or None,
    )  # fmt: skip
    print_frame(found, terminal.features.table, "No feature fits.", as_json=as_json, as_csv=as_csv)


def show(
    path: RunFolder,
    feature: Feature,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens to show at either end.")] = 10,
    as_json: Json = False,
) -> None:
    """Show one feature: statistics, histogram, top and bottom tokens.

    unembed show runs/demo mlp.26/1329
    """
    facts = questions.feature_facts(open_run(path, feature), feature)
    if as_json:
        print_json(facts)
    else:
        console().print(terminal.feature.draw(facts, n_tokens=tokens))
