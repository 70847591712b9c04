"""`SecondMoment`: what directions of a bank are like, for random ones to be drawn alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from unembed.errors import WeightError
from unembed.features import Features
from unembed.layer_lens import LayerLens
from unembed.products import cholesky, lengths, orthonormal, product, sum_of
from unembed.symmetric import gram

_ROWS_AT_ONCE = 2048


@dataclass(frozen=True, eq=False)
class SecondMoment:
    """M: the directions of the null are drawn from a normal distribution N(0, M).

    Attributes:
        matrix: [d_model, d_model] float64, symmetric, of trace 1.
        origin: where it comes from: a bank's name, or `identity`.
        shrinkage: how much of the identity is mixed in, 0 to 1.
        features: how many directions it was measured on.
        lens: what took the directions to the last layer, where they are read through a lens.
        before: M in their own layer, likewise.
    """

    matrix: Float[Tensor, "d_model d_model"]
    origin: str
    shrinkage: float
    features: int
    lens: LayerLens | None = None
    before: SecondMoment | None = None

    @classmethod
    def of(cls, bank: Features) -> SecondMoment:
        """Return M of a bank: W_decᵀ W_dec / F over rows of unit length, shrunk.

        Rows of zeros are left out. It is mixed with identity / d_model in the proportion that
        estimates a covariance best where F is not many times d_model, the oracle approximating
        shrinkage of Chen, Wiesel, Eldar & Hero (2010), eq. 23: none of the bank's own shape is
        left with one feature, nearly all of it with F much above d_model.

        Of a bank that is read through a lens it is the M of its own layer, taken to the last one:
        a random direction is drawn like the features where they are written.

        Raises:
            WeightError: when every row is zero.
        """
        if not bank.W_dec.any():
            raise WeightError(
                f"Every direction of {bank.name} is zero, so that no random ones can be drawn "
                "like them. Leave the bank out, or test it against the identity."
            )
        if bank.lens is not None and bank.before is not None:
            return replace(cls.of(bank.before), origin=bank.name).through(bank.lens)
        return cls.of_rows(bank.W_dec, bank.name)

    @classmethod
    def of_rows(
        cls, W_dec: Float[Tensor, "features d_model"], origin: str = "rows"
    ) -> SecondMoment:
        """Return the same of directions of which not all are zero."""
        count, d = int(W_dec.any(dim=1).sum()), W_dec.shape[1]
        moment = gram(unit_rows(W_dec), d, torch.float32).div_(count)
        share = _shrinkage(moment, count)
        moment.mul_(1 - share).diagonal().add_(share / d)
        return cls(moment, origin, share, count)

    @classmethod
    def identity(cls, d_model: int) -> SecondMoment:
        """Return the M of directions that are alike in every dimension."""
        alike = torch.eye(d_model, dtype=torch.float64, device="cpu")
        return cls(alike / d_model, "identity", 1.0, 0)

    def through(self, lens: LayerLens) -> SecondMoment:
        """Return M of the same directions at the last layer, A M Aᵀ, of trace 1."""
        half = lens.take(self.matrix)  # M Aᵀ, for M is symmetric
        taken = lens.take(half.T.contiguous())
        taken = (taken + taken.T) / 2  # rounding leaves it all but symmetric
        taken /= taken.diagonal().sum()
        return SecondMoment(taken, self.origin, self.shrinkage, self.features, lens, self)

    def at_last_layer(self, W_dec: Float[Tensor, "rows d"]) -> Float[Tensor, "rows d"]:
        """Return directions of the layer of `before` as the unembedding reads them."""
        return W_dec if self.lens is None else self.lens.take(W_dec)

    @cached_property
    def root(self) -> Float[Tensor, "d_model d_model"]:
        """R with R Rᵀ = M, lower triangular."""
        return cholesky(self.matrix)

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest says of it."""
        return {"origin": self.origin, "features": self.features, "shrinkage": self.shrinkage}

    def draw(self, count: int, seed: int) -> Float[Tensor, "count d_model"]:
        """Return random directions w ~ N(0, M), the same ones for the same seed."""
        random = torch.Generator().manual_seed(seed)
        shape = count, len(self.matrix)
        normal = torch.randn(shape, generator=random, dtype=torch.float64, device="cpu")
        return product(normal, self.root.T).float()

    def draw_evenly(self, count: int, seed: int) -> Float[Tensor, "count d_model"]:
        """Return random directions like w ~ N(0, M) that together are closer to M than others.

        Each is R u with u uniform on the sphere of radius √d: what w is but for its length, on
        which nothing depends that is read of a direction. As many u as there are dimensions are
        orthogonal (Yu et al. 2016, *Orthogonal random features*).
        """
        random, d = torch.Generator().manual_seed(seed), len(self.matrix)
        sphere = []
        for start in range(0, count, d):
            shape = d, min(d, count - start)
            normal = torch.randn(shape, generator=random, dtype=torch.float64, device="cpu")
            sphere.append(orthonormal(normal).T * d**0.5)
        return product(torch.cat(sphere), self.root.T).float()


def unit_rows(W_dec: Float[Tensor, "features d"]) -> Iterator[Float[Tensor, "rows d"]]:
    """Yield rows of length 1 in float32, some at a time; those of zeros stay zeros."""
    for rows in torch.split(W_dec, _ROWS_AT_ONCE):
        norms = lengths(rows)
        norms[norms == 0] = 1
        yield (rows.double() / norms[:, None]).float()


def _shrinkage(moment: Float[Tensor, "d d"], count: int) -> float:
    d = len(moment)
    square = sum_of(moment.square())
    spread = square - 1 / d
    if spread <= 0:
        return 1.0
    return min(1.0, ((1 - 2 / d) * square + 1) / ((count + 1 - 2 / d) * spread))
