"""Whether a Hugging Face folder's unembedding is its embedding, and how that is known.

What config.json says outright holds. Where it says nothing, its type's default does, unless the
file holds a head that differs from the embedding (`transformers` uses such a head too).
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from unembed.errors import FormatError
from unembed.load.models.checkpoint import Checkpoint
from unembed.load.models.config import ModelConfig


class Tie(NamedTuple):
    """Whether W_U is the embedding, and why where the config alone does not say so."""

    tied: bool
    because: str = ""


def tie_of(config: ModelConfig, tensors: Checkpoint) -> Tie:
    """Return how embedding and unembedding are tied.

    Raises:
        FormatError: when config.json says that they are not, and there is no unembedding.
    """
    family, said = config.family, config.ties
    head = tensors.find((family.head,))
    if head is None and said is not True and tensors.packed((family.head,)):
        return Tie(False)  # reading it is refused, with the reason
    if family.head_wins:
        absent = f"{family.tie_keys[0]} is absent, and there is no {family.head}"
        return Tie(False) if head else Tie(True, absent)
    if said is False and head is None:
        raise FormatError(
            f"{config.place} says {family.tie_keys[0]}: false, but there is no {family.head}, so "
            "the unembedding is missing. The checkpoint is not complete."
        )
    if said is not None:
        unread = f"{family.tie_keys[0]} is true: {head}, which the file holds too, is not read"
        notes = [config.tie_conflict, unread if said and head else ""]
        return Tie(said, "; ".join(note for note in notes if note))
    return _not_said(config, tensors, head)


def _not_said(config: ModelConfig, tensors: Checkpoint, head: str | None) -> Tie:
    absent = f"{config.family.tie_keys[0]} is absent"
    if head is None:
        return Tie(True, f"{absent}, and there is no {config.family.head}")
    if not config.ties_by_default:
        return Tie(False)
    embedding = tensors.require(config.family.embedding)
    if not _are_equal(tensors, head, embedding):
        return Tie(False, f"{absent}, and {head} differs from {embedding}")
    return Tie(True, f"{absent}, and {config.default_tie_because}")


def _are_equal(tensors: Checkpoint, one: str, other: str) -> bool:
    """Return whether two tensors hold the same values, reading them only where they may."""
    if tensors.shape(one) != tensors.shape(other):
        return False
    pairs = zip(tensors.rows(one).parts(), tensors.rows(other).parts(), strict=True)
    return all(torch.equal(a.float(), b.float()) for (_, a), (_, b) in pairs)
