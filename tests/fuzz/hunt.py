"""Cases tried one after the other: what became of them, and the smallest case of each fault."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from tests.fuzz.seeds import Seeds, seeds_of
from tests.fuzz.strategies import Case, Change, cases
from tests.fuzz.worker import Outcome, Worker

TOGETHER = 20
"""Cases that are drawn at a time: one alone takes as long to draw as to try."""
MOST_FAULTS = 40
"""Different faults of one reader after which it is not asked any more."""
MOST_HANGS = 5
"""Cases that had to be ended, likewise: each takes as long as a thousand others."""


@dataclass
class Found:
    """A fault and the smallest case that shows it."""

    case: Case
    outcome: Outcome
    count: int = 1

    def told(self) -> str:
        """Return what was wrong, and how to see it again."""
        return (
            f"{self.outcome.kind}: {self.outcome.said}\n"
            f"    seen {self.count} ×; again: python -m scripts.fuzz --case '{self.case.dump()}'"
        )


@dataclass
class Tally:
    """What became of one reader's cases."""

    reader: str
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: dict[str, Found] = field(default_factory=dict)
    slowest: float = 0.0
    memory: int = 0
    seconds: float = 0.0

    @property
    def cases(self) -> int:
        """How many were tried."""
        return sum(self.outcomes.values())

    @property
    def is_enough(self) -> bool:
        """Whether so much was wrong that more cases would say nothing new."""
        hangs = sum(found.count for found in self.faults.values() if found.outcome.kind == "hang")
        return len(self.faults) >= MOST_FAULTS or hangs >= MOST_HANGS

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.outcomes[outcome.kind if not outcome.is_fault else "fault"] += 1
        self.slowest = max(self.slowest, outcome.seconds)
        self.memory = max(self.memory, outcome.memory)

    def merge(self, other: Tally) -> list[Found]:
        """Add what became of more cases of the same reader, and return the faults that are new."""
        new = [found for kind, found in other.faults.items() if kind not in self.faults]
        self.outcomes += other.outcomes
        self.slowest = max(self.slowest, other.slowest)
        self.memory = max(self.memory, other.memory)
        self.seconds += other.seconds
        for kind, found in other.faults.items():
            if kind in self.faults:
                self.faults[kind].count += found.count
            else:
                self.faults[kind] = found
        return new


def hunt(
    worker: Worker,
    reader: str,
    count: int,
    *,
    seconds: float,
    seed: int | None = None,
    progress: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """Return what became of some cases of one reader.

    Args:
        worker: tries them.
        reader: its name.
        count: how many cases are drawn.
        seconds: that a case may take.
        seed: decides them; the same ones each time if None.
        progress: is told after each.
    """
    seeds, tally, started = seeds_of(reader), Tally(reader), time.monotonic()
    worker.begin(reader, seeds, seconds)

    def attempt(case: Case) -> None:
        if len(tally.faults) >= MOST_FAULTS:
            return
        outcome = worker.tried(case.seed, case.files(seeds[case.seed]))
        tally.add(outcome)
        if outcome.is_fault:
            _note(tally, case, outcome, worker, seeds)
        progress(tally)

    def attempt_all(drawn: list[Case]) -> None:
        for case in drawn:
            attempt(case)

    how = settings(
        max_examples=-(-count // TOGETHER), phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck), derandomize=seed is None,
    )  # fmt: skip
    test = how(given(cases(reader, seeds, TOGETHER))(attempt_all))
    (test if seed is None else seeded(seed)(test))()
    return replace(tally, seconds=time.monotonic() - started)


def _note(tally: Tally, case: Case, outcome: Outcome, worker: Worker, seeds: Seeds) -> None:
    """Keep a fault of a new kind with the smallest case that shows it."""
    kind = _kind(outcome)
    if kind in tally.faults:
        tally.faults[kind].count += 1
        return
    small, seen = smallest(case, outcome, worker, seeds)
    tally.faults[kind] = Found(small, seen)


def _kind(outcome: Outcome) -> str:
    """Return what makes two faults one: the exception and the line that it came from."""
    if outcome.kind in ("hang", "crash", "slow", "memory"):
        return outcome.kind
    if outcome.kind in ("unprintable", "unreadable"):
        return f"{outcome.kind} {outcome.said[-30:]}"
    return f"{outcome.kind} {outcome.said.rsplit(' at ', 1)[-1]}"


def smallest(case: Case, outcome: Outcome, worker: Worker, seeds: Seeds) -> tuple[Case, Outcome]:
    """Return the smallest case found that shows the same fault."""
    tries = 60 if outcome.kind not in ("hang", "crash", "slow") else 8
    smaller = True
    while smaller and tries:
        smaller = False
        for less in _smaller(case):
            if not tries:
                break
            tries -= 1
            seen = worker.tried(less.seed, less.files(seeds[less.seed]))
            if _kind(seen) == _kind(outcome):
                case, outcome, smaller = less, seen, True
                break
    return case, outcome


def _smaller(case: Case) -> Iterator[Case]:
    """Yield cases of fewer changes, then of smaller numbers."""
    changes = case.changes
    for at in range(len(changes) if len(changes) > 1 else 0):
        yield case._replace(changes=changes[:at] + changes[at + 1 :])
    for at, change in enumerate(changes):
        for less in _simpler(change):
            yield case._replace(changes=(*changes[:at], less, *changes[at + 1 :]))


def _simpler(change: Change) -> Iterator[Change]:
    for name in ("where", "what"):
        value = getattr(change, name)
        for less in sorted({0, value // 256, value // 8, value // 2, value - 1} - {-1, value}):
            yield change._replace(**{name: less})
