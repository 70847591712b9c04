"""Passes that begin behind a block, against the whole model with one hook, prompt by prompt."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.fitting.tiny import FAMILIES, LAYERS, D, blocks_of, ids_of, tiny_model
from unembed.fitting.blocks import Blocks
from unembed.steering.passes import BehindBlock

PROMPTS = [ids_of(tokens, seed) for seed, tokens in enumerate((5, 3, 5, 7), 1)]


def vector() -> Tensor:
    return torch.randn(D, generator=torch.Generator().manual_seed(3))


def alone(model: Any, ids: Tensor, layer: int, added: Tensor, at_last: bool) -> Tensor:
    """The logits behind one prompt, by a hook on the block and a run of all of them."""

    def add(stream: Tensor) -> Tensor:
        changed = stream.clone()
        changed[:, -1 if at_last else slice(None)] += added
        return changed

    def behind(module: Any, inputs: Any, output: Any) -> Any:
        return add(output) if isinstance(output, Tensor) else (add(output[0]), *output[1:])

    def before(module: Any, inputs: Any) -> Any:
        return (add(inputs[0]), *inputs[1:])

    block = blocks_of(model)[max(layer, 0)]
    handle = (
        block.register_forward_pre_hook(before)
        if layer < 0
        else block.register_forward_hook(behind)
    )
    with torch.no_grad():
        found: Tensor = model(input_ids=ids[None], use_cache=False).logits[0, -1]
    handle.remove()
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layer", [-1, 0, LAYERS - 1])
@pytest.mark.parametrize("at_last", [False, True])
def test_they_are_the_models(family: str, layer: int, at_last: bool) -> None:
    model = tiny_model(family)
    behind = BehindBlock(Blocks(model), layer, PROMPTS)
    found = behind.logits(vector(), at_last=at_last)
    expected = torch.stack([alone(model, ids, layer, vector(), at_last) for ids in PROMPTS])
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)
    nothing = torch.stack([alone(model, ids, layer, torch.zeros(D), False) for ids in PROMPTS])
    torch.testing.assert_close(behind.unsteered, nothing, atol=2e-5, rtol=1e-4)
    assert (found - behind.unsteered).abs().max() > 0.01


@pytest.mark.parametrize("layer", [0, 1])
def test_blocks_before_it_are_not_run_again(layer: int) -> None:
    model = tiny_model("llama")
    behind = BehindBlock(Blocks(model), layer, PROMPTS)
    runs = [0] * LAYERS
    for at, block in enumerate(blocks_of(model)):
        block.self_attn.register_forward_hook(lambda *_, at=at: runs.__setitem__(at, runs[at] + 1))
    behind.logits(vector())
    lengths = len({len(ids) for ids in PROMPTS})
    assert runs == [0] * (layer + 1) + [lengths] * (LAYERS - layer - 1)


def test_where_later_blocks_take_more_than_the_stream_all_are_run() -> None:
    """Each block here adds what the first one left beside the stream in this very run."""
    model = tiny_model("llama")
    blocks = blocks_of(model)
    left: list[Tensor] = []

    def leave(module: Any, inputs: Any, output: Any) -> None:
        left[:] = [output]

    def take(module: Any, inputs: Any, output: Any) -> Any:
        return output + left.pop() if left else torch.zeros_like(output)

    blocks[0].self_attn.o_proj.register_forward_hook(leave)
    blocks[2].register_forward_hook(take)
    behind = BehindBlock(Blocks(model), 1, PROMPTS[:1])
    expected = alone(model, PROMPTS[0], 1, vector(), False)
    torch.testing.assert_close(behind.logits(vector())[0], expected, atol=2e-5, rtol=1e-4)


def test_the_model_is_left_as_it_was() -> None:
    model = tiny_model("llama")
    before = model(input_ids=PROMPTS[0][None]).logits.detach()
    BehindBlock(Blocks(model), 1, PROMPTS).logits(vector())
    assert all("forward" not in vars(block) for block in blocks_of(model))
    assert torch.equal(model(input_ids=PROMPTS[0][None]).logits.detach(), before)


def test_the_length_leaves_the_first_position_out() -> None:
    model = tiny_model("llama")
    seen: list[Tensor] = []
    handle = blocks_of(model)[1].register_forward_hook(lambda _, __, output: seen.append(output))
    with torch.no_grad():
        for ids in PROMPTS:
            model(input_ids=ids[None], use_cache=False)
    handle.remove()
    norms = torch.cat([stream[0, 1:].norm(dim=-1) for stream in seen])
    assert BehindBlock(Blocks(model), 1, PROMPTS).length == pytest.approx(float(norms.median()))
