"""The enrichment of a run on disk: its tables, and how they are read back.

```text
token_sets.parquet               one row a set; those that are tested first
enrichment/rate/BANK.parquet     how many of a bank's pairs have which log10 p: q follows
enrichment/tests/BANK.parquet    each set's test against a bank: sd, VIF, table of log10 p by z
enrichment/z/BANK-00000.npy      z of every pair, float16 [features, sets]
enrichment/pairs/BANK-00000.parquet    the significant pairs, with everything
enrichment/claims/BANK-00000.parquet   what the classical null of tokens would have claimed
null/BANK.parquet, null/BANK-directions.parquet    what random directions do
```
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed import sealed
from unembed.enrichment.discovery_rate import DiscoveryRate
from unembed.enrichment.pairs import Pairs
from unembed.enrichment.simulated_null import SimulatedNull, no_scores
from unembed.enrichment.tails import Tails
from unembed.errors import FormatError
from unembed.recent import Recent
from unembed.store.atomic import write_atomically
from unembed.store.shards import damaged, read_table, write_table
from unembed.store.stamp import stamp

if TYPE_CHECKING:
    from unembed.enrichment.directions import DirectionTest
    from unembed.tokensets import TokenSets

TOKEN_SETS = "token_sets.parquet"
MOST_MAPS = 128
"""Shards' z that stay mapped: each holds a file open, of which some systems allow 256."""

F32 = npt.NDArray[np.float32]
_maps = Recent[tuple[Path, int, int], npt.NDArray[np.float16]](MOST_MAPS, lambda z: 1)

_SIGNS = ("positive", "negative")
_BY_DIRECTION = ("std", "skewness", "kurtosis", "left_tail", "right_tail")

PAIR_COLUMNS: dict[str, pl.DataType] = {
    "feature": pl.Int32(),
    "token_set": pl.Int32(),
    "z": pl.Float32(),
    "log10_p": pl.Float32(),
    "log10_q": pl.Float32(),
    "es": pl.Float32(),
    "peak": pl.Int32(),
    "auroc": pl.Float32(),
    "nes": pl.Float32(),
    "log10_p_directions": pl.Float32(),
    "log10_p_tokens": pl.Float32(),
}
"""Columns of `enrichment/pairs`: positions of the feature in its bank and of the set among those
tested, the direction test, and TSEA; what was not measured is null."""


class ShardPaths(NamedTuple):
    """The enrichment files of one shard, relative to the run."""

    z: str
    pairs: str
    claims: str


def shard_paths(features_path: str) -> ShardPaths:
    """Return the files that belong to a shard of features."""
    stem = Path(features_path).stem
    return ShardPaths(
        f"enrichment/z/{stem}.npy",
        f"enrichment/pairs/{stem}.parquet",
        f"enrichment/claims/{stem}.parquet",
    )


def rate_path(bank: str) -> str:
    """Return the file of a bank's false discovery rate."""
    return f"enrichment/rate/{bank}.parquet"


def tests_path(bank: str) -> str:
    """Return the file of a bank's tests."""
    return f"enrichment/tests/{bank}.parquet"


def null_paths(bank: str) -> tuple[str, str]:
    """Return the files of a bank's simulated null: by set, and by direction."""
    return f"null/{bank}.parquet", f"null/{bank}-directions.parquet"


def digest(token_sets: TokenSets) -> str:
    """Return a hash of everything a run says of its token sets."""
    content = hashlib.sha256(repr(token_sets.infos).encode())
    content.update(token_sets.indptr.tobytes())
    content.update(token_sets.ids.tobytes())
    return content.hexdigest()


def write_z(path: Path, z: Iterable[F32]) -> None:
    """Write z [F, S] as float16, sealed: 0.05 % exact, and read without loading it."""
    largest = np.finfo(np.float16).max
    joined = np.concatenate([part.clip(-largest, largest).astype(np.float16) for part in z])

    said = stamp(path)

    def write(part: Path) -> None:
        with part.open("wb") as file:
            np.save(file, joined)
        sealed.seal(part, said)

    write_atomically(path, write)


def read_z(path: Path) -> npt.NDArray[np.float16]:
    """Return z [F, S] that was written, verified by the hash it carries, and mapped into memory.

    The map is kept as long as the file is what it is: a new one has none of its pages, and a set's
    column touches one for each feature.

    Raises:
        RunError: when it is missing or damaged.
    """
    try:
        sealed.verify(path)
        now = path.stat()
    except (OSError, FormatError) as error:
        raise damaged(path, error) from error
    return _maps.get((path, now.st_mtime_ns, now.st_size), lambda: _mapped(path))


def height_of_z(path: Path) -> int:
    """Return of how many features z was written, from the file's head alone.

    Raises:
        RunError: when it is missing, or cannot be understood.
    """
    return len(_mapped(path))


def _mapped(path: Path) -> npt.NDArray[np.float16]:
    try:
        z: npt.NDArray[np.float16] = np.load(path, mmap_mode="r")
    except Exception as error:  # NumPy hands the head of a file to Python's own parser
        raise damaged(path, error) from error
    return z


def write_pairs(path: Path, parts: Iterable[Pairs]) -> None:
    """Write the significant pairs of a shard, in order of feature, the strongest first."""
    frames = [pl.DataFrame(part._asdict()) for part in parts]
    table = pl.concat(frames).select(
        pl.col(name).fill_nan(None).cast(kind) if kind.is_float() else pl.col(name).cast(kind)
        for name, kind in PAIR_COLUMNS.items()
    )
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
    columns = {name: getattr(null, name) for name in _BY_DIRECTION}
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
    return SimulatedNull(
        **{name: directions[name].to_numpy() for name in _BY_DIRECTION},
        z_sd=frame["z_sd"].to_numpy(),
        z_beyond=frame["z_beyond_1_percent"].to_numpy(),
        means=means,
        es=knots,
        log10_p=log10_p,
    )


def _lists(matrix: F32) -> pl.Series:
    """Return [rows, length] as a column of lists."""
    return pl.Series(matrix).cast(pl.List(pl.Float32))


def _matrix(column: pl.Series) -> F32:
    """Return a column of lists of equal length as [rows, length]."""
    return column.explode().to_numpy().reshape(len(column), -1 if len(column) else 0)
