"""The enrichment of a run on disk: its tables, and how they are read back.

```text
token_sets.parquet               one row a set; those that are tested first
enrichment/rate/BANK-00000.parquet     how many of a shard's pairs have which log10 p: q follows
                                       from those of all shards of a bank
enrichment/strongest/BANK-00000.parquet    the largest |z| of each set in a shard
enrichment/smallest/BANK-00000.parquet     the smallest log10 p of each feature; null for flat ones
enrichment/tests/BANK.parquet    each set's test against a bank: sd, VIF, table of log10 p by z
enrichment/z/BANK-00000.npy      z of every pair, float16 [features, sets]; or, for more sets than
                                 d_model, what it is the product of:
enrichment/effects.npy                   δ of each set, float32 [sets, d_model]
enrichment/directions/BANK-00000.npy     each feature at length 1, float16 [features, d_model]
enrichment/pairs/BANK-00000.parquet    the significant pairs, with everything
enrichment/sampled_claims/BANK.parquet what the classical null of tokens claims of some features
null/BANK.parquet, null/BANK-directions.parquet    what random directions do
null/BANK-smallest.parquet       how small the smallest p of random directions is
null/BANK-checks.parquet         whether what the test of a bank takes for granted holds
null/BANK-permuted.parquet       how many pairs of some features would pass if tokens changed places
```

Where TSEA is read of every pair, `enrichment/es` and `enrichment/auroc` hold it, float16 [features,
sets], and `enrichment/claims/BANK-00000.parquet` counts what the classical null claims.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.enrichment.claims import Claims
from unembed.enrichment.discovery_rate import LEVELS, DiscoveryRate
from unembed.enrichment.pairs import Pairs
from unembed.enrichment.permuted import Permuted
from unembed.enrichment.simulated_null import SimulatedNull, no_scores
from unembed.enrichment.smallest_p import SmallestP
from unembed.enrichment.tails import Tails
from unembed.store.shards import damaged, read_table, write_table

if TYPE_CHECKING:
    from unembed.enrichment.checks import Check
    from unembed.enrichment.directions import DirectionTest
    from unembed.tokensets import TokenSets

TOKEN_SETS = "token_sets.parquet"
EFFECTS = "enrichment/effects.npy"
EFFECTS_READ = "enrichment/effects_read.npy"

F32 = npt.NDArray[np.float32]

_SIGNS = ("positive", "negative")
_BY_DIRECTION = ("std", "skewness", "kurtosis", "left_tail", "right_tail")
COHESION_COLUMNS = ("cohesion_top", "cohesion_bottom")
"""Of `null/BANK-directions.parquet`, null for mixtures of directions; earlier runs have none."""

PAIR_COLUMNS: dict[str, pl.DataType] = {
    "feature": pl.Int32(),
    "token_set": pl.Int32(),
    "z": pl.Float32(),
    "log10_p": pl.Float32(),
    "log10_q": pl.Float32(),
    "z_without_one": pl.Float32(),
    "z_without_two": pl.Float32(),
    "rests_on": pl.Int8(),
    "es": pl.Float32(),
    "peak": pl.Int32(),
    "auroc": pl.Float32(),
    "nes": pl.Float32(),
    "log10_p_directions": pl.Float32(),
    "log10_p_tokens": pl.Float32(),
}
"""Columns of `enrichment/pairs`: positions of the feature in its bank and of the set among those
tested, the direction test with what is left of it without the strongest members (`rests_on` is 1 or
2 where the pair does not pass without so many, else null), and TSEA; what was not measured is
null."""
LATER_PAIR_COLUMNS = ("z_without_one", "z_without_two", "rests_on")
"""Those that runs before schema 4 have not."""


CHECK_COLUMNS: dict[str, pl.DataType] = {
    "name": pl.String(),
    "measured": pl.Float64(),
    "limit": pl.Float64(),
    "holds": pl.Boolean(),
}
"""Columns of `null/BANK-checks.parquet`: what was checked, what was found, where it begins to fail
(`enrichment.checks`)."""

ARRAYS = ("z", "directions", "es", "auroc")
"""What a shard may have as arrays, a row for each feature."""
_TABLES = ("rate", "strongest", "smallest", "pairs", "claims")


def shard_paths(features_path: str) -> dict[str, str]:
    """Return the enrichment files that belong to a shard of features, by what they hold."""
    stem = Path(features_path).stem
    arrays = {kind: f"enrichment/{kind}/{stem}.npy" for kind in ARRAYS}
    return {**arrays, **{kind: f"enrichment/{kind}/{stem}.parquet" for kind in _TABLES}}


def count_paths(features_path: str) -> tuple[str, str, str]:
    """Return the files in which a shard's pairs are counted.

    That of log10 p, of the largest |z| of each set, and of the smallest p of each feature, which
    runs before schema 4 have not.
    """
    paths = shard_paths(features_path)
    return paths["rate"], paths["strongest"], paths["smallest"]


def claims_path(bank: str) -> str:
    """Return the file of what the classical null claims of some of a bank's features."""
    return f"enrichment/sampled_claims/{bank}.parquet"


