"""Whether a model that can be run is the one whose W_U a run reads; and how long it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unembed.analysis.added_at import Written
from unembed.enrichment.second_moment import SecondMoment
from unembed.errors import SourceError
from unembed.fitting.about import name_of
from unembed.fitting.causal import logit_changes
from unembed.fitting.model import Opened
from unembed.fitting.truth import correlations
from unembed.products import product
from unembed.unembedding import Unembedding

_DIRECTIONS = 8
_SEED = 0
_LEAST = 0.5
"""The least correlation with the run's W_U by which a model is taken for the run's. The model
itself has more than 0.9 (0.999 of SmolLM2), one with another vocabulary or other weights about 0; a
model that was trained on from the run's passes, and its name is kept with what is found."""
_ANOTHER = "it is another model. Name the run's own: --model MODEL."


class Times(NamedTuple):
    """Seconds that a run on all prompts takes.

    Attributes:
        whole: from the first block on.
        end: behind the last.
    """

    whole: float
    end: float

    def from_block(self, block: int, blocks: int) -> float:
        """Return how long one takes that begins behind a block."""
        return self.end + (self.whole - self.end) * (blocks - 1 - block) / blocks


def check_fits(opened: Opened, written: Sequence[Written], unembedding: Unembedding) -> None:
    """Check a model's width, blocks and vocabulary against the run's.

    Raises:
        SourceError: when they are another model's.
    """
    blocks, name = opened.blocks, name_of(opened.origin)
    if blocks.d_model != unembedding.d_model:
        raise SourceError(
            f"{name} is {blocks.d_model} wide, and the run's W_U ({unembedding.name}) "
            f"{unembedding.d_model}: {_ANOTHER}"
        )
    deepest = max(written, key=lambda each: each.block)
    if deepest.block >= len(blocks):
        raise SourceError(
            f"{name} has {len(blocks)} blocks, and {deepest.name} is written behind block "
            f"{deepest.block}, counted from 0: {_ANOTHER}"
        )
    with torch.no_grad():
        tokens = blocks.last_logits(torch.zeros(1, 1, dtype=torch.long, device="cpu")).shape[1]
    if tokens <= unembedding.token_ids.max():
        raise SourceError(
            f"{name} has {tokens:,} logits, and the run's tokens go up to "
            f"{unembedding.token_ids.max():,}: {_ANOTHER}"
        )


def at_the_end(
    opened: Opened, prompts: Sequence[Tensor], unembedding: Unembedding
) -> tuple[float, Times]:
    """Return the correlation of what directions do behind the last block with the run's W_U.

    Nothing follows there but the final norm and W_U, so that it is near 1 for the run's model,
    whatever the lens; the norm takes away what a direction has along the stream. Random directions
    are added, on the largest batch of the prompts.

    Returns:
        The median over the directions, and how long runs on all prompts take, by this batch.

    Raises:
        SourceError: when the model is another one.
    """
    blocks, ids = opened.blocks, max(prompts, key=torch.numel)
    identity = SecondMoment.identity(unembedding.d_model)
    directions = identity.draw(_DIRECTIONS, _SEED)
    started = time.perf_counter()
    with torch.no_grad():
        blocks.last_logits(ids)
    times = [started, time.perf_counter()]
    moved = logit_changes(
        blocks, [ids], len(blocks) - 1, directions,
        report=lambda done, total: times.append(time.perf_counter()),
    )[:, torch.from_numpy(unembedding.token_ids)]  # fmt: skip
    weights = product(directions, unembedding.W_U.T)
    agreement = float(correlations(moved, weights).diagonal().median())
    if not agreement >= _LEAST:
        raise SourceError(
            f"What directions do behind the last block of {name_of(opened.origin)} correlates with "
            f"the run's W_U ({unembedding.name}) by {agreement:.2f}, and should by nearly 1: "
            f"{_ANOTHER}"
        )
    share = sum(map(torch.numel, prompts)) / ids.numel()
    end = float(np.median(np.diff(times)[2:])) / 2  # of two runs, one with each sign
    return agreement, Times(share * (times[1] - started), share * end)
