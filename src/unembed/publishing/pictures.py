"""Pictures of a run for its page, as SVG that is written here: no browser is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.explanation import CLASSES
from unembed.questions.summary import classes_of_banks
from unembed.store.tables import RunTables

_WIDTH = 760
_ROW = 26
_LEFT = 190
_RIGHT = 24
_COLOURS = ("#2f6db3", "#c9503c", "#8b5fb0", "#3f9a6d", "#b9bec6", "#8a8f98", "#dfe2e7", "#e0a030")
_INK, _FAINT = "#24292f", "#6a737d"
_MOST_BANKS = 40
"""Rows of a picture; of more banks the first are drawn, and it is said."""
_QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
_FONT = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"


def pictures(run: RunTables) -> dict[str, str]:
    """Return the pictures of a run by their names: SVG, each with its title as text.

    `kurtosis.svg`, how the kurtosis of each bank's features is spread; `classes.svg`, of which
    class they are, where the run says so.
    """
    found = {"kurtosis.svg": kurtosis_by_bank(run)}
    if run.is_explained:
        found["classes.svg"] = classes_by_bank(run)
    return found


def kurtosis_by_bank(run: RunTables) -> str:
    """Return how the kurtosis of each bank's features is spread, on a logarithmic axis."""
    banks = run.banks[:_MOST_BANKS]
    known = run.scalars.filter(pl.col("kurtosis").is_not_null() & (pl.col("kurtosis") > 0))
    spread = {bank: known.filter(bank=bank)["kurtosis"].to_numpy() for bank in banks}
    drawn = {bank: values for bank, values in spread.items() if len(values)}
    if not drawn:
        return _picture("Kurtosis of features by bank: none has one", [], 0)
    low = np.log10(min(min(values.min() for values in drawn.values()), 2.5))
    high = np.log10(max(max(values.max() for values in drawn.values()), 4.0))

    def at(value: float) -> float:
        return float(_LEFT + (_WIDTH - _LEFT - _RIGHT) * (np.log10(value) - low) / (high - low))

    rows: list[str] = []
    for place, (bank, values) in enumerate(drawn.items()):
        rows += _spread_row(bank, values, at, _top(place))
    bottom = _top(len(drawn))
    rows += _axis([tick for tick in (3, 5, 10, 20, 50, 100, 1000) if low <= np.log10(tick) <= high],
                  at, bottom)  # fmt: skip
    title = "Kurtosis of logit weights by bank (a normal distribution has 3)"
    return _picture(_title(title, run), rows, bottom + 34)


def classes_by_bank(run: RunTables) -> str:
    """Return how many of each bank's features are of which class, as bars of shares."""
    counts = classes_of_banks(run).head(_MOST_BANKS)
    classes = [name for name in CLASSES if name in counts.columns and counts[name].sum()]
    colours = dict(zip(CLASSES, _COLOURS, strict=False))
    rows = []
    for place, row in enumerate(counts.iter_rows(named=True)):
        total, left = sum(row[name] or 0 for name in classes) or 1, float(_LEFT)
        rows.append(_name(row["bank"], _top(place)))
        for name in classes:
            width = (_WIDTH - _LEFT - _RIGHT) * (row[name] or 0) / total
            said = escape(f"{row['bank']}: {row[name] or 0:,} {name}")
            rows.append(
                f'<rect x="{left:.1f}" y="{_top(place) + 4}" width="{width:.1f}" '
                f'height="{_ROW - 9}" fill="{colours[name]}"><title>{said}</title></rect>'
            )
            left += width
    bottom = _top(counts.height)
    rows += _legend([(name, colours[name]) for name in classes], bottom + 20)
    return _picture(_title("Classes of features by bank", run), rows, bottom + 34)


def _spread_row(
    bank: str, values: npt.NDArray[np.float64], at: Callable[[float], float], top: float
) -> Iterator[str]:
    p1, p25, p50, p75, p99 = (at(float(each)) for each in np.quantile(values, _QUANTILES))
    middle, most = top + _ROW / 2, at(float(values.max()))
    yield _name(bank, top)
    yield _line(p1, middle, p99, middle, "#9fb6d3", 2)
    yield (
        f'<rect x="{p25:.1f}" y="{middle - 6:.1f}" width="{max(p75 - p25, 1):.1f}" '
        f'height="12" rx="2" fill="{_COLOURS[0]}" opacity="0.75"/>'
    )
    yield _line(p50, middle - 8, p50, middle + 8, _INK, 2)
    said = escape(f"{bank}: median {np.median(values):.2f}, largest {values.max():.2f}")
    yield (
        f'<circle cx="{most:.1f}" cy="{middle:.1f}" r="3.5" fill="{_COLOURS[1]}">'
        f"<title>{said}</title></circle>"
    )


def _axis(ticks: Sequence[float], at: Callable[[float], float], bottom: float) -> Iterator[str]:
    for tick in ticks:
        yield _line(at(tick), _top(0), at(tick), bottom + 2, "#d9dee4", 1)
        yield _text(f"{tick:g}", at(tick), bottom + 16, "middle", _FAINT)
    yield _text(
        "1 % · quartiles · 99 %; the dot is the largest", _LEFT, bottom + 30, "start", _FAINT
    )


def _legend(entries: Sequence[tuple[str, str]], top: float) -> Iterator[str]:
    left = float(_LEFT)
    for name, colour in entries:
        yield f'<rect x="{left:.1f}" y="{top - 9:.1f}" width="10" height="10" fill="{colour}"/>'
        yield _text(name, left + 14, top, "start", _FAINT)
        left += 24 + 7 * len(name)


def _title(text: str, run: RunTables) -> str:
    more = len(run.banks) - _MOST_BANKS
    return f"{text}; {more:,} more banks are not drawn" if more > 0 else text


def _picture(title: str, rows: Sequence[str], bottom: float) -> str:
    height = max(bottom, 60)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" '
        f'width="{_WIDTH}" height="{height:.0f}" font-family="{_FONT}" font-size="12" role="img">'
    )
    back = f'<rect width="{_WIDTH}" height="{height:.0f}" fill="#ffffff"/>'
    said = (
        f'<text x="16" y="24" font-size="14" font-weight="600" fill="{_INK}">{escape(title)}</text>'
    )
    return "\n".join([head, f"<title>{escape(title)}</title>", back, said, *rows, "</svg>\n"])


def _top(place: int) -> float:
    return 40 + _ROW * place


def _name(bank: str, top: float) -> str:
    short = bank if len(bank) <= 26 else f"{bank[:25]}…"
    return _text(short, _LEFT - 10, top + _ROW / 2 + 4, "end", _INK)


def _text(text: str, x: float, y: float, anchor: str, colour: str) -> str:
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"'
    return f"<text {at}>{escape(text)}</text>"


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}"/>'
    )
