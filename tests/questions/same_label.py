"""A run in which features carry the same label, each known to differ in one way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tests.planted import FEW, Planted, Planting, bank_of, planted_run
from unembed import ExplanationSettings, SweepSettings

D = 96
MONTHS = [" May", "May", " June", " July", " March", " April", " August", " January"]
MAY, JUNE = (0, 1), 2
ALIKE, WITHOUT_MAY, WITH_JUNE, WITH_PARIS, WITH_A_SET, AGAINST_PARIS = (0, 1, 3), 2, 4, 5, 6, 7
"""What the first features do: all of them promote months, and months alone are said of them."""
SPRING, DAYS, AGAINST_A_SET = 11, (12, 13), 14
CARRIERS = (0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14)
ONLY, OPPOSITE, FLAT = 8, 9, 10


def planting(fillers: int) -> Planting:
    """Tokens of which the months share a direction, and some have one of their own."""
    axes = torch.eye(D)
    texts = [*MONTHS, " Paris", " paris", "\n", "\n\n"]
    made = Planting(torch.randn(2000, D, generator=torch.Generator().manual_seed(0)), texts)
    W_U = made._W_U
    W_U[list(MAY)] += 12 * axes[2]
    W_U[JUNE] += 12 * axes[3]
    W_U[8:10] += 14 * axes[4] - 1.5 * axes[0]
    made.token_set("months", range(8), family="meaning/time", along=9 * axes[0])
    made.token_set("years", range(100, 140), family="meaning/time", along=6 * axes[1])
    made.token_set("days", range(150, 190), family="meaning/time", along=6 * axes[6])
    spring = [*range(3, 8), *range(50, 55)]
    W_U[spring] += 7 * axes[5]
    W_U[spring[5:]] -= 9 * axes[0]
    made.token_set("spring", spring, family="meaning/time")
    made.token_set("form:june", [JUNE], family="forms")
    random = np.random.default_rng(3)
    for at in range(fillers):
        made.token_set(f"filler{at}", random.choice(np.arange(200, 2000), 30, replace=False))
    return made


def same_label_run(out: Path, *, fillers: int = 0) -> Planted:
    """The run; with many fillers it keeps directions in the place of z."""
    made = planting(fillers)
    random = torch.Generator().manual_seed(1)
    axes = torch.eye(D)
    months = axes[0]
    rows = 0.05 * torch.randn(900, D, generator=random)
    doing = {
        0: months, 1: 0.9 * months, 2: months - 0.75 * axes[2], 3: 1.1 * months,
        4: months + 0.5 * axes[3], 5: months + 1.0 * axes[4], 6: months + 0.8 * axes[1],
        7: months - 0.8 * axes[4], 11: months + 0.8 * axes[5],
        12: months + 0.65 * axes[6], 13: months + 0.65 * axes[6], 14: months - 0.8 * axes[1],
        ONLY: axes[1], OPPOSITE: -months,
    }  # fmt: skip
    near = {at: row + 0.3 * rows[at] for at, row in doing.items()}
    banks = [
        bank_of("a", rows, {**near, FLAT: torch.zeros(D)}, layer=1),
        bank_of("b", rows.flip(0)[:80], {3: months}, indices=np.arange(80) * 10),
    ]
    return planted_run(
        out, made.unembedding, banks, made.sets,
        settings=SweepSettings(top_k=15), enrichment=FEW,
        explanation=ExplanationSettings(parts=1),
    )  # fmt: skip
