"""`Features`: a bank of directions that are written into the residual stream."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.addresses import as_written, is_bank_name, is_device, position_of
from unembed.errors import ShapeError, UnembedError, WeightError
from unembed.facts import BankFacts
from unembed.unembedding import Unembedding, broken_rows


@dataclass(frozen=True, eq=False)
class Features:
    """A bank of F features: the rows of an SAE's decoder, a layer's neurons, any vectors.

    Attributes:
        W_dec: [F, d_model] float32, one direction a row.
        name: short and unique in a run, such as `mlp.26` or `sae.8`.
        indices: [F] each feature's index in its source.
        origin: where the bank came from, for the manifest.
        hook: the model's hook it writes to (`blocks.8.hook_resid_pre`), where known.
        layer: the layer it writes to, where known.
        neuronpedia: Neuronpedia's `model/source`, where known.
        log10_density: [F] log10 of the share of tokens each feature fires on, where known.

    Raises:
        ShapeError: when W_dec is no matrix, or the other arrays are not one value a feature.
        WeightError: for NaN or infinite directions, or a bank without any.
    """

    W_dec: Float[Tensor, "features d_model"]
    name: str
    indices: Int[np.ndarray, " features"]
    origin: dict[str, Any] = field(default_factory=dict)
    hook: str | None = None
    layer: int | None = None
    neuronpedia: str | None = None
    log10_density: Float[np.ndarray, " features"] | None = None

    def __post_init__(self) -> None:
        if not is_bank_name(self.name):
            raise UnembedError(
                f"A bank's name holds letters, digits, '.', '_', '-' and '→', such as mlp.26; "
                f"found {self.name!r}. Name it as NAME=REFERENCE."
            )
        if is_device(self.name):
            raise UnembedError(
                f"No bank can be called {self.name!r}: Windows keeps that name for a device, and a "
                "run must be readable there. Name it otherwise, as NAME=REFERENCE."
            )
        if self.W_dec.ndim != 2:
            raise ShapeError(
                f"Features {self.name}: W_dec should be [features, d_model], but has shape "
                f"{list(self.W_dec.shape)}."
            )
        if not len(self):
            raise WeightError(f"Features {self.name}: the bank is empty.")
        for label, array in (("indices", self.indices), ("log10_density", self.log10_density)):
            if array is not None and array.shape != (len(self),):
                raise ShapeError(
                    f"Features {self.name}: W_dec has {len(self):,} features, but {label} has "
                    f"shape {array.shape}. Give one value for each feature."
                )
        duplicates = len(self) - len(np.unique(self.indices))
        if duplicates:
            raise ShapeError(
                f"Features {self.name}: {duplicates} indices stand more than once. An index is "
                "a feature's address (bank/index); give each one once."
            )
        self._check_finite()
        if self.log10_density is not None and np.isnan(self.log10_density).any():
            raise WeightError(f"Features {self.name}: log10_density has NaN values.")

    def _check_finite(self) -> None:
        bad = broken_rows(self.W_dec)
        if bad.any():
            first = self.indices[int(torch.nonzero(bad)[0])]
            raise WeightError(
                f"Features {self.name}: {int(bad.sum()):,} of {len(self):,} directions hold NaN or "
                f"infinite values, the first is {self.name}/{first}. The file is damaged, or was "
                "saved in a dtype too narrow for it; get it again, or leave these features out."
            )

    def __len__(self) -> int:
        return int(self.W_dec.shape[0])

    def __repr__(self) -> str:
        return f"Features({self.name}: {len(self):,} features, d_model {self.d_model})"

    @property
    def d_model(self) -> int:
        """The width of the directions."""
        return int(self.W_dec.shape[1])

    @cached_property
    def digest(self) -> str:
        """A hash of the directions, indices and densities, for the manifest of a run."""
        content = hashlib.sha256(np.ascontiguousarray(self.W_dec.numpy()).data)
        content.update(np.ascontiguousarray(self.indices).data)
        if self.log10_density is not None:
            content.update(np.ascontiguousarray(self.log10_density).data)
        return content.hexdigest()

    def position(self, index: int) -> int:
        """Return the row of W_dec that a feature has.

        Raises:
            QueryError: when the bank has no such feature.
        """
        return position_of(index, self.indices, self.name)

    @property
    def facts(self) -> BankFacts:
        """What the manifest of a run says of the bank."""
        return BankFacts(
            self.name, len(self), self.hook, self.layer, self.neuronpedia, self.origin, self.digest
        )

    def renamed(self, name: str) -> Features:
        """Return the same bank under another name, in which `->` stands for `→`."""
        name = as_written(name)
        return self if name == self.name else replace(self, name=name)

    @classmethod
    def from_array(
        cls,
        W_dec: Tensor | npt.ArrayLike,
        *,
        name: str = "features",
        indices: npt.ArrayLike | None = None,
        **details: Any,
    ) -> Features:
        """Return a bank from any matrix [F, d_model], or one vector [d_model].

        >>> Features.from_array([[1.0, 0.0], [0.0, 2.0]], name="two")
        Features(two: 2 features, d_model 2)

        Args:
            W_dec: a tensor or array of any float dtype; kept as float32.
            name: of the bank.
            indices: [F], by default 0 … F−1.
            **details: `origin`, `hook`, `layer`, `neuronpedia`, `log10_density`.
        """
        tensor = W_dec if isinstance(W_dec, Tensor) else torch.from_numpy(np.array(W_dec))
        if tensor.ndim == 1:
            tensor = tensor[None]
        tensor = tensor.detach().to("cpu", torch.float32).contiguous()
        rows = len(tensor) if tensor.ndim else 0
        index = np.arange(rows) if indices is None else np.asarray(indices)
        if not np.issubdtype(index.dtype, np.integer):
            raise ShapeError(f"Features {name}: indices are whole numbers, not {index.dtype}.")
        if details.get("log10_density") is not None:
            details["log10_density"] = np.asarray(details["log10_density"], np.float32)
        return cls(tensor, name, index.astype(np.int64), **details)


def check_width(features: Features, unembedding: Unembedding) -> None:
    """Check that features write into the residual stream that the unembedding reads.

    Raises:
        ShapeError: naming both widths, and a likely reason where there is one.
    """
    if features.d_model == unembedding.d_model:
        return
    hint = "They belong to different models."
    if len(features) == unembedding.d_model:
        hint = (
            f"It has {len(features)} rows, so W_dec may be transposed: it should be "
            "[features, d_model]."
        )
    elif features.hook and "hook_z" in features.hook:
        hint = (
            "The SAE reads attention heads (hook_z): multiply its decoder by the layer's W_O "
            "to bring it into the residual stream."
        )
    raise ShapeError(
        f"Features {features.name} are {features.d_model} wide (d_model of W_dec), but the "
        f"unembedding {unembedding.name} is {unembedding.d_model} wide (d_model of W_U). {hint}"
    )
