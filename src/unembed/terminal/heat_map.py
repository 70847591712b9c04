"""A heat map of shares, set × bank, drawn in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Group
from rich.text import Text

LEVELS = ((0.01, "█"), (0.005, "▓"), (0.0025, "▒"), (0.001, "░"), (0.0, "·"))
"""Shares from which each shade is drawn; the last from anything above 0."""
_COLOURS = {"█": "bright_yellow", "▓": "yellow", "▒": "dark_orange3", "░": "red3", "·": "dim"}
_MOST_NAME = 32
_WIDE, _NARROW = 9, 2


class Column(NamedTuple):
    """One bank: its kind, its layer where known, and its name."""

    kind: str
    layer: int | None
    name: str


def draw(
    names: Sequence[str],
    columns: Sequence[Column],
    shares: Sequence[Sequence[float]],
    ends: Sequence[str],
    width: int,
) -> Group:
    """Return rows of shaded cells, with numbers where there is room for them.

    Names are cut where they and the columns do not fit. Columns that do not fit side by side follow
    in blocks, broken where a kind begins if that is possible.

    Args:
        names: of the rows.
        columns: banks, in order.
        shares: [rows][columns] between 0 and 1.
        ends: what stands behind each row.
        width: of the terminal.
    """
    longest, behind = (max(map(len, texts), default=0) for texts in (names, ends))
    fits = longest + 2 + _WIDE * len(columns) + 2 + behind <= width
    margin = (longest if fits else min(_MOST_NAME, longest)) + 2
    room = max(width - margin - behind - 2, _WIDE)
    wide = all(len(column.name) < _WIDE for column in columns) and len(columns) * _WIDE <= room
    lines: list[Text] = []
    for block in [range(len(columns))] if wide else _blocks(columns, max(room // _NARROW, 1)):
        chosen = [columns[at] for at in block]
        lines += [] if not lines else [Text("")]
        lines += _wide_heading(chosen, margin) if wide else _narrow_heading(chosen, margin)
        for name, row, end in zip(names, shares, ends, strict=True):
            line = Text(_cut(name, margin - 2).ljust(margin), no_wrap=True)
            for at in block:
                line.append_text(_cell(row[at], wide=wide))
            lines.append(line.append(f"  {end}", style="dim"))
    return Group(*lines, legend())


def legend() -> Text:
    """Return what the shades stand for."""
    text = Text("share of the bank's features: ", style="dim")
    for share, shade in LEVELS:
        text.append(shade, style=_COLOURS[shade])
        text.append(f" from {100 * share:g} %  " if share else " less", style="dim")
    return text


def shade(share: float) -> str:
    """Return the shade of a share.

    >>> shade(0.0), shade(0.0005), shade(0.007)
    (' ', '·', '▓')
    """
    return next((shade for least, shade in LEVELS if share > 0 and share >= least), " ")


def _cell(share: float, *, wide: bool) -> Text:
    drawn = shade(share)
    text = Text(drawn * 2, style=_COLOURS.get(drawn, ""))
    if wide:
        text.append(f"{100 * share:5.2f}  " if share else " " * (_WIDE - 2))
    return text


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _wide_heading(columns: Sequence[Column], margin: int) -> list[Text]:
    line = " " * margin + "".join(f"{column.name:<{_WIDE}}" for column in columns)
    return [Text(line.rstrip() + "  (%)", style="bold", no_wrap=True)]


def _narrow_heading(columns: Sequence[Column], margin: int) -> list[Text]:
    """Kinds above their first column, and layers below, a digit a line."""
    kinds, last = "", None
    for at, column in enumerate(columns):
        if column.kind != last and len(kinds) <= at * _NARROW:
            kinds = kinds.ljust(at * _NARROW) + column.kind + " "
        last = column.kind
    labels = ["?" if column.layer is None else str(column.layer) for column in columns]
    height = max(map(len, labels))
    digits = [
        "".join(f"{label.rjust(height)[line]:<{_NARROW}}" for label in labels)
        for line in range(height)
    ]
    return [
        Text(" " * margin + line.rstrip(), style="bold", no_wrap=True) for line in (kinds, *digits)
    ]


def _blocks(columns: Sequence[Column], most: int) -> Iterator[range]:
    start = 0
    while start < len(columns):
        stop = min(start + most, len(columns))
        if stop < len(columns):
            breaks = [
                at for at in range(start + 1, stop + 1) if columns[at].kind != columns[at - 1].kind
            ]
            stop = breaks[-1] if breaks else stop
        yield range(start, stop)
        start = stop
