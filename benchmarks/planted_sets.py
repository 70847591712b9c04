"""Whether a direction that was made from a token set is named after it.

    python benchmarks/planted_sets.py

For 82 sets made by hand, three directions of each are put among the features of a real bank of the
demo: w = δ (the mean of the set's rows of W_U, less that of the others), Mδ (what lies along it in
directions like the bank's), and Σ⁻¹δ (the best linear separation of the set's rows, Σ the
covariance of all rows). Counted are those in which a promoted part of the label is the set, or
shares at least half of all tokens that either has; and, beside it, half of those of the smaller.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from explanations import demo
from stats import machine

import unembed
from unembed import EnrichmentSettings, Features
from unembed.enrichment import SecondMoment
from unembed.enrichment.effects import Effects, effects_of

BANKS = ("sae.26", "mlp.26", "mlp.29")
N_SETS = 82
FAMILIES = ("meaning/", "grammar/", "code/", "surface/punctuation", "language/")
GENERATED = ("grammar/form", "grammar/penn", "meaning/wordnet", "meaning/lexfile")
SIZES = range(8, 201)


def chosen_sets(sets: unembed.TokenSets) -> list[int]:
    """Return the numbers of 82 sets made by hand, spread over all of their families."""
    able = [
        number
        for number, info in enumerate(sets.infos)
        if info.family.startswith(FAMILIES)
        and not info.family.startswith(GENERATED)
        and sets.sizes[number] in SIZES
    ]
    return [able[at] for at in np.linspace(0, len(able) - 1, N_SETS).round().astype(int)]


def directions(
    bank: Features, effects: Effects, chosen: list[int], W_U: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Return what is planted, [82, d] each, of the length of the bank's rows."""
    delta = torch.from_numpy(effects.delta[chosen])
    covariance = (W_U.T @ W_U / len(W_U)).double()
    made = {
        "δ": delta,
        "Mδ": delta @ SecondMoment.of(bank).matrix,
        "Σ⁻¹δ": torch.linalg.solve(covariance, delta.T).T,
    }
    length = bank.W_dec.norm(dim=1).median()
    return {name: (length * w / w.norm(dim=1, keepdim=True)).float() for name, w in made.items()}


def overlaps(
    run: unembed.Run, first: int, chosen: list[int], sets: unembed.TokenSets
) -> Iterator[tuple[float, float]]:
    """Yield what each set shares with a promoted part, at most: of all tokens, of the smaller."""
    for at, number in enumerate(chosen):
        wanted = set(sets[sets.infos[number].name].tolist())
        parts = run.explain(f"{run.banks[0]}/{first + at}")["parts"]
        named = [set(sets[p["token_set"]].tolist()) for p in parts if p["z"] > 0]
        both = [(len(wanted & part), part) for part in named]
        yield (
            max((n / len(wanted | part) for n, part in both), default=0.0),
            max((n / min(len(wanted), len(part)) for n, part in both), default=0.0),
        )


def main() -> None:
    """Print how many are named, of each kind in each bank."""
    print(f"unembed {unembed.__version__}; {machine()}\n")
    unembedding, banks, sets = demo()
    chosen = chosen_sets(sets)
    effects = effects_of(sets, unembedding)
    print(
        f"| bank | direction | named, of {N_SETS} | half of the smaller shared |\n|---|---|---|---|"
    )
    for bank in (bank for bank in banks if bank.name in BANKS):
        made = directions(bank, effects, chosen, unembedding.W_U)
        whole = Features.from_array(torch.cat([bank.W_dec, *made.values()]), name=bank.name)
        with tempfile.TemporaryDirectory() as folder:
            run = unembed.analyze(
                unembedding, [whole], Path(folder) / "run", token_sets=sets,
                enrichment=EnrichmentSettings(tsea="none"),
            )  # fmt: skip
            for kind, name in enumerate(made):
                first = len(bank) + kind * N_SETS
                found = np.array([*overlaps(run, first, chosen, sets)])
                strict, loose = (found >= 0.5).sum(0)
                print(f"| {bank.name} | {name} | **{strict}** | {loose} |", flush=True)


if __name__ == "__main__":
    main()
