"""`unembed sides`: what features read beside what they write."""

from __future__ import annotations

from typing import Annotated

import typer

from unembed import questions, terminal
from unembed.cli.opened import open_run
from unembed.cli.options import Banks, Csv, Json, Limit, RunFolder, one_format, several
from unembed.cli.output import aside, print_frame
from unembed.questions.kinds import Kind


def sides(
    path: RunFolder,
    kind: Annotated[
        Kind | None,
        typer.Option(help="List the features of this kind, those furthest from chance first."),
    ] = None,
    bank: Banks = None,
    limit: Limit = 20,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Compare what features read with what they write, by bank, or feature by feature.

    Of a run made with `--side both`. The two sides agree by the correlation of their rows of z over
    all token sets, or by one set that both are about, held against pairs of different features. A
    feature copies what it reads, undoes
    it, or transforms it into something else; or one side alone is about any token set.

        unembed sides runs/both

        unembed sides runs/both --kind copies --bank mlp.20
    """
    one_format(as_json, as_csv)
    run, banks = open_run(path), several(bank)
    with aside().status("Comparing what features read and what they write …"):
        if kind is None:
            found = questions.sides_by_bank(run, banks)
            draw = terminal.sides.by_bank
        else:
            found = questions.features_of_kind(run, kind, banks, limit=limit or None)
            draw = terminal.sides.features
    print_frame(found, draw, "No feature is.", as_json=as_json, as_csv=as_csv)
