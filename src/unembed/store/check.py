"""Whether the tables in a run's folder are those of its manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from unembed import parquet, sealed
from unembed.errors import FormatError, RunError
from unembed.parquet import height_of, read_parquet
from unembed.store import enrichment as store
from unembed.store.arrays import height_of_array
from unembed.store.columns import check_columns
from unembed.store.explanation import explanation_path
from unembed.store.files import RunFiles, listed_files
from unembed.store.manifest import EnrichmentFacts, Manifest, Shard
from unembed.store.shards import TOKENS, damaged
from unembed.store.stamp import RUN, TABLE
from unembed.store.standing import is_file
from unembed.version import __version__

ARRAY = ".npy"
_UNREADABLE = (OSError, PolarsError, ValueError, EOFError)
"""Whoever reads such a table says what is wrong with it."""


def check_finished(folder: Path, manifest: Manifest) -> None:
    """Check that all files of a run are there.

    Raises:
        RunError: naming those that are not.
        OSError: when the disk refuses.
    """
    if missing := missing_tables(folder, manifest):
        count = sum(1 for _ in RunFiles(manifest).tables)
        made = manifest.unembed_version
        by = "" if made == __version__ else f" (by unembed {made}, which made it)"
        raise RunError(
            f"{folder} is not finished: {len(missing):,} of its {count:,} tables "
            f"{'is' if len(missing) == 1 else 'are'} missing, {listed_files(missing)}. Give the "
            f"command that started it again{by}: it makes what is missing, and nothing else."
        )


def missing_tables(folder: Path, manifest: Manifest) -> list[str]:
    """Return the tables of a run that are not there.

    Raises:
        RunError: when something else is in the place of one.
        OSError: when the disk refuses.
    """
    return [table for table in RunFiles(manifest).tables if not is_file(folder / table)]


def check_tables(folder: Path, manifest: Manifest, *, heal: bool = False) -> None:
    """Check that tables are of the run, as far as can be told without reading them.

    Tables say of which run they are; those of earlier versions do not, and are taken by what they
    hold: the bank, the number of its features, of tokens, of sets.

    Args:
        folder: of the run.
        manifest: of the run.
        heal: whether tables that are damaged are passed over: they are about to be made again.

    Raises:
        RunError: naming the first table that belongs elsewhere, or is seen to be damaged.
    """
    unsaid = []
    for table in RunFiles(manifest).tables:
        try:
            if not _says_what_it_is(folder, manifest, table):
                unsaid.append(table)
        except FormatError as error:
            if not heal:
                raise damaged(folder / table, error) from error
        except _UNREADABLE:
            continue  # whoever reads such a table says what is wrong with it
    _check_old(folder, manifest, set(unsaid))
    if manifest.enrichment:
        for shard in manifest.shards():
            _check_scores(folder, shard, manifest.arrays)


def check_published(folder: Path, manifest: Manifest, table: str) -> None:
    """Check that a table of a published run is of the run, as `check_tables` does, when it is read.

    Args:
        folder: that stands for the run.
        manifest: of the run.
        table: the table's path, or an array's.

    Raises:
        RunError: when it belongs elsewhere, or cannot be had.
    """
    try:
        _says_what_it_is(folder, manifest, table)
        if table.endswith(ARRAY):
            for shard in manifest.shards():
                if Path(shard.path).stem == Path(table).stem:
                    _check_height(folder, shard, table)
    except (*_UNREADABLE, FormatError) as error:
        raise damaged(folder / table, error) from error


def _says_what_it_is(folder: Path, manifest: Manifest, table: str) -> bool:
    """Return whether a table says which it is, which is right then, and its columns are its own.

    Raises:
        RunError: when it belongs elsewhere.
        FormatError: when it is seen to be damaged.
        OSError, PolarsError: when it cannot be read.
    """
    said = said_of(folder / table)
    speaks = bool(said) or manifest.is_sealed
    if speaks and (why := misplaced(manifest, table, said)):
        sealed.verify(folder / table, required=manifest.is_sealed)
        raise _foreign(folder, table, why)
    if not table.endswith(ARRAY):
        check_columns(folder, table)
    return speaks


def said_of(path: Path) -> dict[str, str]:
    """Return of which run a table says it is, and which of its tables; nothing of old ones.

    Raises:
        FormatError: when it is seen to be damaged.
        OSError, PolarsError: when it cannot be read.
    """
    said = sealed.said_of(path) if path.suffix == ARRAY else parquet.said_of(path)
    return {key: said[key] for key in (RUN, TABLE) if key in said}


def misplaced(manifest: Manifest, table: str, said: Mapping[str, str]) -> str | None:
    """Return why a table is not the one of its name, by what it says of itself; None if it is."""
    if RUN not in said or TABLE not in said:
        return "it does not say of which run it is"
    if said[RUN] != manifest.digest:
        return "it says that it was written by another run"
    return f"it is a copy of {said[TABLE]}" if said[TABLE] != table else None


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


def _check_scores(folder: Path, shard: Shard, kinds: Iterable[str]) -> None:
    for kind in kinds:
        _check_height(folder, shard, store.shard_paths(shard.path)[kind])


def _check_height(folder: Path, shard: Shard, table: str) -> None:
    try:
        found, wanted = height_of_array(folder / table), shard.features
    except RunError:
        return  # whoever reads it says what is wrong with it
    if found != wanted:
        raise _foreign(
            folder, table, f"it has scores of {found:,} features, and should have {wanted:,}"
        )


def _foreign(folder: Path, table: str, why: str) -> RunError:
    return RunError(
        f"{folder / table} is not the table that manifest.json beside it speaks of: {why}. Put "
        "the run's own table back, or move this one away and give the command that made the run "
        "again: it makes what is missing."
    )