def rate_path(bank: str) -> str:
    """Return the file of a bank's false discovery rate, in runs of schema 1 and 2."""
    return f"enrichment/rate/{bank}.parquet"


def tests_path(bank: str) -> str:
    """Return the file of a bank's tests."""
    return f"enrichment/tests/{bank}.parquet"


def null_paths(bank: str) -> tuple[str, str]:
    """Return the files of a bank's simulated null: by set, and by direction."""
    return f"null/{bank}.parquet", f"null/{bank}-directions.parquet"


def checks_path(bank: str) -> str:
    """Return the file of what the checks of a bank's test found."""
    return f"null/{bank}-checks.parquet"


def smallest_null_path(bank: str) -> str:
    """Return the file of how often a random direction's smallest p is how small."""
    return f"null/{bank}-smallest.parquet"


def permuted_path(bank: str) -> str:
    """Return the file of what passes in a bank when tokens change places."""
    return f"null/{bank}-permuted.parquet"


def digest(token_sets: TokenSets) -> str:
    """Return a hash of everything a run says of its token sets."""
    content = hashlib.sha256(repr(token_sets.infos).encode())
    content.update(token_sets.indptr.tobytes())
    content.update(token_sets.ids.tobytes())
    return content.hexdigest()


def write_pairs(path: Path, parts: Iterable[Pairs]) -> None:
    """Write the significant pairs of a shard, in order of feature, the strongest first."""
    frames = [pl.DataFrame(part._asdict()) for part in parts]
    table = pl.concat(frames).select(
        pl.col(name).fill_nan(None).cast(kind) if kind.is_float() else pl.col(name).cast(kind)
        for name, kind in PAIR_COLUMNS.items()
    )
    table = table.with_columns(rests_on=pl.when(pl.col("rests_on") > 0).then("rests_on"))
    if table["es"].is_null().all():
        table = table.with_columns(peak=pl.lit(None, pl.Int32()))
    write_table(path, table.sort("feature", pl.col("z").abs(), descending=[False, True]))


def write_rate(path: Path, rate: DiscoveryRate) -> None:
    """Write the counts of log10 p, those that are not zero."""
    bins = np.flatnonzero(rate.counts)
    write_table(path, pl.DataFrame({"bin": bins, "pairs": rate.counts[bins]}))


def read_rate(paths: Iterable[Path]) -> DiscoveryRate:
    """Return the sum of counts that were written."""
    rate = DiscoveryRate()
    for path in paths:
        table = read_table(path)
        bins = table["bin"].to_numpy()
        if bins.dtype.kind not in "iu" or table["pairs"].null_count():
            raise damaged(path, ValueError("it lacks numbers"))
        if len(bins) and not 0 <= bins.min() <= bins.max() < len(rate.counts):
            raise damaged(path, ValueError("it counts what there is not"))
        rate.counts[bins] += table["pairs"].to_numpy()
    return rate


def write_strongest(path: Path, z: F32) -> None:
    """Write [S] the largest |z| of each set."""
    write_table(path, pl.DataFrame({"z": z}))


def read_strongest(paths: Iterable[Path]) -> F32:
    """Return [S] the largest |z| of each set in all of some shards."""
    found: F32 = np.max([read_table(path)["z"].to_numpy() for path in paths], axis=0)
    return found


def write_smallest(path: Path, log10_p: F32) -> None:
    """Write [F] the smallest log10 p of each feature of a shard; NaN of flat ones."""
    write_table(path, pl.DataFrame({"log10_p": pl.Series(log10_p).fill_nan(None)}))


def read_smallest(paths: Iterable[Path]) -> F32:
    """Return [F] what was written of all of some shards, NaN for flat features."""
    parts = [read_table(path)["log10_p"].fill_null(np.nan).to_numpy() for path in paths]
    return np.concatenate(parts)


def write_smallest_null(path: Path, null: SmallestP) -> None:
    """Write how often a random direction's smallest p is how small."""
    levels = {"log10_p": null.log10_p, "share": null.share}
    write_table(path, pl.DataFrame(levels).with_columns(sets=pl.lit(null.sets, pl.Int64)))


def read_smallest_null(path: Path) -> SmallestP:
    """Return what was written."""
    table = read_table(path)
    sets = int(table["sets"].max() or 0)  # type: ignore[arg-type]
    return SmallestP(table["log10_p"].to_numpy(), table["share"].to_numpy(), sets)


def write_claims(path: Path, claims: Claims) -> None:
    """Write what the classical null claims of a bank's sampled features."""
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for i, level in enumerate(LEVELS):
        columns[f"passing_{level}"] = claims.passing[:, i]
        columns[f"without_{level}"] = claims.without[:, i]
    write_table(path, pl.DataFrame({"feature": claims.feature, "pairs": claims.pairs, **columns}))


