"""Hashes of what decides a lens: the model's weights, and the prompts' tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
import xxhash
from torch import Tensor, nn


def weights_hash(model: nn.Module) -> str:
    """Return a hash (xxh3-128) of a model's parameters as it computes with them, by their names."""
    content = xxhash.xxh3_128()
    for name, values in sorted(model.named_parameters()):
        content.update(name.encode())
        content.update(
            values.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
        )
    return content.hexdigest()


def prompts_hash(prompts: Sequence[Tensor]) -> str:
    """Return the SHA-256 of the prompts' tokens, one prompt a line."""
    lines = (" ".join(map(str, each.tolist())) for each in prompts)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
