"""What a model writes behind a prompt, greedily, with something added to its stream at every token.

Several texts are written side by side, one for each thing that is added: so they cost little more
than one. Greedy means that the same is written every time; nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.fitting.blocks import Blocks
from unembed.fitting.model import Opened


def written(
    opened: Opened,
    ids: Int[Tensor, " tokens"],
    layer: int,
    added: Float[Tensor, "texts d_model"],
    tokens: int,
) -> list[str]:
    """Return what the model writes behind a prompt, one text for each vector.

    Args:
        opened: the model, and its tokenizer.
        ids: of the prompt.
        layer: behind whose block the vectors are added; −1 for what enters the first.
        added: to the stream at every position, those of the prompt too.
        tokens: of each text, at most: it ends where the model ends it.
    """
    blocks = opened.blocks
    rows = added.to(blocks.device, blocks.dtype)[:, None]
    with torch.no_grad(), blocks.changed(layer, lambda stream: stream + rows):
        found = _greedy(blocks, ids.expand(len(rows), -1), tokens, _ends(opened.tokenizer))
    return [_text(opened.tokenizer, row) for row in found.tolist()]


def _greedy(blocks: Blocks, ids: Tensor, tokens: int, ends: Sequence[int]) -> Tensor:
    """Return the tokens [texts, tokens] behind a prompt; those behind an end are the end again."""
    written = ids.new_empty(len(ids), 0)
    is_over = torch.zeros(len(ids), dtype=torch.bool, device="cpu")
    for _ in range(tokens):
        logits = blocks.last_logits(torch.cat([ids, written], 1))
        following = logits.argmax(-1).cpu()
        if ends:
            following[is_over] = ends[0]
            is_over |= torch.isin(following, torch.tensor(ends, device="cpu"))
        written = torch.cat([written, following[:, None]], 1)
        if is_over.all():
            break
    return written


def _ends(tokenizer: Any) -> list[int]:
    return [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]


def _text(tokenizer: Any, ids: list[int]) -> str:
    """Return the text of some tokens, without special ones and as it was written."""
    found: str = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return found
