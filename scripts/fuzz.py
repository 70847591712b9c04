"""Hold every reader against input that is nearly right (`tests/fuzz`), as often as is wanted.

    python -m scripts.fuzz --cases 1000000 --state .fuzz --out docs/data/fuzz.md
    python -m scripts.fuzz --listed --out docs/data/listed.md
    python -m scripts.fuzz --case '["models","gpt2-small",[["tree","config.json",5,0]]]'

A million takes an hour on two cores; with `--state`, what is stopped goes on from there. Prints
what each fault was, with the command that shows it again, and a table of all cases; ends with
status 1 where there was a fault.
"""

from __future__ import annotations

import argparse
import atexit
import multiprocessing
import pickle
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from secrets import randbits

from tests.fuzz.corpus import keep
from tests.fuzz.hunt import Tally, hunt
from tests.fuzz.listed import tried as tried_listed
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
    state = _State(options)
    print(
        f"seed {state.seed}, {options.cases:,} cases, {options.seconds:g} s each at most",
        flush=True,
    )
    tallies = {reader: Tally(reader) for reader in state.readers}
    with suppress(KeyboardInterrupt):  # what was tried is told, and kept where that is asked for
        for each in state.tried():
            tally = tallies[each.reader]
            for fault in tally.merge(each):
                print(f"\n{tally.reader}: {fault.told()}", flush=True)
                if options.keep:
                    keep(fault)
            tried = sum(tally.cases for tally in tallies.values())
            faults = sum(len(tally.faults) for tally in tallies.values())
            print(f"{tried:9,} cases  {faults} faults", file=sys.stderr, flush=True)
    table = _table(list(tallies.values()), state.seed)
    print(f"\n{table}")
    if options.out and not state.left:
        options.out.write_text(table, encoding="utf-8")
    return int(bool(state.left) or any(tally.faults for tally in tallies.values()))


class _State:
    """The stretches of cases: those that were tried, also in an earlier call, and those left.

    Args:
        options: of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._done: dict[tuple[int, str, int], Tally] = {}
        seed = options.seed
        if options.state and options.state.is_file():
            with options.state.open("rb") as file:
                kept = pickle.load(file)
                if seed not in (None, kept):
                    raise SystemExit(f"{options.state} holds cases of the seed {kept}.")
                seed = kept
                while file.peek(1):
                    self._done.update([pickle.load(file)])
        self.seed: int = randbits(32) if seed is None else seed
        self.readers: list[str] = options.reader or list(SEEDS)
        stretches = enumerate(_stretches(self.readers, options.cases))
        self._wanted = [(self.seed + at, reader, count) for at, (reader, count) in stretches]

    @property
    def left(self) -> list[tuple[int, str, int]]:
        """The stretches that were not tried: their seed, the reader, how many cases."""
        return [each for each in self._wanted if each not in self._done]

    def tried(self) -> Iterator[Tally]:
        """Yield what became of each stretch, as they end."""
        yield from (self._done[each] for each in self._wanted if each in self._done)
        with _pool(self._options.workers) as pool:
            seconds = self._options.seconds
            waiting = {pool.submit(_stretch, *each, seconds): each for each in self.left}
            for ended in as_completed(waiting):
                if (error := ended.exception()) is not None:  # of the fuzzer: the rest is tried
                    traceback.print_exception(error)
                    continue
                self._keep(waiting[ended], ended.result())
                yield ended.result()

    def _keep(self, stretch: tuple[int, str, int], tally: Tally) -> None:
        self._done[stretch] = tally
        path: Path | None = self._options.state
        if path is None:
            return
        with path.open("ab") as file:
            if not file.tell():
                pickle.dump(self.seed, file)
            pickle.dump((stretch, tally), file)


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
    parser.add_argument("--state", type=Path, help="keeps what was tried, to go on from there")
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


def _stretch(seed: int, reader: str, count: int, seconds: float) -> Tally:
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
        for case, outcome in tried_listed(worker, seconds):
            outcomes.setdefault(case.kind, []).append(outcome)
            if case.is_wrong(outcome):
                wrong += 1
                print(f"{case.reader}, {case.kind}, {case.what}: {outcome.kind}: {outcome.said}")
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


def _table(tallies: list[Tally], seed: int) -> str:
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
    seconds = sum(tally.seconds for tally in tallies)
    said = f"{total:,} cases of seed {seed}, in {seconds / 60:,.0f} minutes of one process."
    return "\n".join([*lines, "", said, ""])


if __name__ == "__main__":
    sys.exit(main())
