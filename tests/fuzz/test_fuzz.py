"""No input nearly right makes a reader do anything but return a value or say what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.fuzz.corpus import kept
from tests.fuzz.hunt import hunt
from tests.fuzz.listed import tried
from tests.fuzz.seeds import SEEDS, seeds_of
from tests.fuzz.shares import share_of
from tests.fuzz.worker import Worker

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's"),
]

CASES = 10_000
SECONDS = 10.0
"""Five times what a case may take, for machines that do other things too."""


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


@pytest.mark.parametrize("reader", SEEDS)
def test_seeds_are_read(worker: Worker, reader: str) -> None:
    """What is changed is real: it is read, or refused for the reason that it stands for."""
    seeds = seeds_of(reader)
    worker.begin(reader, seeds, SECONDS)
    found = {name: worker.tried(name, {}) for name in seeds}
    wrong = {
        name: outcome
        for name, outcome in found.items()
        if outcome.is_fault or seeds[name].refused not in (None, outcome.kind == "error")
    }
    assert not wrong


def test_what_is_listed(worker: Worker) -> None:
    """Every input that is known to be hard, by its kind: a value or an error, as it should be."""
    found = [*tried(worker, SECONDS)]
    names = {f"{case.reader}, {case.kind}: {case.what}" for case, _ in found}
    assert len(names) == len(found)
    assert not [(case.kind, case.what, seen) for case, seen in found if case.is_wrong(seen)]


@pytest.mark.parametrize("reader", sorted({case.reader for case in kept().values()}))
def test_what_was_found_once(worker: Worker, reader: str) -> None:
    worker.begin(reader, seeds_of(reader), SECONDS)
    found = {
        f"{name} ({case.why})": worker.tried(case.seed, case.files)
        for name, case in kept().items()
        if case.reader == reader
    }
    assert not {name: outcome for name, outcome in found.items() if outcome.is_fault}


@pytest.mark.parametrize("reader", SEEDS)
def test_nearly_right(worker: Worker, reader: str) -> None:
    count = share_of(reader, list(SEEDS), CASES)
    tally = hunt(worker, reader, count, seconds=SECONDS)
    told = "\n".join(fault.told() for fault in tally.faults.values())
    assert not tally.faults, f"{len(tally.faults)} faults of {reader}:\n{told}"
    assert tally.cases > 0.9 * count  # few are drawn twice
