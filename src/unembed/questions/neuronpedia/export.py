"""Features in the names of Neuronpedia's fields: as its exports have them, or as it takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from unembed.errors import QueryError
from unembed.questions.neuronpedia.links import Sources, identity, source_of
from unembed.questions.neuronpedia.spelling import spelt
from unembed.store.neuronpedia import Beside, read_beside
from unembed.store.tables import RunTables
from unembed.sweep.bins import bin_edges
from unembed.version import __version__

Spelling = Literal["text", "neuronpedia"]
METHOD = "unembed"
"""Who says what a feature's label says: a kind of explanations there."""


def exported(
    run: RunTables,
    features: pl.DataFrame,
    sources: Sources,
    *,
    tokens: int = 10,
    spelling: Spelling = "text",
    unit_norm: bool = False,
) -> list[dict[str, Any]]:
    """Return features as Neuronpedia writes them: top logits, histogram, and the label.

    `modelId`, `layer` (the source), `index` (as text); `pos_str`, `pos_values`, `neg_str`,
    `neg_values`, the outermost tokens first; `logits_hist_data_bar_values`, the middles of the
    bars in logit weights, and `logits_hist_data_bar_heights`, tokens in each;
    `frac_nonzero` where the bank comes with densities, or they were fetched, and `maxActApprox`
    where that was; `hookName` where it is known; `explanations`, with the label as `description`
    where there is one.

    Args:
        run: a finished run.
        features: rows of `run.features`.
        sources: as `sources_of` returns them.
        tokens: how many of either end.
        spelling: of tokens: their `text`, or as `neuronpedia` spells them (`spelling.spelt`).
        unit_norm: weights of directions of length 1, as SAEDashboard has them.

    Raises:
        QueryError: when the bank of a feature has no id, or is what features read, or two are one
            feature there.
    """
    _check_written(run, features["bank"].unique(maintain_order=True), sources)
    hooks = {bank.name: bank.hook for bank in run.manifest.banks}
    fires = {bank: _fires(run, bank) for bank in features["bank"].unique()}
    rows = with_tokens(run, features, tokens, spelling).iter_rows(named=True)
    return [
        _exported(
            row, sources, _scale(row, unit_norm), hooks[row["bank"]], fires[row["bank"]], tokens
        )
        for row in rows
    ]


def _check_written(run: RunTables, banks: Iterable[str], sources: Sources) -> None:
    first: dict[str, str] = {}
    for bank in banks:
        other = first.setdefault(source_of(bank, sources), bank)
        if other != bank:
            raise QueryError(
                f"{other} and {bank} are of the same features, which stand once on Neuronpedia. "
                "Name features of one of them."
            )
        reads = run.manifest.bank(bank).reads
        if reads is not None:
            raise QueryError(
                f"{bank} is what features read, and Neuronpedia's fields are of what they write: "
                f"export {reads.bank}."
            )


def with_tokens(
    run: RunTables, features: pl.DataFrame, tokens: int, spelling: Spelling
) -> pl.DataFrame:
    """Return rows of `run.features` with `top_tokens` and `bottom_tokens`, spelt as is asked."""
    ids = {end: features[f"{end}_ids"].list.head(tokens) for end in ("top", "bottom")}
    if spelling == "text":
        return features.with_columns(run.token_texts(each) for each in ids.values())
    known = spelt(run.tokens["bytes"], run.manifest.unembedding.vocabulary)
    return features.with_columns(
        pl.Series(f"{end}_tokens", [_at(known, of_row) for of_row in each], pl.List(pl.String()))
        for end, each in ids.items()
    )


def _at(known: Sequence[str], ids: Iterable[int] | None) -> list[str] | None:
    return None if ids is None else [known[each] for each in ids]


def _fires(run: RunTables, bank: str) -> dict[int, dict[str, Any]]:
    """Return density and largest activation of a bank's features, where they were fetched."""
    kept: Beside | None = read_beside(run.path, run.manifest, bank)
    if kept is None:
        return {}
    return {row["index"]: row for row in kept.features.iter_rows(named=True)}


def _scale(row: Mapping[str, Any], unit_norm: bool) -> float:
    """Return what weights are multiplied by; cosines are those of length 1 already."""
    return 1 / row["norm"] if unit_norm and row["norm"] and row["lens"] != "cosine" else 1.0


def _exported(
    row: Mapping[str, Any],
    sources: Sources,
    scale: float,
    hook: str | None,
    fires: Mapping[int, Mapping[str, Any]],
    tokens: int,
) -> dict[str, Any]:
    own = identity(source_of(row["bank"], sources), row["index"])
    values, heights = _bars(row)
    known = fires.get(row["index"], {})
    density = known.get("density")
    if density is None and row["log10_density"] is not None:
        density = 10.0 ** row["log10_density"]
    most = known.get("max_activation")
    return {
        **own,
        **({} if hook is None else {"hookName": hook}),
        "pos_str": row["top_tokens"] or [],
        "pos_values": _scaled((row["top_weights"] or [])[:tokens], scale),
        "neg_str": row["bottom_tokens"] or [],
        "neg_values": _scaled((row["bottom_weights"] or [])[:tokens], scale),
        "logits_hist_data_bar_values": _scaled(values, scale),
        "logits_hist_data_bar_heights": heights,
        **({} if density is None else {"frac_nonzero": density}),
        **({} if most is None else {"maxActApprox": most}),
        "explanations": [{**own, **_explanation(row["label"])}] if row["label"] else [],
    }


def _explanation(label: str) -> dict[str, str]:
    return {
        "description": label,
        "typeName": METHOD,
        "explanationModelName": f"{METHOD} {__version__}",
    }


def _scaled(values: Sequence[float], scale: float) -> list[float]:
    return list(values) if scale == 1 else [value * scale for value in values]


def _bars(row: Mapping[str, Any]) -> tuple[list[float], list[int]]:
    """Return the middles and heights of a feature's bars, from the first to the last with tokens.

    The run's bins are a tenth of a standard deviation wide; the outer two are open, and end where
    the weights do.
    """
    if row["histogram"] is None:
        return [], []
    heights = np.asarray(row["histogram"])
    edges = bin_edges()
    ends = (np.array([row["min"], row["max"]]) - row["mean"]) / row["std"]
    edges[0], edges[-1] = min(ends[0], edges[1]), max(ends[1], edges[-2])
    filled = np.flatnonzero(heights)
    shown = slice(filled[0], filled[-1] + 1)
    middles = row["mean"] + row["std"] * (edges[:-1] + edges[1:])[shown] / 2
    return middles.tolist(), heights[shown].tolist()
