"""What a search costs: every kind of `find` on a run of GPT-2 small's size.

24,576 features × 50,257 tokens of GPT-2's vocabulary, d_model 768, heavy-tailed synthetic weights
in files, as a person has them. Each kind is timed in a process of its own, with the run opened:
the first call, which reads the weights it needs, and the calls after it.

    python benchmarks/find.py
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from stats import D, V, machine, weights

import unembed

F = 24_576
VOCABULARY = Path(__file__).parents[1] / ".inputs" / "gpt2"
LAYER = 8

KINDS: dict[str, dict[str, Any]] = {
    "`--class two-sided --layer 8`": {"feature_class": "two-sided", "layer": LAYER},
    "`--set names:female`": {"token_set": "names:female"},
    '`--token " Paris"`': {"token": " Paris"},
    "`--like sae.8/7`": {"like": "sae.8/7"},
    "`--contrast names:female names:male`": {"contrast": ("names:female", "names:male")},
    "all of them together": {
        "feature_class": ["two-sided", "diffuse", "prediction"], "layer": LAYER, "like": "sae.8/7",
        "token_set": "names:female", "token": " Paris",
        "contrast": ("names:female", "names:male"),
    },
}  # fmt: skip


def build(folder: Path, family: list[str]) -> Path:
    """Write model, SAE and run below a folder, and return the run."""
    model, sae = folder / "gpt2", folder / "sae"
    shutil.copytree(VOCABULARY, model)
    sae.mkdir()
    config = {"model_type": "gpt2", "n_layer": 12, "tie_word_embeddings": True}
    (model / "config.json").write_text(json.dumps(config))
    norm = {"ln_f.weight": torch.ones(D), "ln_f.bias": torch.zeros(D)}
    save_file({"wte.weight": weights(V, 1), **norm}, model / "model.safetensors")
    hook = f"blocks.{LAYER}.hook_resid_pre"
    (sae / "cfg.json").write_text(json.dumps({"hook_name": hook, "hook_layer": LAYER}))
    save_file({"W_dec": weights(F, 2)}, sae / "sae_weights.safetensors")
    unembedding = unembed.load_unembedding(model)
    sets = unembed.build_token_sets(unembedding.vocabulary, family=family)
    unembed.analyze(
        unembedding,
        unembed.load_features(sae),
        folder / "run",
        token_sets=sets,
        enrichment=unembed.EnrichmentSettings(tsea="none"),
    )
    return folder / "run"


def timed(job: Callable[[], object]) -> float:
    """Return the seconds that a job takes."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def measure(run: Path, kind: str, calls: int) -> None:
    """Print the seconds of opening a run, of the first call and of those after it, as JSON."""
    begin = time.perf_counter()
    opened = unembed.Run.open(run)
    assert opened.features.height == F
    opening = time.perf_counter() - begin
    first, *later = (timed(lambda: unembed.find(opened, **KINDS[kind])) for _ in range(calls + 1))
    print(json.dumps({"opening": opening, "first": first, "later": later}))


def parts(run: Path) -> None:
    """Print what the first call spends on reading weights, part by part."""
    held = unembed.weights_of(unembed.Run.open(run))
    jobs: dict[str, Callable[[], object]] = {
        "the unembedding read, prepared and checked": lambda: held.unembedding,
        "the bank read and checked": lambda: held.bank("sae.8"),
        "covariance of W_U, from the cache": lambda: held.unembedding.covariance,
        "the bank's null (`--contrast`)": lambda: held.null_of("sae.8"),
    }
    print("\n| once a process | seconds |\n|---|---|")
    for name, job in jobs.items():
        print(f"| {name} | {timed(job):.2f} |")


def child(run: Path, *arguments: str) -> str:
    """Return what this program prints in a process of its own."""
    command = [sys.executable, __file__, "--run", str(run), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=7)
    parser.add_argument("--family", default="names,grammar,meaning")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--parts", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.kind:
        measure(arguments.run, arguments.kind, arguments.calls)
        return
    if arguments.parts:
        parts(arguments.run)
        return
    with tempfile.TemporaryDirectory() as folder:
        run = arguments.run or build(Path(folder), arguments.family.split(","))
        print(f"{machine()}, load average {os.getloadavg()[0]:.1f}")
        print(f"{F:,} features x {V:,} tokens, d_model {D}\n")
        print(
            "| kind | run opened, s | first call, s | later calls, s (min–max) |\n|---|---|---|---|"
        )
        for kind in KINDS:
            found = json.loads(child(run, "--kind", kind, "--calls", str(arguments.calls)))
            later = found["later"]
            print(
                f"| {kind} | {found['opening']:.2f} | {found['first']:.2f} "
                f"| **{statistics.median(later):.2f}** ({min(later):.2f}–{max(later):.2f}) |"
            )
        print(child(run, "--parts"), end="")


if __name__ == "__main__":
    main()
