"""Questions to a run's enrichment: of a feature, of a token set, or all that is significant."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.addresses import ADDRESS, bank_named
from unembed.enrichment.discovery_rate import DiscoveryRate, log10_q
from unembed.enrichment.lookup import log10_p_of_pairs
from unembed.enrichment.simulated_null import SimulatedNull
from unembed.enrichment.tails import Tails
from unembed.errors import QueryError, did_you_mean
from unembed.store import enrichment as store
from unembed.store.shards import Shard, first_rows, read_table, shards
from unembed.tokensets.token_sets import is_within

LEVELS = (0.01, 0.05)
"""False discovery rates that a summary counts at."""
Score = Literal["z", "log10_p", "log10_q"]
_IDENTITY = ("feature", "token_set")


class StoredEnrichment:
    """The enrichment of a finished run, read as it is asked for.

    Args:
        folder: the run's.
        manifest: of the run.
        indices: every feature's index in its bank, in the run's order.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any], indices: pl.Series) -> None:
        self._folder = folder
        self._manifest = manifest
        self._indices = indices
        self._first_rows = first_rows(manifest)
        self._banks = [bank["name"] for bank in manifest["banks"]]
        self._read_tails: dict[str, Tails] = {}
        self._curves: dict[str, npt.NDArray[np.float32]] = {}

    @cached_property
    def token_sets(self) -> pl.DataFrame:
        """Every set, those that were tested first."""
        return read_table(self._folder / store.TOKEN_SETS)

    @cached_property
    def discoveries(self) -> dict[str, Any]:
        """How many pairs pass, and how many the classical null would have claimed."""
        rates = {bank: self._rate(bank) for bank in self._banks}
        claims = {bank: store.read_rate(self._paths("claims", bank)) for bank in self._banks}
        nulls = {bank: store.read_null(self._folder, bank) for bank in self._banks}
        return {
            "pairs": sum(rate.pairs for rate in rates.values()),
            "passing": _passing(rates),
            "classical": _passing(claims) if any(c.pairs for c in claims.values()) else None,
            "nulls": {bank: _check_of(null) for bank, null in nulls.items() if null is not None},
        }

    def query(
        self,
        row: int | None,
        *,
        token_set: str | None,
        family: str | None,
        bank: str | None,
        sign: Literal["+", "-"] | None,
        max_q: float | None,
    ) -> pl.DataFrame:
        """Return pairs, the strongest first (see `Run.enrichment`)."""
        if bank is not None:
            bank = bank_named(bank, self._banks)
        if sign not in (None, "+", "-"):
            raise QueryError(f"The sign is + (promotes) or - (suppresses), not {sign!r}.")
        of_set = None if token_set is None else self._set_number(token_set)
        if row is not None:
            found = self._of_feature(row, of_set)
        elif of_set is not None:
            found = pl.concat(self._of_set(name, of_set) for name in self._banks)
        else:
            found = pl.concat(self._kept(name) for name in self._banks)
        if bank is not None:
            found = found.filter(bank=bank)
        if sign is not None:
            found = found.filter(pl.col("z") > 0 if sign == "+" else pl.col("z") < 0)
        if max_q is not None:
            found = found.filter(pl.col("log10_q") <= (np.log10(max_q) if max_q > 0 else -np.inf))
        return self._named(found, family)

    def scores_of_set(self, number: int, score: Score) -> npt.NDArray[np.float32]:
        """Return one score of all features with one set (see `Run.scores_of_set`)."""
        found = []
        for bank in self._banks:
            z = self._column(bank, number)
            if score == "z":
                found.append(z)
                continue
            log10_p = np.empty(len(z), np.float32)
            tails = Tails(*(table[number : number + 1] for table in self._tails(bank)))
            log10_p_of_pairs(z, np.zeros(len(z), np.int64), *tails, log10_p)
            found.append(log10_p if score == "log10_p" else log10_q(log10_p, self._curve(bank)))
        return np.concatenate(found).astype(np.float32)

    @cached_property
    def significant(self) -> pl.DataFrame:
        """The significant pairs of all banks by number (see `Run.significant`)."""
        return pl.concat(
            self._kept(bank).select(pl.col("feature").cast(pl.Int64) + start, "token_set", "z")
            for bank, start in self._first_rows.items()
        ).sort(pl.col("z").abs(), descending=True, maintain_order=True)

    def _named(self, found: pl.DataFrame, family: str | None) -> pl.DataFrame:
        """Put names in the place of numbers; keep a family."""
        sets = self.tested.select(
            pl.col("name").alias("set_name"), "family", "size"
        ).with_row_index("token_set")
        named = found.join(sets.cast({"token_set": pl.Int32}), on="token_set", how="left")
        if family is not None:
            families = named["family"].unique().to_list()
            known = self.tested["family"].unique().sort().to_list()
            if not any(is_within(each, family) for each in known):
                raise QueryError(
                    f"There is no family {family!r}.{did_you_mean(family, known)} "
                    f"Families: {', '.join(known)}."
                )
            wanted = [each for each in families if each is not None and is_within(each, family)]
            named = named.filter(pl.col("family").is_in(wanted))
        first = pl.col("bank").replace_strict(self._first_rows, return_dtype=pl.Int64)
        rows = named.select(first + pl.col("feature")).to_series()
        scores = [name for name in store.PAIR_COLUMNS if name not in _IDENTITY]
        return (
            named.with_columns(self._indices.gather(rows))
            .sort(pl.col("z").abs(), descending=True, maintain_order=True)
            .select(
                ADDRESS.alias("feature"),
                pl.col("set_name").alias("token_set"),
                "family",
                "size",
                *scores,
            )
        )

    @cached_property
    def tested(self) -> pl.DataFrame:
        """The sets that were tested, in the order of their numbers."""
        return self.token_sets.filter(pl.col("set_aside").is_null())

    def _rate(self, bank: str) -> DiscoveryRate:
        return store.read_rate([self._folder / store.rate_path(bank)])

    def _set_number(self, name: str) -> int:
        matches = self.tested.with_row_index().filter(
            (pl.col("name") == name) | pl.col("aliases").list.contains(name)
        )
        if matches.height:
            return int(matches["index"][0])
        aside = self.token_sets.filter(pl.col("set_aside").is_not_null() & (pl.col("name") == name))
        if aside.height:
            raise QueryError(f"The token set {name!r} was set aside: {aside['set_aside'][0]}.")
        names = [*self.tested["name"], *self.tested["aliases"].explode().drop_nulls()]
        raise QueryError(
            f"There is no token set {name!r} among the {len(self.tested):,} of this run."
            f"{did_you_mean(name, names)}"
        )

    def _of_feature(self, row: int, of_set: int | None) -> pl.DataFrame:
        bank = max((start, bank) for bank, start in self._first_rows.items() if start <= row)[1]
        position = row - self._first_rows[bank]
        shard = next(each for each in self._shards(bank) if each.start <= position < each.stop)
        z = self._z(shard)[position - shard.start].astype(np.float32)
        numbers = np.arange(len(z)) if of_set is None else np.array([of_set])
        kept = self._kept(bank, shard)
        return self._scored(bank, np.full(len(numbers), position), numbers, z[numbers], kept)

    def _of_set(self, bank: str, of_set: int) -> pl.DataFrame:
        z = self._column(bank, of_set)
        kept = self._kept(bank)
        return self._scored(bank, np.arange(len(z)), np.full(len(z), of_set), z, kept)

    def _column(self, bank: str, number: int) -> npt.NDArray[np.float32]:
        """Return z of a bank's features with one set."""
        columns = [self._z(shard)[:, number].astype(np.float32) for shard in self._shards(bank)]
        return np.concatenate(columns)

    def _scored(
        self,
        bank: str,
        feature: npt.NDArray[np.int64],
        token_set: npt.NDArray[np.int64],
        z: npt.NDArray[np.float32],
        kept: pl.DataFrame,
    ) -> pl.DataFrame:
        """Pairs with z, log10 p and q by the bank's tables; all else where it was kept."""
        log10_p = np.empty(len(z), np.float32)
        log10_p_of_pairs(z, token_set, *self._tails(bank), log10_p)
        scored = pl.DataFrame(
            {
                "feature": feature.astype(np.int32),
                "token_set": token_set.astype(np.int32),
                "z": z,
                "log10_p": log10_p,
                "log10_q": log10_q(log10_p, self._curve(bank)),
            }
        )
        exact = [name for name in store.PAIR_COLUMNS if name not in _IDENTITY]
        joined = scored.join(kept, on=_IDENTITY, how="left", suffix="_kept")
        return joined.select(
            pl.lit(bank).alias("bank"),
            *_IDENTITY,
            *(
                pl.coalesce(f"{name}_kept", name) if name in scored.columns else pl.col(name)
                for name in exact
            ),
        ).rename({f"{name}_kept": name for name in ("z", "log10_p", "log10_q")})

    def _tails(self, bank: str) -> Tails:
        """The tail probabilities of every set with a bank, read once."""
        if bank not in self._read_tails:
            self._read_tails[bank] = store.read_tails(self._folder / store.tests_path(bank))
        return self._read_tails[bank]

    def _curve(self, bank: str) -> npt.NDArray[np.float32]:
        """The bank's curve from log10 p to log10 q, drawn once."""
        if bank not in self._curves:
            self._curves[bank] = self._rate(bank).curve()
        return self._curves[bank]

    def _kept(self, bank: str, shard: Shard | None = None) -> pl.DataFrame:
        """The significant pairs of a bank, or of one shard of it."""
        paths = self._paths("pairs", bank) if shard is None else [self._pairs_of(shard)]
        table = read_table(*paths)
        return table.select(pl.lit(bank).alias("bank"), pl.all())

    def _pairs_of(self, shard: Shard) -> Path:
        return self._folder / store.shard_paths(shard.path).pairs

    def _z(self, shard: Shard) -> npt.NDArray[np.float16]:
        return store.read_z(self._folder / store.shard_paths(shard.path).z)

    def _shards(self, bank: str) -> Iterator[Shard]:
        number = self._banks.index(bank)
        return (shard for shard in shards(self._manifest) if shard.bank == number)

    def _paths(self, kind: Literal["pairs", "claims"], bank: str | None = None) -> list[Path]:
        of = shards(self._manifest) if bank is None else self._shards(bank)
        return [self._folder / getattr(store.shard_paths(shard.path), kind) for shard in of]


def _passing(rates: dict[str, DiscoveryRate]) -> dict[str, int]:
    """Return how many pairs pass at each level, each by the rate of its own bank."""
    return {str(level): sum(rate.passing(level) for rate in rates.values()) for level in LEVELS}


def _check_of(null: SimulatedNull) -> dict[str, Any]:
    """What the random directions of a bank say of the direction test's closed form."""
    least, median, most = np.quantile(null.z_sd, (0, 0.5, 1))
    return {
        "directions": len(null.std),
        "z_sd": {"min": float(least), "median": float(median), "max": float(most)},
        "beyond_1_percent": float(null.z_beyond.mean()),
    }
