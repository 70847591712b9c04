"""How much memory a fit takes, measured before it starts."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from unembed.fitting.blocks import Blocks


class Memory(NamedTuple):
    """Bytes that a fit takes.

    Attributes:
        model: its weights.
        graph: what a forward pass of a prompt's copies keeps for the passes backwards.
        sums: of the two halves, and the Jacobians of one prompt; on the CPU.
        device: what the model lies on.
    """

    model: int
    graph: int
    sums: int
    device: str

    @property
    def total(self) -> int:
        """What the model and the graph take, and on the CPU the sums."""
        return self.model + self.graph + (self.sums if self.device == "cpu" else 0)


def memory_of(blocks: Blocks, ids: Tensor, layers: tuple[int, ...], batch: int) -> Memory:
    """Return what a fit takes; for it the graph of one copy is made, and what it keeps counted.

    Args:
        blocks: of the model.
        ids: [tokens] of a prompt.
        layers: of the lens.
        batch: copies of the prompt.
    """
    own = {each.data_ptr() for each in blocks.model.parameters()}
    kept: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor),
        blocks.streams([*layers, len(blocks) - 1]),
        torch.enable_grad(),
    ):
        blocks.run(ids[None])
    numbers = 3 * len(layers) * blocks.d_model**2
    wide = 8 if blocks.dtype == torch.float64 else 4
    model = sum(each.nbytes for each in blocks.model.parameters())
    return Memory(model, sum(kept.values()) * batch, numbers * wide, str(blocks.device))
