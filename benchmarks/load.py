"""What the explorer's server bears: answers a second, and how long they take, by several readers.

The real command serves a run on this machine, in a process of its own. Readers ask it what the page
asks: each opens the overview with its columns, the sets and the tokens once, then looks at one
thing after another: features at random with their logit weights, their nearest features and the
members of a set, sets over all features, two sets against each other, tokens, rows of the table,
layers. What a browser keeps is not asked again. Every reader has one connection, and asks again
as soon as it is answered; how many things they look at in all is fixed.

    python benchmarks/load.py RUN [--clients 1 8 64] [--views 400] [--rounds 3] [--src FOLDER …]

With several `--src`, the `src` folders of checkouts, these are measured in turn, round by round.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import quote, urlsplit

from serving import machine, resident, serving

MOST_SECONDS = 120
"""No round takes longer: what was not asked by then is left out."""
OPENING = (
    "run.json", "columns/skewness.bin", "columns/kurtosis.bin", "columns/std.bin",
    "columns/class.bin", "columns/index.bin", "rows/0.json", "sets.json", "tokens.json",
)  # fmt: skip
VIEWS = {"feature": 60, "set": 10, "pair": 5, "token": 10, "rows": 10, "layers": 5}
"""Of a hundred things that are looked at."""


@dataclass
class Facts:
    """What readers need to know to ask for something that is there."""

    features: list[str]
    sets: int
    tokens: int
    pages: int


@dataclass
class Times:
    """Seconds of each kind of answer, and how many were none."""

    of: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: int = 0
    bytes: int = 0

    @property
    def all(self) -> list[float]:
        """Every answer's."""
        return [each for times in self.of.values() for each in times]


class Reader(Thread):
    """One who looks at things until none is left."""

    def __init__(self, address: str, facts: Facts, views: Iterator[int], lock: Lock) -> None:
        super().__init__(daemon=True)
        self.times = Times()
        self._facts, self._views, self._lock = facts, views, lock
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=60)
        self._kept: set[str] = set()
        self._until = time.monotonic() + MOST_SECONDS

    def run(self) -> None:
        """Open the page, and look at what comes next."""
        for path in OPENING:
            self._ask(path)
        while time.monotonic() < self._until:
            with self._lock:
                number = next(self._views, None)
            if number is None:
                break
            self._look(random.Random(number))
        self._connection.close()

    def _look(self, chance: random.Random) -> None:
        facts = self._facts
        (view,) = chance.choices(list(VIEWS), list(VIEWS.values()))
        one, other = (chance.randrange(facts.sets) for _ in range(2))
        token = chance.randrange(facts.tokens)
        if view == "feature":
            address = quote(chance.choice(facts.features))
            found = json.loads(self._ask(f"features/{address}.json"))
            self._ask(f"features/{address}/weights.f32")
            for number in found["sets"]["set"][:1]:
                self._ask(f"sets/{number}/members.i32")
            if found["top"]:
                self._ask(f"features/{address}/nearest.json")
        elif view == "set":
            for end in (".json", "/z.f32", "/log10_p.f32", "/log10_q.f32", "/members.i32"):
                self._ask(f"sets/{one}{end}")
        elif view == "pair":
            for number in (one, other):
                for end in ("z.f32", "log10_q.f32", "members.i32"):
                    self._ask(f"sets/{number}/{end}")
            if one != other:
                self._ask(f"sets/{one}/against/{other}.f32", also=(404,))
        elif view == "token":
            self._ask(f"tokens/{token}.json")
            self._ask(f"tokens/{token}/weights.f32")
        elif view == "rows":
            self._ask(f"rows/{chance.randrange(facts.pages)}.json")
        else:
            self._ask("layers.json")

    def _ask(self, path: str, also: tuple[int, ...] = ()) -> bytes:
        if path in self._kept:
            return b""
        if not path.startswith("features/") or not path.endswith(".json"):
            self._kept.add(path)
        begin = time.perf_counter()
        self._connection.request("GET", f"/api/{path}")
        answer = self._connection.getresponse()
        body = answer.read()
        self.times.of[kind(path)].append(time.perf_counter() - begin)
        self.times.bytes += len(body)
        self.times.failed += answer.status not in (200, *also)
        return body


