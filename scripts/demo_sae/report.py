"""Read an SAE through `unembed`: its features' tokens, and how far its tails reach."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import torch

import unembed
from scripts.demo_sae import density
from unembed.outside.text import quoted

TOKENS_SHOWN = 8


def report(gguf: Path, folder: Path, chosen: Sequence[int], seed: int) -> str:
    """Return Markdown: tails against two comparisons, thirty random features, chosen ones.

    Args:
        gguf: the model, whose unembedding and neurons are read.
        folder: an SAE in SAELens' layout, with densities.
        chosen: indices of features to show after the random ones.
        seed: of the draw of thirty and of the control.
    """
    (sae,) = unembed.load_features(f"sae={folder}")
    neurons = unembed.load_features(f"neurons=mlp:{sae.layer}", model=gguf)
    control = unembed.Features.from_array(random_directions(sae.W_dec, seed), name="control")
    with tempfile.TemporaryDirectory() as run_folder:
        run = unembed.analyze(
            unembed.load_unembedding(gguf), [sae, *neurons, control], Path(run_folder) / "run"
        )
        living = run.features.filter(
            (pl.col("bank") != "sae") | (pl.col("log10_density") > density.DEAD)
        )
        drawn = random.Random(seed).sample(living.filter(bank="sae")["index"].to_list(), 30)
        return "\n\n".join(
            [
                tails(living),
                "**Thirty drawn at random**",
                table(run, sorted(drawn)),
                *(["**Chosen**", table(run, chosen)] if chosen else []),
            ]
        )


def random_directions(W_dec: torch.Tensor, seed: int) -> torch.Tensor:
    """Return as many directions from N(0, M), M the second moment of W_dec's unit rows."""
    unit = torch.nn.functional.normalize(W_dec.double(), dim=1)
    root = torch.linalg.cholesky(unit.T @ unit / len(unit))
    draws = torch.randn(unit.shape, generator=torch.Generator().manual_seed(seed)).double()
    return (draws @ root.T).float()


def tails(frame: pl.DataFrame) -> str:
    """Return a table: each bank's quantiles, and its share beyond the control's 99th percentile."""
    control = frame.filter(bank="control")
    values = {
        "absolute skewness": lambda bank: bank["skewness"].abs().to_numpy(),
        "kurtosis": lambda bank: bank["kurtosis"].to_numpy(),
    }
    lines = [
        "| statistic | directions | median | 90 % | 99 % | largest | beyond the control's 99 % |",
        "|---|---|---|---|---|---|---|",
    ]
    for statistic, value in values.items():
        limit = np.quantile(value(control), 0.99)
        for name in ("sae", "neurons", "control"):
            found = value(frame.filter(bank=name))
            quantiles = [f"{np.quantile(found, at):.2f}" for at in (0.5, 0.9, 0.99, 1.0)]
            beyond = f"{(found > limit).mean():.1%}"
            lines.append(f"| {' | '.join([statistic, name, *quantiles, beyond])} |")
    return "\n".join(lines)


def table(run: unembed.Run, indices: Sequence[int]) -> str:
    """Return features of the SAE as rows: density, skewness, kurtosis, tokens at both ends."""
    lines = [
        "| feature | fires at | skew | kurt | promotes | suppresses |",
        "|---|---|---|---|---|---|",
    ]
    for index in indices:
        row = run.feature(f"sae/{index}")
        fires = f"{10 ** row['log10_density']:.3%}"
        ends = (written(row[f"{end}_tokens"]) for end in ("top", "bottom"))
        lines.append(
            f"| {index} | {fires} | {row['skewness']:.2f} | {row['kurtosis']:.1f} | "
            + " | ".join(ends)
            + " |"
        )
    return "\n".join(lines)


def written(tokens: Sequence[str]) -> str:
    """Return tokens as Markdown code, which shows their spaces."""
    shown = (quoted(token)[1:-1].replace("|", "\\|") for token in tokens[:TOKENS_SHOWN])
    return " ".join(f"``{token}``" if "`" in token else f"`{token}`" for token in shown)
