"""A fitted lens in the terminal: how far two halves of its prompts agree, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.numerals import number
from unembed.outside.text import shown

if TYPE_CHECKING:
    from unembed.fitting import FittedLens

_READ = (
    "top 10: of the ten tokens that a direction promotes most, the share that the lenses of both "
    "halves of the prompts name. difference: ‖J_even − J_odd‖ / ‖J‖, about twice the error of J."
)


def draw(lens: FittedLens) -> Group:
    """Return what was fitted, and the stability of each layer."""
    files = ", ".join(shown(str(path)) for path in lens.paths)
    count = f"{lens.n_prompts:,} prompt" + "s" * (lens.n_prompts != 1)
    parts: list[RenderableType] = [
        Text(f"{shown(lens.metadata['model'])}: {len(lens.J)} layers, {count}, in {files}", "bold")
    ]
    if not lens.stability:
        return Group(*parts, Text("One prompt has no halves: nothing tells how stable it is."))
    return Group(*parts, _table(lens), Text(_READ, style="dim"))


def _table(lens: FittedLens) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("layer", "difference", "top 10"):
        table.add_column(heading, justify="right")
    table.add_column("of")
    for layer, each in lens.stability.items():
        of = "neurons" if each.directions == "neurons" else "random directions"
        table.add_row(str(layer), number(each.frobenius), number(each.top10), of)
    return table
