"""What is measured of logits with something added and without: arrays in, numbers out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.products import product

Floats = npt.NDArray[np.float64]

_SHIFT = 80.0
"""Added to a logarithm before it is raised: so a float32 holds probabilities down to e⁻¹⁶⁰."""
_LEAST = 1e-37
_FEW = 200
"""Sets are added up token by token where they have no more than one in so many."""


def log_probabilities(
    logits: Float[Tensor, "prompts vocabulary"], ids: Int[Tensor, " tokens"]
) -> Float[Tensor, "prompts tokens"]:
    """Return log p of some tokens behind each prompt; all tokens of the model share the whole.

    Args:
        logits: float32.
        ids: of the tokens that are kept.
    """
    return (logits - logits.logsumexp(1, keepdim=True))[:, ids]


def set_log_probabilities(
    log_p: Float[Tensor, "prompts tokens"], sets: Int[Tensor, "sets members"]
) -> Floats:
    """Return [prompts, sets] the logarithm of the probability that the next token is of a set.

    Args:
        log_p: of the tokens.
        sets: all as large, places among the tokens.
    """
    count, members = sets.shape
    if members * _FEW <= log_p.shape[1]:
        picked = (log_p[:, sets.flatten()] + _SHIFT).exp_().double()
        sums = picked.view(len(log_p), count, members).sum(2)
    else:
        sums = product((log_p + _SHIFT).exp(), _indicator(sets, log_p.shape[1])).double()
    found: Floats = (sums.clamp_(min=_LEAST).log_() - _SHIFT).numpy()
    return found


def _indicator(sets: Tensor, tokens: int) -> Float[Tensor, "tokens sets"]:
    """Return a matrix with 1 where a token is in a set."""
    found = torch.zeros(tokens, len(sets), device="cpu")
    return found.scatter_(0, sets.T.contiguous(), 1.0)


class Ranked(NamedTuple):
    """How far a set moved, beside sets of the same frequencies.

    Attributes:
        change: of log p, a mean over prompts, in the direction that its label says.
        matched: the median of theirs.
        rank: 1 where it moved further than all of them; one that moved as far counts as further.
    """

    change: float
    matched: float
    rank: int


def ranked(changes: Floats, sign: int) -> Ranked:
    """Return how far the first of some sets moved beside the others.

    Args:
        changes: [sets] of log p.
        sign: 1 where its label says that it is promoted, −1 where it is suppressed.
    """
    own, others = sign * float(changes[0]), sign * changes[1:]
    return Ranked(own, float(np.median(others)), 1 + int((others >= own).sum()))


def correlation(a: Floats, b: Floats) -> float:
    """Return Pearson's correlation of two arrays [n]; NaN where one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 0 else float("nan")


def output_score(logits: Float[Tensor, " vocabulary"], top: Int[Tensor, " top"]) -> float:
    """Return the output score S = (1 − r / V) p of a direction that was added.

    p is the largest probability of its `top` tokens, and r the rank of that one among all V tokens,
    0 for the most probable (Arad, Mueller & Belinkov, *SAEs Are Good for Steering*, 2025,
    arXiv 2505.20063: with 20 tokens, by logit weight).

    >>> output_score(torch.tensor([2.0, 0.0]).log(), torch.tensor([0]))
    1.0

    Args:
        logits: behind one prompt.
        top: ids of the tokens with the largest logit weights.
    """
    p = logits.double().softmax(0)
    best = p[top].max()
    return (1 - int((p > best).sum()) / len(p)) * float(best)
