"""Many points in a picture: those that stand alone as points, the mass as counts in cells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

MAX_POINTS = 5_000
"""Up to so many are all drawn."""
ALONE = 2_000
"""Of more than that, up to so many are drawn as points."""
CELLS = (150, 90)


class Density(NamedTuple):
    """Points, and the counts of those that are not drawn as points.

    Attributes:
        alone: [n] which are drawn as points; none of them is counted.
        counts: [rows, columns] how many others lie in each cell.
        cell: [n] the cell of each point, counted along the rows.
        x_edges: [columns + 1] of the cells.
        y_edges: [rows + 1] of the cells.
    """

    alone: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int64]
    x_edges: F64
    y_edges: F64

    @property
    def binned(self) -> int:
        """How many are counted in cells."""
        return int(self.counts.sum())

    @property
    def x(self) -> F64:
        """[columns] the middle of each cell."""
        return (self.x_edges[1:] + self.x_edges[:-1]) / 2

    @property
    def y(self) -> F64:
        """[rows] the middle of each cell."""
        return (self.y_edges[1:] + self.y_edges[:-1]) / 2

    def note(self, what: str) -> str:
        """Return what the caption says of it, such as `Each dot is a feature.`, of a `what`."""
        if not self.binned:
            return f"Each dot is a {what}."
        return (
            f"Dots are the {int(self.alone.sum()):,} {what}s that stand alone; the other "
            f"{self.binned:,} are counted in cells (logarithmic shades)."
        )


def density(
    x: F64,
    y: F64,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    *,
    cells: tuple[int, int] = CELLS,
    first: npt.NDArray[np.bool_] | None = None,
) -> Density:
    """Return n points as points alone and counts of the others.

    Those in the cells with fewest points are alone, all of a cell or none, beside those that are
    drawn first.

    Args:
        x: [n] within the range.
        y: [n] within the range.
        x_range: of the picture.
        y_range: of the picture.
        cells: across and up.
        first: [n] which are to be points whatever their cell.
    """
    columns, rows = cells
    x_edges, y_edges = np.linspace(*x_range, columns + 1), np.linspace(*y_range, rows + 1)
    cell = _places(y, y_edges) * columns + _places(x, x_edges)
    if len(x) <= MAX_POINTS:
        alone = np.ones(len(x), bool)
    else:
        found = np.bincount(cell, minlength=rows * columns)
        of_size = np.bincount(found, weights=found)
        largest = int(np.searchsorted(np.cumsum(of_size), ALONE, side="right")) - 1
        alone = found[cell] <= largest
        if first is not None:
            alone |= first
    counts = np.bincount(cell[~alone], minlength=rows * columns).reshape(rows, columns)
    return Density(alone, counts, cell, x_edges, y_edges)


def drawn_first(
    n: int, named: npt.NDArray[np.int64], significant: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.bool_]:
    """Return which of n points are points whatever their cell.

    Args:
        n: how many there are.
        named: rows of those that get a name.
        significant: [n] all of which are points too, unless they are too many themselves.
    """
    first = np.zeros(n, bool)
    first[named] = True
    if significant is not None and significant.sum() <= ALONE:
        first |= significant
    return first


def _places(values: F64, edges: F64) -> npt.NDArray[np.int64]:
    """Return the cell of each value; what is beyond the ends is in the cell there."""
    found = np.searchsorted(edges, values, side="right") - 1
    places: npt.NDArray[np.int64] = found.clip(0, len(edges) - 2)
    return places


def log_counts(counts: npt.NDArray[np.int64] | np.int64) -> F64:
    """Return log10 of counts, NaN where there is none, which is left white."""
    logs: F64 = np.log10(np.where(counts > 0, counts, np.nan))
    return logs


def decades(largest: int) -> tuple[list[float], list[str]]:
    """Return the ticks of an axis of log10 counts, at 1, 10, 100 and so on."""
    last = len(str(max(largest, 1)))
    return [float(k) for k in range(last)], [f"{10**k:,}" for k in range(last)]
