"""The explanations of a run on disk: class and label of every feature, and what they rest on.

```text
explanations/BANK-00000.parquet   one row a feature, in the order of features/BANK-00000.parquet
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from unembed.explanation import Envelope, Explanation
from unembed.explanation.explanation import Rejection
from unembed.parquet import schema_of
from unembed.store.later import Known, known_columns
from unembed.store.manifest import Manifest
from unembed.store.shards import damaged, read_table, rows_of_shards

CLASS_COLUMNS: dict[str, pl.DataType] = {
    "class": pl.String(),
    "label": pl.String(),
    "kurtosis_above": pl.Float64(),
    "skewness_below": pl.Float64(),
    "skewness_above": pl.Float64(),
    "left_tail_above": pl.Float64(),
    "right_tail_above": pl.Float64(),
    "left_tail": pl.Float64(),
    "right_tail": pl.Float64(),
    "partition_set": pl.String(),
    "partition_r2": pl.Float32(),
    "log10_p": pl.Float32(),
    "log10_q": pl.Float32(),
    "tail_tokens_top": pl.Int32(),
    "tail_tokens_bottom": pl.Int32(),
    "log10_p_words_top": pl.Float32(),
    "log10_p_words_bottom": pl.Float32(),
}
"""What explanations add to `Run.features`: class and label, the envelope of the bank's random
directions, each tail's kurtosis, the broad set that explains most of the variance, the p and q of
the feature (that of its smallest p among all sets), without how few tokens a heavy tail is
ordinary, and the chance that a random direction's outermost words belong together as much."""

_PART = {
    "token_set": pl.Int32(),
    "z": pl.Float32(),
    "partial_z": pl.Float32(),
    "log10_p": pl.Float32(),
}
_REJECTION = {
    "token_set": pl.Int32(),
    "z": pl.Float32(),
    "reason": pl.String(),
    "by": pl.Int32(),
    "partial_z": pl.Float32(),
}

EXPLANATION_COLUMNS: dict[str, pl.DataType] = {
    **CLASS_COLUMNS,
    "partition_set": pl.Int32(),
    "parts": pl.List(pl.Struct(_PART)),
    "rejected": pl.List(pl.Struct(_REJECTION)),
    "variance_explained": pl.Float32(),
    "kurtosis_left": pl.Float32(),
    "covered_top": pl.Float32(),
    "covered_bottom": pl.Float32(),
    "words_top": pl.List(pl.String()),
    "words_bottom": pl.List(pl.String()),
    "cores": pl.List(pl.Int32()),
}
"""Columns of `explanations/*.parquet`; token sets are numbers among those tested. `cores` says of
each part which other one it is a core of."""
LATER_COLUMNS = ("log10_p", "log10_q")
"""Those that runs before schema 4 have not."""
END_COLUMNS = (
    *("tail_tokens_top", "tail_tokens_bottom", "log10_p_words_top", "log10_p_words_bottom"),
    *("words_top", "words_bottom"),
)
"""Those of either end, which the first runs of schema 4 have not."""
CORE_COLUMNS = ("cores",)
"""Those of cores, which runs of schema 4 have not that were made before these were kept."""


def explanation_path(features_path: str) -> str:
    """Return the file that belongs to a shard of features."""
    return f"explanations/{Path(features_path).name}"


def explanation_rows(explanations: Sequence[Explanation], envelope: Envelope) -> pl.DataFrame:
    """Return the table of some features' explanations.

    Args:
        explanations: one a feature.
        envelope: of their bank.
    """
    rows = [
        {
            "class": each.feature_class,
            "label": each.label,
            **envelope._asdict(),
            "left_tail": each.left_tail,
            "right_tail": each.right_tail,
            "partition_set": each.split[0] if each.split else None,
            "partition_r2": each.split[1] if each.split else None,
            "log10_p": each.log10_p,
            "log10_q": each.log10_q,
            **_ends("tail_tokens", each.tail_tokens),
            **_ends("log10_p_words", [words and words.log10_p for words in each.own_words]),
            **_ends("words", [words and words.words for words in each.own_words]),
            "parts": [{name: getattr(part, name) for name in _PART} for part in each.parts],
            "cores": [part.core_of for part in each.parts],
            "rejected": [Rejection._asdict(rejection) for rejection in each.rejected],
            "variance_explained": each.explained.variance if each.explained else None,
            "kurtosis_left": each.explained.kurtosis_left if each.explained else None,
            "covered_top": each.covered_top,
            "covered_bottom": each.covered_bottom,
        }
        for each in explanations
    ]
    return pl.DataFrame(rows, schema=EXPLANATION_COLUMNS)


