"""What a command costs before it does anything: whole processes, from the start to the last line.

Each command is run on a finished run of the demo, as a person types it or a shell asks for
completion; of the explorer, from its start until its page answers, and until what the page shows
first is there. With a second source tree, both are run in turn, so that a busy machine slows both.

    python benchmarks/commands.py [--run RUN] [--before SRC] [--rounds 9]
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stats import machine

from unembed import Run

SOURCES = Path(__file__).parents[1] / "src"
FEATURE, TOKEN_SET = "mlp.26/1329", "pronouns_second_person"
PROGRAM = "import sys; sys.argv[0] = 'unembed'; from unembed.cli import main; main()"
"""What the installed command does."""
WHERE = "import importlib.util as util; print(util.find_spec('unembed').origin)"
PAGE, FIRST = "`explore`, until its page answers", "`explore`, until the overview is there"


class Process(NamedTuple):
    """A command: its arguments, and what a shell says when it asks for completion."""

    arguments: Sequence[str]
    asked: Mapping[str, str] = {}


def commands(run: Path) -> dict[str, Process]:
    """Return what is timed, by name."""
    here = str(run)
    return {
        "`--help`": Process(["--help"]),
        "completion of a command": completion("ex"),
        "completion of a token set": completion("leading-edge", here, FEATURE, "pron"),
        "`show`": Process(["show", here, FEATURE]),
        "`features`": Process(["features", here]),
        "`find --class prediction`": Process(["find", here, "--class", "prediction"]),
        "`enrichment --set`": Process(["enrichment", here, "--set", TOKEN_SET]),
        "`layers`": Process(["layers", here]),
        "`explain --stored`": Process(["explain", here, FEATURE, "--stored"]),
        "`explain`, weights read again": Process(["explain", here, FEATURE]),
    }


def completion(*words: str) -> Process:
    """Return how bash asks what the last of these words may become."""
    asked = {"COMP_WORDS": " ".join(["unembed", *words]), "COMP_CWORD": str(len(words))}
    return Process([], {"_UNEMBED_COMPLETE": "complete_bash", **asked})


def environment(sources: Path) -> dict[str, str]:
    """Return what a process needs to run the package that lies below a folder."""
    return {**os.environ, "PYTHONPATH": str(sources), "NO_COLOR": "1"}


def seconds_of(command: Process, sources: Path) -> float:
    """Return how long a command takes as a process of its own.

    Raises:
        SystemExit: when it fails.
    """
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command.arguments],
        env={**environment(sources), **command.asked}, capture_output=True, text=True,
    )  # fmt: skip
    took = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"unembed {' '.join(command.arguments)} of {sources}: {done.stderr}")
    return took


def seconds_to_page(run: Path, sources: Path) -> tuple[float, float]:
    """Return how long the explorer takes until its page answers, and the first question of it.

    Raises:
        SystemExit: when it does not start.
    """
    begin = time.perf_counter()
    arguments = ["explore", run, "--no-browser", "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment(sources), stderr=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stderr
        said = server.stderr.readline()
        found = re.search(r"http://[\d.:]+/", said)
        if not found:
            raise SystemExit(f"unembed explore of {sources}: {said}{server.stderr.read()}")
        try:
            answers = []
            for path in ("", "api/run.json"):
                with urllib.request.urlopen(f"{found.group()}{path}") as answer:
                    assert answer.read()
                answers.append(time.perf_counter() - begin)
        finally:
            server.send_signal(signal.SIGINT)
    return answers[0], answers[1]


def measure(
    run: Path, trees: Mapping[str, Path], rounds: int, *, explore: bool
) -> Iterator[tuple[str, dict[str, list[float]]]]:
    """Yield each command with its seconds by tree: the trees in turn, one warm round before."""
    for name, command in commands(run).items():
        yield name, in_turn(trees, rounds, lambda at, it=command: (seconds_of(it, at),))[0]
    if explore:
        page, first = in_turn(trees, rounds, lambda at: seconds_to_page(run, at))
        yield PAGE, page
        yield FIRST, first


def in_turn(
    trees: Mapping[str, Path], rounds: int, time_of: Callable[[Path], Sequence[float]]
) -> list[dict[str, list[float]]]:
    """Return the seconds by tree, for each thing that is timed in one go."""
    found: list[dict[str, list[float]]] = []
    for number in range(rounds + 1):
        order = list(trees) if number % 2 else list(trees)[::-1]
        for tree in order:
            times = time_of(trees[tree])
            found = found or [defaultdict(list) for _ in times]
            for kept, seconds in zip(found, times, strict=True):
                if number:  # the first round reads files that later ones find in memory
                    kept[tree].append(seconds)
    return found


def check(trees: Mapping[str, Path]) -> None:
    """Check that each tree is what is run from it.

    Raises:
        SystemExit: when another package would be.
    """
    for name, sources in trees.items():
        asked = [sys.executable, "-c", WHERE]
        found = subprocess.run(asked, env=environment(sources), capture_output=True, text=True)
        if Path(found.stdout.strip()).parent.parent.resolve() != sources.resolve():
            raise SystemExit(f"{name}: there is no package in {sources}, found {found.stdout}")


def report(run: Path, trees: Mapping[str, Path], rounds: int, *, explore: bool) -> None:
    """Print the table."""
    check(trees)
    features = Run.open(run).manifest.features
    print(f"{machine()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    print(f"{features:,} features; {rounds} rounds\n")
    heads = [f"{tree}: least, s | median, s" for tree in trees]
    ratio = ["least before over least now"] if len(trees) > 1 else []
    print(f"| command | {' | '.join([*heads, *ratio])} |")
    print("|---" * (1 + 2 * len(trees) + len(ratio)) + "|")
    for name, seconds in measure(run, trees, rounds, explore=explore):
        cells = [f"{min(seconds[tree]):.2f} | {statistics.median(seconds[tree]):.2f}"
                 for tree in trees]  # fmt: skip
        if ratio:
            cells.append(f"**{min(seconds['before']) / min(seconds['now']):.1f} ×**")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(f"\nload average at the end {os.getloadavg()[0]:.1f}")


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="a run of the demo, instead of making one")
    parser.add_argument("--before", type=Path, help="the sources of another version: its src/")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--no-explore", action="store_true", help="leave the explorer out")
    arguments = parser.parse_args()
    trees = {"before": arguments.before} if arguments.before else {}
    trees["now"] = SOURCES
    with tempfile.TemporaryDirectory() as folder:
        run = arguments.run or Path(folder) / "demo"
        if not arguments.run:
            seconds_of(Process(["demo", "-o", str(run)]), SOURCES)
        report(run.resolve(), trees, arguments.rounds, explore=not arguments.no_explore)


if __name__ == "__main__":
    main()
