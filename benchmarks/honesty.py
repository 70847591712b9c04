"""How many of the features that are labelled, or classed, should not be: on real banks.

    python benchmarks/honesty.py [planted] [envelope] [components]

`planted`: random directions like each bank's are put among its features where they are written, and
counted where they are chosen to be labelled; beside it, those that have a set which passes among
all pairs of the bank, as was enough before. `envelope`: fresh random directions beyond the envelope
that a run cuts classes by. `components`: banks that are nothing but components with heavy tails,
which the test does not allow for, and whether its check says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch
from explanations import demo
from stats import machine

import unembed
from unembed import Features, Sweep
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment.checks import check_test
from unembed.enrichment.direction_simulation import simulate
from unembed.enrichment.discovery_rate import threshold
from unembed.enrichment.effects import effects_of
from unembed.enrichment.feature_rate import FeatureRate
from unembed.enrichment.passing import count_pairs
from unembed.enrichment.smallest_p_draws import smallest_p
from unembed.explanation import Envelope

MAX_Q = 0.01
SEEDS = 5
PLANTED = 500
FRESH = 8192


class Bench:
    """The demo, whose banks are asked one after the other."""

    def __init__(self) -> None:
        self.unembedding, self.banks, sets = demo()
        self.sweep = Sweep(self.unembedding)
        self.effects = effects_of(sets, self.unembedding)

    def test_of(self, bank: Features) -> DirectionTest:
        """Return the direction test of a bank."""
        return DirectionTest(self.sweep, self.effects, SecondMoment.of(bank))


def chosen(test: DirectionTest, bank: Features, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which features are chosen, and which have a pair that passes among all pairs."""
    counted = count_pairs(test, bank.W_dec, 0.05, lambda done, total: None)
    rate = FeatureRate.of(counted.smallest, smallest_p(test, seed))
    by_pairs = counted.smallest <= threshold(counted.rate.curve(), MAX_Q)
    return rate.chosen(MAX_Q), by_pairs


def planted(bench: Bench) -> None:
    """Plant random directions in each bank, and count those that are chosen."""
    print(f"\n{PLANTED} random directions in each bank, {SEEDS} seeds, at {MAX_Q:.0%}:\n")
    print("| bank | chosen | of them planted | share | by pairs | of them planted | share |")
    print("|---|---|---|---|---|---|---|")
    for bank in bench.banks:
        counts, written = np.zeros(4, int), bank.before or bank
        W_dec = written.W_dec
        for seed in range(SEEDS):
            noise = SecondMoment.of(written).draw(PLANTED, 100 + seed)
            lengths = W_dec.norm(dim=1)
            noise *= lengths[torch.randperm(len(bank))[:PLANTED], None] / noise.norm(
                dim=1, keepdim=True
            )
            whole = Features.from_array(torch.cat([W_dec, noise]), name=written.name)
            whole = whole if bank.lens is None else whole.through(bank.lens)
            for at, found in enumerate(chosen(bench.test_of(whole), whole, seed)):
                counts[2 * at : 2 * at + 2] += found.sum(), found[len(bank) :].sum()
        shares = counts[1] / max(counts[0], 1), counts[3] / max(counts[2], 1)
        print(
            f"| {bank.name} | {counts[0]:,} | {counts[1]:,} | {shares[0]:.2%} "
            f"| {counts[2]:,} | {counts[3]:,} | {shares[1]:.2%} |",
            flush=True,
        )


def envelope(bench: Bench) -> None:
    """Count fresh random directions beyond the envelope that a run draws."""
    print(f"\n{FRESH:,} fresh directions, beyond the tails' cut-offs of a run (1 % expected):\n")
    print("| bank | " + " | ".join(f"seed {seed}" for seed in range(SEEDS)) + " |")
    print("|---|" + "---|" * SEEDS)
    for bank in bench.banks:
        test = bench.test_of(bank)
        drawn = (test.moment.before or test.moment).draw(FRESH, 999)
        fresh = bench.sweep.read(test.moment.at_last_layer(drawn))
        beyond = []
        for seed in range(SEEDS):
            cut = Envelope.of(simulate(test, None, 1000, seed, "none"), 0.99)
            either = (fresh.left_tail > cut.left_tail_above) | (
                fresh.right_tail > cut.right_tail_above
            )
            beyond.append(f"{either.mean():.2%}")
        print(f"| {bank.name} | " + " | ".join(beyond) + " |", flush=True)


def components(bench: Bench) -> None:
    """Count what is chosen in banks of heavy-tailed components, and what the check says."""
    print("\n8,192 features of independent components (Student's t), 10 seeds:\n")
    print("| degrees of freedom | seeds with a false feature | kurtosis of components | said |")
    print("|---|---|---|---|")
    for degrees in (3, 5, 10, 1000):
        false, measured, said = 0, [], 0
        for seed in range(10):
            random = np.random.default_rng(seed + 100 * degrees)
            rows = random.standard_t(degrees, (8192, bench.unembedding.d_model))
            bank = Features.from_array(rows.astype(np.float32), name="t")
            test = bench.test_of(bank)
            false += bool(chosen(test, bank, seed)[0].any())
            checks = {each.name: each for each in check_test(test, bank, seed)}
            measured.append(checks["normal"].measured)
            said += not checks["normal"].holds
        print(f"| {degrees} | {false} | {np.median(measured):.1f} | {said} of 10 |", flush=True)


PARTS: dict[str, Callable[[Bench], None]] = {
    "planted": planted,
    "envelope": envelope,
    "components": components,
}


def main() -> None:
    """Measure what is asked for, or all."""
    print(f"unembed {unembed.__version__}; {machine()}")
    bench = Bench()
    for name in sys.argv[1:] or PARTS:
        PARTS[name](bench)


if __name__ == "__main__":
    main()
