"""Runs made in a process of its own, on so many threads and in tiles of so many features.

python -m tests.store.same_bytes FOLDER TILE THREADS STOP [FOLDER …]

Each is made with so many threads of torch (0: as the environment has it, `OMP_NUM_THREADS`), and
is stopped when so many features are done (0: never). One that is begun already goes on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

import unembed
from unembed.store import manifest as manifest_module

SHARD = 384
D_MODEL, TOKENS, FEATURES, SETS = 200, 3001, 600, 20


class StoppedError(Exception):
    """The run was stopped."""


def make(folder: Path, tile: int, stop: int) -> None:
    """Make a run, or go on with it: wide enough for sums to be cut up, of features that say much.

    Neither tokens nor features are a multiple of anything.
    """
    random = torch.Generator().manual_seed(0)
    texts = unembed.Vocabulary.from_texts([f"t{i}" for i in range(TOKENS)])
    W_U = torch.randn(TOKENS, D_MODEL, generator=random)
    rows = torch.randn(FEATURES, D_MODEL, generator=random)
    tokens = [np.random.default_rng(i).permutation(TOKENS) for i in range(SETS)]
    sets = {f"s{i}": sorted(tokens[i][: 20 + 60 * i].tolist()) for i in range(SETS)}
    for i in range(0, FEATURES, 2):  # promotes two sets and suppresses another
        for k, share in ((0, 6), (7, -5), (11, 4)):
            towards = W_U[sets[f"s{(i + k) % SETS}"]].mean(0)
            rows[i] += share * towards / towards.norm()
    rows[5] = 0

    def progress(step: str, done: int, total: int) -> None:
        if stop and step == "Features" and done >= stop:
            raise StoppedError

    unembed.analyze(
        unembed.prepare_unembedding(W_U, texts, name="wide"),
        unembed.Features.from_array(rows, name="bank"),
        folder,
        token_sets=unembed.TokenSets.from_ids(sets, texts),
        settings=unembed.SweepSettings(tile=tile, top_k=5),
        enrichment=unembed.EnrichmentSettings(directions=200),
        progress=progress,
    )


if __name__ == "__main__":
    manifest_module.SHARD_FEATURES = SHARD
    for at in range(1, len(sys.argv), 4):
        tile, threads, stop = map(int, sys.argv[at + 1 : at + 4])
        if threads:
            torch.set_num_threads(threads)
        try:
            make(Path(sys.argv[at]), tile, stop)
        except StoppedError:
            assert stop
