"""What the statistics of every feature cost, in units of the bare matrix product.

GPT-2 small's size: 24,576 features × 50,257 tokens, d_model 768; weights from a seed, with the
heavy tails (Student's t) that make extremes and fourth powers hard. Four jobs:

- product: the bare float32 product, over the tiles that unembed uses, thrown away;
- blocks: the same in the blocks that unembed makes it in, whose bits do not depend on threads;
- unembed: `analyze`: moments, top and bottom 20, histogram, written to a run folder;
- recipe: the tutorial notebook's way, from its definition, in plain torch: the whole matrix,
  its centred powers, and the tokens ranked at both ends, on as many features as fit.

Times are from one process, the jobs in turn; ratios are of each round's own product, and the
median is reported. Peak memory is of a process of its own for each job, beyond what the
interpreter and torch take.

    python benchmarks/stats.py [--rounds 3] [--features 24576]
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

BARE = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
V, D, TILE, K = 50_257, 768, 512, 20
JOBS = ("product", "blocks", "unembed", "recipe")


def weights(rows: int, seed: int, width: int = D, device: str = "cpu") -> torch.Tensor:
    """Return [rows, width] draws of Student's t with 5 degrees of freedom, made in small parts.

    Args:
        rows: how many.
        seed: decides them, together with the device.
        width: of each.
        device: that makes them; they are returned on the CPU.
    """
    random = torch.Generator(device).manual_seed(seed)
    out = torch.empty(rows, width)

    def normal(part: torch.Tensor) -> torch.Tensor:
        return torch.randn(part.shape, generator=random, device=device)

    for part in torch.split(out, 4096):
        drawn = normal(part)
        squares = sum(normal(part) ** 2 for _ in range(5))
        part.copy_(drawn / (squares / 5).sqrt())
    return out


def product(W_dec: torch.Tensor, W_U: torch.Tensor) -> None:
    """Multiply tile by tile into one buffer."""
    out = torch.empty(TILE, V)
    for tile in torch.split(W_dec, TILE):
        torch.mm(tile, W_U.T, out=out[: len(tile)])


def product_in_blocks(W_dec: torch.Tensor, W_U: torch.Tensor) -> None:
    """Do the same as unembed does, in blocks of fixed shape: often faster than one call."""
    from unembed.products import product as blocks

    out = torch.empty(TILE, V)
    for tile in torch.split(W_dec, TILE):
        blocks(tile, W_U.T, out=out[: len(tile)])


def unembed_job(W_dec: torch.Tensor, W_U: torch.Tensor) -> Callable[[], None]:
    """Return the analysis, on inputs that are loaded already."""
    import unembed

    texts = unembed.Vocabulary.from_texts([f"t{i}" for i in range(V)])
    prepared = unembed.prepare_unembedding(W_U, texts)
    warm = unembed.Features.from_array(W_dec[:TILE], name="warm")

    def analyze(bank: unembed.Features) -> None:
        fresh = unembed.Unembedding(
            prepared.W_U, prepared.token_ids, texts, prepared.mean_row, "logit", "synthetic"
        )  # nothing that was computed before is reused
        with tempfile.TemporaryDirectory() as folder:
            settings = unembed.SweepSettings(top_k=K, device="cpu")
            unembed.analyze(fresh, bank, Path(folder) / "run", settings=settings)

    analyze(warm)  # compiles the kernel, once for each version of the package
    bank = unembed.Features(W_dec, "sae", torch.arange(len(W_dec)).numpy())
    return lambda: analyze(bank)


def recipe(W_dec: torch.Tensor, W_U: torch.Tensor) -> None:
    """Hold the whole matrix of logit weights, and take each statistic from it."""
    logits = W_dec @ W_U.T
    mean = logits.mean(dim=1, keepdim=True)
    centred = logits - mean
    std = centred.pow(2).mean(dim=1, keepdim=True).sqrt()
    z = centred / std
    z.pow(3).mean(dim=1)
    z.pow(4).mean(dim=1)
    logits.topk(K, dim=1)
    logits.topk(K, dim=1, largest=False)


def recipe_features(wanted: int) -> int:
    """Return how many features the recipe's four whole matrices leave room for."""
    available = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemAvailable")
    )
    return min(wanted, int(available * 0.7 / (4 * 4 * V)) // TILE * TILE)


def prepare(job: str, features: int) -> tuple[Callable[[], None], int]:
    """Return a job, ready to run, and its number of features."""
    W_U = weights(V, 1)
    count = recipe_features(features) if job == "recipe" else features
    W_dec = weights(count, 2)
    if job == "unembed":
        return unembed_job(W_dec, W_U), count
    function = {"product": product, "blocks": product_in_blocks, "recipe": recipe}[job]
    return lambda: function(W_dec, W_U), count


def measure_memory(job: str, features: int) -> None:
    """Print the peak memory of this process, beyond the interpreter and torch, in GB."""
    run, count = prepare(job, features)
    run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"gb": (peak - BARE) * 1024 / 1e9, "features": count}))


def memory(job: str, features: int) -> dict[str, float]:
    """Return what `measure_memory` prints in a process of its own."""
    command = [sys.executable, __file__, "--memory-of", job, "--features", str(features)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def times(features: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds per feature of every job and round."""
    jobs = {job: prepare(job, features) for job in JOBS}
    seconds: dict[str, list[float]] = {job: [] for job in JOBS}
    for job, (run, _) in jobs.items():
        if job in ("product", "blocks"):
            run()
    for _ in range(rounds):
        for job, (run, count) in jobs.items():
            start = time.perf_counter()
            run()
            seconds[job].append((time.perf_counter() - start) / count)
    return seconds


def machine() -> str:
    """Return the processor, threads and versions that the figures hold for."""
    names = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return (
        f"{names[0]}, {torch.get_num_threads()} threads, "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--features", type=int, default=24_576)
    parser.add_argument("--memory-of", choices=JOBS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        measure_memory(arguments.memory_of, arguments.features)
        return
    peaks = {job: memory(job, arguments.features) for job in JOBS}
    seconds = times(arguments.features, arguments.rounds)
    print(f"{machine()}\n{arguments.features:,} features x {V:,} tokens, d_model {D}\n")
    print("| job | features | ms a feature | over the product (min-max) | peak memory, GB |")
    print("|---|---|---|---|---|")
    for job in JOBS:
        ratios = [a / b for a, b in zip(seconds[job], seconds["product"], strict=True)]
        print(
            f"| {job} | {peaks[job]['features']:,} | {statistics.median(seconds[job]) * 1e3:.3f} "
            f"| {statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f}) "
            f"| {peaks[job]['gb']:.2f} |"
        )


if __name__ == "__main__":
    main()
