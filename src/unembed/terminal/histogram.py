"""A feature's histogram, drawn in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rich.text import Text

from unembed.sweep.bins import LIMIT, PER_UNIT

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_WIDTH_IN_Z = 0.2


def draw(counts: Sequence[int], *, height: int = 8, limit: float = 8.0) -> Text:
    """Return the histogram of z from −limit to limit, on a logarithmic count axis.

    A logarithm, because what tells features apart is a handful of tokens in a tail, beside
    fifty thousand in the middle. Counts beyond the limits stand at the ends.

    Args:
        counts: the 202 bins of `unembed.sweep.bins`.
        height: in lines.
        limit: the largest |z| drawn.
    """
    columns = _columns(np.asarray(counts, dtype=np.int64), limit)
    levels = np.where(columns > 0, np.log10(np.maximum(columns, 1)) + 0.5, 0.0)
    eighths = np.round(levels / levels.max() * height * 8).astype(int)
    eighths = np.where(columns > 0, np.maximum(eighths, 1), 0)
    lines = []
    for line in range(height - 1, -1, -1):
        cells = np.clip(eighths - 8 * line, 0, 8)
        lines.append("".join(_EIGHTHS[cell] for cell in cells))
    return Text("\n".join([*lines, _axis(limit, len(columns))]), no_wrap=True, overflow="crop")


def _columns(counts: npt.NDArray[np.int64], limit: float) -> npt.NDArray[np.int64]:
    """Merge bins to the width of a column, and all beyond the limits into the ends."""
    first = round((LIMIT - limit) * PER_UNIT) + 1
    last = round((LIMIT + limit) * PER_UNIT) + 1
    group = round(_WIDTH_IN_Z * PER_UNIT)
    inner: npt.NDArray[np.int64] = counts[first:last].reshape(-1, group).sum(axis=1)
    inner[0] += counts[:first].sum()
    inner[-1] += counts[last:].sum()
    return inner


def _axis(limit: float, width: int) -> str:
    line = [" "] * (width + 4)
    for z in range(-int(limit), int(limit) + 1, 2):
        label = f"{z:+d}" if z else "0"
        at = round((z + limit) / (2 * limit) * (width - 1)) - len(label) // 2
        line[max(at, 0) : max(at, 0) + len(label)] = label
    return "".join(line).rstrip()
