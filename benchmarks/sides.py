"""What the second side costs, and whether it finds anything in random directions.

    python benchmarks/sides.py cost [--rounds 3]
    python benchmarks/sides.py null [--seeds 3]

`cost`: the demo's neurons of layer 29 by what they write, by what their gates read, and by both in
one run, made in turn in one process. `null`: in place of each of these banks random directions that
are drawn like it: how many pass, and how many would be said to copy or to undo what they read.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import typer
from stats import machine

import unembed
from unembed import Features, SecondMoment
from unembed.demo import MODEL
from unembed.facts import ReadFacts

app = typer.Typer(pretty_exceptions_enable=False)


@app.callback()
def about() -> None:
    """Say what was measured on."""
    print(f"unembed {unembed.__version__}; {machine()}\n")


@app.command()
def cost(rounds: int = 3) -> None:
    """Make the runs in turn, and print the CPU time of each."""
    model = unembed.load_model(MODEL)
    unembedding = unembed.load_unembedding(model, embedding=True)
    sets = unembed.build_token_sets(unembedding.vocabulary)
    written, gate, _ = unembed.load_features("mlp:29", model=model, side="both")
    jobs = {"write": [written], "read": [gate], "both": [written, gate]}
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for at in range(rounds + 1):  # the first compiles
        for name, banks in jobs.items():
            with tempfile.TemporaryDirectory() as folder:
                start = time.process_time()
                unembed.analyze(unembedding, banks, Path(folder) / "run", token_sets=sets)
                if at:
                    seconds[name].append(time.process_time() - start)
    first = np.median(seconds["write"])
    print("| run of 1,536 neurons | CPU seconds, median (least to most) | of what they write |")
    print("|---|---|---|")
    for name, taken in seconds.items():
        spread = f"{np.median(taken):.1f} ({min(taken):.1f} to {max(taken):.1f})"
        print(f"| {name} | {spread} | {np.median(taken) / first:.2f} |")


@app.command()
def null(seeds: int = 3) -> None:
    """Print what is found in random directions of either side."""
    model = unembed.load_model(MODEL)
    unembedding = unembed.load_unembedding(model, embedding=True)
    sets = unembed.build_token_sets(unembedding.vocabulary)
    real = unembed.load_features("mlp:29", model=model, side="both")
    print("| seed | bank | random directions that pass at q 5 % | labelled | copies, undoes |")
    print("|---|---|---|---|---|")
    for seed in range(seeds):
        drawn = [like(bank, 10 * seed + at) for at, bank in enumerate(real)]
        with tempfile.TemporaryDirectory() as folder:
            run = unembed.analyze(
                unembedding, drawn, Path(folder) / "run", token_sets=sets,
                enrichment=unembed.EnrichmentSettings(tsea="none"),
            )  # fmt: skip
            classes = unembed.questions.overview(run)["classes"]
            labelled = {row["bank"]: row["labelled"] for row in classes}
            chosen = run.scalars.filter(pl.col("log10_q") <= np.log10(0.05))
            passing = dict(chosen.group_by("bank").len().iter_rows())
            kinds = {
                row["reads"]: (row["copies"], row["undoes"])
                for row in unembed.sides_by_bank(run).iter_rows(named=True)
            }
            for bank in run.banks:
                said = ", ".join(map(str, kinds.get(bank, "–")))
                found = f"{passing.get(bank, 0)} | {labelled[bank]} | {said}"
                print(f"| {seed} | {bank} | {found} |")


def like(bank: Features, seed: int) -> Features:
    """Return random directions drawn like a bank's, in its place."""
    rows = SecondMoment.of(bank).draw(len(bank), seed)
    reads = bank.reads and ReadFacts(bank.reads.part, bank.reads.bank, bank.reads.notes)
    return Features.from_array(rows, name=bank.name, layer=bank.layer, reads=reads)


if __name__ == "__main__":
    app()
