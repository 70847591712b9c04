"""Names beside points, placed so that none lies over another or leaves the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from unembed.plots.theme import INK, SMALL, escaped, width_of

F64 = npt.NDArray[np.float64]
_AROUND = np.deg2rad([0, 180, 30, 150, -30, 210, 60, 120, -60, 240, 90, 270])
_STEPS = (12, 22, 36, 54, 76, 102)
_HEIGHT = SMALL + 4


class Box(NamedTuple):
    """The part of a figure within its axes.

    Attributes:
        width, height: in pixels.
        x_range, y_range: of the axes; logarithms for logarithmic ones.
    """

    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def pixels(self, x: F64, y: F64) -> F64:
        """Return [n, 2] places in pixels from the lower left."""
        across = (np.asarray(x) - self.x_range[0]) / (self.x_range[1] - self.x_range[0])
        up = (np.asarray(y) - self.y_range[0]) / (self.y_range[1] - self.y_range[0])
        return np.stack([across * self.width, up * self.height], 1)


def add_labels(
    figure: go.Figure, x: F64, y: F64, texts: Sequence[str], box: Box,
    *, obstacles: F64 | None = None, axes: tuple[str, str] = ("x", "y"), most: int = 12,
) -> int:  # fmt: skip
    """Return how many points got a label; those that come first are served first.

    Args:
        figure: gets the labels.
        x: [n] of the points, in the units of the axes.
        y: [n] likewise.
        texts: the labels, plain text.
        box: where they may lie.
        obstacles: [k, 2] pixels of what labels should keep off, such as other points.
        axes: the names of the axes.
        most: how many labels at most.
    """
    points = box.pixels(x, y)
    off = points[:0] if obstacles is None else obstacles
    taken: list[F64] = []
    leaders: list[F64] = []
    for at, text in enumerate(texts):
        place = _place(
            points[at], width_of(text, SMALL) + 6, points[:most], off, taken, leaders, box
        )
        if place is None:
            continue
        taken.append(place)
        leaders.append(_leader(points[at], place))
        middle = (place[:2] + place[2:]) / 2 - points[at]
        figure.add_annotation(
            x=float(x[at]), y=float(y[at]), xref=axes[0], yref=axes[1],
            ax=float(middle[0]), ay=-float(middle[1]), text=escaped(text),
            xanchor="center", yanchor="middle", showarrow=True, arrowhead=0, arrowwidth=0.8,
            arrowcolor="#8a8a8a", standoff=3, font={"size": SMALL, "color": INK},
            borderpad=0, name="label",
        )  # fmt: skip
        if len(taken) == most:
            break
    return len(taken)


def _place(
    point: F64, width: float, named: F64, off: F64, taken: Sequence[F64], leaders: Sequence[F64],
    box: Box,
) -> F64 | None:  # fmt: skip
    """Return the free rectangle [left, bottom, right, top] that covers least, None without any.

    Its line to the point crosses no other label or line, and it lies over no point with a name.
    """
    best, least = None, np.inf
    for distance in _STEPS:
        for angle in _AROUND:
            across, up = np.cos(angle), np.sin(angle)
            middle = point + distance * np.array([across, up])
            middle = middle + np.array([np.sign(round(across, 3)) * width / 2, 0])
            half = np.array([width, _HEIGHT]) / 2
            found = np.concatenate([middle - half, middle + half])
            if not _inside(found, box) or any(_overlap(found, other) for other in taken):
                continue
            line = _leader(point, found)
            if (
                _covered(found, named)
                or any(_covered(found, other) or _cross(line, other) for other in leaders)
                or any(_covered(other, line) for other in taken)
            ):
                continue
            cost = distance / 12 + 4 * min(_covered(found, off), 10)
            if cost < least:
                best, least = found, cost
    return best


def _leader(point: F64, rectangle: F64) -> F64:
    """Return places on the line from a label to its point, which is not one of them."""
    middle = (rectangle[:2] + rectangle[2:]) / 2
    return point + np.linspace(0.02, 1, 12)[:, None] * (middle - point)


def _covered(rectangle: F64, places: F64) -> int:
    """Return how many places lie in a rectangle, or close to it."""
    near = (places >= rectangle[:2] - 2).all(1) & (places <= rectangle[2:] + 2).all(1)
    return int(near.sum())


def _cross(one: F64, other: F64) -> bool:
    """Return whether two lines cut each other."""
    return bool(
        _side(one, other[0]) * _side(one, other[-1]) < 0
        and _side(other, one[0]) * _side(other, one[-1]) < 0
    )


def _side(line: F64, place: F64) -> float:
    """Return a number whose sign says on which side of a line a place lies."""
    (x, y), (along, up) = line[0], line[-1] - line[0]
    return float(along * (place[1] - y) - up * (place[0] - x))


def _inside(rectangle: F64, box: Box) -> bool:
    left, bottom, right, top = rectangle
    return bool(left >= 2 and bottom >= 2 and right <= box.width - 2 and top <= box.height - 2)


def _overlap(one: F64, other: F64) -> bool:
    return bool((one[:2] < other[2:]).all() and (other[:2] < one[2:]).all())