def read_claims(path: Path) -> Claims:
    """Return what was written.

    Raises:
        RunError: when the file is missing or damaged.
    """
    table = read_table(path)
    passing, without = (
        np.stack([table[f"{what}_{level}"].to_numpy() for level in LEVELS], 1)
        for what in ("passing", "without")
    )
    return Claims(table["feature"].to_numpy(), table["pairs"].to_numpy(), passing, without)


def write_checks(path: Path, checks: Sequence[Check]) -> None:
    """Write what the checks of a bank's test found."""
    rows = [{**each._asdict(), "holds": each.holds} for each in checks]
    write_table(path, pl.DataFrame(rows, schema=CHECK_COLUMNS))


def write_permuted(path: Path, permuted: Permuted) -> None:
    """Write what passes in some features of a bank, the tokens being permuted."""
    columns: dict[str, npt.NDArray[np.generic]] = {"feature": permuted.feature}
    for i, level in enumerate(LEVELS):
        columns |= {f"pairs_{level}": permuted.pairs[:, i], f"found_{level}": permuted.found[:, i]}
    write_table(path, pl.DataFrame(columns))


def read_permuted(path: Path) -> Permuted:
    """Return what was written.

    Raises:
        RunError: when the file is missing or damaged.
    """
    table = read_table(path)
    pairs, found = (
        np.stack([table[f"{what}_{level}"].to_numpy() for level in LEVELS], 1)
        for what in ("pairs", "found")
    )
    return Permuted(table["feature"].to_numpy(), pairs, found)


def write_tests(path: Path, test: DirectionTest) -> None:
    """Write what the tests of a bank against each set rest on."""
    columns = {}
    for name, table in test.tails._asdict().items():
        whole = np.zeros((len(test.effects), table.shape[1]), np.float32)
        whole[test.testable] = table
        columns[name] = _lists(whole)
    frame = pl.DataFrame(
        {
            "token_set": np.arange(len(test.effects), dtype=np.int32),
            "tested": test.testable,
            "sd": test.sd,
            "variance_inflation": test.variance_inflation,
            **columns,
        }
    )
    write_table(path, frame)


def read_tails(path: Path) -> Tails:
    """Return the table of every set; of those that cannot be tested it says p = 1."""
    frame = read_table(path, columns=list(Tails._fields))
    return Tails(*(_matrix(frame[name]) for name in Tails._fields))


def read_sd(path: Path) -> npt.NDArray[np.float64]:
    """Return [S] the standard deviation of each set's t; 0 where it cannot be tested."""
    return read_table(path, columns=["sd"])["sd"].to_numpy()


def write_null(folder: Path, bank: str, null: SimulatedNull) -> None:
    """Write what random directions do, the table by direction last."""
    by_set, by_direction = null_paths(bank)
    by_set_columns: dict[str, object] = {"z_sd": null.z_sd, "z_beyond_1_percent": null.z_beyond}
    for sign, name in enumerate(_SIGNS if null.means.size else ()):
        by_set_columns[f"mean_{name}"] = null.means[sign]
        by_set_columns[f"es_{name}"] = _lists(null.es[sign])
        by_set_columns[f"log10_p_{name}"] = _lists(null.log10_p[sign])
    frame = pl.DataFrame(by_set_columns).with_row_index("token_set")
    write_table(folder / by_set, frame)
    columns = {name: pl.Series(getattr(null, name)) for name in _BY_DIRECTION}
    for name, values in zip(COHESION_COLUMNS, null.cohesion.T, strict=True):
        columns[name] = pl.Series(values).extend_constant(None, len(null.std) - len(values))
    write_table(folder / by_direction, pl.DataFrame(columns))


def read_null(folder: Path, bank: str) -> SimulatedNull | None:
    """Return what was written, None where it was not."""
    by_set, by_direction = (folder / path for path in null_paths(bank))
    if not (by_set.is_file() and by_direction.is_file()):
        return None
    frame, directions = read_table(by_set), read_table(by_direction)
    if "mean_positive" in frame.columns:
        means = np.stack([frame[f"mean_{sign}"].to_numpy() for sign in _SIGNS])
        knots, log10_p = (
            np.stack([_matrix(frame[f"{name}_{sign}"]) for sign in _SIGNS])
            for name in ("es", "log10_p")
        )
    else:
        means, knots, log10_p = no_scores()
    cohesion = directions.select(
        name for name in COHESION_COLUMNS if name in directions.columns
    ).drop_nulls()
    return SimulatedNull(
        **{name: directions[name].to_numpy() for name in _BY_DIRECTION},
        z_sd=frame["z_sd"].to_numpy(),
        z_beyond=frame["z_beyond_1_percent"].to_numpy(),
        means=means,
        es=knots,
        log10_p=log10_p,
        cohesion=cohesion.to_numpy().astype(np.float64).reshape(-1, 2),
    )


def _lists(matrix: F32) -> pl.Series:
    """Return [rows, length] as a column of lists."""
    return pl.Series(matrix).cast(pl.List(pl.Float32))


def _matrix(column: pl.Series) -> F32:
    """Return a column of lists of equal length as [rows, length]."""
    return column.explode().to_numpy().reshape(len(column), -1 if len(column) else 0)
