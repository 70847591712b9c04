"""Features that promote or suppress one token: its logit weight in every feature, read live."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.products import product
from unembed.questions.search.scored import F64, Scored, Searched
from unembed.questions.search.vocabulary import token_id
from unembed.questions.weights import weights_of

_AT_ONCE = 64


def by_token(searched: Searched, token: str | int) -> Scored:
    """Return `token_weight` and `token_z` of every feature, positive promotes.

    The weight is what one unit of the feature adds to the token's logit (with the cosine lens,
    their cosine); z says how many standard deviations of the feature's own weights that is from
    their mean. Ranked by z, which does not depend on how long the decoder row is.

    Args:
        searched: any run.
        token: its text, or its id.

    Raises:
        QueryError: when there is no such token, or it is masked.
        SourceError: when the run's weights cannot be had.
    """
    weight = token_weights(searched, token_id(searched.run.tokens, token))
    mean, std = (searched.features[name].to_numpy() for name in ("mean", "std"))
    z = np.divide(weight - mean, std, out=np.full(len(std), np.nan), where=std > 0)
    return Scored({"token_z": z, "token_weight": weight}, z="token_z")


def token_weights(searched: Searched, chosen: int) -> F64:
    """Return the logit weight of one token, by its id, in every feature.

    Raises:
        SourceError: when the run's weights cannot be had.
    """
    return np.concatenate([_of_bank(searched, name, chosen) for name in searched.banks])


def _of_bank(searched: Searched, name: str, chosen: int) -> F64:
    unembedding = weights_of(searched.run).against(name)
    row = int(np.searchsorted(unembedding.token_ids, chosen))
    direction = (unembedding.W_U[row].double() + unembedding.mean_row.double()).float()
    weight = product(weights_of(searched.run).bank(name).W_dec, direction).double().numpy()
    if unembedding.lens == "cosine":
        norm = searched.of_bank(name)["norm"].to_numpy()
        weight = np.divide(weight, norm, out=np.zeros_like(weight), where=norm > 0)
    found: F64 = weight
    return found


def ranks(searched: Searched, at: npt.NDArray[np.integer], token: str | int) -> list[int]:
    """Return the token's place among all tokens of some features, 1 for the most promoted.

    Tokens of equal weight are ranked in the order of their ids.

    Args:
        searched: as for `by_token`.
        at: places among the searched features.
        token: its text, or its id.
    """
    chosen = token_id(searched.run.tokens, token)
    weights = weights_of(searched.run)
    row = int(np.searchsorted(weights.unembedding.token_ids, chosen))
    asked = searched.features[at].select("bank", "index").with_row_index("at")
    found = [0] * len(at)
    for (bank,), of_bank in asked.group_by("bank", maintain_order=True):
        W_U, features = weights.against(str(bank)).W_U, weights.bank(str(bank))
        for chunk in of_bank.iter_slices(_AT_ONCE):
            rows = [features.position(index) for index in chunk["index"]]
            known = product(W_U, features.W_dec[rows].T)
            ahead = (known > known[row]).sum(0) + (known[:row] == known[row]).sum(0)
            for place, rank in zip(chunk["at"], (1 + ahead).tolist(), strict=True):
                found[place] = rank
    return found
