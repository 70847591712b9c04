"""Words as points; the spellings of a word are one point, lest they be modules of their own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.products import eigh, product
from unembed.tokensets.collections.forms import by_core
from unembed.tokensets.reading import Reading
from unembed.tokensets.token_sets import Ids
from unembed.unembedding import Unembedding


class Words(NamedTuple):
    """The distinct words of a vocabulary.

    Attributes:
        names: each word in folded case, without attached punctuation.
        tokens: the tokens that spell each.
    """

    names: list[str]
    tokens: list[Ids]


def words_of(reading: Reading) -> Words:
    """Return the words; tokens without letters or digits are each a word of their own."""
    spellings = by_core(reading)
    inside = {token for ids in spellings.values() for token in ids}
    others = {
        word: ids for word, ids in reading.ids_of_word.items() if not inside.intersection(ids)
    }
    every = {**spellings, **others}
    return Words([*every], [np.unique(np.array(ids, np.int32)) for ids in every.values()])


def directions(unembedding: Unembedding, words: Words) -> Float[Tensor, "words d_model"]:
    """Return each word's unit direction: the sum of its tokens' whitened unit rows.

    Rows are multiplied by Σ^(-1/2), Σ = W_UᵀW_U / n. Without it the few directions in which all
    rows vary (frequency, leading space) decide which words are near.
    """
    rows = _unit(_whitened(unembedding.W_U))
    row_of_token = np.full(len(unembedding.vocabulary), -1)
    row_of_token[unembedding.token_ids] = np.arange(len(unembedding.token_ids))
    owner = np.repeat(np.arange(len(words.tokens)), [len(ids) for ids in words.tokens])
    members = torch.from_numpy(row_of_token[np.concatenate(words.tokens)])
    summed = rows.new_zeros(len(words.tokens), unembedding.d_model)
    summed.index_add_(0, torch.from_numpy(owner), rows[members])
    return _unit(summed)


def _whitened(W_U: Float[Tensor, "tokens d_model"]) -> Float[Tensor, "tokens d_model"]:
    W_U = W_U.to("cpu", torch.float32)
    covariance = product(W_U.T, W_U).double() / len(W_U)
    variances, axes = eigh(covariance)
    # LayerNorm leaves a direction without any variance; it stays without.
    held = variances > variances[-1] * 1e-9
    scale = torch.where(held, variances, torch.inf).rsqrt()
    return product(W_U, (axes * scale).float())


def _unit(rows: Float[Tensor, "n d_model"]) -> Float[Tensor, "n d_model"]:
    return torch.nn.functional.normalize(rows, eps=torch.finfo(rows.dtype).tiny)
