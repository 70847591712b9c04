"""`unembed find`: which features do the thing that is looked for?"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from unembed import questions, terminal
from unembed.cli.browser import link_to, open_link
from unembed.cli.completion import complete_feature, complete_set
from unembed.cli.opened import open_run
from unembed.cli.options import (
    Banks,
    Classes,
    Csv,
    Json,
    Limit,
    NeuronpediaIds,
    RunFolder,
    Sign,
    Where,
    one_format,
    several,
)
from unembed.cli.output import aside, print_frame, print_line
from unembed.errors import QueryError


def find(
    path: RunFolder,
    token_set: Annotated[
        str | None,
        typer.Option(
            "--set",
            metavar="SET",
            help="Features that promote or suppress this token set, by name or alias.",
            autocompletion=complete_set,
        ),
    ] = None,
    contrast: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="SET SET",
            help="Features that tell two token sets apart.",
            autocompletion=complete_set,
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(help='Features that promote this token most; spaces count: " Paris".'),
    ] = None,
    token_id: Annotated[int | None, typer.Option(help="The same, by the token's id.")] = None,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="FEATURE",
            help="Features whose logit weights are like this one's.",
            autocompletion=complete_feature,
        ),
    ] = None,
    feature_class: Classes = None,
    layer: Annotated[
        list[int] | None,
        typer.Option(help="Only banks of this layer; may be given more than once."),
    ] = None,
    lens: Annotated[
        list[str] | None,
        typer.Option(help="Only banks read through this lens; may be given more than once."),
    ] = None,
    bank: Banks = None,
    where: Where = None,
    sign: Sign = None,
    min_z: Annotated[float | None, typer.Option(min=0, help="Smallest |z|.")] = None,
    max_q: Annotated[float | None, typer.Option(min=0, max=1, help="Largest q-value.")] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="What to rank by: set, contrast, token or like, where several are given, or a "
            "column; else the first of these.",
        ),
    ] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens to show.")] = 6,
    limit: Limit = 20,
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
    """Find features by token set, contrast, token, likeness, class, layer and lens, combined.

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
    run = open_run(path)
    with aside().status("Searching …"):
        found = questions.find(
            run, token_set=token_set, contrast=contrast,
            token=token_id if token is None else token, like=like,
            feature_class=several(feature_class), layer=layer, lens=lens, bank=several(bank),
            where=where,
            sign=sign, min_z=min_z, max_q=max_q, sort=sort, tokens=tokens, limit=limit or None,
        )  # fmt: skip
    print_frame(
        found,
        partial(terminal.search.table, n_tokens=tokens),
        "No feature fits.",
        as_json=as_json,
        as_csv=as_csv,
    )
    if found.height and (quick_list is not None or open_browser):
        link = link_to(run, found, quick_list, ids or ())
        if quick_list is not None:
            print_line(link, to_stderr=as_json or as_csv)
        if open_browser:
            open_link(link)
