"""Hold every reader against input that is nearly right (`tests/fuzz`), as often as is wanted.

    python -m scripts.fuzz --cases 1000000 --out docs/data/fuzz.md
    python -m scripts.fuzz --listed --out docs/data/listed.md
    python -m scripts.fuzz --case '["models","gpt2-small",[["tree","config.json",5,0]]]'

Prints what each fault was, with the command that shows it again, and a table of all cases; ends
with status 1 where there was a fault.
"""

from __future__ import annotations

import argparse
import atexit
import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from secrets import randbits

from tests.fuzz.corpus import keep
from tests.fuzz.hunt import Tally, hunt
from tests.fuzz.listed import listed
from tests.fuzz.seeds import SEEDS, seeds_of
from tests.fuzz.shares import share_of
from tests.fuzz.strategies import Case
from tests.fuzz.worker import Outcome, Worker

STRETCH = 4000
"""Cases that are drawn from one seed, after which the next stretch has its own."""


def main() -> int:
    """Return the exit status."""
    options = _options()
    if options.case:
        return _one(Case.load(options.case), options.seconds)
    if options.listed:
        return _listed(options.seconds, options.out)
    seed = randbits(32) if options.seed is None else options.seed
    readers = options.reader or list(SEEDS)
    print(f"seed {seed}, {options.cases:,} cases, {options.seconds:g} s each at most", flush=True)
    started = time.monotonic()
    tallies, broken = {reader: Tally(reader) for reader in readers}, 0
    with _pool(options.workers) as pool:
        waiting: dict[Future[Tally], str] = {}
        for number, (reader, count) in enumerate(_stretches(readers, options.cases)):
            how = (reader, count, seed + number, options.seconds)
            waiting[pool.submit(_stretch, *how)] = reader
        for done in as_completed(waiting):
            tally = tallies[waiting[done]]
            if (error := done.exception()) is not None:  # of the fuzzer itself: the rest is tried
                broken += 1
                traceback.print_exception(error)
                continue
            for fault in tally.merge(done.result()):
                print(f"\n{tally.reader}: {fault.told()}", flush=True)
                if options.keep:
                    keep(fault)
            tried = sum(tally.cases for tally in tallies.values())
            faults = sum(len(tally.faults) for tally in tallies.values())
            print(f"{time.monotonic() - started:7.0f} s  {tried:9,} cases  {faults} faults",
                  file=sys.stderr, flush=True)  # fmt: skip
    table = _table(list(tallies.values()), seed, time.monotonic() - started)
    print(f"\n{table}")
    if options.out:
        options.out.write_text(table, encoding="utf-8")
    return int(broken > 0 or any(tally.faults for tally in tallies.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cases", type=int, default=10_000, help="in all")
    parser.add_argument("--seed", type=int, help="decides the cases; any, if not given")
    parser.add_argument("--seconds", type=float, default=2.0, help="that a case may take")
    parser.add_argument("--workers", type=int, default=2, help="at a time")
    parser.add_argument("--reader", action="append", choices=SEEDS, help="only this; may repeat")
    parser.add_argument("--case", help="one case alone, as a fault was told")
    parser.add_argument("--listed", action="store_true", help="inputs known to be hard, by kind")
    parser.add_argument("--keep", action="store_true", help="keep faults in the corpus")
    parser.add_argument("--out", type=Path, help="a file for the table")
    return parser.parse_args()


def _stretches(readers: list[str], cases: int) -> Iterator[tuple[str, int]]:
    """Yield readers and how many cases of each, in stretches."""
    for reader in readers:
        left = share_of(reader, readers, cases)
        while left > 0:
            yield reader, min(left, STRETCH)
            left -= STRETCH


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Yield processes that end with whatever ends this one."""
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@cache
def _own() -> Worker:
    """Return the one worker of a process of the pool: starting one takes seconds."""
    worker = Worker()
    atexit.register(worker.close)
    return worker


def _stretch(reader: str, count: int, seed: int, seconds: float) -> Tally:
    return hunt(_own(), reader, count, seconds=seconds, seed=seed)


def _one(case: Case, seconds: float) -> int:
    """Try one case, print what became of it, and return the exit status."""
    seeds = seeds_of(case.reader)
    files = case.files(seeds[case.seed])
    with closing(Worker()) as worker:
        worker.begin(case.reader, seeds, seconds)
        outcome = worker.tried(case.seed, files)
    for path, content in files.items():
        print(
            f"{path}: {'gone' if content is None else f'{len(content):,} bytes {content[:300]!r}'}"
        )
    print(f"{outcome.kind} after {outcome.seconds:.2f} s, {outcome.memory:,} bytes: {outcome.said}")
    return int(outcome.is_fault)


def _listed(seconds: float, out: Path | None) -> int:
    """Try every input of `tests.fuzz.listed`, print a table by kind, and return the exit status."""
    outcomes: dict[str, list[Outcome]] = {}
    wrong = 0
    with closing(Worker()) as worker:
        for reader in SEEDS:
            worker.begin(reader, seeds_of(reader), seconds)
            for case in (each for each in listed() if each.reader == reader):
                outcome = worker.tried(case.seed, case.files)
                outcomes.setdefault(case.kind, []).append(outcome)
                if outcome.is_fault or case.outcome not in (None, outcome.kind):
                    wrong += 1
                    print(f"{reader}, {case.kind}, {case.what}: {outcome.kind}: {outcome.said}")
    lines = [
        "| what is odd | inputs | values | errors | slowest, s | most memory, MB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for kind, of in sorted(outcomes.items()):
        counts = [sum(each.kind == name for each in of) for name in ("value", "error")]
        slowest, memory = max(each.seconds for each in of), max(each.memory for each in of)
        lines.append(
            f"| {kind} | {len(of)} | {counts[0]} | {counts[1]} | {slowest:.2f} | "
            f"{memory / 1e6:.0f} |"
        )
    table = "\n".join([*lines, ""])
    print(table)
    if out:
        out.write_text(table, encoding="utf-8")
    return int(wrong > 0)


def _table(tallies: list[Tally], seed: int, seconds: float) -> str:
    lines = [
        "| reader | cases | values | errors | faults | slowest, s | most memory, MB |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {tally.reader} | {tally.cases:,} | {tally.outcomes['value']:,} | "
        f"{tally.outcomes['error']:,} | {tally.outcomes['fault']:,} | {tally.slowest:.2f} | "
        f"{tally.memory / 1e6:.0f} |"
        for tally in tallies
    ]
    total = sum(tally.cases for tally in tallies)
    return "\n".join([*lines, "", f"{total:,} cases of seed {seed} in {seconds:,.0f} s.", ""])


if __name__ == "__main__":
    sys.exit(main())
