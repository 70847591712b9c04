"""Whether the tables in a run's folder are those of its manifest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from unembed.errors import RunError
from unembed.parquet import height_of, read_parquet, said_of
from unembed.store import enrichment as store
from unembed.store.columns import check_columns
from unembed.store.explanation import explanation_path
from unembed.store.manifest import EnrichmentFacts, Manifest, Shard
from unembed.store.shards import TOKENS
from unembed.store.stamp import RUN, TABLE

_UNREADABLE = (OSError, PolarsError, ValueError, EOFError)
"""Whoever reads such a table says what is wrong with it."""


def check_tables(folder: Path, manifest: Manifest) -> None:
    """Check that tables are of the run, as far as can be told without reading them.

    Tables say of which run they are; those of earlier versions do not, and are taken by what they
    hold: the bank, the number of its features, of tokens, of sets.

    Raises:
        RunError: naming the first table that belongs elsewhere.
    """
    unsaid = []
    for table in _tables(manifest):
        with suppress(*_UNREADABLE):
            check_columns(folder, table)
            said = said_of(folder / table)
            if RUN not in said:
                unsaid.append(table)
            elif said[RUN] != manifest.digest:
                raise _foreign(folder, table, "it says that it was written by another run")
            elif said[TABLE] != table:
                raise _foreign(folder, table, f"it is a copy of {said[TABLE]}")
    _check_old(folder, manifest, set(unsaid))
    if manifest.enrichment:
        for shard in manifest.shards():
            _check_scores(folder, shard)


def _tables(manifest: Manifest) -> Iterator[str]:
    """Yield the paths of all Parquet tables that the run may have."""
    yield TOKENS
    tested, explained = manifest.enrichment is not None, manifest.is_explained
    if tested:
        yield store.TOKEN_SETS
        for bank in manifest.names:
            yield from (store.rate_path(bank), store.tests_path(bank), *store.null_paths(bank))
    for shard in manifest.shards():
        yield shard.path
        if tested:
            yield from (store.shard_paths(shard.path).pairs, store.shard_paths(shard.path).claims)
        if explained:
            yield explanation_path(shard.path)


def _check_old(folder: Path, manifest: Manifest, unsaid: set[str]) -> None:
    """Check tables that say nothing of themselves by what they hold."""
    for shard in manifest.shards():
        if shard.path in unsaid:
            _check_features(folder, shard, manifest.names[shard.bank])
        of_shard = explanation_path(shard.path)
        if of_shard in unsaid:
            _check_explanations(folder, of_shard, shard.features)
    if TOKENS in unsaid:
        _check_tokens(folder, manifest.unembedding.tokens)
    if manifest.enrichment and store.TOKEN_SETS in unsaid:
        _check_token_sets(folder, manifest.enrichment)


def _check_features(folder: Path, shard: Shard, bank: str) -> None:
    with suppress(*_UNREADABLE):
        table = read_parquet(folder / shard.path, columns=["bank", "index"])
        banks, wanted = table["bank"].unique().to_list(), shard.features
        if banks != [bank] or table.height != wanted or table["index"].n_unique() != wanted:
            raise _foreign(
                folder, shard.path,
                f"it has {table.height:,} features of {', '.join(map(str, banks[:3])) or 'no bank'}"
                f", and should have {wanted:,} of {bank}",
            )  # fmt: skip


def _check_explanations(folder: Path, table: str, wanted: int) -> None:
    with suppress(*_UNREADABLE):
        found = height_of(folder / table)
        if found != wanted:
            raise _foreign(folder, table, f"it has {found:,} features, and should have {wanted:,}")


def _check_token_sets(folder: Path, enrichment: EnrichmentFacts) -> None:
    with suppress(*_UNREADABLE):
        sets = read_parquet(folder / store.TOKEN_SETS, columns=["size", "set_aside"])
        tested = sets.filter(pl.col("set_aside").is_null())["size"]
        found, wanted = (len(tested), tested.sum()), (
            enrichment.token_sets, enrichment.memberships,
        )  # fmt: skip
        if found != wanted:
            raise _foreign(
                folder, store.TOKEN_SETS,
                "it has {:,} sets of {:,} tokens together".format(*found)
                + ", and should have {:,} of {:,}".format(*wanted),
            )  # fmt: skip


def _check_tokens(folder: Path, wanted: int) -> None:
    with suppress(*_UNREADABLE):
        masked = read_parquet(folder / TOKENS, columns=["masked"])["masked"]
        found = int((~masked).sum())
        if found != wanted:
            raise _foreign(
                folder, TOKENS, f"{found:,} of its tokens take part, and {wanted:,} should"
            )


def _check_scores(folder: Path, shard: Shard) -> None:
    table = store.shard_paths(shard.path).z
    with suppress(*_UNREADABLE):
        found, wanted = len(np.load(folder / table, mmap_mode="r")), shard.features
        if found != wanted:
            raise _foreign(
                folder, table, f"it has scores of {found:,} features, and should have {wanted:,}"
            )


def _foreign(folder: Path, table: str, why: str) -> RunError:
    return RunError(
        f"{folder / table} is not the table that manifest.json beside it speaks of: {why}. Put "
        "the run's own table back, or make the run again, with --overwrite."
    )
