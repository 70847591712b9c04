"""A model's embedding, prepared as an unembedding is: what features read is held against."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from unembed.lens import Lens
from unembed.load.models.model import Model
from unembed.load.models.reads import RawEmbedding
from unembed.outside.row_reader import RowReader
from unembed.products import sums
from unembed.unembedding import Unembedding, prepare_unembedding
from unembed.vocabulary import Vocabulary


def embedding_of(
    model: Model, vocabulary: Vocabulary, lens: Lens, origin: dict[str, Any]
) -> Unembedding:
    """Return the rows of W_E as they enter the first block, masked and centred.

    A norm that each embedding goes through before that is applied to its row, but for the epsilon
    in it. What is added for a position is the same for all tokens, and what all are multiplied by
    is one number: neither changes a rank or a z, and both are left out.

    Args:
        model: whose embedding it is.
        vocabulary: of the model.
        lens: `logit`, or `cosine` (rows of length 1).
        origin: where it came from, for the manifest.
    """
    raw = model.embedding()
    norm = {} if raw.norm_kind == "none" else {"norm_of_embeddings": raw.norm_kind}
    said = {**origin, "matrix": "embedding", "tensor": raw.name, **norm}
    return prepare_unembedding(
        _on_stream(raw), vocabulary, lens=lens, name=model.name, origin=said
    )  # fmt: skip


def _on_stream(raw: RawEmbedding) -> RowReader:
    return raw.W_E if raw.norm_kind == "none" else raw.W_E.each(partial(_normalised, raw))


def _normalised(raw: RawEmbedding, rows: Tensor) -> Tensor:
    found, width = rows.double().contiguous(), rows.shape[1]
    if raw.norm_kind == "layernorm":
        found = found - (sums(found, 1) / width)[:, None]
    size = (sums(found.square(), 1) / width).sqrt()
    found = found / torch.where(size > 0, size, 1.0)[:, None]
    if raw.norm_weight is not None:
        found = found * raw.norm_weight.double()
    if raw.norm_bias is not None:
        found = found + raw.norm_bias.double()
    return found.float()
