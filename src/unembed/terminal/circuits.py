"""What became of an attribution graph's nodes, in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.errors import listed
from unembed.outside.text import shown

if TYPE_CHECKING:
    from unembed.questions.circuits import Annotation

_ROWS = (
    ("labelled", "have the label of their feature now"),
    ("naming", "of these, whose label names token sets"),
    ("replaced", "of these, that said something else before"),
    ("kept", "say what they said before (--keep)"),
    ("absent", "are of features that the run does not have"),
    ("other_layers", "are of layers that the run has no transcoder of"),
)


def draw(found: Annotation) -> Group:
    """Return how many nodes say what, and which banks were taken for which layers."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    for name, words in _ROWS:
        count = getattr(found, name)
        if count or name == "labelled":
            table.add_row(f"{count:,}", words)
    if found.unclear:
        names = listed(map(shown, found.unclear), most=3)
        table.add_row(
            f"{len(found.unclear):,}", f"contradict themselves, and stay as they are: {names}"
        )
    parts: list[RenderableType] = [
        Text(f"{found.nodes:,} nodes of features", "bold"), table,
        Text(f"Banks by the layer that they read ({found.lens} lens): {_banks(found)}"),
    ]  # fmt: skip
    if found.made_with and found.sources:
        parts.append(Text(_whence(found), style="dim"))
    return Group(*parts)


def _whence(found: Annotation) -> str:
    """Return what is known of whether the graph's transcoders are the run's."""
    made, ours = (listed(map(shown, each), most=3) for each in (found.made_with, found.sources))
    named = [name.lower() for name in found.made_with]
    if any(source.lower() in name for source in found.sources for name in named):
        return f"The graph was made with {made}, where the run's come from, too."
    return (
        f"The graph was made with {made}; the run's come from {ours}. Whether these are the same "
        "weights is not known here."
    )


def _banks(found: Annotation) -> str:
    return shown(
        listed((f"{layer} {', '.join(_few(names))}" for layer, names in found.banks.items()))
    )


def _few(names: list[str]) -> list[str]:
    return names if len(names) <= 3 else [names[0], "…", names[-1]]
