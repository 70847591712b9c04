"""Tables that a finished run may be given: where they lie, their columns, what makes each again.

A run is finished without any of them, and no other table depends on one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

import polars as pl

from unembed.store.schema import LENS_CHECK, LENS_CHECK_COLUMNS

STEERING = "steering"
NEURONPEDIA = "neuronpedia"

STEERING_COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "strength": pl.Float64(),
    "length": pl.Float64(),
    "block": pl.Int64(),
    "exact": pl.Boolean(),
    "correlations": pl.List(
        pl.Struct({"lens": pl.String(), "correlation": pl.Float64(), "random": pl.Float64()})
    ),
    "sets": pl.List(
        pl.Struct(
            {
                "token_set": pl.String(),
                "sign": pl.Int8(),
                "log_p": pl.Float64(),
                "change": pl.Float64(),
                "matched": pl.Int32(),
                "matched_change": pl.Float64(),
                "matched_rank": pl.Int32(),
                "random": pl.Int32(),
                "random_change": pl.Float64(),
                "random_rank": pl.Int32(),
                "random_first": pl.Int32(),
            }
        )
    ),
    "output_score": pl.Float64(),
    "output_score_unsteered": pl.Float64(),
    "output_score_random": pl.Float64(),
    "score_strength": pl.Float64(),
    "texts": pl.List(
        pl.Struct(
            {
                "prompt": pl.String(),
                "added": pl.String(),
                "strength": pl.Float64(),
                "text": pl.String(),
            }
        )
    ),
    "prompts": pl.Int64(),
    "prompts_sha256": pl.String(),
    "model": pl.String(),
    "seed": pl.Int64(),
    "unembed_version": pl.String(),
}
"""Columns of `steering/BANK.parquet` (`steering.steer` says what they hold)."""

NEURONPEDIA_COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "source": pl.String(),
    "density": pl.Float64(),
    "max_activation": pl.Float64(),
    "has_features": pl.Boolean(),
    "has_explanations": pl.Boolean(),
    "has_activations": pl.Boolean(),
}
"""Of each feature that was asked for: `model/source` there, the share of tokens that it fires on,
its largest activation, and what was asked for: what is not there then, the export has not."""
EXPLANATION_COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "text": pl.String(),
    "type": pl.String(),
    "model": pl.String(),
}
ACTIVATION_COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "value": pl.Float32(),
    "tokens": pl.List(pl.String()),
    "values": pl.List(pl.Float32()),
    "at": pl.Int32(),
}

ADDED_COLUMNS: dict[str, Mapping[str, pl.DataType]] = {
    LENS_CHECK: LENS_CHECK_COLUMNS,
    STEERING: STEERING_COLUMNS,
    f"{NEURONPEDIA}/features": NEURONPEDIA_COLUMNS,
    f"{NEURONPEDIA}/explanations": EXPLANATION_COLUMNS,
    f"{NEURONPEDIA}/activations": ACTIVATION_COLUMNS,
}
"""Columns of these tables, by the table or its folder."""
ADDED = ", ".join((LENS_CHECK, f"{NEURONPEDIA}/", f"{STEERING}/"))
"""Where such tables lie."""
_AGAIN = {
    LENS_CHECK: "Remove it; `unembed lens check` makes it again.",
    STEERING: "Remove it; `unembed steer` makes it again.",
    NEURONPEDIA: "Delete the folder neuronpedia, which nothing else depends on, and fetch again: "
    "`unembed neuronpedia fetch` makes it again.",
}


def steering_path(bank: str) -> str:
    """Return where what a bank's features did lies, relative to the run.

    >>> steering_path("sae.26")
    'steering/sae.26.parquet'
    """
    return f"steering/{bank}.parquet"


def beside_paths(bank: str) -> tuple[str, str, str]:
    """Return the tables of what Neuronpedia says of a bank: features, explanations, activations."""
    kinds = ("features", "explanations", "activations")
    return tuple(f"neuronpedia/{kind}/{bank}.parquet" for kind in kinds)  # type: ignore[return-value]


def room_of(table: str) -> str:
    """Return the first part of a table's path in a run.

    >>> room_of("neuronpedia/features/sae.26.parquet")
    'neuronpedia'
    """
    return PurePosixPath(table).parts[0]


def again(table: str) -> str | None:
    """Return what is to be done where such a table is damaged; None for a table of another kind.

    >>> again("steering/sae.26.parquet")
    'Remove it; `unembed steer` makes it again.'
    >>> again("tokens.parquet")
    """
    return _AGAIN.get(room_of(table))
