"""The units of a run's work: each makes certain files, whole, and can be made by any program.

A unit that finds its files on disk makes nothing. Those of a bank depend on one another: all of its
shards are counted before it is prepared, and it is prepared before a shard of it is swept.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from unembed.analysis.bank import BankSteps
from unembed.analysis.job import Job
from unembed.analysis.sets import SetsOver
from unembed.analysis.shard import sweep_shard
from unembed.enrichment.token_null import TokenNull
from unembed.features import Features, held_against
from unembed.progress import Progress, Report, report_of, silent
from unembed.store.arrays import write_array
from unembed.store.enrichment import TOKEN_SETS
from unembed.store.files import RunFiles
from unembed.store.kept import keep
from unembed.store.manifest import Shard
from unembed.store.schema import token_rows
from unembed.store.shards import TOKENS, write_table
from unembed.sweep import Sweep
from unembed.tokensets.frame import to_frame
from unembed.unembedding import Unembedding


class Bench:
    """What a program makes once for all units of a run.

    Args:
        job: what the run is made from.
        progress: told how that goes.
    """

    def __init__(self, job: Job, progress: Progress = silent) -> None:
        self.job = job
        self._progress = progress
        self._sweeps: dict[Unembedding, Sweep] = {}

    def sweep_of(self, bank: Features) -> Sweep:
        """Return the prepared sweep of what a bank is held against, made once for all of these."""
        against = held_against(bank, self.job.unembedding)
        if against not in self._sweeps:
            self._sweeps[against] = Sweep(against, self.job.settings)
        return self._sweeps[against]

    @cached_property
    def tokens(self) -> TokenNull | None:
        """The classical null, which all banks share; None where there is none."""
        sets = self.job.sets
        return sets.token_null(report_of(self._progress, "Token null")) if sets else None


class Units:
    """The units of one run, as this program makes them.

    Args:
        bench: of this program.
        folder: of the run, which this program may write to.
    """

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.job = bench.job
        self._bench = bench
        self._folder = folder
        self._steps: tuple[int, BankSteps] | None = None

    def write_shared(self) -> None:
        """Write the tables that all banks share."""
        tokens, of_sets = (self._folder / path for path in (TOKENS, TOKEN_SETS))
        keep([tokens], lambda: write_table(tokens, token_rows(self.job.unembedding)))
        if sets := self.job.sets:
            keep([of_sets], lambda: write_table(of_sets, to_frame(sets.token_sets)))
            for reads, path in RunFiles(self.job.manifest).effects.items():
                self._write_effects(self._folder / path, sets.over(reads))

    @staticmethod
    def _write_effects(path: Path, over: SetsOver) -> None:
        keep([path], lambda: write_array(path, [over.effects.delta], np.float32))

    def count(
        self, at: int, shards: Sequence[Shard], own: Collection[Shard], report: Report
    ) -> None:
        """Count the pairs of some shards of a bank, of which this program sweeps its own next."""
        if steps := self._of(at):
            steps.count(shards, own, report)

    def prepare(self, at: int, report: Report) -> None:
        """Make what is known of a bank before a feature of it is swept."""
        if steps := self._of(at):
            steps.test()
            steps.simulate(report)
            steps.claim(self._bench.tokens)
            steps.check()

    def sweep(self, shard: Shard, report: Report) -> None:
        """Sweep, explain and write a shard."""
        steps = self._of(shard.bank)
        readers = steps.readers(shard, self._bench.tokens) if steps else None
        bank = self.job.banks[shard.bank]
        sweep_shard(
            self._folder,
            self.job.manifest,
            shard,
            bank,
            self._bench.sweep_of(bank),
            readers,
            report,
        )

    def _of(self, at: int) -> BankSteps | None:
        """Return the steps of a bank, those of the last one asked for being held; None without."""
        if self.job.sets is None:
            return None
        if self._steps is None or self._steps[0] != at:
            bank = self.job.banks[at]
            steps = BankSteps(
                self._folder, self.job.manifest, at, bank, self.job.sets, self._bench.sweep_of(bank)
            )
            self._steps = at, steps
        return self._steps[1]
