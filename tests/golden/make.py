"""Write the golden runs of these schema versions. Run once for each new schema, then commit it.

python -m tests.golden.make
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

import unembed
from unembed.facts import ReadFacts
from unembed.store.manifest import MADE

GOLDEN = Path(__file__).parent


def main() -> None:
    """Write a run of what features write, and one of what they read, too."""
    for version, reads in zip(MADE, (False, True), strict=True):
        if not (GOLDEN / f"schema-{version}").exists():
            make(GOLDEN / f"schema-{version}", reads=reads)


def make(folder: Path, *, reads: bool) -> None:
    """Write a golden run."""
    random = torch.Generator().manual_seed(0)
    tokens = {i: f" word{i}".encode() for i in range(60)}
    tokens |= {60: b"\xe2\x80", 61: "é\n".encode(), 62: b"<s>"}
    vocabulary = unembed.Vocabulary.from_ids(tokens, special=[62], unused=[59], kind="golden")
    W_U = torch.randn(64, 8, generator=random)
    W_dec = torch.randn(6, 8, generator=random)
    W_dec[4] = 0
    members = {"some": [1, 2, 3], "many": range(50), "none": []}
    model = unembed.prepare_unembedding(W_U, vocabulary, name="golden")
    W_E, W_enc = (torch.randn(rows, 8, generator=random) for rows in (64, 6))
    if reads:
        model = model.with_embedding(unembed.prepare_unembedding(W_E, vocabulary, name="golden"))
    read = unembed.Features.from_array(
        W_enc, name="sae.3.encoder", indices=[5, 6, 7, 8, 9, 20], layer=3,
        hook="blocks.3.hook_resid_pre", reads=ReadFacts("encoder", "sae.3", []),
    )  # fmt: skip
    unembed.analyze(
        model,
        [
            unembed.Features.from_array(W_dec, name="sae.3", indices=[5, 6, 7, 8, 9, 20], layer=3,
                hook="blocks.3.hook_resid_pre", neuronpedia="golden/3-res",
                log10_density=np.linspace(-10, -1, 6).astype(np.float32)),
            unembed.Features.from_array(W_dec[:2] * 3, name="mlp.3"),
            *([read] if reads else ()),
        ],
        folder,
        token_sets=unembed.TokenSets.from_ids(members, vocabulary, family="golden"),
        settings=unembed.SweepSettings(top_k=4),
        enrichment=unembed.EnrichmentSettings(directions=100, max_q=1.0),
    )  # fmt: skip


if __name__ == "__main__":
    main()
