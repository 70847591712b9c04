"""What products in blocks of one shape cost, and eigenvectors by one thread: same bits everywhere.

    python benchmarks/products.py [--rounds 15]

Each shape is made in turn by torch in one call and by `unembed.products`, in this process; the
better of the rounds counts, and what is said is a ratio of the two. Shapes are features × tokens ×
d_model, as the sweep has them, and one row, as a feature that is looked at has it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from stats import machine

from unembed.products import eigh, product

SHAPES = ((256, 49_135, 576), (256, 50_257, 768), (256, 32_000, 2_304), (1, 49_135, 576))
WIDTHS = (576, 768, 2_048)


def seconds(*makes: Callable[[], object], rounds: int) -> list[float]:
    """Return the best time of each, made in turn."""
    best = [float("inf")] * len(makes)
    for _ in range(rounds):
        for at, make in enumerate(makes):
            begin = time.perf_counter()
            make()
            best[at] = min(best[at], time.perf_counter() - begin)
    return best


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    most = torch.get_num_threads()
    random = torch.Generator().manual_seed(0)
    print(f"{machine()}\n\n| shape | threads | one call, s | in blocks, s | ratio |")
    print("|---|--:|--:|--:|--:|")
    for rows, columns, width in SHAPES:
        a = torch.randn(rows, width, generator=random)
        b = torch.randn(columns, width, generator=random)
        out = torch.empty(rows, columns)
        for threads in sorted({1, most}):
            torch.set_num_threads(threads)
            one, blocks = seconds(
                lambda a=a, b=b, out=out: torch.matmul(a, b.T, out=out),
                lambda a=a, b=b, out=out: product(a, b.T, out=out),
                rounds=rounds,
            )
            print(f"| {rows:,} × {columns:,} × {width:,} | {threads} | {one:.4f} | {blocks:.4f} | "
                  f"{blocks / one:.2f} |", flush=True)  # fmt: skip
        torch.set_num_threads(most)
    print("\n| eigenvectors of | by all threads, s | by one, s | ratio |\n|---|--:|--:|--:|")
    for width in WIDTHS:
        matrix = torch.randn(width, width, generator=random, dtype=torch.float64)
        matrix = matrix @ matrix.T
        free, single = seconds(
            lambda m=matrix: torch.linalg.eigh(m), lambda m=matrix: eigh(m), rounds=3
        )
        print(f"| {width:,} × {width:,} | {free:.2f} | {single:.2f} | {single / free:.2f} |")


if __name__ == "__main__":
    main()
