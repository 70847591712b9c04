"""What classes and labels cost, beside everything else that a run does.

    python benchmarks/explanations.py [demo] [gpt2]

The whole demo (14,336 real features, its default token sets), and GPT-2 small's size (24,576
features, its vocabulary and default sets, synthetic weights in which every second feature writes
one to three token sets). The direction test alone (`tsea="none"`), so that labels are compared with
the least that a run can do; the first tile, which compiles, is left out.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from enrichment import planted, prepared
from stats import V, machine, weights

import unembed
from unembed.cli.inputs import load_demo
from unembed.explanation import Explainer


def demo() -> tuple[unembed.Unembedding, list[unembed.Features], unembed.TokenSets]:
    """Return what the demo analyses."""
    unembedding, banks = load_demo()
    return unembedding, banks, unembed.build_token_sets(unembedding.vocabulary)


def gpt2_size() -> tuple[unembed.Unembedding, list[unembed.Features], unembed.TokenSets]:
    """Return weights of GPT-2 small's size, of which every second feature writes token sets."""
    W_U, W_dec = weights(V, 1), weights(24_576, 2)
    unembedding = prepared(W_U, real=True)
    sets = unembed.build_token_sets(unembedding.vocabulary)
    rows = planted(W_dec, sets, unembedding)
    return unembedding, [unembed.Features.from_array(rows, name="planted")], sets


@contextmanager
def timed() -> Iterator[list[float]]:
    """Yield the seconds of every tile that is explained from now on."""
    seconds: list[float] = []
    read = Explainer.read

    def measured(*arguments: Any) -> Any:
        start = time.perf_counter()
        found = read(*arguments)
        seconds.append(time.perf_counter() - start)
        return found

    with mock.patch.object(Explainer, "read", measured):
        yield seconds


def main() -> None:
    """Print the table."""
    print(machine())
    print()
    print("| run | features | token sets | labelled | whole run, s | labels, s | share |")
    print("|---|---|---|---|---|---|---|")
    runs = {"demo": ("the demo", demo), "gpt2": ("GPT-2 small's size", gpt2_size)}
    for wanted in sys.argv[1:] or runs:
        name, make = runs[wanted]
        unembedding, banks, sets = make()
        with tempfile.TemporaryDirectory() as folder, timed() as seconds:
            start = time.perf_counter()
            run = unembed.analyze(
                unembedding, banks, Path(folder) / "run", token_sets=sets,
                enrichment=unembed.EnrichmentSettings(tsea="none"),
            )  # fmt: skip
            whole = time.perf_counter() - start
            labels = sum(seconds[1:]) * len(seconds) / (len(seconds) - 1)
            assert run.explanations is not None
            named = run.explanations.labelled.sum()
            count = run.features.height
        print(
            f"| {name} | {count:,} | {len(sets):,} | {named:,} | {whole:.1f} | **{labels:.1f}** | "
            f"{labels / whole:.0%} |"
        )


if __name__ == "__main__":
    main()
