"""What figures say of features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from unembed.errors import QueryError
from unembed.outside.text import quoted
from unembed.plots.theme import escaped, shortened
from unembed.questions.run import Run

N_TOKENS = 6
_LABEL = 90


def features_of(run: Run, banks: Sequence[str]) -> pl.DataFrame:
    """Return the features of some banks that write anything.

    Raises:
        QueryError: when there is none.
    """
    found = run.features.filter(pl.col("bank").is_in(banks) & pl.col("kurtosis").is_not_null())
    if found.is_empty():
        raise QueryError(f"All features of {', '.join(banks)} are zero: there is nothing to draw.")
    return found


def hover_of(run: Run, features: pl.DataFrame) -> list[str]:
    """Return what is said of each feature when pointed at: address, class, label, top tokens."""
    tops = run.token_texts(features["top_ids"].list.head(N_TOKENS))
    rows = features.select("std", "skewness", "kurtosis", "class", "label").iter_rows()
    said = []
    for address, tokens, row in zip(features["feature"], tops, rows, strict=True):
        std, skewness, kurtosis, class_, label = row
        lines = [f"<b>{escaped(address)}</b>{f' · {class_}' if class_ else ''}"]
        if label:
            lines.append(escaped(shortened(label, _LABEL)))
        if tokens is not None:
            lines.append(f"top: {escaped(in_quotes(tokens))}")
        lines.append(f"std {std:.3g}, skewness {skewness:.2f}, kurtosis {kurtosis:.2f}")
        said.append("<br>".join(lines))
    return said


def in_quotes(tokens: Iterable[str]) -> str:
    """Return tokens in one line, each so that its spaces can be seen."""
    return " ".join(quoted(token) for token in tokens)


def about(run: Run, feature: str) -> str:
    """Return one line on a feature, for a subtitle: its label, or its top tokens."""
    row = run.feature(feature)
    if row["label"]:
        return f"{row['class']}: {row['label']}"
    return f"top tokens {in_quotes((row['top_tokens'] or [])[:N_TOKENS])}"
