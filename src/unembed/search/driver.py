"""`find`: criteria combined, features ranked by the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from unembed.errors import QueryError, did_you_mean
from unembed.search.contrast import by_contrast
from unembed.search.filters import banks_of, fitting, of_classes
from unembed.search.like import by_likeness
from unembed.search.scored import Scored, Searched
from unembed.search.shown import shown
from unembed.search.token import by_token, ranks
from unembed.search.token_set import by_token_set
from unembed.store import Run

Sign = Literal["+", "-"]

CRITERIA = ("set", "contrast", "token", "like")
"""What a feature can be ranked by, in the order in which the first one given is taken."""
RANKED = 100
"""Features for which a token's rank among all tokens is worked out."""


def find(
    run: Run,
    *,
    token_set: str | None = None,
    contrast: tuple[str, str] | None = None,
    token: str | int | None = None,
    like: str | None = None,
    feature_class: str | Sequence[str] | None = None,
    layer: int | Sequence[int] | None = None,
    bank: str | Sequence[str] | None = None,
    where: str | None = None,
    sign: Sign | None = None,
    min_z: float | None = None,
    max_q: float | None = None,
    sort: str | None = None,
    tokens: int = 10,
    limit: int | None = 20,
) -> pl.DataFrame:
    """Return the features of a run that do what is looked for, the strongest first.

    Criteria may be combined; each adds its scores as columns:

    | criterion | columns |
    |---|---|
    | `token_set` | `set_z`, `set_log10_p`, `set_log10_q`: the direction test of the run |
    | `contrast` | `contrast_z`, `contrast_log10_p`, `contrast_log10_q`: one set against another |
    | `token` | `token_z`, `token_weight`, `token_rank`: one token's logit weight |
    | `like` | `cosine`: how alike the logit weights are to those of a feature |

    The first one given, in this order, ranks: sets and contrasts by |z|, so that both ends are
    found, a token by z and a feature by cosine, the largest first. Without any, kurtosis does.
    `contrast`, `token` and `like` read weights again, once for a run (`unembed.weights_of`).

    >>> find(run, token=" Paris", feature_class="prediction", layer=26)  # doctest: +SKIP

    Args:
        run: a finished run.
        token_set: a set's name or alias.
        contrast: two of them: promoted, against.
        token: a token's text, with its leading space, or its id.
        like: a feature's address, `bank/index`; it is left out itself.
        feature_class: only features of this class, or of these.
        layer: only banks of this layer, or of these.
        bank: only this bank, or these.
        where: an SQL condition, such as `kurtosis > 10 and skewness < 0`.
        sign: `+` only features that promote, by every criterion given; `-` only those that
            suppress, the strongest first.
        min_z: smallest |z|, of every criterion that has one.
        max_q: largest q-value, likewise.
        sort: another criterion to rank by: `set`, `contrast`, `token` or `like`.
        tokens: how many top and bottom tokens to give.
        limit: at most so many features; None for all that fit.

    Returns:
        feature, layer, class, label, the scores, std, skewness, kurtosis, top_tokens,
        bottom_tokens, and neuronpedia, the link to its page where the bank has an id there.
        `token_rank` is worked out for the first 100 of them.

    Raises:
        QueryError: for what the run does not have, or options that do not go together.
        SourceError: when the run's weights cannot be had.
    """
    if sign not in (None, "+", "-"):
        raise QueryError(f"The sign is + (promotes) or - (suppresses), not {sign!r}.")
    classes = _several(feature_class)
    of_class = of_classes(run, classes)
    searched = Searched(run, banks_of(run, _several(bank), _several(layer)))
    scored = _scores(searched, token_set, contrast, token, like)
    if not scored and not (classes or layer is not None or bank or where):
        raise QueryError(
            "Say what to look for: a token set, a contrast of two, a token, a feature to be like, "
            "or a class, layer, bank or condition."
        )
    found = _with_layers(searched).with_columns(
        pl.Series(name, values, nan_to_null=True)
        for each in scored.values()
        for name, values in each.columns.items()
    )
    found = found.with_row_index("at").filter(of_class)
    if where is not None:
        found = fitting(found, where)
    found = _strong_enough(found, scored, sign, min_z, max_q)
    found = _ranked(found, scored, sign, sort)
    found = found if limit is None else found.head(limit)
    if token is not None:
        first = ranks(searched, found["at"].head(RANKED).to_numpy(), token)
        rest = [None] * (found.height - len(first))
        found = found.with_columns(token_rank=pl.Series([*first, *rest], dtype=pl.Int64))
    return shown(run, found, scored, tokens)


def _scores(
    searched: Searched,
    token_set: str | None,
    contrast: tuple[str, str] | None,
    token: str | int | None,
    like: str | None,
) -> dict[str, Scored]:
    """Return the scores of every criterion that is given, in the order of `CRITERIA`."""
    scored: dict[str, Scored] = {}
    if token_set is not None:
        scored["set"] = by_token_set(searched, token_set)
    if contrast is not None:
        scored["contrast"] = by_contrast(searched, *contrast)
    if token is not None:
        scored["token"] = by_token(searched, token)
    if like is not None:
        scored["like"] = by_likeness(searched, like)
    return scored


def _strong_enough(
    found: pl.DataFrame,
    scored: dict[str, Scored],
    sign: Sign | None,
    min_z: float | None,
    max_q: float | None,
) -> pl.DataFrame:
    """Keep features that have every score, of that sign, and as strong as asked for."""
    z = [each.z for each in scored.values() if each.z]
    q = [each.log10_q for each in scored.values() if each.log10_q]
    if sign is not None and not scored:
        raise QueryError("A sign needs something with one: a set, contrast, token or feature.")
    if min_z is not None and not z:
        raise QueryError("A smallest z needs something with a z: a set, a contrast or a token.")
    if max_q is not None and not q:
        raise QueryError("A largest q needs something with a q-value: a set or a contrast.")
    conditions = [pl.col(each.rank).is_not_null() for each in scored.values()]
    if sign is not None:
        way = 1 if sign == "+" else -1
        conditions += [way * pl.col(each.rank) > 0 for each in scored.values()]
    if min_z is not None:
        conditions += [pl.col(name).abs() >= min_z for name in z]
    if max_q is not None:
        most = float(np.log10(max_q)) if max_q > 0 else -np.inf
        conditions += [pl.col(name) <= most for name in q]
    return found.filter(*conditions) if conditions else found


def _ranked(
    found: pl.DataFrame, scored: dict[str, Scored], sign: Sign | None, sort: str | None
) -> pl.DataFrame:
    """Sort by the criterion that is named, or the first one."""
    if sort is not None and sort not in scored:
        raise QueryError(
            f"There is no criterion {sort!r} to sort by.{did_you_mean(sort, scored)} "
            f"Given: {', '.join(scored) or 'none'}; there are {', '.join(CRITERIA)}."
        )
    if not scored:
        return found.sort("kurtosis", descending=True, nulls_last=True, maintain_order=True)
    first = scored[sort or next(iter(scored))]
    column = pl.col(first.rank)
    key = column.abs() if first.both_ways and sign is None else column
    return found.sort(key, descending=sign != "-", maintain_order=True)


def _with_layers(searched: Searched) -> pl.DataFrame:
    layers = {bank["name"]: bank["layer"] for bank in searched.run.manifest["banks"]}
    layer = pl.col("bank").replace_strict(layers, return_dtype=pl.Int64)
    return searched.features.with_columns(layer=layer)


def _several(value: Any) -> list[Any]:
    """Return one value, or several, or none, as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str | int) else list(value)