def _ends(name: str, values: Sequence[object]) -> dict[str, object]:
    """Return what is known of the top and of the bottom."""
    return {f"{name}_{end}": value for end, value in zip(("top", "bottom"), values, strict=True)}


class StoredExplanations:
    """The explanations of a finished run, with the names of token sets in place of numbers.

    Args:
        folder: the run's.
        manifest: of the run.
        tested: the token sets that were tested, in the order of their numbers.
    """

    def __init__(self, folder: Path, manifest: Manifest, tested: pl.DataFrame) -> None:
        self._folder = folder
        self._manifest = manifest
        self._tested = tested

    @cached_property
    def classes(self) -> pl.DataFrame:
        """One row a feature: `CLASS_COLUMNS`."""
        names = self._tested["name"]
        of = pl.col("partition_set")
        paths = [self._folder / explanation_path(shard.path) for shard in self._manifest.shards()]
        known, later = self._columns(CLASS_COLUMNS)
        return (
            read_table(*paths, columns=known)
            .with_columns(
                of.replace_strict(list(range(len(names))), names, return_dtype=pl.String), *later
            )
            .select(*CLASS_COLUMNS)
        )

    @cached_property
    def parts(self) -> pl.DataFrame:
        """One row a token set that a label names, in the order of features.

        `row`, the feature's place in the run; `token_set`, by number; `z`; `splits`, whether the
        set is the broad one that a partition is said to split; `core_of`, the part that it is a
        core of, by number.
        """
        paths = [self._folder / explanation_path(shard.path) for shard in self._manifest.shards()]
        wanted = ("class", "partition_set", "parts", "cores")
        known, later = self._columns({name: EXPLANATION_COLUMNS[name] for name in wanted})
        table = read_table(*paths, columns=known).with_columns(*later)
        none = pl.lit(None, pl.Int32).repeat_by(pl.col("parts").list.len())
        named = (
            table.with_row_index("row").filter(pl.col("parts").list.len() > 0)
            .with_columns(pl.col("cores").fill_null(none)).explode("parts", "cores")
        )  # fmt: skip
        token_set = pl.col("parts").struct.field("token_set")
        splits = (pl.col("class") == "partition") & token_set.eq_missing(pl.col("partition_set"))
        return named.select(
            pl.col("row").cast(pl.Int64), token_set, pl.col("parts").struct.field("z"),
            splits.alias("splits"), pl.col("cores").alias("core_of"),
        )  # fmt: skip

    @cached_property
    def labelled(self) -> pl.Series:
        """Of each feature, whether its label names a token set."""
        count = sum(shard.features for shard in self._manifest.shards())
        rows = pl.int_range(count, eager=True)
        return rows.is_in(self.parts["row"].unique().implode()).alias("labelled")

    @cached_property
    def variance_named(self) -> pl.Series:
        """Of each feature, the share of its variance that its label explains; null without one."""
        paths = [self._folder / explanation_path(shard.path) for shard in self._manifest.shards()]
        return read_table(*paths, columns=["variance_explained"])["variance_explained"]

    def case(self, row: int) -> dict[str, Any]:
        """Return one feature's explanation (see `Run.explain`)."""
        known, later = self._columns(EXPLANATION_COLUMNS)
        table = rows_of_shards(
            self._folder, self._manifest, [row], known, path_of=explanation_path
        ).with_columns(*later)
        found = table.row(0, named=True)
        number = found["partition_set"]
        cores = found.pop("cores") or [None] * len(found["parts"])
        parts = [self._named(part) for part in found["parts"]]
        names = [None if core is None else self._tested["name"][core] for core in cores]
        return {
            **found,
            "partition_set": None if number is None else self._tested["name"][number],
            "parts": [part | {"core_of": of} for part, of in zip(parts, names, strict=True)],
            "rejected": [self._named(rejection) for rejection in found["rejected"]],
        }

    def _columns(self, wanted: Mapping[str, pl.DataType]) -> Known:
        return known_columns(wanted, self._missing, has_later=False)

    @cached_property
    def _missing(self) -> list[str]:
        """Later columns that the run has not, as its first table has it."""
        first = next(iter(self._manifest.shards()))
        path = self._folder / explanation_path(first.path)
        try:
            found = schema_of(path)
        except (OSError, PolarsError) as error:
            raise damaged(path, error) from error
        return [name for name in (*LATER_COLUMNS, *END_COLUMNS, *CORE_COLUMNS) if name not in found]

    def _named(self, of_set: dict[str, Any]) -> dict[str, Any]:
        number = of_set["token_set"]
        named = {**of_set, "token_set": self._tested["name"][number]}
        named |= {name: self._tested[name][number] for name in ("family", "size")}
        if "by" in of_set:
            named["by"] = self._tested["name"][of_set["by"]]
        return named
