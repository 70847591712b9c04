"""Whether the p-values are right, on SmolLM2's real unembedding, and what each score can find.

    python benchmarks/calibration.py tails      # closed form against four million directions
    python benchmarks/calibration.py tails --bank mlp:10 --lens      # the same through the demo's J
    python benchmarks/calibration.py figures    # docs/images/calibration.svg and power.svg

`figures` needs `pip install 'unembed[bench]'` (matplotlib).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unembed import (
    Sweep,
    TokenSets,
    build_token_sets,
    load_features,
    load_unembedding,
    through_lenses,
)
from unembed.demo import LENS, MODEL
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment.effects import effects_of, rows_of
from unembed.enrichment.token_null import TokenNull
from unembed.sweep import Membership

IMAGES = Path(__file__).parents[1] / "docs" / "images"
TIGHT = "form:your"
SETS = ("months", "pronouns_second_person", "suffix:ing", "leading_space")
RANDOM = "300 random tokens"
COLOURS = ("#0b6e99", "#d1495b", "#edae49", "#3a7d44", "#8d8d8d")
BANK = "mlp:26"


def made(reference: str = BANK, lens: bool = False) -> tuple[DirectionTest, Membership, TokenSets]:
    """Return the test of a few sets against a bank, as it is or through the demo's lens."""
    unembedding = load_unembedding(MODEL)
    (bank,) = load_features(reference, model=MODEL)
    if lens:
        (bank,) = through_lenses([bank], [str(LENS)])
    library = build_token_sets(unembedding.vocabulary).select([*SETS, TIGHT])
    anyone = np.random.default_rng(0).choice(unembedding.token_ids, 300, replace=False)
    members = {**{name: library[name] for name in SETS}, RANDOM: anyone, TIGHT: library[TIGHT]}
    sets = TokenSets.from_ids(members, unembedding.vocabulary)
    test = DirectionTest(Sweep(unembedding), effects_of(sets, unembedding), SecondMoment.of(bank))
    rows = rows_of(sets, unembedding)
    return test, Membership(unembedding.n_tokens, sets.indptr, rows), sets


