"""What all figures share: colours, sizes, and the caption beneath."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import plotly.graph_objects as go

from unembed.outside.text import shown

PROMOTES = "#0072b2"
SUPPRESSES = "#d55e00"
BOTH = "#aa4499"
NEITHER = "#b3b3b3"
INK = "#222222"
FAINT = "#6f6f6f"
GRID = "#ececec"
CLASS_COLOURS = {
    "prediction": PROMOTES,
    "suppression": SUPPRESSES,
    "two-sided": BOTH,
    "partition": "#009e73",
    "diffuse": NEITHER,
    "dead": "#5c4a3d",
    "flat": "#e5d9b6",
}
"""From Okabe & Ito's palette (2008), which the colour-blind can tell apart."""
SET_COLOURS = (PROMOTES, SUPPRESSES, "#009e73", BOTH, "#e69f00", "#56b4e9")
GREYS = [[0, "#e9e9e9"], [1, "#4d4d4d"]]
"""Few to many."""
SEQUENTIAL = [[0, "#440154"], [0.3, "#3b528b"], [0.55, "#21918c"], [0.8, "#5ec962"], [1, "#c9d93b"]]
"""Viridis, up to a yellow that can be seen on white."""

FONT = "Arial, Liberation Sans, Helvetica, sans-serif"
TEXT_SIZE = 13
SMALL = 12
CAPTION_SIZE = 12
_LINE = 16
_TITLE_LINE = 18
_CHARACTER, _BOLD_CHARACTER = 0.46, 0.56
"""Width of a character of running text, as a share of its size."""

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": TEXT_SIZE, "color": INK},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "colorway": list(SET_COLOURS),
        "hoverlabel": {"align": "left", "font": {"family": FONT, "size": SMALL}},
        "hovermode": "closest",
        "xaxis": {
            "gridcolor": GRID, "linecolor": INK, "showline": True, "ticks": "outside",
            "tickcolor": INK, "zeroline": False, "automargin": False,
            "title": {"standoff": 10, "font": {"size": 14}},
        },
        "yaxis": {
            "gridcolor": GRID, "linecolor": INK, "showline": True, "ticks": "outside",
            "tickcolor": INK, "zeroline": False, "automargin": False,
            "title": {"standoff": 8, "font": {"size": 14}},
        },
        "legend": {
            "orientation": "h", "yanchor": "bottom", "y": 1.0, "xanchor": "left", "x": 0,
            "itemsizing": "constant", "traceorder": "normal", "font": {"size": SMALL},
        },
    }
)  # fmt: skip


def width_of(text: str, size: float) -> float:
    """Return about how wide a line of text is, in pixels."""
    return len(text) * size * 0.56


def finished(
    figure: go.Figure,
    *,
    title: str,
    subtitle: str = "",
    caption: str,
    width: int = 900,
    plot_height: int = 420,
    left: int = 76,
    right: int = 24,
    below: int = 58,
    legend: Sequence[str] = (),
) -> go.Figure:
    """Return the figure with its title, its caption beneath, and room for both.

    Args:
        figure: with its data and axes.
        title: what is shown, of what; plain text.
        subtitle: of which feature or set; plain text.
        caption: how to read it, and what was left out; plain text. Also in `layout.meta`.
        width: of the whole, in pixels.
        plot_height: of the part within the axes.
        left: room for the y axis' ticks and title.
        right: room at the right, such as for a colour bar.
        below: room for the x axis' ticks and title.
        legend: the names in the legend, which stands between title and axes.
    """
    heading = _lines(title, width - 24, 17 * _BOLD_CHARACTER)
    second = _lines(subtitle, width - 24, TEXT_SIZE * _CHARACTER)
    notes = _lines(caption, width - 24, CAPTION_SIZE * _CHARACTER)
    above = 12 + 22 * _rows(legend, width - left - right)
    top = 14 + 22 * len(heading) + _TITLE_LINE * len(second) + 8 + above
    bottom = below + 12 + _LINE * len(notes) + 8
    figure.update_layout(
        template=TEMPLATE, width=width, height=top + plot_height + bottom,
        margin={"l": left, "r": right, "t": top, "b": bottom, "pad": 0},
        meta={"caption": caption},
    )  # fmt: skip
    written = {"xref": "paper", "yref": "paper", "x": 0, "xanchor": "left", "align": "left",
               "showarrow": False, "xshift": 12 - left}  # fmt: skip
    texts = [f"<b>{escaped(line)}</b>" for line in heading]
    figure.add_annotation(
        text="<br>".join(texts), y=1, yanchor="top", yshift=top - 10, font={"size": 17}, **written
    )
    if second:
        figure.add_annotation(
            text="<br>".join(map(escaped, second)), y=1, yanchor="top",
            yshift=top - 14 - 22 * len(heading), font={"size": TEXT_SIZE, "color": FAINT},
            **written,
        )  # fmt: skip
    figure.add_annotation(
        text="<br>".join(map(escaped, notes)), y=0, yanchor="top", yshift=-below - 8,
        font={"size": CAPTION_SIZE, "color": FAINT}, name="caption", **written,
    )  # fmt: skip
    return figure


def escaped(text: str) -> str:
    """Return text that plotly shows as it is: no tags, and no formulas between dollar signs.

    It is bounded, and all its characters are visible.
    """
    text = shown(text)
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("$", "&#36;")):
        text = text.replace(sign, entity)
    return text


def shortened(text: str, most: int) -> str:
    """Return text cut to so many characters, with … where it was cut."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _rows(legend: Sequence[str], width: float) -> int:
    """Return how many rows a legend takes; where it needs several, its columns are even."""
    widths = [width_of(name, SMALL) + 46 for name in legend]
    if sum(widths) <= width:
        return min(len(widths), 1)
    columns = max(1, int(width / max(widths)))
    return -(-len(widths) // columns)


def _lines(text: str, width: float, character: float) -> list[str]:
    return textwrap.wrap(text, int(width / character), break_long_words=True)


def mixed_with_white(colour: str, share: float) -> str:
    """Return a colour that holds so much of the given one.

    >>> mixed_with_white("#000000", 0.5)
    '#808080'
    """
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - share * (255 - part)):02x}" for part in parts)


def rgba(colour: str, opacity: float) -> str:
    """Return a colour that lets what is behind it through.

    >>> rgba("#0072b2", 0.5)
    'rgba(0,114,178,0.5)'
    """
    parts = ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    return f"rgba({parts},{opacity:g})"
