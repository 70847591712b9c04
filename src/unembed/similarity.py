"""How alike two features' logit weights are, without forming them.

The weights of a feature w over the n tokens are W_U w, and W_U is centred, so that with
Σ = W_Uᵀ W_U / n the correlation of two features' weights is

    cos(v, w) = vᵀ Σ w / sqrt(vᵀ Σ v · wᵀ Σ w)

the cosine in the metric of Σ. With any factor R Rᵀ = Σ it is the plain dot product of the rows
v R and w R, each scaled to length 1: [F, d_model] in place of [F, V].
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from unembed.products import product
from unembed.sweep.standardised import FLAT, unit_rows
from unembed.unembedding import Unembedding, directions

_ROWS_AT_ONCE = 4096


def logit_rows(
    unembedding: Unembedding, W_dec: Float[Tensor, "features d_model"]
) -> Float[Tensor, "features d_model"]:
    """Return rows whose dot products are the correlations of features' logit weights.

    The correlation over tokens is 1 for two features that rank and weigh all tokens alike,
    whatever their scale, and −1 for one that promotes what the other suppresses. Both sets of
    rows must come from the same unembedding.

    Args:
        unembedding: prepared and centred.
        W_dec: [F, d_model] finite directions of any length.

    Returns:
        [F, d_model] float32 rows of length 1; zeros for flat features, which correlate with
        nothing.

    Raises:
        ShapeError: when they are not as wide as the unembedding.
        WeightError: when they are not finite, or no numbers of float32.
    """
    return seen_rows(directions(W_dec, unembedding), unembedding.root, unembedding.rms)


def seen_rows(
    W_dec: Float[Tensor, "features d_model"], root: Float[Tensor, "d_model k"], rms: float
) -> Float[Tensor, "features k"]:
    """Return the rows W_dec R, each scaled to length 1: `logit_rows` for any root R.

    Args:
        W_dec: [F, d_model] finite float32 directions of any length.
        root: [d_model, k] float32, of what is read of a direction: of Σ for its logit weights.
        rms: its length, √(tr R Rᵀ), below a share of which a row is rounding alone.

    Returns:
        [F, k] float32; zeros for rows that R does not see.
    """
    out = W_dec.new_empty(len(W_dec), root.shape[1])
    for start in range(0, len(W_dec), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        norm, unit = unit_rows(W_dec[rows])
        seen = product(unit, root)
        spread = torch.linalg.vector_norm(seen, dim=1, dtype=torch.float64)
        flat = (spread <= FLAT * rms) | (norm == 0)
        out[rows] = torch.where(flat[:, None], 0.0, seen / spread[:, None])
    return out


def chance_cosine(
    unembedding: Unembedding,
    rows: Float[Tensor, "features d_model"],
    moment: Float[Tensor, "d_model d_model"],
) -> Float[Tensor, " features"]:
    """Return the standard deviation of each feature's cosine with random directions.

    For w ~ N(0, M) and a row r of `logit_rows`, s² = r Q rᵀ / tr Q with Q = Rᵀ M R: the direction
    test's s_S, with the feature's own logit weights in the place of a token set. It is large
    for features that write what every direction writes a little of (frequent against rare tokens,
    word beginnings), so that the same cosine may be chance with one and not with another.

    Args:
        unembedding: that made the rows.
        rows: as `logit_rows` returns them.
        moment: M [d_model, d_model], such as `SecondMoment.matrix`.

    Returns:
        [F] float32; 0 for flat features.
    """
    return chance_of_rows(unembedding.root, rows, moment)


def chance_of_rows(
    root: Float[Tensor, "d_model k"],
    rows: Float[Tensor, "features k"],
    moment: Float[Tensor, "d_model d_model"],
) -> Float[Tensor, " features"]:
    """Return `chance_cosine` of rows of `seen_rows`, against directions that a root R takes there.

    Args:
        root: [d_model, k] R of the random directions; the rows may be another root's.
        rows: [F, k] of length 1.
        moment: M [d_model, d_model] of the random directions.
    """
    wide = root.double()
    among = product(product(wide.T, moment.double()), wide)
    among = (among / among.trace()).float()
    variance = (product(rows, among) * rows).sum(1)
    return variance.clamp_min(0).sqrt()
