"""How much of SAELens' registry loads by name, and how many bytes travel for it.

A stand-in hub speaks the hub's HTTP on this machine and holds a tiny file for every published
dictionary, in its true layout (`tests/load/published_layouts`, written from the publishers' own
loaders). Every entry is loaded by its name through `load_features`, and its directions are compared
with what they should be by the format's definition, at the residual stream.

    python benchmarks/registry.py              # all 13,857
    python benchmarks/registry.py --sample 500
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from rich.progress import track

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.load.fake_hub import FakeHub, point_at
from tests.load.published_hub import fill, repositories
from tests.load.published_layouts import Bank, Entry, Size, entries, lay
from unembed import Features
from unembed.errors import UnembedError
from unembed.load import load_features

BEFORE = 500
"""How many loaded before the registry was known: by the path of their folder, none by name."""
LARGE = Size(d_model=64, n_heads=4, d_head=12, features=16_384)
"""Large enough that a few kilobytes of headers do not hide whether an encoder travelled."""
TOLERANCE = 1e-5
AT_ONCE = 100
PIPED = not sys.stdout.isatty()


class Outcome(NamedTuple):
    """What came of one entry: `equal`, or what was wrong."""

    entry: Entry
    equal: bool
    loaded: bool
    reason: str = ""


class Fetched(NamedTuple):
    """The bytes of one entry's files: all, those that travelled, and those that were needed.

    Attributes:
        file: the largest one.
        needed: the decoder, and how often its features fire where that is there.
    """

    entry: Entry
    file: str
    size: int
    sent: int
    needed: int


@contextmanager
def stand_in(size: Size, some: Sequence[Entry]) -> Iterator[FakeHub]:
    """Serve the repositories of some entries with files of a size, to an empty cache.

    They list the files of these entries alone, or to list thousands would be most of the work.
    """
    with (
        tempfile.TemporaryDirectory(prefix="registry-") as cache,
        FakeHub() as hub,
        pytest.MonkeyPatch.context() as patch,
    ):
        fill(hub, repositories(size, tuple(some)))
        point_at(hub.endpoint, Path(cache), patch)
        yield hub


def chosen(sample: int | None) -> Sequence[Entry]:
    """Return all entries, or about so many of them, evenly spread, of every release."""
    every = entries()
    if sample is None or sample >= len(every):
        return every
    step = len(every) / sample
    first = {entry.release: number for number, entry in reversed(list(enumerate(every)))}
    spread = {int(number * step) for number in range(sample)}
    return [every[number] for number in sorted(spread | set(first.values()))]


def walk(some: Sequence[Entry]) -> list[Outcome]:
    """Load some entries, from a hub of this process's own."""
    outcomes = []
    with stand_in(Size(), some) as hub:
        for entry in some:
            outcomes.append(outcome(entry))
            hub.log.clear()
    return outcomes


def outcome(entry: Entry) -> Outcome:
    """Load one entry by its name, and compare it with the definition."""
    try:
        banks = load_features(entry.name)
    except UnembedError as error:
        return Outcome(entry, False, False, generally(f"{type(error).__name__}: {error}"))
    except Exception as error:  # a fault of ours is counted, and does not end the walk
        return Outcome(entry, False, False, generally(f"FAULT {type(error).__name__}: {error}"))
    wrong = difference(banks, lay(entry).banks())
    return Outcome(entry, not wrong, True, wrong)


def difference(banks: Sequence[Features], right: Sequence[Bank]) -> str:
    """Return in what the banks differ from what they should be; nothing where they do not."""
    if len(banks) != len(right):
        return f"{len(banks)} banks instead of {len(right)}"
    for bank, expected in zip(banks, right, strict=True):
        if bank.W_dec.shape != expected.W_dec.shape:
            return f"shape {list(bank.W_dec.shape)} instead of {list(expected.W_dec.shape)}"
        if not np.allclose(bank.W_dec.numpy(), expected.W_dec, rtol=TOLERANCE, atol=TOLERANCE):
            return "other directions"
        if bank.layer != expected.layer:
            return f"layer {bank.layer} instead of {expected.layer}"
    return ""


def generally(reason: str) -> str:
    """Return a reason without what is peculiar to one entry."""
    return re.sub(r"(?:hf:)?[\w.-]+/[\w./:@-]+|\d+", "…", reason)[:160]