def kind(path: str) -> str:
    """Return what a path asks for, without the name of the thing.

    >>> kind("features/mlp.20/7.json"), kind("sets/7/z.f32"), kind("sets.json")
    ('features/….json', 'sets/…/z.f32', 'sets.json')
    """
    if "/against/" in path:
        return "sets/…/against/….f32"
    first, *between = path.split("/")
    if not between:
        return first
    whole = re.fullmatch(r"(?:features/[^/]+|[^/]+)/[^/]+(\.\w+)", path)
    return f"{first}/…{whole[1]}" if whole else f"{first}/…/{between[-1]}"


def facts_of(address: str) -> Facts:
    """Ask the server what there is."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=60)

    def ask(path: str) -> Any:
        connection.request("GET", f"/api/{path}")
        return connection.getresponse().read()

    run = json.loads(ask("run.json"))
    places = memoryview(ask("columns/index.bin")).cast("i")
    features = [
        f"{bank['name']}/{places[row]}"
        for bank in run["banks"]
        for row in range(bank["start"], bank["start"] + bank["features"])
    ]
    sets, tokens = (json.loads(ask(f"{name}.json")) for name in ("sets", "tokens"))
    pages = math.ceil(run["features"] / run["page"])
    return Facts(features, len(sets["name"]), len(tokens["id"]), pages)


def measure(address: str, facts: Facts, clients: int, views: int, seed: int) -> tuple[Times, float]:
    """Return the times of all readers together, and the seconds that they took."""
    lock = Lock()
    numbers = iter(range(seed * 100_000, seed * 100_000 + views))
    readers = [Reader(address, facts, numbers, lock) for _ in range(clients)]
    begin = time.perf_counter()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    took = time.perf_counter() - begin
    together = Times()
    for reader in readers:
        for name, times in reader.times.of.items():
            together.of[name] += times
        together.failed += reader.times.failed
        together.bytes += reader.times.bytes
    return together, took


def processor(pid: int) -> float:
    """Return the seconds that a process has computed for, whatever others on the machine do."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def percentile(times: list[float], share: float) -> float:
    """Return one of the times in milliseconds: the smallest that so many are not beyond."""
    return 1000 * sorted(times)[max(0, math.ceil(share * len(times)) - 1)]


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--views", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--src", type=Path, nargs="+", default=[Path(__file__).parents[1] / "src"])
    arguments = parser.parse_args()
    print(f"{machine()}; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
    print("| source | clients | answers | a second | p50, ms | p99, ms | CPU, ms | failed | GB |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    by_kind: dict[tuple[Path, int, str], list[float]] = defaultdict(list)
    rates: dict[tuple[Path, int], list[float]] = defaultdict(list)
    for seed in range(arguments.rounds):
        for source in arguments.src:
            with serving(arguments.run, source) as (address, pid, _):
                facts = facts_of(address)
                measure(address, facts, 2, 5, 999)  # waits until the weights are read
                for clients in arguments.clients:
                    before = processor(pid)
                    begin = 1000 * seed + clients  # none sees what was looked at before
                    found, took = measure(address, facts, clients, arguments.views, begin)
                    each = 1000 * (processor(pid) - before) / len(found.all)
                    rates[source, clients].append(len(found.all) / took)
                    for name, times in found.of.items():
                        by_kind[source, clients, name] += times
                    print(
                        f"| {source} | {clients} | {len(found.all):,} | {len(found.all) / took:.0f}"
                        f" | {percentile(found.all, 0.5):.1f} | {percentile(found.all, 0.99):.0f} "
                        f"| {each:.1f} | {found.failed} | {resident(pid):.2f} |",
                        flush=True,
                    )
    print("\nOver all rounds, milliseconds (p50 / p99):\n")
    columns = [(source, clients) for source in arguments.src for clients in arguments.clients]
    print(f"| question | {' | '.join(f'{source}, {clients}' for source, clients in columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    lines = {name: columns for _, _, name in by_kind}
    for name in sorted(lines):
        cells = [by_kind.get((*column, name), []) for column in columns]
        said = [f"{percentile(c, 0.5):.1f} / {percentile(c, 0.99):.0f}" if c else "" for c in cells]
        print(f"| `{name}` | {' | '.join(said)} |")
    medians = [f"{statistics.median(rates[column]):.0f}" for column in columns]
    print(f"| **answers a second, median of rounds** | {' | '.join(medians)} |")


if __name__ == "__main__":
    sys.exit(main())
