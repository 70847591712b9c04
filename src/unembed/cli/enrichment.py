"""`unembed enrichment` and `unembed leading-edge`: the token sets of a run's features."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer
from rich.console import Console

from unembed.cli.options import Csv, Json, RunFolder, one_format
from unembed.cli.output import print_json
from unembed.revisit import leading_edge_of
from unembed.store import Run
from unembed.views import enrichment as view
from unembed.views import leading_edge as edge_view

FeatureOption = Annotated[str | None, typer.Option(help="Only this feature: bank/index.")]


def enrichment(
    path: RunFolder,
    feature: FeatureOption = None,
    token_set: Annotated[
        str | None, typer.Option("--set", help="Only this token set, by name or alias.")
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Only sets of this family, such as grammar.")
    ] = None,
    bank: Annotated[str | None, typer.Option(help="Only features of this bank.")] = None,
    sign: Annotated[
        Literal["+", "-"] | None,
        typer.Option(help="+ for sets that are promoted, - for suppressed ones."),
    ] = None,
    max_q: Annotated[
        float | None, typer.Option(min=0, max=1, help="Only pairs with a q-value up to this.")
    ] = None,
    sort: Annotated[str, typer.Option(help="The column to sort by, largest |value| first.")] = "z",
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 20,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """List pairs of a feature and a token set, the strongest first.

    Of one feature, or one set, every pair; else those that pass the run's false discovery rate.

        unembed enrichment runs/demo --feature mlp.26/1329

        unembed enrichment runs/demo --set pronouns_reflexive --bank sae.26 --sign +

        unembed enrichment runs/demo --family grammar --max-q 0.01 --csv --limit 0
    """
    one_format(as_json, as_csv)
    found = view.query(
        Run.open(path), feature, token_set=token_set, family=family, bank=bank,
        sign=sign, max_q=max_q, sort=sort, limit=limit or None,
    )  # fmt: skip
    if as_json:
        print_json(found.to_dicts())
    elif as_csv:
        sys.stdout.write(found.write_csv())
    else:
        Console().print(view.table(found) if found.height else "No pair fits.")


def leading_edge(
    path: RunFolder,
    feature: Annotated[str, typer.Argument(metavar="FEATURE", help="bank/index.")],
    token_set: Annotated[str, typer.Argument(metavar="SET", help="A token set's name or alias.")],
    tokens: Annotated[int, typer.Option(min=1, help="Tokens to show.")] = 30,
    as_json: Json = False,
) -> None:
    """Show which tokens of a set make its enrichment score.

    The members up to the running sum's peak for a promoted set, those from it on for a suppressed
    one, with their rank among all tokens. The weights are read again from where the run came from.

        unembed leading-edge runs/demo mlp.26/1329 pronouns_second_person
    """
    run = Run.open(path)
    with Console(stderr=True).status("Reading the weights …"):
        edge = leading_edge_of(run, feature, token_set)
    facts = edge_view.facts(run, feature, token_set, edge)
    if as_json:
        print_json(facts)
    else:
        Console().print(edge_view.draw(facts, n_tokens=tokens), highlight=False)
