"""What the steps of a run cost that grow with the cube of d_model, and how often W_U is held.

Jobs of the size of GPT-2 small's, Gemma 2 2B's, Llama 3.1 8B's and Gemma 3 27B's, with synthetic
weights. Each has a process of its own, which reads W_U from rows that are made as they are asked
for, and then takes every step of a run, with token sets, as far as its third tile. All of it has
its full size and is measured once, but for what is scaled: the product, from those tiles to all,
and Σ, from 32,768 tokens to all. Seconds are the processor's, which others on the machine do not
change, by the number of threads where a step is spread over all of them. Peak memory is beyond what
the process held when a small run had compiled its kernels.

    python benchmarks/width.py [--widths 768 2304 4096 5376]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from cProfile import Profile
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import NamedTuple

import numpy as np
import torch
from enrichment import TILE, bank, high_water
from stats import machine

import unembed
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment.effects import effects_of
from unembed.outside.row_reader import RowReader
from unembed.sweep import Sweep, SweepSettings


class Job(NamedTuple):
    """A run."""

    features: int
    tokens: int


JOBS = {
    768: Job(24_576, 50_257),
    2_304: Job(16_384, 262_144),
    4_096: Job(32_768, 128_256),
    5_376: Job(16_384, 262_144),
}
PRODUCT = "sweep._z_scores"
SUMS = {"Σ, scaled, n d²": "unembedding._covariance", "M, F d²": "second_moment.of"}
CUBES = {
    "root of Σ, d³/3": "unembedding.root",
    "root of M, d³/3": "second_moment.root",
    "RᵀΣR, 4/3 d³": "symmetric.congruence",
    "eigenvectors Q, 4 to 9 d³": "products.eigh",
    "R Q, d³": "symmetric.lower_product",
}
"""Steps, their multiplications and the functions that take them."""
ON_ONE_THREAD = ("unembedding.root", "second_moment.root", "products.eigh")
TILES, SETS, SOME = 3, 100, 32_768


def matrix(rows: int, d_model: int) -> RowReader:
    """Return rows of normal numbers, larger in some dimensions, that are made as they are read."""
    size = torch.logspace(0, -1, d_model)

    def read(start: int, stop: int) -> torch.Tensor:
        random = torch.Generator().manual_seed(start)
        return torch.randn(stop - start, d_model, generator=random) * size

    return RowReader((rows, d_model), read)


def prepared(job: Job, d_model: int) -> unembed.Unembedding:
    """Return the unembedding of a job."""
    words = unembed.Vocabulary.from_texts([f" w{i}" for i in range(job.tokens)])
    return unembed.prepare_unembedding(matrix(job.tokens, d_model), words)


def begin(job: Job, unembedding: unembed.Unembedding) -> None:
    """Take the steps of a run as far as its third tile."""
    rows = matrix(job.features, unembedding.d_model)
    features = bank(torch.cat([part for _, part in rows.parts()]))
    random = np.random.default_rng(0)
    members = {f"s{i}": random.choice(job.tokens, 5 + i, replace=False) for i in range(SETS)}
    token_sets = unembed.TokenSets.from_ids(members, unembedding.vocabulary)
    W_U, ids = unembedding.W_U[:SOME], unembedding.token_ids[:SOME]
    # the Σ of some tokens stands for that of all
    vars(unembedding)["covariance"] = replace(unembedding, W_U=W_U, token_ids=ids).covariance
    sweep = Sweep(unembedding, SweepSettings(tile=TILE))
    effects = effects_of(token_sets, unembedding)
    test = DirectionTest(sweep, effects, SecondMoment.of(features))
    test.critical(-3.0)
    for tile in islice(sweep.tiles(features.W_dec), TILES):
        sweep.statistics(tile)
        test.z(tile.features.scaled)


def measure(d_model: int) -> None:
    """Print the seconds of each function, and the peaks in bytes, of a job in this process."""
    begin(Job(600, 700), prepared(Job(600, 700), 16))  # compiles the kernels
    Path("/proc/self/clear_refs").write_text("5")  # the peak is what is held now
    before = high_water()
    unembedding = prepared(JOBS[d_model], d_model)
    peaks = {"prepared": high_water() - before}
    profile = Profile(time.process_time)
    profile.runcall(begin, JOBS[d_model], unembedding)
    found = {
        f"{Path(each.code.co_filename).stem}.{each.code.co_name}": each.totaltime
        for each in profile.getstats()
        if isinstance(each.code, CodeType)
    }
    threads = torch.get_num_threads()
    seconds = {
        name: found[name] / (1 if name in ON_ONE_THREAD else threads)
        for name in (PRODUCT, *SUMS.values(), *CUBES.values())
    }
    print(json.dumps({**seconds, **peaks, "begun": high_water() - before}))


def measured(d_model: int) -> dict[str, float]:
    """Return what `measure` prints in a process of its own."""
    command = [sys.executable, __file__, "--measure", str(d_model)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def print_seconds(found: dict[int, dict[str, float]]) -> None:
    """Print the seconds of each step, and their share of product and steps together."""
    steps = {**SUMS, **CUBES}
    print(f"| d_model | features × tokens | product, scaled | {' | '.join(steps)} | "
          "d³ steps, of the whole | all steps | where Σ is kept |")  # fmt: skip
    print("|--:|---|" + "--:|" * (len(steps) + 4))
    for d_model, each in found.items():
        job = JOBS[d_model]
        product = each[PRODUCT] * job.features / (TILES * TILE)
        seconds = [each[name] for name in steps.values()]
        seconds[0] *= job.tokens / min(SOME, job.tokens)
        whole, cubes = product + sum(seconds), sum(seconds[len(SUMS) :])
        shares = cubes / whole, 1 - product / whole, 1 - product / (whole - seconds[0])
        cells = [f"{product:,.0f}", *(f"{step:,.1f}" for step in seconds),
                 *(f"**{share:.1%}**" for share in shares)]  # fmt: skip
        print(f"| {d_model:,} | {job.features:,} × {job.tokens:,} | {' | '.join(cells)} |")


def print_memory(found: dict[int, dict[str, float]]) -> None:
    """Print peak memory beside what must be held."""
    columns = ("d_model", "W_U, GB", "peak until W_U is prepared, GB", "over W_U", "features, GB",
               "tile, GB", "peak until the third tile, GB",
               "less features and tile, over W_U")  # fmt: skip
    print(f"\n| {' | '.join(columns)} |\n|{'--:|' * len(columns)}")
    for d_model, each in found.items():
        features, tokens = JOBS[d_model]
        W_U, held, tile = 4 * tokens * d_model, 4 * features * d_model, 4 * TILE * tokens
        first, last = each["prepared"], each["begun"]
        print(f"| {d_model:,} | {W_U / 1e9:.2f} | {first / 1e9:.2f} | **{first / W_U:.2f}** | "
              f"{held / 1e9:.2f} | {tile / 1e9:.2f} | {last / 1e9:.2f} | "
              f"**{(last - held - tile) / W_U:.2f}** |")  # fmt: skip


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--widths", type=int, nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--measure", type=int, choices=JOBS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return
    found = {width: measured(width) for width in arguments.widths}
    print(f"{machine()}, load average {os.getloadavg()[2]:.1f}\n")
    print_seconds(found)
    print_memory(found)


if __name__ == "__main__":
    main()
