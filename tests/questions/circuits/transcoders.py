"""A run of transcoders in which something is planted, and the graph of it.

`graphs/planted.json` was written by circuit-tracer 0.5.0's own classes, `frontend.graph_models`.
"""

from __future__ import annotations

from pathlib import Path

import torch

from tests.planted import FEW, Planting, bank_of, planted_run
from unembed import Run

GRAPH = Path(__file__).parent / "graphs" / "planted.json"
SET = {"format": "circuit-tracer", "repo": "me/transcoders"}


def transcoders_run(out: Path) -> Run:
    """A run of a transcoder of layer 3, a cross-layer one of layer 5, and what is neither.

    Feature 0 promotes months, 1 suppresses them, 2 promotes digits, 3 months, 5 writes nothing; the
    others are random. The cross-layer transcoder writes the same to layer 5, and three times as
    much to layer 6, where 3 promotes digits. mlp.3 is written where transcoders are, and is none.
    """
    random = torch.Generator().manual_seed(0)
    planting = Planting(torch.randn(1500, 24, generator=random), special=[0])
    axes = torch.linalg.qr(torch.randn(24, 24, generator=random)).Q
    planting.token_set("months", range(100, 140), along=3 * axes[0])
    planting.token_set("digits", range(300, 340), along=3 * axes[1])
    months, digits = planting.mean("months"), planting.mean("digits")
    doing = {0: 5 * months, 1: -5 * months, 2: 5 * digits, 3: 5 * months, 5: torch.zeros(24)}
    rows = torch.randn(300, 24, generator=random)
    across = {**SET, "reads_layer": 5}
    banks = [
        bank_of("transcoder.3", rows, doing, layer=3, hook="blocks.3.hook_mlp_out", origin=SET),
        bank_of("mlp.3", rows.flip(0), layer=3, hook="blocks.3.hook_mlp_out",
                origin={"format": "mlp neurons"}),
        bank_of("clt.5→5", rows, doing, layer=5, origin={**across, "part": "5→5"}),
        bank_of("clt.5→6", 3 * rows,
                {**{index: 3 * row for index, row in doing.items()}, 3: 15 * digits},
                layer=6, origin={**across, "part": "5→6"}),
        bank_of("vectors", rows[:40]),
    ]  # fmt: skip
    return planted_run(out, planting.unembedding, banks, planting.sets, enrichment=FEW).run