def tails(directions: int, reference: str, lens: bool) -> None:
    """Print the share of random directions beyond the point where the closed form says p.

    They are drawn where the bank is written, and through a lens taken to the last layer.
    """
    test, _, sets = made(reference, lens)
    points = np.array([4e-2, 1e-2, 1e-3, 1e-4, 1e-5])
    knots = test.tails
    rows = zip(knots.z, knots.log10_p, strict=True)
    z_at = np.stack([np.interp(-np.log10(points), -p, z) for z, p in rows])
    beyond = np.zeros(z_at.shape, np.int64)
    squares = np.zeros(len(sets))
    block = 100_000
    for seed in range(directions // block):
        drawn = (test.moment.before or test.moment).draw(block, seed + 1)
        rows = test.sweep.standardised(test.moment.at_last_layer(drawn))
        z = np.abs(test.z(rows.scaled))
        squares += (z.astype(np.float64) ** 2).sum(0)
        beyond += (z[:, :, None] >= z_at).sum(0)
    total = directions // block * block
    whose = f"{reference}'s{' through the Jacobian lens' if lens else ''}"
    print(f"{total:,} directions like {whose}; the share beyond, over what the closed form says\n")
    head = " | ".join(f"p = {point:g}" for point in points)
    print(f"| token set | tokens | sd of z | {head} |\n|---|---|---|" + "---|" * len(points))
    for at, (name, size) in enumerate(zip(sets, sets.sizes, strict=True)):
        log10_p = test.log10_p(z_at.T.astype(np.float32))[:, at]
        ratios = beyond[at] / total / 10.0**log10_p
        cells = " | ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"| {name} | {size:,} | {np.sqrt(squares[at] / total):.4f} | {cells} |")


Scores = tuple[np.ndarray, np.ndarray, np.ndarray]


def read(test: DirectionTest, membership: Membership, rows: torch.Tensor) -> Scores:
    """Return z, ES and AUROC of directions."""
    z, es, auroc = [], [], []
    for tile in test.sweep.tiles(rows):
        found = test.sweep.tsea(tile, membership)
        z.append(test.z(tile.features.scaled))
        es.append(found.es)
        auroc.append(found.auroc)
    return np.concatenate(z), np.concatenate(es), np.concatenate(auroc)


def axes(plt: Any, title: str) -> tuple[Any, Any]:
    """Return a figure with two panels in the house's style."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.6), constrained_layout=True)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.25, linewidth=0.6)
    return figure, panels


def figures() -> None:
    """Draw both figures."""
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 9, "svg.fonttype": "path", "svg.hashsalt": "unembed"})
    IMAGES.mkdir(exist_ok=True)
    test, membership, sets = made()
    null = read(test, membership, test.moment.draw(20_000, 1))
    calibration(plt, test, membership, sets, null)
    power(plt, test, membership, sets, null)


def calibration(
    plt: Any, test: DirectionTest, membership: Membership, sets: TokenSets, null: Scores
) -> None:
    """Draw the share of random directions with p below a level, against the level."""
    z, es, _ = null
    p_direction = test.log10_p(z)
    p_tokens = TokenNull.unweighted(membership.sizes, membership.n_tokens).log10_p(es)
    levels = np.linspace(-4, 0, 81)
    figure, panels = axes(plt, "Random directions of layer 26: how often is p below a level?")
    titles = ("direction test: as often as it says", "classical TSEA, over tokens: far too often")
    for panel, p, title in zip(panels, (p_direction, p_tokens), titles, strict=True):
        panel.plot([1e-4, 1], [1e-4, 1], color="black", linewidth=0.8, linestyle=":")
        for at, (name, size) in enumerate(zip(list(sets)[:-1], sets.sizes, strict=False)):
            share = [(p[:, at] <= level).mean() for level in levels]
            panel.plot(10**levels, np.maximum(share, 1e-9), color=COLOURS[at], linewidth=1.8,
                       label=f"{name} ({size:,})")  # fmt: skip
        panel.set(xscale="log", yscale="log", xlim=(1e-4, 1), ylim=(2e-5, 1.3),
                  xlabel="level", ylabel="share of directions with p ≤ level")  # fmt: skip
        panel.set_title(title, loc="left", fontsize=10)
    panels[0].legend(frameon=False, loc="lower right", title="token set (tokens)")
    figure.savefig(IMAGES / "calibration.svg", metadata={"Date": None})


def power(
    plt: Any, test: DirectionTest, membership: Membership, sets: TokenSets, null: Scores
) -> None:
    """Draw the share of planted features that are found, against the planted shift."""
    chosen = (TIGHT, "leading_space")
    shifts = np.linspace(0, 8, 17)
    level, trials = 1e-3, 1000
    figure, panels = axes(plt, "Features planted among random directions: which score finds them?")
    centred = (null[0], null[1], null[2] - 0.5)
    critical = [np.quantile(np.abs(score), 1 - level, axis=0) for score in centred]
    for panel, name in zip(panels, chosen, strict=True):
        at = list(sets).index(name)
        delta = torch.from_numpy(test.effects.delta[at])
        found: list[list[float]] = [[], [], []]
        for shift in shifts:
            noise = test.moment.draw(trials, 77).double()
            plain = test.sweep.standardised(noise.float()).scaled.double()
            toward = delta / np.sqrt(float(delta @ test.sweep.unembedding.covariance @ delta))
            own = float(toward @ delta)
            planted = plain + shift * test.sd[at] / own * toward
            z, es, auroc = read(test, membership, planted.float())
            for score, values in enumerate((z[:, at], es[:, at], auroc[:, at] - 0.5)):
                found[score].append(float((values >= critical[score][at]).mean()))
        labels = ("z, direction test", "ES", "AUROC")
        for score, (label, shares) in enumerate(zip(labels, found, strict=True)):
            panel.plot(shifts, shares, color=COLOURS[score], label=label, linewidth=1.8, marker="o",
                       markersize=3.5)  # fmt: skip
        size = int(sets.sizes[at])
        panel.set(xlabel="planted shift of the set's mean, in units of what random directions do",
                  ylabel="share found with the right sign", ylim=(-0.02, 1.02))  # fmt: skip
        panel.set_title(f"{name} ({size:,} tokens)", loc="left", fontsize=10)
    panels[0].legend(frameon=False, title="at 1 in 1,000 false finds", loc="lower right")
    figure.savefig(IMAGES / "power.svg", metadata={"Date": None})


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("tails", "figures"))
    parser.add_argument("--directions", type=int, default=4_000_000)
    parser.add_argument("--bank", default=BANK)
    parser.add_argument("--lens", action="store_true", help="through the demo's Jacobian lens")
    arguments = parser.parse_args()
    if arguments.part == "tails":
        tails(arguments.directions, arguments.bank, arguments.lens)
    else:
        figures()


if __name__ == "__main__":
    main()
