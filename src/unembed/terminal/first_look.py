"""A first look at the banks of a run that is being made."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from unembed.numerals import number
from unembed.questions.banks import SPREAD
from unembed.questions.first_look import FirstLook
from unembed.terminal import features


def draw(look: FirstLook) -> Group:
    """Return a first look, drawn for the terminal."""
    return Group(
        _spread(look),
        Text(""),
        features.table(
            look.peaked, title="Of these, with the largest kurtosis", ends=["top"], n_tokens=10
        ),
        Text(""),
    )


def _spread(look: FirstLook) -> Table:
    some = (
        f"{look.spread.height} of {look.banks} banks"
        if look.spread.height < look.banks
        else "each bank"
    )
    table = Table(
        title=f"First look: a few features of {some} (normal: skewness 0, kurtosis 3)",
        title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    counts = ["features", "read", *(["flat"] if look.spread["flat"].sum() else [])]
    table.add_column("bank", style="bold", overflow="fold")
    headings = ("std min", "50%", "max", "skew min", "50%", "max", "kurt min", "50%", "max")
    for name in (*counts, *headings):
        table.add_column(name, justify="right")
    for row in look.spread.iter_rows(named=True):
        spread = (row[f"{name}_{kind}"] for name in SPREAD for kind in ("min", "median", "max"))
        table.add_row(
            row["bank"], *(f"{row[name]:,}" for name in counts), *(number(each) for each in spread)
        )
    return table
