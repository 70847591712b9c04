"""`LayerLens`: what a direction of one layer has become at the last, where the unembedding reads.

The logit lens reads a direction as if nothing happened between its layer and the last. A layer lens
first takes it there, by one matrix: the Jacobian lens by J = E[∂h_last/∂h_layer], averaged over
text; the tuned lens by the linear part of its translator, 1 + W. Constants fall away: they are the
same whatever a feature does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.addresses import is_bank_name
from unembed.errors import ShapeError, UnembedError, WeightError
from unembed.facts import LensFacts
from unembed.lens import LENSES
from unembed.outside.arrays import float_tensor
from unembed.products import product_by_rows


@dataclass(frozen=True, eq=False)
class LayerLens:
    """The matrix that takes directions of a layer to the last one.

    Attributes:
        name: what a bank's name ends with that is read through it, such as `jacobian`.
        kind: what it is: `jacobian`, `tuned`, or a word of one's own.
        layer: whose directions it takes: those in the output of this block, counted from 0; −1 for
            the embedding.
        matrix: [d_model, d_model] float32, A: a direction w of the layer is A w at the last.
        notes: what a reader of its banks must know, in sentences.
        details: what is known of its making: `n_prompts`, `capture_point`, `stability`.
        origin: where it came from, for the manifest; empty for a matrix in memory.

    Raises:
        ShapeError: when the matrix is not square.
        WeightError: for NaN or infinite values, or nothing but zeros.
        UnembedError: for a name that cannot be a part of a bank's.
    """

    name: str
    kind: str
    layer: int
    matrix: Float[Tensor, "d_model d_model"]
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not is_bank_name(self.name) or self.name in LENSES:
            raise UnembedError(
                f"A layer lens is called by letters, digits, '.', '_' and '-', and not "
                f"{' or '.join(map(repr, LENSES))}, such as jacobian; found {self.name!r}."
            )
        matrix = float_tensor(self.matrix, f"The matrix of the {self.name} lens")
        object.__setattr__(self, "matrix", matrix)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ShapeError(
                f"The matrix of the {self.name} lens should be [d_model, d_model], but has shape "
                f"{list(matrix.shape)}."
            )
        if not torch.isfinite(matrix).all():
            raise WeightError(
                f"The matrix of the {self.name} lens for layer {self.layer} holds NaN or infinite "
                "values. The file is damaged; get it again, or fit the lens anew."
            )
        if not matrix.any():
            raise WeightError(
                f"The matrix of the {self.name} lens for layer {self.layer} is nothing but zeros: "
                "no direction would write anything. Fit the lens anew."
            )

    @property
    def d_model(self) -> int:
        """The width of the directions."""
        return len(self.matrix)

    def facts(self, bank: str) -> LensFacts:
        """Return what the manifest of a run says of it.

        Args:
            bank: the name of the bank that is read through it, without the lens.
        """
        return LensFacts(
            self.name, self.kind, self.layer, bank, list(self.notes), self.details, self.origin,
            self.digest,
        )  # fmt: skip

    @cached_property
    def digest(self) -> str:
        """A hash of the matrix."""
        return hashlib.sha256(np.ascontiguousarray(self.matrix.numpy()).data).hexdigest()

    def take(self, W_dec: Float[Tensor, "features d_model"]) -> Float[Tensor, "features d_model"]:
        """Return directions of the layer as they are at the last one, W_dec Aᵀ, in their dtype.

        Raises:
            ShapeError: when they are not as wide as the lens.
        """
        if W_dec.shape[1] != self.d_model:
            raise ShapeError(
                f"The {self.name} lens is {self.d_model} wide, and the directions {W_dec.shape[1]}:"
                " it is another model's."
            )
        return product_by_rows(W_dec, self.matrix.to(W_dec).T.contiguous())

    def noted(self, notes: tuple[str, ...]) -> LayerLens:
        """Return the same lens with more notes; itself where there are none."""
        return replace(self, notes=(*self.notes, *notes)) if notes else self
