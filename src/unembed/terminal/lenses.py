"""The lenses of a run: what each sees by depth, and what must be known of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from unembed.outside.text import shown
from unembed.questions.lenses import compare_lenses
from unembed.questions.run import Run
from unembed.terminal import lens_check


def called(lenses: Sequence[str]) -> str:
    """Return what the lenses of a run are called together.

    >>> called(["logit"]), called(["logit", "jacobian"])
    ('logit lens', 'logit and jacobian lenses')
    """
    if len(lenses) == 1:
        return f"{shown(lenses[0])} lens"
    return f"{', '.join(map(shown, lenses[:-1]))} and {shown(lenses[-1])} lenses"


def draw(run: Run) -> Iterator[RenderableType]:
    """Draw what each lens sees of every bank, and the notes on layer lenses, where there are."""
    if len(run.manifest.lenses) > 1 and run.is_explained:
        yield Text("\nWhat each lens sees: features with a heavy tail or a split, and with a label")
        yield _by_lens(run)
    yield from lens_check.of_run(run)
    of_note: dict[str, list[str]] = {}
    for bank in run.manifest.banks:
        for note in bank.lens.notes if bank.lens else ():
            of_note.setdefault(note, []).append(bank.name)
    if of_note:
        yield Text("")
    for note, banks in of_note.items():
        yield Text(shown(f"{', '.join(banks)}: {note}"), style="yellow")


def _lens(run: Run, row: dict[str, Any]) -> str:
    reads = run.manifest.bank(row["bank"]).reads
    return f"{row['lens']} ({reads.part})" if reads else str(row["lens"])


def _by_lens(run: Run) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("bank", style="bold")
    table.add_column("lens")
    for name in ("features", "shaped", "labelled", "both"):
        table.add_column(name, justify="right")
    before = None
    for row in compare_lenses(run).iter_rows(named=True):
        counts = (row[name] for name in ("features", "shaped", "labelled", "shaped_labelled"))
        table.add_row(
            "" if row["written"] == before else shown(row["written"]), shown(_lens(run, row)),
            *(f"{count:,}" for count in counts),
        )  # fmt: skip
        before = row["written"]
    return table
