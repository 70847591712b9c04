"""What a notebook shows of a run and of a feature: small HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from unembed import explorer
from unembed.addresses import address
from unembed.numerals import number
from unembed.outside.text import quoted, shown
from unembed.questions import summary
from unembed.questions.run import Run

if TYPE_CHECKING:
    from unembed.explorer.server import Background

_TOKENS = 12
_STATISTICS = ("std", "skewness", "kurtosis", "min", "max", "norm")
_WIDTH, _HEIGHT = 420, 70
_SHOWN = 6.0
"""Standard deviations to either side in the drawing of a histogram."""
_PER_BAR = 2
_TOKEN = (
    '<code style="background:rgba(128,128,128,.14);border-radius:3px;padding:0 3px;'
    'white-space:pre">{}</code>'
)


def run_html(run: Run) -> str:
    """Return a run at a glance: its banks, their spread and their classes."""
    facts, lenses = run.manifest.unembedding, " and ".join(run.manifest.lenses)
    banks = summary.banks_at_a_glance(run)
    columns: dict[str, list[str]] = {
        "bank": [_text(name) for name in banks["bank"]],
        "features": [f"{count:,}" for count in banks["features"]],
        "std": [number(value) for value in banks["std_median"]],
        "kurtosis, median": [number(value) for value in banks["kurtosis_median"]],
        "99 %": [number(value) for value in banks["kurtosis_p99"]],
        "largest": [number(value) for value in banks["kurtosis_max"]],
    }
    if run.is_explained:
        classes = summary.classes_of_banks(run)
        for name in classes.columns[1:]:
            if classes[name].sum():
                columns[name] = [f"{count:,}" for count in classes[name]]
    return (
        f"<p><b>{_text(run.model)}</b> · {_text(lenses)} lens · {facts.tokens:,} tokens"
        f" · <code>{_text(run.place)}</code></p>{_table(columns)}"
    )


def feature_html(row: Mapping[str, Any]) -> str:
    """Return a feature as a card: what it is, its logit weights and its outermost tokens.

    Args:
        row: as `Run.feature` returns it.
    """
    title = f"<b>{_text(address(row['bank'], row['index']))}</b>"
    said = " · ".join(_text(row[name]) for name in ("class", "label") if row[name])
    numbers = " · ".join(f"{name} {number(row[name])}" for name in _STATISTICS)
    ends = "".join(
        f'<div style="margin:2px 0"><span style="color:{colour}">{word}</span> '
        f"{_tokens(row[f'{end}_tokens'])}</div>"
        for end, word, colour in (
            ("top", "promotes", "#0072b2"),
            ("bottom", "suppresses", "#d55e00"),
        )
    )
    drawing = _histogram(row["histogram"]) if row["histogram"] is not None else ""
    return f"<div><div>{title} {said}</div><div>{numbers}</div>{drawing}{ends}</div>"


def _text(text: object) -> str:
    """Return text from outside as HTML that shows it: no tags, and all its characters visible."""
    return escape(shown(text))


def _tokens(texts: Iterable[str] | None) -> str:
    cells = [_TOKEN.format(escape(quoted(text))) for text in [*(texts or ())][:_TOKENS]]
    return " ".join(cells) or "nothing"


def _histogram(counts: Iterable[int]) -> str:
    """Return the stored histogram as a drawing; heights are square roots, so that tails show."""
    inner = np.asarray([*counts][1:-1], np.float64)
    middle = len(inner) // 2
    reach = int(_SHOWN * 10)
    bars = inner[middle - reach : middle + reach].reshape(-1, _PER_BAR).sum(1)
    heights = np.sqrt(bars / max(bars.max(), 1)) * _HEIGHT
    wide = _WIDTH / len(bars)
    drawn = "".join(
        f'<rect x="{at * wide:.1f}" y="{_HEIGHT - height:.1f}" width="{wide - 0.6:.1f}" '
        f'height="{height:.1f}"/>'
        for at, height in enumerate(heights)
        if height
    )
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT + 16}" role="img" fill="currentColor" '
        f'aria-label="Histogram of logit weights"><g opacity="0.55">{drawn}</g>'
        f'<text x="0" y="{_HEIGHT + 13}" font-size="11">−{_SHOWN:g} std</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 13}" font-size="11" text-anchor="end">'
        f"+{_SHOWN:g} std</text></svg>"
    )


def _table(columns: Mapping[str, list[str]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in columns)
    lines = zip(*columns.values(), strict=True)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def explore(run: Run, *, port: int | None = None, height: int = 900) -> Background:
    """Serve the page of a run beside the notebook, which needs the extra `explore`."""
    return explorer.Background(run, port=port, height=height)
