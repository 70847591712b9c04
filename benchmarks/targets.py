"""What the kernels come to when they are compiled for other processors, on this one.

Numba compiles for the processor that it runs on, and LLVM knows each of them: which instructions it
has, and how wide vectors it should use. Here the same kernels are compiled as for several others,
each in a process of its own with an empty cache, and read the same rows of z (50,257 tokens,
heavy tails, from a seed) on one thread: so what differs is the code alone. Targets with
instructions that this processor lacks are left out.

    python benchmarks/targets.py [--targets haswell skylake-avx512 sapphirerapids znver3 znver4]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from stats import machine

from unembed.sweep import Membership, cpu
from unembed.sweep.tsea import cpu as tsea
from unembed.sweep.tsea import dense
from unembed.sweep.tsea.membership import DENSE, MARKED

TOKENS, ROWS, SETS, MEMBERSHIPS = 50_257, 32, 1000, 2_680_000
TARGETS = ("haswell", "skylake-avx512", "sapphirerapids", "znver3", "znver4")
ROUNDS = 7


def best(work: Callable[[], object]) -> float:
    """Return the shortest time of a call, in µs a row; the first one, which compiles, is apart."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds) / ROWS * 1e6


def measure() -> None:
    """Print what this process's kernels take, and the width of the vectors in one of them."""
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    z = random.standard_t(6, (ROWS, TOKENS))
    z = ((z - z.mean(1, keepdims=True)) / z.std(1, keepdims=True)).astype(np.float32)
    sizes = np.exp(random.uniform(np.log(5), np.log(0.45 * TOKENS), SETS))
    sizes = np.maximum(3, sizes * MEMBERSHIPS / sizes.sum()).astype(int)
    sets = [np.sort(random.choice(TOKENS, size, replace=False)) for size in sizes]
    ends = np.cumsum([0, *map(len, sets)]).astype(np.int64)
    every = Membership(TOKENS, ends, np.concatenate(sets).astype(np.int32))
    middling = (sizes >= MARKED) & (sizes < DENSE)
    kinds = {
        "ranking": sizes < 0,
        f"and {(sizes < MARKED).sum()} sets to {MARKED - 1}": sizes < MARKED,
        f"and {middling.sum()} to {DENSE - 1}": middling,
        f"and {(sizes >= DENSE).sum()} from {DENSE}": sizes >= DENSE,
    }
    parts = {"statistics": partial(cpu.read_tile, z, 50)}
    for name, chosen in kinds.items():
        parts[name] = partial(tsea.read_tile, z, every.of_sets(np.flatnonzero(chosen)))
    found = {name: best(work) for name, work in parts.items()}
    code = "".join(dense._advance.inspect_asm().values())
    bits = next((width for width, name in ((512, "z"), (256, "y")) if f"%{name}mm" in code), 128)
    print(json.dumps({"bits": bits, "parts": found}))


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--targets", nargs="+", default=TARGETS, help="as LLVM calls them")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure()
        return
    print(machine())
    heading = None
    for target in ("", *arguments.targets):
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {"NUMBA_CACHE_DIR": cache, "OMP_NUM_THREADS": "1"}
            if target:
                environment |= {"NUMBA_CPU_NAME": target, "NUMBA_CPU_FEATURES": ""}
            command = [sys.executable, __file__, "--measure"]
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
        if done.returncode:
            print(f"| {target} | cannot run here: {re.sub(chr(10), ' ', done.stderr[-80:])} |")
            continue
        found = json.loads(done.stdout)
        if heading is None:
            heading = f"| compiled for | vectors, bits | {' | '.join(found['parts'])} |"
            print(f"\nµs a row\n\n{heading}\n|---|--:|{'--:|' * len(found['parts'])}")
        times = " | ".join(f"{value:,.0f}" for value in found["parts"].values())
        print(f"| {target or 'this processor'} | {found['bits']} | {times} |", flush=True)


if __name__ == "__main__":
    main()
