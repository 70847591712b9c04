"""How far a direction over tokens shifts each feature's logit weights."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from unembed.products import product
from unembed.questions.search.scored import F64, Searched
from unembed.questions.weights import weights_of


def shift_of(searched: Searched, name: str, delta: Float[np.ndarray, " d_model"]) -> F64:
    """Return δ·w / sqrt(wᵀΣw) of a bank's features, NaN for flat ones; the run has the root.

    Args:
        searched: any run.
        name: of the bank.
        delta: δ, such as the mean row of W_U over a token set.

    Raises:
        SourceError: when the run's weights cannot be had.
    """
    features = searched.of_bank(name)
    std = features["std"].to_numpy()
    if searched.run.manifest.unembedding.lens == "cosine":
        std = std * features["norm"].to_numpy()
    W_dec = weights_of(searched.run).bank(name).W_dec
    shift = product(W_dec, torch.from_numpy(delta).float()).numpy()
    shift_in_std: F64 = np.divide(shift, std, out=np.full(len(std), np.nan), where=std > 0)
    return shift_in_std
