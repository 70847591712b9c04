"""`Dictionary`: one bank of one run, among those that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unembed.addresses import as_written
from unembed.errors import QueryError, did_you_mean
from unembed.facts import BankFacts
from unembed.outside.text import shown
from unembed.questions.lenses import written_as
from unembed.store.tables import RunTables

BETWEEN = ":"
"""What stands between a run's folder and a bank, where the bank's name is not enough."""


@dataclass(frozen=True, eq=False)
class Dictionary:
    """One bank of a run.

    Attributes:
        run: it is in.
        bank: its name there.
        name: what it is called among those that are compared: the bank's name, or `run:bank` where
            several runs have a bank of that name.
    """

    run: RunTables
    bank: str
    name: str

    @property
    def facts(self) -> BankFacts:
        """What the run's manifest says of the bank."""
        return self.run.manifest.bank(self.bank)

    def is_the_same_as(self, other: Dictionary) -> bool:
        """Whether the other is the same features of the same run, perhaps through another lens."""
        same_run = self.run.path == other.run.path
        return same_run and written_as(self.facts) == written_as(other.facts)


def dictionaries(
    runs: RunTables | Sequence[RunTables], banks: str | Sequence[str] | None = None
) -> list[Dictionary]:
    """Return the banks of some runs that are compared, in the order of the runs.

    Args:
        runs: one run, or several.
        banks: only these, in this order: `bank`, of every run that has it, or `run:bank` with the
            name of the run's folder; all, if None.

    Raises:
        QueryError: for a bank that no run has, and for a run that is named twice.
    """
    given = [runs] if isinstance(runs, RunTables) else list(runs)
    known = _named(given)
    if banks is None:
        return known
    wanted = [banks] if isinstance(banks, str) else list(banks)
    chosen = [each for name in wanted for each in _meant(name, known, given)]
    return list(dict.fromkeys(chosen))


def _named(runs: Sequence[RunTables]) -> list[Dictionary]:
    """Return every bank of the runs by a name of its own."""
    folders = _folders(runs)
    every = [(run, folder, bank) for run, folder in zip(runs, folders, strict=True)
             for bank in run.banks]  # fmt: skip
    names = [bank for _, _, bank in every]
    return [
        Dictionary(run, bank, bank if names.count(bank) == 1 else f"{folder}{BETWEEN}{bank}")
        for run, folder, bank in every
    ]


def _folders(runs: Sequence[RunTables]) -> list[str]:
    """Return the shortest ends of the runs' paths that tell them apart; on the hub, their places.

    Raises:
        QueryError: when a run is named twice.
    """
    paths = [run.path.resolve() for run in runs]
    twice = [run.place for at, run in enumerate(runs) if paths[at] in paths[:at]]
    if twice:
        raise QueryError(
            f"{shown(twice[0])} is named twice: a run is compared with others, or its banks with "
            "each other."
        )
    parts = [
        (run.elsewhere,) if run.elsewhere else path.parts
        for run, path in zip(runs, paths, strict=True)
    ]
    for length in range(1, max(map(len, parts), default=0) + 1):
        ends = ["/".join(each[-length:]) for each in parts]
        if len({*ends}) == len(ends):
            return ends
    return ["/".join(each) for each in parts]


def _meant(name: str, known: Sequence[Dictionary], runs: Sequence[RunTables]) -> list[Dictionary]:
    """Return the banks that a name means."""
    folder, between, bank = as_written(name).rpartition(BETWEEN)
    folders = dict(zip(runs, _folders(runs), strict=True))
    found = [
        each
        for each in known
        if each.bank == bank
        and (not between or folder in (folders[each.run], as_written(each.run.place)))
    ]
    if not found:
        names = [each.name for each in known]
        raise QueryError(
            f"There is no bank {name!r} in what is compared.{did_you_mean(name, names)} "
            f"Banks: {', '.join(names)}."
        )
    return found
