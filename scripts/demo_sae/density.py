"""How often features fire, as SAELens stores it: log10 of a share of tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from unembed.store.atomic import write_atomically

if TYPE_CHECKING:
    from sae_lens import SAE

FILE = "sparsity.safetensors"
DEAD = -9.0
"""Below this log10 density a feature fired at none of the tokens looked at."""
MOST_TOKENS = 1_000_000


@torch.no_grad()
def save(sae: SAE, rows: Tensor, folder: Path) -> None:
    """Write each feature's log10 density over up to a million training tokens; −10 for none."""
    fired = torch.zeros(sae.cfg.d_sae)
    for part in rows[:MOST_TOKENS].split(4_096):
        fired += (sae.encode(part.float()) > 0).sum(0)
    density = torch.log10(fired / min(len(rows), MOST_TOKENS) + 1e-10)
    write_atomically(folder / FILE, lambda file: save_file({"sparsity": density}, file))


def load(folder: Path) -> Tensor:
    """Return each feature's log10 density."""
    return load_file(folder / FILE)["sparsity"]
