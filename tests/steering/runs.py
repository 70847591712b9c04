"""Runs of tiny models of `transformers`, with features that do what their labels say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tests.fitting.tiny import LAYERS, D, tiny_folder
from unembed import (
    EnrichmentSettings,
    Run,
    SweepSettings,
    TokenSets,
    analyze,
    load_features,
    load_unembedding,
)
from unembed.tokensets import SetInfo

SETS = {"few": [3, 8, 20], "others": [5, 6, 7, 30], "many": list(range(10, 24))}
PROMOTES, SUPPRESSES, FLAT = 4, 9, 2
"""Of `sae.2`: features that promote and suppress `few`, and one of zeros."""


def steered_run(folder: Path) -> Run:
    """A run of a tiny Llama: neurons of block 1, and directions behind the last block."""
    model = tiny_folder(folder / "model", "llama")
    unembedding = load_unembedding(model)
    draw = torch.Generator().manual_seed(2)
    rows = torch.randn(60, D, generator=draw)
    along = unembedding.W_U[np.searchsorted(unembedding.token_ids, SETS["few"])].mean(0)
    rows[PROMOTES], rows[SUPPRESSES], rows[FLAT] = along, -along, 0
    hook = f"blocks.{LAYERS - 1}.hook_resid_post"
    path = folder / "rows.npy"
    np.save(path, rows.numpy())
    (bank,) = load_features(f"sae.{LAYERS - 1}={path}", model=model, hook=hook)
    banks = [bank, *load_features("mlp:1", model=model)]
    sets = TokenSets.from_drafts(
        [(SetInfo(name, "planted"), np.array(ids)) for name, ids in SETS.items()],
        unembedding.vocabulary,
    )
    settings = EnrichmentSettings(directions=200, tsea="none")
    few = SweepSettings(top_k=10)  # of 39 tokens
    return analyze(
        unembedding, banks, folder / "run", token_sets=sets, enrichment=settings, settings=few
    )