def fetched(entry: Entry, hub: FakeHub) -> Fetched | str:
    """Load one entry with an empty cache, and count the bytes of its tensors that travelled."""
    hub.log.clear()
    try:
        load_features(entry.name)
    except UnembedError as error:
        return generally(str(error))
    laid = lay(entry, LARGE)
    sizes = {path: len(make()) for path, make in laid.files.items() if path.endswith(_TENSORS)}
    sent = sum(
        request.stop - request.first
        for request in hub.log
        if request.repo == entry.repo and request.path in sizes
    )
    banks = laid.banks()
    width = LARGE.z if (banks[0].hook or "").endswith("hook_z") else LARGE.d_model
    features = sum(len(bank.W_dec) for bank in banks)
    density = 4 * features if any("sparsity" in path for path in sizes) else 0
    needed = features * width * (2 if entry.loader in _HALF else 4) + density
    file = max(sizes, key=lambda path: sizes[path])
    return Fetched(entry, file, sum(sizes.values()), sent, needed)


_TENSORS = (".safetensors", ".npz", ".pt", ".pth")
_HALF = (
    "llama_scope",
    "goodfire",
    "deepseek_r1",
    "mwhanna_transcoder",
    "mntss_clt_layer_transcoder",
)
"""Loaders whose layouts are laid out in bfloat16."""


def print_shares(outcomes: Sequence[Outcome]) -> None:
    """Print how much of each loader's releases loads, and why what does not does not."""
    found: dict[str, list[Outcome]] = defaultdict(list)
    for each in outcomes:
        found[each.entry.loader].append(each)
    print("| loader | releases | SAEs | load | directions as defined |")
    print("|---|---|---|---|---|")
    for loader, several in sorted(found.items(), key=lambda item: -len(item[1])):
        releases = len({each.entry.release for each in several})
        loaded, equal = (
            sum(getattr(each, what) for each in several) for what in ("loaded", "equal")
        )
        print(f"| {loader} | {releases} | {len(several):,} | {loaded:,} | {equal:,} |")
    equal, total = sum(each.equal for each in outcomes), len(outcomes)
    whole = {each.entry.release for each in outcomes} - {
        each.entry.release for each in outcomes if not each.equal
    }
    print(f"\nby name, with the right directions: {equal:,} of {total:,} ({equal / total:.2%});")
    print(f"releases of which every one does: {len(whole)} of 170")
    print(f"before: none by name, {BEFORE} of {len(entries()):,} by path", end=" ")
    print(f"({BEFORE / len(entries()):.1%})\n")
    for (loader, reason), count in Counter(
        (each.entry.loader, each.reason) for each in outcomes if not each.equal
    ).most_common():
        example = next(
            e.entry.name for e in outcomes if (e.entry.loader, e.reason) == (loader, reason)
        )
        print(f"- {loader}, {count:,}: {reason} (first: {example})")


def print_bytes(several: Sequence[Fetched | str]) -> None:
    """Print what travelled of one entry of each loader, over the tensors that were needed."""
    print("| loader | largest file | bytes of all | travelled | of needed tensors | the rest |")
    print("|---|---|---|---|---|---|")
    for each in several:
        if isinstance(each, str):
            print(f"- {each}")
            continue
        print(
            f"| {each.entry.loader} | {Path(each.file).name[:40]} | {each.size:,} | {each.sent:,} "
            f"| {each.needed:,} | {each.sent - each.needed:,} |"
        )


def main() -> None:
    """Walk the registry and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, help="about so many entries, of every release")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    arguments = parser.parse_args()
    start, every = time.perf_counter(), chosen(arguments.sample)
    parts = [every[first : first + AT_ONCE] for first in range(0, len(every), AT_ONCE)]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        walked = track(pool.map(walk, parts), "Loading by name", len(parts), disable=PIPED)
        outcomes = [each for part in walked for each in part]
    print_shares(outcomes)
    print(f"\n{len(outcomes):,} entries in {time.perf_counter() - start:.0f} s\n")
    first = {entry.loader: entry for entry in reversed(entries())}
    with stand_in(LARGE, list(first.values())) as hub:
        print_bytes([fetched(entry, hub) for entry in first.values()])


if __name__ == "__main__":
    main()
