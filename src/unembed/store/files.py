"""Which files a run has: the exact names that its manifest stands for, and no others.

Nothing else in a run's folder is the run's. What makes a file, looks whether all are there, checks
whose they are, or throws them away asks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from unembed.errors import UnembedError
from unembed.store import enrichment as store
from unembed.store.added import beside_paths, steering_path
from unembed.store.explanation import explanation_path
from unembed.store.held import PART
from unembed.store.manifest import MANIFEST, Manifest, Shard
from unembed.store.schema import LENS_CHECK
from unembed.store.shards import TOKENS

LOCK = ".lock"


class BankFiles(NamedTuple):
    """The files of one bank, relative to the run, each tuple made by one step.

    Attributes:
        counts: of the false discovery rate, of the sets' largest |z|, and of the features'
            smallest p, shard by shard.
        tests: of the direction test.
        smallest: of how small a feature's smallest p may be.
        null: of random directions, by set and by direction.
        claims: of the classical null, where it was asked of a sample.
        checks: of what the tests rest on, and of permuted tokens.
    """

    counts: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    smallest: tuple[str, ...] = ()
    null: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, in the order that they are made in."""
        return (
            *self.counts, *self.tests, *self.smallest, *self.null, *self.claims, *self.checks,
        )  # fmt: skip


@dataclass(frozen=True)
class RunFiles:
    """The files of a run, as paths relative to its folder.

    Args:
        manifest: of the run, whose names were checked when it was read.
    """

    manifest: Manifest

    @property
    def of_run(self) -> tuple[str, ...]:
        """The tables that all banks share."""
        if self.manifest.enrichment is None:
            return (TOKENS,)
        return (TOKENS, store.TOKEN_SETS, *self.effects.values())

    @property
    def effects(self) -> dict[bool, str]:
        """The effects of all sets, over W_U (False) and over W_E (True), where z is factored."""
        if not self.manifest.z_is_factored:
            return {}
        paths = {False: store.EFFECTS, True: store.EFFECTS_READ}
        return {reads: paths[reads] for reads in self.manifest.sides}

    def of_bank(self, bank: str) -> BankFiles:
        """Return what is known of a bank before a feature of it is swept."""
        tested = self.manifest.enrichment
        if tested is None:
            return BankFiles()
        # runs of earlier versions had no need of random directions without TSEA
        simulated = tested.tsea != "none" or self.manifest.is_explained
        null = store.null_paths(bank) if simulated else ()
        claims = (store.claims_path(bank),) if self.manifest.claims_are_sampled else ()
        found = BankFiles(
            tuple(self.counts(bank)), (store.tests_path(bank),), null=null, claims=claims
        )
        if not self.manifest.features_are_tested:
            return found
        checks = (store.checks_path(bank), store.permuted_path(bank))
        return found._replace(smallest=(store.smallest_null_path(bank),), checks=checks)

    def rates(self, bank: str) -> list[str]:
        """Return the files that hold how many of a bank's pairs have which p."""
        if not self.manifest.pairs_are_counted_by_shard:
            return [store.rate_path(bank)]
        return [store.count_paths(shard.path)[0] for shard in self.manifest.shards(bank)]

    def counts(self, bank: str) -> list[str]:
        """Return all files that a bank's pairs are counted in."""
        if not self.manifest.pairs_are_counted_by_shard:
            return self.rates(bank)
        known = 3 if self.manifest.features_are_tested else 2
        of_shards = (store.count_paths(shard.path) for shard in self.manifest.shards(bank))
        return [path for paths in of_shards for path in paths[:known]]

    def of_shard(self, shard: Shard) -> tuple[str, ...]:
        """Return the tables of a shard, that of its features last."""
        paths = store.shard_paths(shard.path)
        counted = ("claims",) if self.manifest.claims_are_counted else ()
        kinds = (*self.manifest.arrays, "pairs", *counted) if self.manifest.enrichment else ()
        scores = [paths[kind] for kind in kinds]
        explained = (explanation_path(shard.path),) if self.manifest.is_explained else ()
        return (*scores, *explained, shard.path)

    @property
    def tables(self) -> Iterator[str]:
        """All tables and arrays, in the order that they are made in."""
        yield from self.of_run
        for bank in self.manifest.names:
            yield from self.of_bank(bank).all
            for shard in self.manifest.shards(bank):
                yield from self.of_shard(shard)

    @property
    def added(self) -> tuple[str, ...]:
        """Tables that a finished run may be given: it is finished without them."""
        banks = self.manifest.names
        said = (path for bank in banks for path in beside_paths(bank))
        return (LENS_CHECK, *said, *map(steering_path, banks))

    @property
    def unfinished(self) -> Iterator[str]:
        """What a program that is stopped while it writes leaves."""
        for path in (*self.tables, *self.added, MANIFEST):
            yield f"{path}{PART}"

    @property
    def written(self) -> Iterator[str]:
        """All that one program writes, but the lock; several have places (`store.programs`)."""
        yield from (*self.tables, *self.added, MANIFEST)
        yield from self.unfinished

    @property
    def folders(self) -> list[str]:
        """The folders of the tables, each after those inside it."""
        tables = (*self.tables, *self.added)
        found = {str(above) for path in tables for above in PurePosixPath(path).parents}
        return sorted(found - {"."}, key=lambda path: (-path.count("/"), path))


def check_distinct(files: RunFiles) -> None:
    """Check that no two tables of a run that is to be made have one name, on any disk.

    Raises:
        UnembedError: naming the file and its banks, also where the disks of some systems would not
            tell two names apart.
    """
    seen: dict[str, str] = {}
    for bank in files.manifest.names:
        shards = (path for each in files.manifest.shards(bank) for path in files.of_shard(each))
        for path in (*files.of_bank(bank).all, *shards):
            other = seen.setdefault(path.casefold(), bank)
            if other != bank:
                raise UnembedError(
                    f"The banks {other!r} and {bank!r} would both have the file {path}, on disks "
                    "that do not tell capitals from small letters at least. Name one of them "
                    "otherwise, as NAME=REFERENCE."
                )


def listed_files(paths: Iterable[str], most: int = 6) -> str:
    """Return files in a row, with a count of those beyond the first few."""
    known = list(paths)
    more = f" and {len(known) - most:,} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
