"""Prompts that say little: sentences that are broken off, where many a word may follow."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product as pairs
from typing import Any

import torch
from torch import Tensor

from unembed.errors import UnembedError

_WHO = (
    "The teacher", "My neighbour", "A young woman", "The old man", "Our team",
    "The committee", "Someone in the room", "The driver", "This report", "The company",
)  # fmt: skip
_WHAT = (
    "said that the new", "went to the market and bought", "has been working on a",
    "told us about the first", "did not want to", "was looking at the other",
    "will soon be able to", "asked whether there was any", "thought of it as a very",
    "came back from the city with",
)  # fmt: skip
SENTENCES = tuple(f"{who} {what}" for who, what in pairs(_WHO, _WHAT))
"""100 of them."""


def neutral_prompts(tokenizer: Any, count: int) -> list[Tensor]:
    """Return the tokens of some of the sentences, taken evenly of all.

    Args:
        tokenizer: of `transformers`; what it puts before any text is put before each.
        count: how many are wanted.

    Raises:
        UnembedError: when there are not so many.
    """
    if count > len(SENTENCES):
        raise UnembedError(
            f"There are {len(SENTENCES)} neutral prompts, not {count:,}. Ask for fewer "
            "(--prompts), or give a text that more can be cut from (--text)."
        )
    taken = (SENTENCES[at * len(SENTENCES) // count] for at in range(count))
    return [torch.tensor(tokenizer(text).input_ids, device="cpu") for text in taken]


def by_length(prompts: Iterable[Tensor], most: int = 32) -> list[Tensor]:
    """Return prompts [tokens] as batches [prompts, tokens] of one length: none is filled up.

    >>> [list(each.shape) for each in by_length([torch.zeros(3), torch.zeros(2), torch.ones(3)])]
    [[1, 2], [2, 3]]

    Args:
        prompts: in any order.
        most: of them in a batch.
    """
    of_length: dict[int, list[Tensor]] = {}
    for ids in prompts:
        of_length.setdefault(len(ids), []).append(ids)
    return [
        torch.stack(alike[at : at + most])
        for _, alike in sorted(of_length.items())
        for at in range(0, len(alike), most)
    ]
