"""`unembed layers` and `unembed match`: several banks of a run, beside each other."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import polars as pl
import typer
from rich.console import Console

from unembed.cli.options import Csv, Family, Json, RunFolder, families_of, one_format
from unembed.cli.output import print_json
from unembed.errors import QueryError
from unembed.matching import By, follow, match_banks
from unembed.matching.settings import DIRECTIONS, FEWEST_DIRECTIONS
from unembed.store import Run
from unembed.views import layers as layers_view
from unembed.views import matches as matches_view
from unembed.views.features import to_csv


def layers(
    path: RunFolder,
    token_set: Annotated[
        list[str] | None,
        typer.Option("--set", help="Show this token set; may be given more than once."),
    ] = None,
    family: Family = None,
    sign: Annotated[
        Literal["+", "-"] | None,
        typer.Option(help="+ where sets are promoted, - where they are suppressed."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many sets; 0 for all.")] = 20,
    as_json: Json = False,
) -> None:
    """Compare the banks of a run, layer by layer.

    How std, skewness and kurtosis spread, how many features are of which class, and which token
    sets are written at which depth: those that are written most, near-identical ones once.

        unembed run gpt2 mlp:all --family grammar --no-tsea -o runs/gpt2-mlp

        unembed layers runs/gpt2-mlp

        unembed layers runs/gpt2-mlp --set pronouns_reflexive --set months --sign +
    """
    facts = layers_view.facts(
        Run.open(path), token_set or None, family=families_of(family), sign=sign,
        limit=limit or None,
    )  # fmt: skip
    if as_json:
        print_json(facts)
    else:
        console = Console()
        console.print(layers_view.draw(facts, width=console.width), highlight=False)


def match(
    path: RunFolder,
    of: Annotated[
        str, typer.Argument(metavar="BANK|FEATURE", help="A bank, or a feature: bank/index.")
    ],
    to: Annotated[
        str | None, typer.Argument(metavar="BANK", help="The bank to match it to.")
    ] = None,
    feature: Annotated[
        int | None, typer.Option(help="Of two banks, only this feature of the first, by index.")
    ] = None,
    sign: Annotated[
        Literal["+", "-"] | None,
        typer.Option(help="+ for the most similar features, - for the most opposite ones."),
    ] = None,
    by: Annotated[By, typer.Option(help="Choose each match by z, or by the bare cosine.")] = "z",
    directions: Annotated[
        int,
        typer.Option(
            min=FEWEST_DIRECTIONS, help="Random directions that matches are held against."
        ),
    ] = DIRECTIONS,
    seed: Annotated[int, typer.Option(min=0, help="Decides the random directions.")] = 0,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 20,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Match the features of two banks, or follow one feature through all banks.

    The best match of each feature by the cosine of their logit weights, held against random
    directions. Weights are read again from where the run came from.

        unembed match runs/demo mlp.26 mlp.29

    One feature in every bank, in order of depth:

        unembed match runs/demo mlp.26/1329
    """
    one_format(as_json, as_csv)
    run = Run.open(path)
    followed = _address(run, of, to, feature)
    with Console(stderr=True).status("Reading the weights, and matching …"):
        if followed:
            pairs = follow(
                run, followed, banks=to and [to], by=by, directions=directions, seed=seed
            )
            facts = {"feature": followed, "by": by, "directions": directions, "seed": seed}
        else:
            found = match_banks(run, of, str(to), by=by, directions=directions, seed=seed)
            pairs, facts = found.pairs, found.facts
    if not as_json and not as_csv:
        view = (
            matches_view.draw_followed(run, followed, pairs, sign)
            if followed
            else matches_view.draw(run, found, sign, limit=limit or None)
        )
        Console().print(view, highlight=False)
        return
    listed = pl.concat(
        matches_view.of_sign(run, pairs, each, limit=limit or None)
        for each in (("+", "-") if sign is None else (sign,))
    )
    if as_json:
        print_json({**facts, "matches": listed.to_dicts()})
    else:
        sys.stdout.write(to_csv(listed))


def _address(run: Run, of: str, to: str | None, feature: int | None) -> str | None:
    """Return the address of the one feature that is asked for, None for a whole bank."""
    if "/" in of:
        if feature is not None:
            raise QueryError(f"{of} is a feature already: leave out --feature.")
        return of
    if to is None:
        raise QueryError(
            f"{of!r} alone says not what to match. Name two banks of the run "
            f"({', '.join(run.banks)}), or one feature, such as {run.banks[0]}/0, to follow it "
            "through all of them."
        )
    return None if feature is None else f"{of}/{feature}"
