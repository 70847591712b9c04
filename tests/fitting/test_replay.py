"""Runs that begin behind a block end as whole runs do, or all of the model runs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.fitting.linear import LinearModel
from tests.fitting.tiny import FAMILIES, LAYERS, ids_of, tiny_model
from unembed.fitting.blocks import Blocks
from unembed.fitting.replay import Replay

IDS = torch.stack([ids_of(8, seed) for seed in (1, 2)])


def logits(blocks: Blocks, layer: int, step: Tensor) -> Tensor:
    with torch.no_grad(), blocks.changed(layer, lambda stream: stream + step):
        return blocks.last_logits(IDS)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layer", [-1, 0, LAYERS - 1])
def test_what_is_added_does_the_same(family: str, layer: int) -> None:
    blocks = Blocks(tiny_model(family))
    step = torch.randn(blocks.d_model, generator=torch.Generator().manual_seed(3))
    expected, ran = logits(blocks, layer, step), []
    inside = next(iter(blocks.blocks[0].children()))
    handle = inside.register_forward_hook(lambda *given: ran.append(given[2]))
    with Replay(blocks, IDS, layer).behind() as shorter:
        ran.clear()
        found = logits(blocks, layer, step)
        again = logits(blocks, layer, step)
    handle.remove()
    assert shorter is (layer >= 0)
    torch.testing.assert_close(found, expected)
    assert torch.equal(found, again)
    assert bool(ran) is (layer < 0)
    assert not any("forward" in vars(block) for block in blocks.blocks)
    torch.testing.assert_close(logits(blocks, layer, step), expected)


def test_last_logits_are_the_last_of_all() -> None:
    for family in FAMILIES:
        blocks = Blocks(tiny_model(family))
        with torch.no_grad():
            torch.testing.assert_close(blocks.last_logits(IDS), blocks.logits(IDS)[:, -1])


class _Shared(nn.Module):
    """A block that takes what an earlier one has worked out beside the stream, as shared keys."""

    def __init__(self, memory: dict[str, Tensor], first: bool) -> None:
        super().__init__()
        self.memory, self.first, self.layer = memory, first, nn.Linear(6, 6)

    def forward(self, hidden_states: Tensor) -> Tensor:
        if self.first:
            self.memory["keys"] = self.layer(hidden_states)
        keys = self.memory.pop("keys") if not self.first else 0
        found: Tensor = hidden_states + 0.1 * self.layer(hidden_states) + keys
        return found


class _SharingModel(LinearModel):
    def __init__(self) -> None:
        super().__init__(6, 2, 20)
        memory: dict[str, Tensor] = {}
        self.layers = nn.ModuleList([_Shared(memory, True), _Shared(memory, False)])


def test_where_a_block_takes_more_than_the_stream_all_of_the_model_runs() -> None:
    blocks = Blocks(_SharingModel())
    step = torch.ones(6)
    with torch.no_grad(), blocks.changed(0, lambda stream: stream + step):
        expected = blocks.last_logits(IDS % 20)
    with Replay(blocks, IDS % 20, 0).behind() as shorter:
        assert not shorter
        with torch.no_grad(), blocks.changed(0, lambda stream: stream + step):
            assert torch.equal(blocks.last_logits(IDS % 20), expected)
