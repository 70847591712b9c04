"""How well the lenses of a run tell what its features do, and where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.numerals import number
from unembed.outside.text import shown
from unembed.questions.lens_truth import lens_check, untrue
from unembed.questions.run import Run

if TYPE_CHECKING:
    from unembed.fitting import CheckPlan

_READ = (
    "Features, and random directions like them, were added behind their block. correlation: over "
    "all tokens, of the logits' change with the logit weights of the lens, the median and the "
    "quartiles over features. chance: the same with the logit weights of another direction, the "
    "median and the 95 % point."
)


def planned(plan: CheckPlan) -> Iterator[Text]:
    """Draw what a check is about to do, and how long it takes."""
    banks = f"{len(plan.banks)} bank" + "s" * (len(plan.banks) != 1)
    yield Text(
        f"{banks}, {plan.directions} directions of each, {plan.prompts:,} prompts, by "
        f"{shown(plan.model)} on {plan.device}: about {_time(plan.seconds)}.",
        style="dim",
    )
    for name, why in plan.left_out.items():
        yield Text(shown(f"{name} is left out: {why}"), style="yellow")


def draw(run: Run, banks: list[str] | None = None) -> Group:
    """Return what was found of some banks, all by default, and what must be known of them."""
    found = lens_check(run)
    assert found is not None
    return Group(_table(found, banks), Text(_READ, style="dim"), *_warnings(run, banks))


def of_run(run: Run) -> Iterator[RenderableType]:
    """Draw the same of a run at a glance; nothing where it was not checked."""
    found = lens_check(run)
    if found is None:
        return
    yield Text("\nWhether the lenses are true: what features do when they are added to the model")
    yield _table(found)
    yield from _warnings(run)


def _table(found: pl.DataFrame, banks: list[str] | None = None) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("written by", style="bold")
    table.add_column("lens")
    for name in ("features", "correlation", "quartiles", "chance", "random", "true"):
        table.add_column(name, justify="right")
    before = None
    for row in found.iter_rows(named=True):
        if banks is not None and row["bank"] not in banks:
            continue
        table.add_row(
            "" if row["written"] == before else shown(row["written"]), shown(row["lens"]),
            f"{row['features']:,}", number(row["correlation"]),
            f"{number(row['quarter'])} to {number(row['three_quarters'])}",
            f"{number(row['chance'])}, {number(row['chance_high'])}", number(row["random"]),
            "yes" if row["is_true"] else "no",
            style=None if row["is_true"] else "yellow",
        )  # fmt: skip
        before = row["written"]
    return table


def _warnings(run: Run, banks: list[str] | None = None) -> Iterator[Text]:
    for bank, said in untrue(run).items():
        if banks is None or bank in banks:
            yield Text(shown(f"{bank}: {said}"), style="yellow")


def _time(seconds: float) -> str:
    """Say about how long something takes.

    >>> _time(3.4), _time(75), _time(119), _time(8000)
    ('3 seconds', '1 minute', '2 minutes', '2 hours')
    """
    units = ((3600, "hour"), (60, "minute"), (1, "second"))
    length, unit = next((each for each in units if seconds >= 0.75 * each[0]), units[-1])
    count = max(1, round(seconds / length))
    return f"{count:,} {unit}{'s' * (count != 1)}"
