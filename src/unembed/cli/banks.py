"""`unembed layers` and `unembed match`: several banks of a run, beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unembed import questions, terminal
from unembed.addresses import address, is_address
from unembed.cli.completion import complete_bank, complete_set
from unembed.cli.opened import open_run
from unembed.cli.options import (
    Csv,
    Family,
    Json,
    Limit,
    RunFolder,
    Sign,
    one_format,
    several,
)
from unembed.cli.output import aside, console, print_csv, print_json
from unembed.errors import QueryError
from unembed.matching.settings import DIRECTIONS, FEWEST_DIRECTIONS, By

if TYPE_CHECKING:
    from unembed import Run


def layers(
    path: RunFolder,
    token_set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SET",
            help="Show this token set; may be given more than once.",
            autocompletion=complete_set,
        ),
    ] = None,
    family: Family = None,
    sign: Sign = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Compare the banks of a run, layer by layer.

    How std, skewness and kurtosis spread, how many features are of which class, and which token
    sets are written at which depth: those that are written most, near-identical ones once.

        unembed run gpt2 mlp:all --family grammar --no-tsea -o runs/gpt2-mlp

        unembed layers runs/gpt2-mlp

        unembed layers runs/gpt2-mlp --set pronouns_reflexive --set months --sign +
    """
    facts = questions.layers(
        open_run(path), token_set or None, family=several(family), sign=sign, limit=limit or None
    )
    if as_json:
        print_json(facts)
    else:
        out = console()
        out.print(terminal.layers.draw(facts, width=out.width))


def match(
    path: RunFolder,
    of: Annotated[
        str,
        typer.Argument(
            metavar="BANK|FEATURE",
            help="A bank, or a feature: bank/index.",
            autocompletion=complete_bank,
        ),
    ],
    to: Annotated[
        str | None,
        typer.Argument(
            metavar="BANK", help="The bank to match it to.", autocompletion=complete_bank
        ),
    ] = None,
    sign: Annotated[
        Literal["+", "-"] | None,
        typer.Option(help="The most similar features (`+`), or the most opposite ones (`-`)."),
    ] = None,
    by: Annotated[By, typer.Option(help="Choose each match by z, or by the bare cosine.")] = "z",
    directions: Annotated[
        int,
        typer.Option(
            min=FEWEST_DIRECTIONS, help="Random directions that matches are held against."
        ),
    ] = DIRECTIONS,
    seed: Annotated[int, typer.Option(min=0, help="Decides the random directions.")] = 0,
    limit: Limit = 20,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Match the features of two banks, or follow one feature through all banks.

    The best match of each feature by the cosine of their logit weights, held against random
    directions, both ways. Weights are read again from where the run came from.

        unembed match runs/demo mlp.26 mlp.29

    One feature in every bank, in order of depth:

        unembed match runs/demo mlp.26/1329
    """
    one_format(as_json, as_csv)
    run = open_run(path, of, to)
    followed = is_address(of)
    with aside().status("Reading the weights, and matching …"):
        if followed:
            pairs = questions.follow(
                run, of, banks=to and [to], by=by, directions=directions, seed=seed
            )
            facts = {"feature": pairs["feature"][0], "by": by, "directions": directions,
                     "seed": seed}  # fmt: skip
        else:
            other = _bank_to_match(run, of, to)
            found = questions.match_banks(run, of, other, by=by, directions=directions, seed=seed)
            pairs, facts = found.pairs, found.facts
    if not as_json and not as_csv:
        console().print(
            terminal.matches.draw_followed(run, of, pairs, sign)
            if followed
            else terminal.matches.draw(run, found, sign, limit=limit or None)
        )
        return
    listed = questions.both_signs(run, pairs, sign, limit=limit or None)
    if as_json:
        print_json({**facts, "matches": listed.to_dicts()})
    else:
        print_csv(listed)


def _bank_to_match(run: Run, of: str, to: str | None) -> str:
    """Return the second bank.

    Raises:
        QueryError: when none is named.
    """
    if to is None:
        raise QueryError(
            f"{of!r} alone says not what to match. Name two banks of the run "
            f"({', '.join(run.banks)}), or one feature, such as {address(run.banks[0], 0)}, to "
            "follow it through all of them."
        )
    return to
