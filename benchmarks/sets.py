"""What it costs to build the default token sets: without a cache, and with it.

Every round is a process of its own with an empty cache folder, in which the sets are built twice.
Reading the tokenizer's file, and importing unembed with torch, are timed apart. Vocabularies come
from `scripts/fetch_inputs.py`; those that are not there are left out.

    python benchmarks/sets.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stats import machine

INPUTS = Path(__file__).parents[1] / ".inputs"
VOCABULARIES = {
    "GPT-2": "gpt2",
    "Llama-2": "llama2/tokenizer.json",
    "SmolLM2": "../src/unembed/demo/SmolLM2-135M-Instruct",
    "cl100k": "cl100k/cl100k_base.tiktoken.gz",
    "Qwen3": "qwen3/tokenizer.json",
    "Gemma 3": "gemma3/tokenizer.json",
}
GENERATED = ("forms/", "characters/")


def measure(path: str) -> dict[str, float]:
    """Return the seconds of each step in this process, and what was built."""
    start = time.perf_counter()
    from unembed.load import load_vocabulary
    from unembed.tokensets import build_token_sets

    imported = time.perf_counter()
    vocabulary = load_vocabulary(path)
    read = time.perf_counter()
    sets = build_token_sets(vocabulary)
    built = time.perf_counter()
    again = build_token_sets(vocabulary)
    cached = time.perf_counter()
    assert again.names == sets.names
    sizes = dict(zip(sets.infos, sets.sizes.tolist(), strict=True))
    curated = [n for info, n in sizes.items() if not info.family.startswith(GENERATED)]
    return {
        "import": imported - start,
        "read": read - imported,
        "build": built - read,
        "cached": cached - built,
        "tokens": len(vocabulary),
        "curated": len(curated),
        "curated of 5 or more": sum(n >= 5 for n in curated),
        "generated": len(sets) - len(curated),
        "memberships": len(sets.ids),
    }


def rounds(path: Path, count: int) -> dict[str, float]:
    """Return the median of every figure over fresh processes with empty caches."""
    found = []
    for _ in range(count):
        with tempfile.TemporaryDirectory() as cache:
            done = subprocess.run(
                [sys.executable, __file__, "--of", str(path)],
                check=True,
                capture_output=True,
                text=True,
                env={**os.environ, "UNEMBED_CACHE": cache},
            )
        found.append(json.loads(done.stdout))
    return {name: statistics.median(each[name] for each in found) for name in found[0]}


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--of", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.of:
        print(json.dumps(measure(chosen.of)))
        return
    print(machine())
    print(
        "| vocabulary | tokens | curated sets (of ≥ 5 tokens) | generated | memberships "
        "| tokenizer read, s | built, s | from cache, s | cache saves |\n" + "|---" * 9 + "|"
    )
    for name, inside in VOCABULARIES.items():
        path = INPUTS / inside
        if not path.exists():
            print(f"{name}: not in .inputs, run scripts/fetch_inputs.py", file=sys.stderr)
            continue
        got = rounds(path, chosen.rounds)
        print(
            f"| {name} | {got['tokens']:,.0f} | {got['curated']:,.0f} "
            f"({got['curated of 5 or more']:,.0f}) | {got['generated']:,.0f} "
            f"| {got['memberships']:,.0f} | {got['read']:.2f} | {got['build']:.2f} "
            f"| {got['cached']:.2f} | {got['build'] / got['cached']:.0f} × |",
            flush=True,
        )


if __name__ == "__main__":
    main()
