"""What a second lens costs: runs of the demo's neurons, made in turn in one process.

    python benchmarks/lenses.py [--rounds 3]

The neurons of layers 10, 20 and 26 are analysed through the logit lens alone, through the Jacobian
lens alone, and through both in one run, against the default collection. A run through both should
take what the two take, less what is prepared once.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from stats import machine

import unembed
from unembed.demo import LENS, MODEL


def main() -> None:
    """Make the runs in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print(f"unembed {unembed.__version__}; {machine()}\n")
    model = unembed.load_model(MODEL)
    unembedding = unembed.load_unembedding(model)
    sets = unembed.build_token_sets(unembedding.vocabulary)
    plain = unembed.load_features("mlp:10,20,26", model=model)
    through = unembed.through_lenses(plain, [str(LENS)], model=model)
    jobs = {"logit": plain, "jacobian": through, "both": [*plain, *through]}
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for at in range(rounds + 1):  # the first compiles
        for name, banks in jobs.items():
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                unembed.analyze(unembedding, banks, Path(folder) / "run", token_sets=sets)
                if at:
                    seconds[name].append(time.perf_counter() - start)
    first = np.median(seconds["logit"])
    print("| run of 4,608 neurons | seconds, median (least to most) | of the logit lens |")
    print("|---|---|---|")
    for name, taken in seconds.items():
        spread = f"{np.median(taken):.1f} ({min(taken):.1f} to {max(taken):.1f})"
        print(f"| {name} | {spread} | {np.median(taken) / first:.2f} |")


if __name__ == "__main__":
    main()
