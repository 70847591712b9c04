"""What a direction does where it is added, held against other ways to add it, in float64."""

from __future__ import annotations

import torch

from tests.fitting.tiny import LAYERS, D, behind_last, ids_of, tiny_model
from unembed.fitting.blocks import Blocks
from unembed.fitting.causal import logit_changes
from unembed.fitting.jacobian import prompt_jacobians

STRENGTH = 0.1


def directions() -> torch.Tensor:
    random = torch.Generator().manual_seed(5)
    return torch.randn(3, D, dtype=torch.float64, generator=random)


def test_before_the_first_block_it_is_added_to_the_embeddings() -> None:
    """By transformers' own argument for them."""
    model = tiny_model("llama").double()
    ids = torch.stack([ids_of(8, seed) for seed in (1, 2)])
    found = logit_changes(Blocks(model), [ids], -1, directions(), strength=STRENGTH)
    embedded = model.get_input_embeddings()(ids)
    length = STRENGTH * float(embedded.norm(dim=-1).median())
    for row, direction in zip(found, directions(), strict=True):
        step = length * direction / direction.norm()
        up, down = (model(inputs_embeds=embedded + sign * step).logits for sign in (1, -1))
        expected = ((up - down) / 2)[:, -1].mean(0).float()
        torch.testing.assert_close(row, expected, atol=1e-6, rtol=1e-5)


def test_behind_the_last_block_only_norm_and_head_follow() -> None:
    model = tiny_model("llama").double()
    ids = ids_of(8)
    found = logit_changes(Blocks(model), [ids[None]], LAYERS - 1, directions(), strength=STRENGTH)
    stream = behind_last(model, ids, LAYERS - 1)[0].detach()
    length = STRENGTH * float(stream.norm(dim=-1).median())
    for row, direction in zip(found, directions(), strict=True):
        step = length * direction / direction.norm()
        up, down = (model.lm_head(model.model.norm(stream[-1] + s * step)) for s in (1, -1))
        torch.testing.assert_close(row, ((up - down) / 2).float(), atol=1e-6, rtol=1e-5)


def test_a_small_step_is_what_the_jacobian_says_of_it() -> None:
    """Of GPT-2, with a prompt of which one position is read and its sources are summed."""
    model = tiny_model("gpt2").double()
    blocks, ids, small = Blocks(model), ids_of(6), 1e-5
    found = logit_changes(blocks, [ids[None]], 0, directions(), strength=small)
    last = behind_last(model, ids, LAYERS - 1)[0].detach()[-1].requires_grad_()
    here = behind_last(model, ids, 0)[0].detach()
    whole = torch.autograd.functional.jacobian(
        lambda stream: behind_last(model, ids, 0, stream)[1][-1], here
    ).sum(1)  # over the positions where it is added
    head = torch.autograd.functional.jacobian(
        lambda vector: model.lm_head(model.transformer.ln_f(vector)), last.detach()
    )
    unit = directions() / directions().norm(dim=1, keepdim=True)
    length = small * float(here.norm(dim=-1).median())
    expected = length * unit @ (head @ whole).T
    torch.testing.assert_close(found, expected.float(), atol=1e-9, rtol=1e-3)


def test_no_hook_is_left_and_nothing_is_changed() -> None:
    model = tiny_model("gpt2").double()
    before = model(input_ids=ids_of(6)[None]).logits.detach()
    blocks = Blocks(model)
    logit_changes(blocks, [ids_of(6)[None]], 1, directions())
    assert torch.equal(model(input_ids=ids_of(6)[None]).logits.detach(), before)
    assert prompt_jacobians(blocks, ids_of(9), [1], skip=3, batch=4)[1].shape == (D, D)
