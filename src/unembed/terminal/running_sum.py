"""The running sum of an enrichment score, drawn in the terminal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from rich.text import Text

F64 = npt.NDArray[np.float64]

_WIDTH = 76
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille character's dots, from the top, left and right."""


def draw(places: npt.NDArray[np.int64], heights: F64, *, height: int = 8) -> Text:
    """Return the curve of a running sum over the ranks of all tokens, its corners given.

    Args:
        places: [C] after how many tokens the corners are, from 0 to all.
        heights: [C] the running sum there.
        height: in lines.
    """
    columns, rows = 2 * _WIDTH, 4 * height
    low, high = min(0.0, heights.min()), max(0.0, heights.max())
    span = high - low or 1.0
    n_tokens = int(places[-1])
    edges = np.linspace(0, n_tokens, columns + 1)
    dots = np.zeros((rows, columns), bool)

    def row(value: F64) -> npt.NDArray[np.int64]:
        at: npt.NDArray[np.int64] = np.round((high - value) / span * (rows - 1)).astype(np.int64)
        return at

    at_edges = np.interp(edges, places, heights)
    for column in range(columns):
        inside = (places >= edges[column]) & (places <= edges[column + 1])
        values = np.concatenate([at_edges[column : column + 2], heights[inside]])
        first, last = row(np.array([values.max(), values.min()]))
        dots[first : last + 1, column] = True
    zero = int(row(np.zeros(1))[0])
    dots[zero, ::4] = True
    lines = [
        f"{_axis(line, height, low, high, zero // 4):>6} {_braille(dots[4 * line : 4 * line + 4])}"
        for line in range(height)
    ]
    ends = f"{'':>6} 1{f'rank {n_tokens:,}':>{_WIDTH - 1}}"
    return Text("\n".join([*lines, ends]), no_wrap=True, overflow="crop")


def _axis(line: int, height: int, low: float, high: float, zero: int) -> str:
    if line == zero:
        return "0"
    if line == 0:
        return f"{high:+.2f}"
    return f"{low:+.2f}" if line == height - 1 else ""


def _braille(dots: npt.NDArray[np.bool_]) -> str:
    cells = np.zeros(dots.shape[1] // 2, np.int64)
    for row, bits in enumerate(_DOTS):
        for column, bit in enumerate(bits):
            cells += bit * dots[row, column::2]
    return "".join(chr(0x2800 + cell) if cell else " " for cell in cells)
