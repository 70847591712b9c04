"""Prompts that a model writes itself: text of its own distribution, where no other is at hand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unembed.errors import UnembedError
from unembed.fitting.blocks import Blocks
from unembed.progress import Report


def sampled_prompts(
    blocks: Blocks, tokenizer: Any, *, count: int, tokens: int, seed: int, report: Report
) -> list[Tensor]:
    """Return prompts [tokens], each sampled token by token at temperature 1, from nothing.

    Special tokens are never drawn, so that a prompt is one text. A prompt's draws depend on the
    seed and its number alone, so that more prompts begin with the same ones. The model is run anew
    for each token, which a cache would save: to fit on the prompt costs many times as much.

    Args:
        blocks: of the model.
        tokenizer: of `transformers`.
        count: how many are wanted.
        tokens: of each.
        seed: of the draws.
        report: told how many are there.

    Raises:
        UnembedError: when there is no token that a text could begin with.
    """
    first = next(
        (each for each in (tokenizer.bos_token_id, tokenizer.eos_token_id) if each is not None),
        None,
    )
    if first is None:
        raise UnembedError(
            "The model's tokenizer has no token that begins or ends a text, so that the model "
            "cannot write its prompts itself. Give a text: --text FILE."
        )
    special = torch.tensor(sorted({*tokenizer.all_special_ids, first}), device="cpu")
    prompts = []
    for number in range(count):
        prompts.append(_sampled(blocks, first, special, tokens, seed * 1_000_003 + number))
        report(number + 1, count)
    return prompts


def _sampled(blocks: Blocks, first: int, special: Tensor, tokens: int, seed: int) -> Tensor:
    draw = torch.Generator("cpu").manual_seed(seed)
    ids = torch.tensor([first], device="cpu")
    with torch.no_grad():
        while len(ids) < tokens:
            logits = blocks.logits(ids[None])
            weights = logits[0, -1].double().cpu().clone()
            weights[special[special < len(weights)]] = -torch.inf
            ids = torch.cat([ids, torch.multinomial(weights.softmax(-1), 1, generator=draw)])
    return ids
