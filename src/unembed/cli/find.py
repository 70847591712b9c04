"""`unembed find`: which features do the thing that is looked for?"""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import polars as pl
import typer
from rich.console import Console

from unembed.cli.browser import linked, open_link
from unembed.cli.options import Csv, Json, NeuronpediaIds, RunFolder, one_format
from unembed.cli.output import print_json
from unembed.errors import QueryError
from unembed.explanation import CLASSES
from unembed.search import find as search
from unembed.store import Run
from unembed.views import features as features_view
from unembed.views import found as view


def find(
    path: RunFolder,
    token_set: Annotated[
        str | None, typer.Option("--set", help="Features that promote or suppress this token set.")
    ] = None,
    contrast: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="SET SET", help="Features that tell two token sets apart."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(help='Features that promote this token most; spaces count: " Paris".'),
    ] = None,
    token_id: Annotated[int | None, typer.Option(help="The same, by the token's id.")] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="FEATURE", help="Features whose logit weights are like this one's."),
    ] = None,
    feature_class: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            metavar="CLASS",
            help=f"Only features of this class: {', '.join(CLASSES)}; may be given more than once.",
        ),
    ] = None,
    layer: Annotated[
        list[int] | None,
        typer.Option(help="Only banks of this layer; may be given more than once."),
    ] = None,
    bank: Annotated[
        list[str] | None, typer.Option(help="Only this bank; may be given more than once.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help='An SQL condition, such as "kurtosis > 10".')
    ] = None,
    sign: Annotated[
        Literal["+", "-"] | None, typer.Option(help="Only what promotes (+), or suppresses (-).")
    ] = None,
    min_z: Annotated[float | None, typer.Option(min=0, help="Smallest |z|.")] = None,
    max_q: Annotated[float | None, typer.Option(min=0, max=1, help="Largest q-value.")] = None,
    sort: Annotated[
        Literal["set", "contrast", "token", "like"] | None,
        typer.Option(help="What to rank by where several are given; else the first of these."),
    ] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens to show.")] = 6,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 20,
    as_json: Json = False,
    as_csv: Csv = False,
    quick_list: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Print a link to what was found, as one list."),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open what was found on Neuronpedia.")
    ] = False,
    ids: NeuronpediaIds = None,
) -> None:
    """Find features by token set, contrast, token, likeness, class and layer, in any combination.

    Which ones promote girls' names over boys', and the other way round?

        unembed find runs/demo --contrast names:female names:male

    Prediction features of layer 26 that promote one token:

        unembed find runs/demo --token " Paris" --class prediction --layer 26

    The nearest to a feature, and those that suppress a token set, as JSON:

        unembed find runs/demo --like mlp.26/1329

        unembed find runs/demo --set pronouns_reflexive --sign - --max-q 0.01 --json
    """
    one_format(as_json, as_csv)
    if token is not None and token_id is not None:
        raise QueryError("Name the token by --token or by --token-id, not by both.")
    run = Run.open(path)
    with Console(stderr=True).status("Searching …"):
        found = search(
            run, token_set=token_set, contrast=contrast,
            token=token_id if token is None else token, like=like, feature_class=feature_class,
            layer=layer, bank=bank, where=where, sign=sign, min_z=min_z, max_q=max_q, sort=sort,
            tokens=tokens, limit=limit or None,
        )  # fmt: skip
    _print(found, as_json, as_csv, tokens)
    if found.height and (quick_list is not None or open_browser):
        link = linked(run, found["feature"].to_list(), quick_list, ids or ())
        if quick_list is not None:
            print(link, file=sys.stderr if as_json or as_csv else sys.stdout)
        if open_browser:
            open_link(link)


def _print(found: pl.DataFrame, as_json: bool, as_csv: bool, n_tokens: int) -> None:
    if as_json:
        print_json(found.to_dicts())
    elif as_csv:
        sys.stdout.write(features_view.to_csv(found))
    else:
        Console().print(
            view.table(found, n_tokens=n_tokens) if found.height else "No feature fits."
        )
