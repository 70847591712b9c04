"""Hold the lenses of a run against what its features do when they are added to the model.

    python -m scripts.check_lens MODEL RUN [--features 24] [--random 12] [--json FILE]

Of every bank that is written behind one block, some features and some random directions like them
are added there on 100 neutral prompts, and the change of the logits is correlated, over all tokens,
with the logit weights of each lens of the run. Chance is the correlation with the logit weights of
another one of the directions: what any two have in common, such as frequent against rare tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product as pairs
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from unembed import Features, Run, SecondMoment, Unembedding, weights_of
from unembed.fitting.causal import STRENGTH, logit_changes
from unembed.fitting.model import Opened, open_causal_model
from unembed.load.lenses.of_bank import block_behind
from unembed.load.reference import resolve
from unembed.load.stream.along import point_of
from unembed.products import product
from unembed.questions.lenses import written_as

_WHO = (
    "The teacher", "My neighbour", "A young woman", "The old man", "Our team",
    "The committee", "Someone in the room", "The driver", "This report", "The company",
)  # fmt: skip
_WHAT = (
    "said that the new", "went to the market and bought", "has been working on a",
    "told us about the first", "did not want to", "was looking at the other",
    "will soon be able to", "asked whether there was any", "thought of it as a very",
    "came back from the city with",
)  # fmt: skip
PROMPTS = [f"{who} {what}" for who, what in pairs(_WHO, _WHAT)]
"""100 sentences that are broken off, where many a word may follow."""


def neutral_prompts(opened: Opened) -> list[Tensor]:
    """Return them as ids, those of one length together, so that none needs padding."""
    of_length: dict[int, list[list[int]]] = {}
    for text in PROMPTS:
        ids = opened.tokenizer(text).input_ids
        of_length.setdefault(len(ids), []).append(ids)
    return [torch.tensor(ids) for _, ids in sorted(of_length.items())]


def changes(opened: Opened, layer: int, directions: Tensor, strength: float) -> Tensor:
    """Return [k, vocabulary] the change of each logit, a mean over all prompts."""
    groups = neutral_prompts(opened)
    total = sum(
        logit_changes(opened.blocks, ids, layer, directions, strength=strength) * len(ids)
        for ids in groups
    )
    assert isinstance(total, Tensor)
    return total / len(PROMPTS)


def correlations(
    moved: Tensor, W_dec: Tensor, unembedding: Unembedding
) -> tuple[np.ndarray, np.ndarray]:
    """Return each direction's correlation over tokens, and that with the next one's weights."""
    own = moved[:, torch.from_numpy(unembedding.token_ids)].double()
    weights = product(W_dec.double(), unembedding.W_U.double().T)
    own, weights = (each - each.mean(1, keepdim=True) for each in (own, weights))
    own, weights = (each / each.norm(dim=1, keepdim=True) for each in (own, weights))
    return (own * weights).sum(1).numpy(), (own * weights.roll(1, 0)).sum(1).numpy()


def rows(
    run: Run, opened: Opened, features: int, drawn: int, strength: float
) -> Iterator[dict[str, Any]]:
    """Yield one row a bank, lens and kind of direction."""
    weights = weights_of(run)
    of_written: dict[str, list[Features]] = {}
    for facts in run.manifest.banks:
        of_written.setdefault(written_as(facts), []).append(weights.bank(facts.name))
    for name, banks in of_written.items():
        before = banks[0].before or banks[0]
        layer = _layer(before)
        random = np.random.default_rng(0)
        some = np.sort(random.choice(len(before), min(features, len(before)), replace=False))
        chosen = {
            "features": before.W_dec[torch.from_numpy(some)],
            "random": SecondMoment.of(before).draw(drawn, 0),
        }
        for kind, directions in chosen.items():
            moved = changes(opened, layer, directions, strength)
            for bank in banks:
                seen = directions if bank.lens is None else bank.lens.take(directions)
                own, chance = correlations(moved, seen, weights.unembedding)
                low, middle, high = np.quantile(own, (0.25, 0.5, 0.75))
                yield {
                    "bank": name, "layer": layer, "directions": kind, "count": len(own),
                    "lens": run.manifest.lens_of(run.manifest.bank(bank.name)),
                    "correlation": middle, "quarter": low, "three_quarters": high,
                    "chance": float(np.median(chance)),
                }  # fmt: skip


def _layer(bank: Features) -> int:
    """Return the block behind which a bank's directions stand in the stream."""
    if bank.hook is None:
        raise typer.BadParameter(f"{bank.name} does not say where it is written.")
    point = point_of(bank.hook)
    if point.along in ("attention", "between"):
        raise typer.BadParameter(f"{bank.name} is written inside a block, at {bank.hook}.")
    return block_behind(point)


def draw(found: list[dict[str, Any]]) -> Table:
    """Return the table, as the docs have it."""
    table = Table(box=None, pad_edge=False)
    for column in ("bank", "directions", "lens", "correlation", "quartiles", "chance"):
        table.add_column(column, justify="left" if column in ("bank", "lens") else "right")
    for row in found:
        table.add_row(
            row["bank"], f"{row['count']} {row['directions']}", row["lens"],
            f"{row['correlation']:.2f}", f"{row['quarter']:.2f}–{row['three_quarters']:.2f}",
            f"{row['chance']:.2f}",
        )  # fmt: skip
    return table


def main(
    model: str,
    run: Path,
    features: Annotated[int, typer.Option(help="Features of each bank.")] = 24,
    random: Annotated[int, typer.Option(help="Random directions of each bank.")] = 12,
    strength: Annotated[float, typer.Option(help="In lengths of the stream.")] = STRENGTH,
    out: Annotated[Path | None, typer.Option("--json", help="Keep the rows there.")] = None,
) -> None:
    """Hold the lenses of a run against what its features do."""
    opened = open_causal_model(resolve(model), dtype=torch.float32, device=torch.device("cpu"))
    found = list(rows(Run.open(run), opened, features, random, strength))
    if out is not None:
        out.write_text(json.dumps(found, indent=1))
    Console(width=120).print(draw(found))


if __name__ == "__main__":
    typer.run(main)
