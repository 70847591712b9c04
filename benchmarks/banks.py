"""What several SAEs cost in one run: the first bank, and each further one.

Banks of GPT-2 small's size (24,576 × 768, synthetic weights in which every second feature writes
one to three token sets), tested against the whole default collection on GPT-2's vocabulary, which
must be there (`make inputs`): what a run of the residual SAEs of its 12 layers does. Whole runs of
some banks each, in one process, on inputs that are loaded already. What is done once a run is timed
by itself, too. Ratios are to the bare product of a bank in the same process, torch's one call a
tile, in seconds that the processor worked, which others on the machine do not change. Peak memory
is of each run, beyond the interpreter, torch and unembed; what is held of it is W_U and all banks'
W_dec.

    python benchmarks/banks.py [--banks 1 2 4] [--features 24576]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from enrichment import BARE, TILE, high_water, planted, prepared
from stats import V, machine, product, product_in_blocks, weights

import unembed
from unembed.enrichment.effects import effects_of
from unembed.enrichment.token_null import TokenNull

Made = TypeVar("Made")


class Spent(NamedTuple):
    """Seconds of something, and those that the processor worked."""

    wall: float
    cpu: float


def timed(work: Callable[[], Made]) -> tuple[Made, Spent]:
    """Return what a call returns, and what it takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = work()
    return made, Spent(time.perf_counter() - wall, time.process_time() - cpu)


def run(
    unembedding: unembed.Unembedding, sets: unembed.TokenSets, rows: Sequence[torch.Tensor]
) -> None:
    """Analyse banks, with nothing that was computed before."""
    banks = [
        unembed.Features(W_dec, f"sae.{layer}", np.arange(len(W_dec)))
        for layer, W_dec in enumerate(rows)
    ]
    with tempfile.TemporaryDirectory() as folder:
        unembed.analyze(replace(unembedding), banks, Path(folder) / "run", token_sets=sets)


def print_once(W_U: torch.Tensor, bare: float) -> tuple[unembed.Unembedding, unembed.TokenSets]:
    """Print what is done once a run, and return the unembedding and the token sets."""
    whole, of_W_U = timed(lambda: prepared(W_U, real=True))
    sets, of_sets = timed(lambda: unembed.build_token_sets(whole.vocabulary))
    _, of_covariance = timed(lambda: whole.covariance)
    _, of_effects = timed(lambda: effects_of(sets, whole))
    _, of_null = timed(lambda: TokenNull.unweighted(sets.sizes, whole.n_tokens))
    print("| once a run | seconds | of the processor | over the product |\n|---|--:|--:|--:|")
    for name, spent in {
        "vocabulary read, W_U prepared": of_W_U,
        f"{len(sets):,} token sets, from the cache if they are there": of_sets,
        "covariance of W_U": of_covariance,
        "set means": of_effects,
        "classical null": of_null,
    }.items():
        print(f"| {name} | {spent.wall:.2f} | {spent.cpu:.2f} | {spent.cpu / bare:.3f} |")
    return whole, sets


def print_runs(
    unembedding: unembed.Unembedding,
    sets: unembed.TokenSets,
    rows: Sequence[torch.Tensor],
    counts: Sequence[int],
    bare: float,
) -> None:
    """Print what runs of so many banks take."""
    print("\n| banks | seconds | of the processor | over the products of all | each further bank, "
          "over its product | peak, GB | less W_U and W_dec |\n|--:|--:|--:|--:|--:|--:|--:|",
          flush=True)  # fmt: skip
    last = (0, 0.0)
    for count in counts:
        Path("/proc/self/clear_refs").write_text("5")  # the peak is what is held now
        _, spent = timed(lambda count=count: run(unembedding, sets, rows[:count]))
        peak = high_water() - BARE
        held = sum(each.nbytes for each in (unembedding.W_U, *rows))
        further = (spent.cpu - last[1]) / (count - last[0]) / bare
        print(f"| {count} | {spent.wall:.0f} | {spent.cpu:.0f} | "
              f"**{spent.cpu / count / bare:.2f}** | **{further:.2f}** | {peak / 1e9:.2f} | "
              f"{(peak - held) / 1e9:.2f} |", flush=True)  # fmt: skip
        last = count, spent.cpu


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--banks", type=int, nargs="+", default=[1, 2, 4], help="rising numbers")
    parser.add_argument("--features", type=int, default=24_576, help="of each bank")
    arguments = parser.parse_args()
    W_U, first = weights(V, 1), weights(arguments.features, 2)
    bare, ours = (
        statistics.median(timed(partial(work, first, W_U))[1].cpu for _ in range(3))
        for work in (product, product_in_blocks)
    )
    print(f"{machine()}, load average {os.getloadavg()[2]:.1f}\n{arguments.features:,} features "
          f"a bank x {V:,} tokens; product {bare:.1f} s of the processor, "
          f"{ours:.1f} in our blocks\n")  # fmt: skip
    unembedding, sets = print_once(W_U, bare)
    rows = [
        planted(weights(arguments.features, 2 + layer), sets, unembedding)
        for layer in range(max(arguments.banks))
    ]
    run(unembedding, sets, [rows[0][:TILE]])  # compiles the kernels
    print_runs(unembedding, sets, rows, arguments.banks, bare)


if __name__ == "__main__":
    main()
