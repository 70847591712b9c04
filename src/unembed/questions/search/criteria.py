"""`find`: criteria combined, features ranked by the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from unembed.errors import QueryError, did_you_mean
from unembed.questions import search
from unembed.questions.features import described, fitting, of_classes
from unembed.questions.pairs import Sign, check_sign, log10_of
from unembed.questions.search.filters import banks_of
from unembed.questions.search.scored import Scored, Searched
from unembed.store.tables import RunTables

CRITERIA = ("set", "contrast", "token", "like")
"""What a feature can be ranked by, in the order in which the first one given is taken."""
RANKED = 100
"""Features for which a token's rank among all tokens is worked out."""


def find(
    run: RunTables,
    *,
    token_set: str | None = None,
    contrast: tuple[str, str] | None = None,
    token: str | int | None = None,
    like: str | None = None,
    feature_class: str | Sequence[str] | None = None,
    layer: int | Sequence[int] | None = None,
    lens: str | Sequence[str] | None = None,
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
        like: a feature's address, `bank/index`; it is left out itself, through whatever lens.
        feature_class: only features of this class, or of these.
        layer: only banks of this layer, or of these.
        lens: only banks that are read through this lens (`jacobian`), or through these.
        bank: only this bank, or these.
        where: an SQL condition on any column of `run.scalars`, such as
            `kurtosis > 10 and label like '%months%'`.
        sign: `+` only features that promote, by every criterion given; `-` only those that
            suppress, the strongest first.
        min_z: smallest |z|, of every criterion that has one.
        max_q: largest q-value, likewise.
        sort: another criterion to rank by, `set`, `contrast`, `token` or `like`, or any column
            of `run.scalars`, the largest first.
        tokens: how many top and bottom tokens to give.
        limit: at most so many features; None for all that fit.

    Returns:
        The columns of every frame of features (`questions.features.COLUMNS`), with the scores
        behind the label. `token_rank` is worked out for the first 100 of them.

    Raises:
        QueryError: for what the run does not have, or options that do not go together.
        SourceError: when the run's weights cannot be had.
    """
    check_sign(sign)
    classes = _several(feature_class)
    of_class = of_classes(run, classes)
    searched = Searched(run, banks_of(run, _several(bank), _several(layer), _several(lens)))
    scored = _scores(searched, token_set, contrast, token, like)
    if not scored and not (classes or layer is not None or lens or bank or where):
        raise QueryError(
            "Say what to look for: a token set, a contrast of two, a token, a feature to be like, "
            "or a class, layer, lens, bank or condition."
        )
    found = searched.features.with_columns(
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
        first = search.ranks(searched, found["at"].head(RANKED).to_numpy(), token)
        rest = [None] * (found.height - len(first))
        found = found.with_columns(token_rank=pl.Series([*first, *rest], dtype=pl.Int64))
    return described(run, found, _columns(scored), tokens=tokens)


def _columns(scored: dict[str, Scored]) -> list[str]:
    """Return the names of the scores; a token's rank stands behind its weight."""
    names = [name for each in scored.values() for name in each.columns]
    if "token" in scored:
        names.insert(names.index("token_weight") + 1, "token_rank")
    return names


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
        scored["set"] = search.by_token_set(searched, token_set)
    if contrast is not None:
        scored["contrast"] = search.by_contrast(searched, *contrast)
    if token is not None:
        scored["token"] = search.by_token(searched, token)
    if like is not None:
        scored["like"] = search.by_likeness(searched, like)
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
        conditions += [pl.col(name) <= log10_of(max_q) for name in q]
    return found.filter(*conditions) if conditions else found


def _ranked(
    found: pl.DataFrame, scored: dict[str, Scored], sign: Sign | None, sort: str | None
) -> pl.DataFrame:
    """Sort by the criterion or column that is named, or the first criterion, or kurtosis."""
    if sort in scored or (sort is None and scored):
        first = scored[sort or next(iter(scored))]
        rank = pl.col(first.rank)
        key = rank.abs() if first.both_ways and sign is None else rank
        return found.sort(key, descending=sign != "-", maintain_order=True)
    column = sort or "kurtosis"
    columns = [name for name in found.columns if name not in ("row", "at")]
    if column not in columns:
        raise QueryError(
            f"There is no criterion or column {column!r} to sort by."
            f"{did_you_mean(column, [*scored, *columns])} Given: {', '.join(scored) or 'none'} "
            f"of {', '.join(CRITERIA)}. Columns: {', '.join(columns)}."
        )
    return found.sort(column, descending=True, nulls_last=True, maintain_order=True)


def _several(value: Any) -> list[Any]:
    """Return one value, or several, or none, as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str | int) else list(value)
