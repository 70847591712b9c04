"""What a model says behind some prompts, with something added to its stream behind a block.

What stands before that block is the same whatever is added, and is run once (`fitting.replay`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.fitting.blocks import Blocks
from unembed.fitting.replay import Replay


class BehindBlock:
    """Passes of a model over some prompts, with something added behind one block.

    Attributes:
        unsteered: [prompts, vocabulary] the logits behind each prompt with nothing added, float32
            on the CPU.
        length: of the stream behind the block, a median over positions. The first of each prompt
            is left out: its stream can be a hundred times as long as all others.

    Args:
        blocks: of the model.
        layer: of the block; −1 for what enters the first.
        prompts: the tokens of each.
    """

    def __init__(
        self, blocks: Blocks, layer: int, prompts: Sequence[Int[Tensor, " tokens"]]
    ) -> None:
        lengths = [len(each) for each in prompts]
        self._places = [
            [at for at, length in enumerate(lengths) if length == wanted]
            for wanted in sorted(set(lengths))
        ]
        groups = [torch.stack([prompts[at] for at in group]) for group in self._places]
        self._blocks, self._layer, self._groups = blocks, layer, groups
        self._runs: list[Replay] = []
        for ids in groups:
            may_be = all(each.is_shorter for each in self._runs)
            self._runs.append(Replay(blocks, ids, layer, may_be=may_be))
        self.unsteered = self._in_order([run.logits for run in self._runs])
        self.length = float(torch.cat([_lengths(run.stream) for run in self._runs]).median())

    def logits(
        self, added: Float[Tensor, " d_model"], *, at_last: bool = False
    ) -> Float[Tensor, "prompts vocabulary"]:
        """Return the logits behind each prompt, float32 on the CPU.

        Args:
            added: to the stream of every position.
            at_last: to that of the last position alone.
        """
        added = added.to(self._blocks.device, self._blocks.dtype)

        def add(stream: Tensor) -> Tensor:
            if not at_last:
                return stream + added
            return torch.cat([stream[:, :-1], stream[:, -1:] + added], 1)

        found = []
        for run, ids in zip(self._runs, self._groups, strict=True):
            with torch.no_grad(), run.behind(), self._blocks.changed(self._layer, add):
                found.append(self._blocks.last_logits(ids))
        return self._in_order(found)

    def _in_order(self, of_groups: list[Tensor]) -> Float[Tensor, "prompts vocabulary"]:
        rows = torch.cat(of_groups).float().cpu()
        back = torch.tensor([at for group in self._places for at in group], device="cpu").argsort()
        return rows[back]


def _lengths(stream: Float[Tensor, "prompts tokens d_model"]) -> Float[Tensor, " positions"]:
    """Return how long the stream is at each position but the first, where there are others."""
    found: Tensor = (stream[:, 1:] if stream.shape[1] > 1 else stream).float().norm(dim=-1)
    return found.flatten()
