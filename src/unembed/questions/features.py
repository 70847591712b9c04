"""The features of a run in one schema, whoever asks for them: listed, found, or shown."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from polars.exceptions import PolarsError

from unembed.errors import QueryError, did_you_mean
from unembed.explanation import CLASSES
from unembed.outside.limits import LONGEST_CONDITION
from unembed.questions.banks import require_classes
from unembed.questions.neuronpedia import page, sources_of
from unembed.questions.pairs import check_sort
from unembed.questions.steering import STEERED, with_steering
from unembed.store.tables import RunTables
from unembed.strict_json import dumps

IDENTITY = ("feature", "bank", "index", "layer", "lens")
STATISTICS = ("mean", "std", "skewness", "kurtosis", "min", "max", "norm", "log10_density")
SPLIT = ("partition_set", "partition_r2")
OF_ENDS = (
    *("tail_tokens_top", "tail_tokens_bottom"),
    *("log10_p_words_top", "log10_p_words_bottom"),
)
"""Of one feature, and of all: without how few tokens a heavy tail is ordinary, and the chance that
a random direction's outermost words belong together as much."""
ENDS = ("top_tokens", "top_weights", "bottom_tokens", "bottom_weights")
COLUMNS = (*IDENTITY, "class", "label", *STATISTICS, *SPLIT, *ENDS, "neuronpedia")
"""The columns of every frame of features. The address and its parts, the bank's layer, and the lens
that it is read through; class and label; the statistics of its logit weights; the broad set that
explains most of their variance, and how much; its outermost tokens and their logit weights, lists,
the outermost first; the link to its page on Neuronpedia. Scores of a search stand behind the
label."""


def list_features(
    run: RunTables,
    *,
    bank: str | Sequence[str] | None = None,
    where: str | None = None,
    sort: str = "kurtosis",
    ascending: bool = False,
    limit: int | None = 20,
    tokens: int | None = None,
) -> pl.DataFrame:
    """Return the features of a run that are asked for (`COLUMNS`).

    Args:
        run: the run.
        bank: only this bank, or these.
        where: an SQL condition, such as `kurtosis > 10 and label like '%months%'`.
        sort: the column to sort by; features without a value come last.
        ascending: smallest first.
        limit: at most so many rows.
        tokens: how many of either end; as many as the run keeps, if None.

    Raises:
        QueryError: for an unknown bank or column, or a condition that is no SQL.
    """
    banks = run.banks_named(bank)
    found = with_steering(run, run.scalars.with_row_index("row"))
    found = found.filter(pl.col("bank").is_in(banks))
    check_sort(sort, [name for name in found.columns if name != "row"])
    if where is not None:
        found = fitting(found, where)
    found = found.sort(sort, descending=not ascending, nulls_last=True, maintain_order=True)
    return described(run, found if limit is None else found.head(limit), tokens=tokens)


def described(
    run: RunTables, found: pl.DataFrame, scores: Sequence[str] = (), *, tokens: int | None = None
) -> pl.DataFrame:
    """Return features as every frame has them (`COLUMNS`), and `STEERED` where some were steered.

    Args:
        run: the run.
        found: rows of `run.scalars` with `row`, their place in the run, and any scores.
        scores: the names of their columns.
        tokens: how many of either end; as many as the run keeps, if None.
    """
    outermost = run.outermost(found["row"].to_list(), tokens)
    texts = [run.token_texts(outermost[f"{end}_ids"]) for end in ("top", "bottom")]
    weights = [outermost[f"{end}_weights"] for end in ("top", "bottom")]
    before = (*IDENTITY, "class", "label")
    after = COLUMNS[len(before) :]
    found = with_steering(run, found.with_columns(*texts, *weights, _pages(run, found)))
    steered = (name for name in STEERED if name in found.columns)
    return found.select(*before, *scores, *after, *steered)


def fitting(found: pl.DataFrame, where: str) -> pl.DataFrame:
    """Return the features for which an SQL condition holds.

    Args:
        found: rows of `run.scalars`, all of whose columns a condition may speak of.
        where: the condition.

    Raises:
        QueryError: when it is no condition on them.
    """
    if len(where) > LONGEST_CONDITION:
        raise QueryError(
            f"A condition has {LONGEST_CONDITION:,} characters at most; this one has "
            f"{len(where):,}."
        )
    try:
        return found.filter(pl.sql_expr(where))
    except (PolarsError, TypeError, UnicodeEncodeError) as error:
        known = [name for name in found.columns if name not in ("row", "at")]
        raise QueryError(
            f"The condition {where!r} cannot be used: {str(error).splitlines()[0]} Write it as "
            f'in SQL, such as "kurtosis > 10 and skewness < 0", over {", ".join(known)}.'
        ) from error


def of_classes(run: RunTables, classes: Sequence[str]) -> pl.Expr:
    """Return the condition that a feature is of one of these classes; of any where none is named.

    Raises:
        QueryError: for a class that does not exist, or a run without classes.
    """
    for each in classes:
        if each not in CLASSES:
            raise QueryError(
                f"There is no class {each!r}.{did_you_mean(each, CLASSES)} "
                f"Classes: {', '.join(CLASSES)}."
            )
    if classes:
        require_classes(run)
    return pl.col("class").is_in(classes) if classes else pl.lit(True)


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    r"""Return a frame without nested columns, for CSV: lists become JSON in their cell.

    >>> flat(pl.DataFrame({"tokens": [["a", "b"]]})).write_csv()
    'tokens\n"[""a"", ""b""]"\n'
    """
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    return frame.with_columns(
        pl.col(name).map_elements(_json_list, return_dtype=pl.String) for name in lists
    )


def _json_list(values: pl.Series) -> str:
    return dumps(values.to_list())


def _pages(run: RunTables, found: pl.DataFrame) -> pl.Series:
    sources = sources_of(run)
    places = found.select("bank", "index").iter_rows()
    links = [page(sources[bank], index) if bank in sources else None for bank, index in places]
    return pl.Series("neuronpedia", links, dtype=pl.String)
