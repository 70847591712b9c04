"""J of tiny models of several families, against the whole Jacobian in float64."""

from __future__ import annotations

import pytest
import torch

from tests.fitting.tiny import FAMILIES, LAYERS, D, behind_last, ids_of, naive_jacobian, tiny_model
from unembed.fitting.blocks import Blocks
from unembed.fitting.halves import Halves
from unembed.fitting.jacobian import prompt_jacobians
from unembed.fitting.memory import memory_of

SKIP = 3


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("batch", [5, 64])
def test_j_is_the_averaged_jacobian(family: str, batch: int) -> None:
    model = tiny_model(family).double()
    layers = [-1, 0, 1]
    found = prompt_jacobians(Blocks(model), ids_of(9), layers, skip=SKIP, batch=batch)
    assert list(found) == layers
    for layer in layers:
        expected = naive_jacobian(model, ids_of(9), layer, SKIP)
        assert float(expected.abs().max()) > 0.1
        assert torch.allclose(found[layer], expected, atol=1e-6), (family, layer)
        assert not torch.allclose(found[layer].T, expected, atol=1e-3)  # [out, in]


def test_a_step_along_a_direction_is_j_times_it() -> None:
    """By differences, without any gradient: the sum of what changes later, a source at a time."""
    model = tiny_model("gpt2").double()  # which, unlike a Llama, has no float32 inside
    ids, layer, step = ids_of(8), 0, 1e-5
    J = prompt_jacobians(Blocks(model), ids, [layer], skip=SKIP, batch=4)[layer]
    direction = torch.randn(D, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    here, _ = behind_last(model, ids, layer)
    counted = range(SKIP, len(ids) - 1)
    changed = torch.zeros(D, dtype=torch.float64)
    for source in counted:
        moved = [here.detach().clone() for _ in range(2)]
        moved[0][source] += step * direction
        moved[1][source] -= step * direction
        up, down = (behind_last(model, ids, layer, each)[1] for each in moved)
        changed += ((up - down)[SKIP:-1].sum(0) / (2 * step)).detach()
    assert torch.allclose(J @ direction, changed / len(counted), atol=1e-6)


def test_j_of_the_last_block_is_the_identity() -> None:
    found = prompt_jacobians(Blocks(tiny_model("gpt2")), ids_of(9), [2], skip=SKIP, batch=7)
    assert torch.equal(found[2], torch.eye(D))


def test_the_model_is_left_as_it_was() -> None:
    model = tiny_model("llama")
    ids = ids_of(9)
    before = model(input_ids=ids[None]).logits
    prompt_jacobians(Blocks(model), ids, [0], skip=SKIP, batch=8)
    assert torch.equal(model(input_ids=ids[None]).logits, before)
    assert all(each.grad is None for each in model.parameters())


def test_prompts_count_the_same_and_halves_are_kept_apart() -> None:
    halves = Halves.empty([0], 2, torch.float64)
    for number in range(5):
        halves.add({0: torch.full((2, 2), float(number), dtype=torch.float64)})
    assert float(halves.mean(0)[0, 0]) == 2
    assert float(halves.of_half(0, 0)[0, 0]) == 2  # 0, 2, 4
    assert float(halves.of_half(1, 0)[0, 0]) == 2  # 1, 3
    assert halves.frobenius(0) == 0
    halves.add({0: torch.zeros(2, 2, dtype=torch.float64)})  # 1, 3, 0
    assert float(halves.of_half(1, 0)[0, 0]) == pytest.approx(4 / 3)
    assert halves.frobenius(0) == pytest.approx((2 - 4 / 3) / (10 / 6))


def test_memory_grows_with_copies_and_depth() -> None:
    blocks = Blocks(tiny_model("llama"))
    one, two = (memory_of(blocks, ids_of(20), (0,), batch) for batch in (1, 2))
    higher = memory_of(blocks, ids_of(20), (LAYERS - 2,), 1)
    assert two.graph == 2 * one.graph > 2 * higher.graph > 0
    assert one.sums == 3 * D * D * 4
