"""A model whose every block is linear: the right lens of a layer is known, and tells everything."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn


class _Block(nn.Module):
    def __init__(self, width: int, random: torch.Generator) -> None:
        super().__init__()
        self.matrix = nn.Parameter(2 * torch.randn(width, width, generator=random) / width**0.5)

    def forward(self, hidden_states: Tensor) -> Tensor:
        return hidden_states + hidden_states @ self.matrix.T


class LinearModel(nn.Module):
    """h ← h + A_l h in every block, and logits W_U h: no norm, no attention."""

    def __init__(self, width: int, blocks: int, tokens: int, seed: int = 0) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(seed)
        self.config: Any = SimpleNamespace(num_hidden_layers=blocks, vocab_size=tokens)
        self.embed = nn.Embedding(tokens, width)
        self.layers = nn.ModuleList(_Block(width, random) for _ in range(blocks))
        self.lm_head = nn.Linear(width, tokens, bias=False)
        with torch.no_grad():
            self.embed.weight.copy_(torch.randn(tokens, width, generator=random))
            self.lm_head.weight.copy_(torch.randn(tokens, width, generator=random))

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def forward(self, input_ids: Tensor, use_cache: bool = False) -> SimpleNamespace:
        stream = self.embed(input_ids)
        for block in self.layers:
            stream = block(stream)
        return SimpleNamespace(logits=self.lm_head(stream))

    def lens(self, layer: int) -> Tensor:
        """What is between the output of a block and the end: the true J, by hand."""
        found = torch.eye(self.lm_head.in_features)
        for block in self.layers[layer + 1 :]:
            found = found + block.matrix.detach() @ found
        return found
