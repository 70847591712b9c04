"""The scores of a run's pairs of feature and token set, by number, read as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.enrichment.discovery_rate import DiscoveryRate, log10_q, threshold
from unembed.enrichment.simulated_null import SimulatedNull
from unembed.enrichment.tails import Tails
from unembed.recent import Recent
from unembed.store import enrichment as store
from unembed.store.files import RunFiles
from unembed.store.later import known_columns
from unembed.store.manifest import Manifest, Shard
from unembed.store.published import STRONGEST_COLUMNS, row_published, strongest_path
from unembed.store.shards import recent_table, recent_tables
from unembed.store.z import Multiply, StoredZ

Score = Literal["z", "log10_p", "log10_q"]
IDENTITY = ("feature", "token_set")
"""What numbers a pair: the feature's position in its bank, and the set's among those tested."""

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
Critical = Callable[[float, F32, F32, F32, F32], None]
"""What is compiled, and not needed by those who read a run alone."""


class StoredScores:
    """The scores of a finished run.

    Args:
        folder: the run's.
        manifest: of the run.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder
        self._manifest = manifest
        self._z = StoredZ(folder, manifest)
        self._read_tails = Recent[str, Tails]()
        self._curves = Recent[str, F32]()
        self._nulls = Recent[str, SimulatedNull | None]()

    def of_feature(
        self, bank: str, position: int, numbers: Sequence[int] | I64 | None = None
    ) -> pl.DataFrame:
        """Return the pairs of one feature: with every set that was tested, or with some.

        Columns: bank, and those of `store.enrichment.PAIR_COLUMNS`; what was not kept is null.
        """
        if numbers is not None and (known := self._published(bank, position)) is not None:
            at = {number: row for row, number in enumerate(known["token_set"].to_list())}
            if all(int(number) in at for number in numbers):
                return known[[at[int(number)] for number in numbers]]
        z, kept = self._pairs_of(bank, position)
        chosen = np.arange(len(z)) if numbers is None else np.asarray(numbers, np.int64)
        shard = self._shard_of(bank, position)
        every = {
            kind: self._z.rows(kind, shard, position - shard.start)[chosen] for kind in self._of_all
        }
        places = np.full(len(chosen), position)
        return self._scored(bank, places, chosen, z[chosen], kept, every)

    def strongest_pairs(self, bank: str, position: int, most: int) -> tuple[pl.DataFrame, int]:
        """Return the pairs of a feature with the sets of largest |z|, and how many pass of all.

        Of a published run all that pass, and of the others those that were published.
        """
        known = self._published(bank, position)
        if known is not None:
            return known.head(most), self._kept_of_feature(bank, position).height
        numbers, passing = self.strongest_of(bank, position, most)
        return self.of_feature(bank, position, numbers), passing

    def strongest_of(self, bank: str, position: int, most: int) -> tuple[I64, int]:
        """Return the sets with the largest |z| in a feature, and how many of all are significant.

        Quicker than `of_feature`, which knows all scores of every set.
        """
        z, kept = self._pairs_of(bank, position)
        size = np.abs(z)
        size[kept["token_set"].to_numpy()] = kept["z"].abs().to_numpy()
        size[np.isnan(size)] = np.inf
        return np.argsort(-size, kind="stable")[:most], kept.height

    def _pairs_of(self, bank: str, position: int) -> tuple[F32, pl.DataFrame]:
        """Return z of a feature with every set, as it is kept, and its significant pairs."""
        shard = self._shard_of(bank, position)
        z = self._z.of_feature(shard, position - shard.start)
        return z, self._kept_of_feature(bank, position)

    def _kept_of_feature(self, bank: str, position: int) -> pl.DataFrame:
        """Return the significant pairs of a feature."""
        kept = self._kept_of(self._shard_of(bank, position))
        return kept[np.flatnonzero(kept["feature"].to_numpy() == position)]

    def _published(self, bank: str, position: int) -> pl.DataFrame | None:
        """Return the pairs that were published of a feature, the strongest first.

        Those that pass, and the strongest of the others; None where nothing was published.
        """
        row = self._manifest.first_rows[bank] + position
        found = row_published(
            self._folder, self._manifest, row, strongest_path, [*STRONGEST_COLUMNS]
        )
        if found is None:
            return None
        shard, kept = self._shard_of(bank, position), self._kept_of_feature(bank, position)
        log10_p = np.asarray(found["log10_p"], np.float32)
        others = pl.DataFrame(
            {
                "feature": np.full(len(log10_p), position, np.int32),
                **{name: pl.Series(each, dtype=store.PAIR_COLUMNS[name])
                   for name, each in found.items()},
                "log10_q": log10_q(log10_p, self._curve(bank)),
            }
        ).join(kept, on="token_set", how="anti", maintain_order="left")  # fmt: skip
        sets = others["token_set"].to_numpy()
        every = (
            pl.Series(kind, self._z.rows(kind, shard, position - shard.start)[sets], pl.Float32)
            for kind in self._of_all
        )
        pairs = pl.concat([kept, others.with_columns(*every)], how="diagonal")
        pairs = pairs.sort(pl.col("z").abs(), descending=True, maintain_order=True)
        return pairs.select(pl.lit(bank).alias("bank"), *store.PAIR_COLUMNS)

    def of_set(self, bank: str, number: int) -> pl.DataFrame:
        """Return the pairs of every feature of a bank with one set, likewise."""
        z = self.z_of_set(bank, number)
        kept = self.kept(bank).filter(pl.col("token_set") == number)
        shards = list(self._manifest.shards(bank))
        every = {
            kind: np.concatenate([self._z.array(kind, shard)[:, number] for shard in shards])
            for kind in self._of_all
        }
        return self._scored(bank, np.arange(len(z)), np.full(len(z), number), z, kept, every)

    def kept(self, bank: str) -> pl.DataFrame:
        """Return the significant pairs of a bank, likewise."""
        tables = [self._kept_of(shard) for shard in self._manifest.shards(bank)]
        return pl.concat(tables).select(pl.lit(bank).alias("bank"), pl.all())

    def scores_of_set(self, bank: str, number: int, score: Score) -> F32:
        """Return one score of a bank's features with one set, by z as it is kept."""
        z = self.z_of_set(bank, number)
        if score == "z":
            return z
        tails = Tails(*(table[number : number + 1] for table in self._tails(bank)))
        log10_p = tails.log10_p_of(z, np.zeros(len(z), np.int64))
        return log10_p if score == "log10_p" else log10_q(log10_p, self._curve(bank))

    def z_of_set(self, bank: str, number: int) -> F32:
        """Return z of a bank's features with one set, as exact as it is kept."""
        shards = self._manifest.shards(bank)
        return np.concatenate([self._z.of_set(shard, number) for shard in shards])

    def z_of_features(self, bank: str, positions: I64, multiply: Multiply) -> F32:
        """Return [P, S] z of some of a bank's features with every set, as exact as it is kept.

        Args:
            bank: its name.
            positions: [P] of the features in it.
            multiply: returns the product of two matrices.
        """
        tested = self._manifest.enrichment
        z = np.zeros((len(positions), tested.token_sets if tested else 0), np.float32)
        for shard in self._manifest.shards(bank):
            of = np.flatnonzero((positions >= shard.start) & (positions < shard.stop))
            if len(of):
                z[of] = self._z.of_rows(shard, positions[of] - shard.start, multiply)
        return z

    def z_of_pairs(self, bank: str, positions: I64, numbers: I64) -> F32:
        """Return [P] z of some of a bank's features, each with one set, as exact as it is kept.

        Args:
            bank: its name.
            positions: [P] of the features in it.
            numbers: [P] of the sets.
        """
        z = np.zeros(len(positions), np.float32)
        for shard in self._manifest.shards(bank):
            of = np.flatnonzero((positions >= shard.start) & (positions < shard.stop))
            if len(of):
                z[of] = self._z.of_pairs(shard, positions[of] - shard.start, numbers[of])
        return z

    def sd_of_sets(self, bank: str) -> F64:
        """Return [S] the standard deviation of each set's t over random directions like a bank's.

        What z is in units of; 0 for sets that cannot be tested.
        """
        return self._z.sd(bank)

    def directions(self, bank: str, positions: I64) -> F32 | None:
        """Return [P, d_model] some of a bank's features at length 1; None where z is kept instead.

        Args:
            bank: its name.
            positions: [P] of the features in it.
        """
        if not self._manifest.z_is_factored:
            return None
        found = np.zeros((len(positions), self._manifest.unembedding.d_model), np.float32)
        for shard in self._manifest.shards(bank):
            of = np.flatnonzero((positions >= shard.start) & (positions < shard.stop))
            if len(of):
                found[of] = self._z.rows("directions", shard, positions[of] - shard.start)
        return found

    def log10_p_of(self, bank: str, numbers: I64, z: F32) -> F32:
        """Return [P] log10 p of pairs of a bank, by their sets and z.

        Args:
            bank: its name.
            numbers: [P] of the sets.
            z: [P] of the pairs.
        """
        return self._tails(bank).log10_p_of(z, numbers)

    def null(self, bank: str) -> SimulatedNull | None:
        """Return what random directions like a bank's do, None where they were not drawn."""
        return self._nulls.get(bank, lambda: store.read_null(self._folder, bank))

    def threshold(self, bank: str) -> float:
        """Return the largest log10 p that passes at the run's max_q in a bank; −inf if none."""
        assert self._manifest.enrichment is not None
        return threshold(self._curve(bank), self._manifest.enrichment.max_q)

    def passing_z(self, bank: str, find: Critical) -> F32:
        """Return [S] the |z| from which each set passes at the run's max_q; infinite if none does.

        Args:
            bank: its name.
            find: fills in the |z| at which log10 p is as wanted (`lookup.critical_values`).
        """
        tails = self._tails(bank)
        found = np.empty(len(tails.z), np.float32)
        find(self.threshold(bank), *tails, found)
        return found

    @cached_property
    def significant(self) -> pl.DataFrame:
        """The significant pairs of all banks (see `RunTables.significant`)."""
        paths = [store.shard_paths(shard.path)["pairs"] for shard in self._manifest.shards()]
        tables = recent_tables(
            [self._folder / path for path in paths], ["feature", "token_set", "z"]
        )
        starts = self._manifest.first_rows
        banks = (self._manifest.names[shard.bank] for shard in self._manifest.shards())
        return pl.concat(
            table.with_columns(pl.col("feature").cast(pl.Int64) + starts[bank])
            for table, bank in zip(tables, banks, strict=True)
        ).sort(pl.col("z").abs(), descending=True, maintain_order=True)

    def _scored(
        self,
        bank: str,
        feature: I64,
        token_set: I64,
        z: F32,
        kept: pl.DataFrame,
        every: Mapping[str, npt.NDArray[np.float16]],
    ) -> pl.DataFrame:
        """Pairs with z, log10 p and q by the bank's tables; all else where it was kept.

        `every`: columns that are kept of all pairs.
        """
        log10_p = self._tails(bank).log10_p_of(z, token_set)
        scored = pl.DataFrame(
            {
                "feature": feature.astype(np.int32),
                "token_set": token_set.astype(np.int32),
                "z": z,
                "log10_p": log10_p,
                "log10_q": log10_q(log10_p, self._curve(bank)),
                **{kind: values.astype(np.float32) for kind, values in every.items()},
            }
        )
        exact = [name for name in store.PAIR_COLUMNS if name not in IDENTITY]
        joined = scored.join(kept, on=IDENTITY, how="left", suffix="_kept")
        return joined.select(
            pl.lit(bank).alias("bank"),
            *IDENTITY,
            *(
                pl.coalesce(f"{name}_kept", name) if name in scored.columns else pl.col(name)
                for name in exact
            ),
        ).rename({f"{name}_kept": name for name in exact if name in scored.columns})

    def _rate(self, bank: str) -> DiscoveryRate:
        return store.read_rate(self._folder / path for path in RunFiles(self._manifest).rates(bank))

    def _tails(self, bank: str) -> Tails:
        """The tail probabilities of every set with a bank, read once."""
        path = self._folder / store.tests_path(bank)
        return self._read_tails.get(bank, lambda: store.read_tails(path))

    def _curve(self, bank: str) -> F32:
        """The bank's curve from log10 p to log10 q, drawn once."""
        return self._curves.get(bank, lambda: self._rate(bank).curve())

    def _kept_of(self, shard: Shard) -> pl.DataFrame:
        path = self._folder / store.shard_paths(shard.path)["pairs"]
        known, nulls = known_columns(
            store.PAIR_COLUMNS, store.LATER_PAIR_COLUMNS,
            has_later=self._manifest.features_are_tested,
        )  # fmt: skip
        return recent_table(path, known).with_columns(*nulls).select(*store.PAIR_COLUMNS)

    def _shard_of(self, bank: str, position: int) -> Shard:
        shards = self._manifest.shards(bank)
        return next(each for each in shards if each.start <= position < each.stop)

    @property
    def _of_all(self) -> tuple[str, ...]:
        """What of TSEA is kept of every pair."""
        return tuple(
            kind for kind in self._manifest.arrays if kind in store.PAIR_COLUMNS and kind != "z"
        )
