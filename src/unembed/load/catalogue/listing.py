"""Lists of published SAEs: by model, hook, layer, width and words of their names."""

from __future__ import annotations

from dataclasses import asdict

import polars as pl

from unembed.errors import QueryError, did_you_mean
from unembed.load.catalogue.facts import facts_of, features_in
from unembed.load.models.short_names import repository_of, short_names
from unembed.load.published.table import published

SCHEMA: dict[str, type[pl.DataType]] = {
    "name": pl.String, "model": pl.String, "hook": pl.String, "layer": pl.Int64,
    "width": pl.Int64, "l0": pl.Float64, "neuronpedia": pl.String, "repo": pl.String,
    "file": pl.String, "megabytes": pl.Float64, "loads": pl.Boolean, "note": pl.String,
}  # fmt: skip


def list_saes(
    name: str | None = None,
    *,
    model: str | None = None,
    hook: str | None = None,
    layer: int | None = None,
    width: int | str | None = None,
    loadable: bool = False,
) -> pl.DataFrame:
    """Return the published SAEs that fit, one a row, from SAELens' table; nothing is fetched.

    Columns: `name` (what `load_features` takes), `model` (a hub repository), `hook`, `layer`,
    `width` (features), `l0`, `neuronpedia`, `repo`, `file` (where the decoder is), `megabytes` (how
    much of it would be fetched, about), `loads`, `note`. What only its own config says is null.

    Args:
        name: words that all are in the name or in Neuronpedia's.
        model: a hub repository or a short name (`gemma-2-2b`), or a part of one.
        hook: a part of the hook's name, such as `resid_post` or `hook_z`.
        layer: the layer that the hook is in.
        width: how many features, as a number or as `16k`.
        loadable: only those that unembed reads.

    Raises:
        QueryError: when no published SAE is of such a model, or a width is no number.
    """
    found = _frame()
    if model is not None:
        found = found.filter(_of_model(found, model))
    for word in (name or "").split():
        place = pl.concat_str("name", pl.col("neuronpedia").fill_null(""), separator=" ")
        found = found.filter(place.str.to_lowercase().str.contains(word.lower(), literal=True))
    if hook is not None:
        found = found.filter(pl.col("hook").str.contains(hook, literal=True))
    if layer is not None:
        found = found.filter(layer=layer)
    if width is not None:
        found = found.filter(width=features_in(str(width)))
    return found.filter("loads") if loadable else found


def _frame() -> pl.DataFrame:
    return pl.DataFrame([asdict(facts_of(entry)) for entry in published()], schema=SCHEMA)


def _of_model(frame: pl.DataFrame, model: str) -> pl.Series:
    """Return which SAEs are of a model: that very one, or all whose names hold the text.

    Raises:
        QueryError: when there is none.
    """
    exact = frame["model"] == repository_of(model)
    fits = exact if exact.any() else frame["model"].str.to_lowercase().str.contains(
        model.lower(), literal=True
    )  # fmt: skip
    if not fits.any():
        known = frame["model"].unique().sort().to_list()
        near = did_you_mean(
            model, [*known, *(a for a, repo in short_names().items() if repo in known)]
        )
        raise QueryError(
            f"No published SAE is of a model {model!r}.{near} There are SAEs of: "
            f"{', '.join(known)}."
        )
    return fits
