"""What figures ask of a run: banks in order of layer, and what is said of a feature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from unembed.addresses import ADDRESS, bank_named
from unembed.errors import QueryError
from unembed.plots.theme import escaped, shortened
from unembed.quoted import quoted
from unembed.store import Run
from unembed.store.depth import by_depth

N_TOKENS = 6
_LABEL = 90


def banks_by_layer(run: Run, banks: str | Sequence[str] | None = None) -> list[str]:
    """Return the names of a run's banks, or of those asked for, from the first layer on.

    Raises:
        QueryError: when the run has no such bank.
    """
    wanted = run.banks if banks is None else [banks] if isinstance(banks, str) else list(banks)
    wanted = [bank_named(name, run.banks) for name in wanted]
    depth = by_depth(run).sort("layer", nulls_last=True, maintain_order=True)
    return [name for name in depth["bank"] if name in wanted]


def layers_of(run: Run) -> dict[str, int | None]:
    """Return the layer of each bank, None where it has none."""
    return {bank["name"]: bank["layer"] for bank in run.manifest["banks"]}


def features_of(run: Run, banks: Sequence[str]) -> pl.DataFrame:
    """Return the features of some banks that write anything.

    Raises:
        QueryError: when there is none.
    """
    found = run.features.filter(pl.col("bank").is_in(banks) & pl.col("kurtosis").is_not_null())
    if found.is_empty():
        raise QueryError(f"All features of {', '.join(banks)} are zero: there is nothing to draw.")
    return found


def addresses(features: pl.DataFrame) -> list[str]:
    """Return `bank/index` of each row."""
    return features.select(ADDRESS).to_series().to_list()


def hover_of(run: Run, features: pl.DataFrame) -> list[str]:
    """Return what is said of each feature when pointed at: address, class, label, top tokens."""
    tops = run.token_texts(features["top_ids"].list.head(N_TOKENS))
    rows = features.select("std", "skewness", "kurtosis", "class", "label").iter_rows()
    said = []
    for address, tokens, row in zip(addresses(features), tops, rows, strict=True):
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


def require_classes(run: Run, what: str) -> None:
    """Raise QueryError where features have no class.

    Args:
        run: the run.
        what: cannot be drawn then.
    """
    if run.features["class"].null_count() == run.features.height:
        raise QueryError(
            f"{run.path} was made without token sets, so that its features have no class: {what}. "
            "Make the run again with them: `unembed run … --sets default`."
        )
