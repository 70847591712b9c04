"""`unembed compare`: dictionaries beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import unembed
from unembed import questions, terminal
from unembed.cli.opened import open_run
from unembed.cli.options import Csv, Device, Json, Limit, Sign, one_format, several
from unembed.cli.output import aside, console, print_csv, print_json, stoppable
from unembed.cli.progress import show_progress
from unembed.errors import QueryError, SourceError
from unembed.matching.settings import DIRECTIONS, FEWEST_DIRECTIONS
from unembed.outside.text import shown
from unembed.questions.compared.settings import By
from unembed.sweep.settings import AUTO

if TYPE_CHECKING:
    import polars as pl

    from unembed import Comparison, Run
    from unembed.progress import Progress
    from unembed.questions import Dictionary

_KEPT = "Stopped. Random decoders that are finished are kept; the same command goes on."


def compare(
    paths: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders.")],
    banks: Annotated[
        list[str] | None,
        typer.Option(
            "--banks",
            metavar="BANK,BANK",
            help="Only these: a bank's name, or RUN:BANK with the run's folder; several with "
            "commas, or given more than once.",
        ),
    ] = None,
    by: Annotated[
        By | None,
        typer.Option(
            help="Match features by decoder directions, logit weights, or z over shared sets; else "
            "by the first of these that can be proven to be possible."
        ),
    ] = None,
    sign: Sign = None,
    max_q: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="A feature writes a set up to this q-value."),
    ] = None,
    agreement: Annotated[
        bool,
        typer.Option(help="Match every two dictionaries, for the table."),
    ] = True,
    control: Annotated[
        bool,
        typer.Option(
            help="Analyse a random decoder in the place of each, once; what is finished is kept."
        ),
    ] = True,
    directions: Annotated[
        int,
        typer.Option(
            min=FEWEST_DIRECTIONS, help="Random directions that matches are held against."
        ),
    ] = DIRECTIONS,
    seed: Annotated[
        int, typer.Option(min=0, help="Decides the random directions and decoders.")
    ] = 0,
    device: Device = AUTO,
    limit: Limit = 8,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Compare dictionaries: which is more interpretable, and what is in one and not in another.

    Every bank of the runs, or those of `--banks`: how much of each is labelled and shaped, how much
    of it the others have too, each beside a random decoder of the same second moment and size.

        unembed compare runs/sae-a runs/sae-b runs/sae-c

    Two of them are matched feature by feature, whatever models they are of: found again one to one,
    split, merged, lost; and the token sets that one writes and the other does not.

        unembed compare runs/demo --banks sae.26,mlp.26

        unembed compare runs/gpt2 runs/pythia --banks gpt2:sae.8,pythia:sae.8 --no-control
    """
    one_format(as_json, as_csv)
    among = questions.dictionaries([open_run(path) for path in paths], several(banks))
    if len(among) < 2:
        raise QueryError(
            f"There is one bank to compare, {among[0].name}. Name another run, or another bank of "
            f"it: {', '.join(among[0].run.banks)}."
        )
    with stoppable(_KEPT), show_progress(aside()) as report:
        options: dict[str, Any] = {"by": by, "directions": directions, "seed": seed,
                                   "progress": report}  # fmt: skip
        pair = None
        if len(among) == 2:
            pair = questions.compare_banks(
                *among, sign=sign, max_q=max_q, limit=limit or None, **options
            )
        table = _table(among, pair, options, agreement=agreement, control=control, device=device)
    _print(pair, table, limit or None, as_json=as_json, as_csv=as_csv)


def _table(
    among: Sequence[Dictionary],
    pair: Comparison | None,
    options: Mapping[str, Any],
    *,
    agreement: bool,
    control: bool,
    device: str,
) -> pl.DataFrame | None:
    """Return the table of what is compared; None where two are, and one has no labels."""
    bare = [each for each in among if not each.run.is_explained]
    if pair is not None and bare:
        aside().print(
            f"{shown(bare[0].name)} was read without token sets, so there is no table of labels."
        )
        return None
    if bare:
        raise QueryError(
            f"{bare[0].name} was read without token sets, so that it has no labels to compare. "
            "Leave it out, or make its run again with token sets."
        )
    controls = _controls(among, options, device) if control else None
    return questions.interpretability_by_bank(among, controls=controls, agree=agreement, **options)


def _controls(
    among: Sequence[Dictionary], options: Mapping[str, Any], device: str
) -> dict[str, Run]:
    """Return a run with a random decoder for each dictionary."""
    found = {}
    for each in among:
        progress = _within(options["progress"], each.name)
        try:
            found[each.name] = unembed.analyze_random(
                each.run, each.bank, seed=options["seed"], device=device, progress=progress
            )
        except SourceError as error:
            raise SourceError(f"{error} Without random decoders: --no-control.") from error
    return found


def _within(progress: Progress, name: str) -> Progress:
    """Return a progress whose steps are of one random decoder."""
    return lambda step, done, total: progress(f"Random {name}: {step}", done, total)


def _print(
    pair: Comparison | None,
    table: pl.DataFrame | None,
    limit: int | None,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    if as_csv:
        print_csv(_known(table) if pair is None else questions.by_fate(pair.features, limit))
    elif as_json:
        of_pair = None if pair is None else _as_json(pair, limit)
        print_json({"banks": None if table is None else table.to_dicts(), "pair": of_pair})
    else:
        out = console()
        if pair is not None:
            out.print(terminal.compared.draw(pair, limit=limit))
            out.print()
        if table is not None:
            out.print(terminal.compared.table_of(table))


def _as_json(pair: Comparison, limit: int | None) -> dict[str, Any]:
    """Return a comparison as scripts read it."""
    return {
        "facts": pair.facts,
        "features": questions.by_fate(pair.features, limit).to_dicts(),
        "sets": None if pair.sets is None else pair.sets.to_dicts(),
    }


def _known(table: pl.DataFrame | None) -> pl.DataFrame:
    assert table is not None  # of two there is a pair
    return table
