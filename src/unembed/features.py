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

from unembed.addresses import LONGEST, as_written, is_bank_name, is_device, position_of
from unembed.errors import ShapeError, UnembedError, WeightError
from unembed.facts import BankFacts, ReadFacts
from unembed.layer_lens import LayerLens
from unembed.outside.arrays import float_tensor, whole_numbers
from unembed.outside.text import has_half, shown
from unembed.unembedding import Unembedding, beyond_float32, broken_rows

_MOST_LAYERS = 1_000_000
_ROUNDED = 1e-6
"""How far above 0 the log10 of a share may be: SAELens adds 1e-10 to a share before."""


@dataclass(frozen=True, eq=False)
class Features:
    """A bank of F features: the rows of an SAE's decoder, a layer's neurons, any vectors.

    Or of what features read, where `reads` says so: the rows of an encoder, held against the
    embedding instead of the unembedding.

    Attributes:
        W_dec: [F, d_model] float32, one direction a row.
        name: short and unique in a run, such as `mlp.26` or `sae.8`.
        indices: [F] each feature's index in its source.
        origin: where the bank came from, for the manifest.
        hook: the model's hook it writes to (`blocks.8.hook_resid_pre`), where known.
        layer: the layer it writes to, where known.
        neuronpedia: Neuronpedia's `model/source`, where known.
        log10_density: [F] log10 of the share of tokens each feature fires on, where known.
        lens: the layer lens that the bank is read through: W_dec is at the last layer then.
        before: the same bank in its own layer, where it is read through a lens.
        reads: of which part of the features W_dec is, where that is what they read.

    Raises:
        ShapeError: when W_dec is no matrix, or the other arrays are not one value a feature.
        WeightError: for NaN or infinite directions, a bank without any, or values that are none of
            float32 (see `from_array`).
        UnembedError: for a name, hook, layer or source that is none.
    """

    W_dec: Float[Tensor, "features d_model"]
    name: str
    indices: Int[np.ndarray, " features"]
    origin: dict[str, Any] = field(default_factory=dict)
    hook: str | None = None
    layer: int | None = None
    neuronpedia: str | None = None
    log10_density: Float[np.ndarray, " features"] | None = None
    lens: LayerLens | None = None
    before: Features | None = None
    reads: ReadFacts | None = None

    def __post_init__(self) -> None:
        if not is_bank_name(self.name):
            raise UnembedError(
                f"A bank's name holds letters, digits, '.', '_', '-' and '→', {LONGEST} bytes at "
                f"most, such as mlp.26; found {self.name!r}. Name it as NAME=REFERENCE."
            )
        if is_device(self.name):
            raise UnembedError(
                f"No bank can be called {self.name!r}: Windows keeps that name for a device, and a "
                "run must be readable there. Name it otherwise, as NAME=REFERENCE."
            )
        self._check_facts()
        self._set("indices", whole_numbers(self.indices, f"Features {self.name}: indices"))
        W_dec = float_tensor(self.W_dec, f"W_dec of features {self.name}", row=self._row)
        self._set("W_dec", W_dec)
        if W_dec.ndim != 2 or not W_dec.shape[1]:
            raise ShapeError(
                f"Features {self.name}: W_dec should be [features, d_model], but has shape "
                f"{list(W_dec.shape)}."
            )
        if not len(self):
            raise WeightError(f"Features {self.name}: the bank is empty.")
        if self.log10_density is not None:
            self._set("log10_density", self._density(self.log10_density))
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
        if self.indices.min() < 0:
            raise ShapeError(
                f"Features {self.name}: index {self.indices.min()} is negative. An index is a "
                "feature's address (bank/index), counted from 0."
            )
        self._check_finite()

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _row(self, at: int) -> str:
        return f"{self.name}/{self.indices[at] if at < len(self.indices) else at}"

    def _check_facts(self) -> None:
        """Check what is said of the bank, before a run keeps it."""
        for label, text in (("hook", self.hook), ("neuronpedia", self.neuronpedia)):
            if text is not None and (not isinstance(text, str) or has_half(text)):
                raise UnembedError(
                    f"Features {self.name}: {label} should be a name, not {text!r:.100}."
                )
        layer = self.layer
        if layer is not None and (type(layer) is not int or not 0 <= layer < _MOST_LAYERS):
            raise UnembedError(
                f"Features {self.name}: layer should be a whole number from 0 on, not "
                f"{layer!r:.100}."
            )

    def _density(self, values: npt.ArrayLike) -> npt.NDArray[np.float32]:
        what = f"log10_density of features {self.name}"
        found: npt.NDArray[np.float32] = float_tensor(values, what).numpy()
        if np.isnan(found).any():
            raise WeightError(f"Features {self.name}: log10_density has NaN values.")
        if found.size and found.max() > _ROUNDED:
            raise WeightError(
                f"Features {self.name}: log10_density goes up to {found.max():.3g}, but the log10 "
                "of a share of tokens is at most 0. For shares give numpy.log10 of them."
            )
        return found

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
        return f"Features({shown(self.name)}: {len(self):,} features, d_model {self.d_model})"

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
        lens = None
        if self.lens is not None and self.before is not None:
            lens = self.lens.facts(self.before.name)
        return BankFacts(
            self.name, len(self), self.hook, self.layer, self.neuronpedia, self.origin,
            self.digest, lens, self.reads,
        )  # fmt: skip

    def through(self, lens: LayerLens) -> Features:
        """Return the bank as it is at the last layer, by a lens of the layer it writes to.

        >>> bank = Features.from_array([[1.0, 0.0]], name="mlp.3")
        >>> lens = LayerLens("jacobian", "jacobian", 3, torch.tensor([[0.0, 1.0], [2.0, 0.0]]))
        >>> bank.through(lens), bank.through(lens).W_dec
        (Features(mlp.3.jacobian: 1 features, d_model 2), tensor([[0., 2.]]))

        Raises:
            ShapeError: when the lens is not as wide.
            UnembedError: when the bank is read through a lens already, or is what features read.
        """
        if self.reads is not None:
            raise UnembedError(
                f"{self.name} is what features read: it comes before their layer, and a lens says "
                "what becomes of directions behind it."
            )
        if self.lens is not None:
            raise UnembedError(f"{self.name} is read through the {self.lens.name} lens already.")
        try:
            W_dec = lens.take(self.W_dec)
        except ShapeError as error:
            raise ShapeError(f"Features {self.name}: {error}") from error
        name = f"{self.name}.{lens.name}"
        return replace(self, W_dec=W_dec, name=name, lens=lens, before=self)

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
            W_dec: a tensor, an array, or what NumPy makes one of (lists, a data frame), of any
                floating point of 16 bits and more; kept as float32. Arrays of whole numbers are
                refused, since they may be the codes of quantised weights; in lists they mean
                themselves.
            name: of the bank.
            indices: [F] whole numbers from 0 on, by default 0 … F−1.
            **details: `origin`, `hook`, `layer`, `neuronpedia`, `log10_density` ([F], at most 0;
                −inf for what never fires).

        Raises:
            ShapeError, WeightError, UnembedError: as `Features` does; for values that are masked,
                sparse, quantised, no numbers, or of a size that float32 cannot hold, too.
        """
        whole = None if indices is None else whole_numbers(indices, f"Features {name}: indices")

        def row(at: int) -> str:
            return f"{name}/{at if whole is None or at >= whole.size else whole.flat[at]}"

        tensor = float_tensor(W_dec, f"W_dec of features {name}", row=row)
        if tensor.ndim == 1:
            tensor = tensor[None]
        rows = len(tensor) if tensor.ndim else 0
        return cls(tensor, name, np.arange(rows) if whole is None else whole, **details)


def held_against(bank: Features, unembedding: Unembedding) -> Unembedding:
    """Return what a bank's directions are held against: the unembedding, or the embedding.

    Args:
        bank: of what features write, or read.
        unembedding: of the model, with its embedding where features read.

    Raises:
        UnembedError: when the embedding is wanted and not there.
    """
    if bank.reads is None:
        return unembedding
    if unembedding.embedding is None:
        raise UnembedError(
            f"{bank.name} is what features read, and is held against the embedding, which is not "
            "there: load_unembedding(model, embedding=True) has it, or prepare_unembedding(W_E, "
            "vocabulary) and unembedding.with_embedding(…)."
        )
    return unembedding.embedding


def check_size(features: Features, unembedding: Unembedding) -> None:
    """Check that a bank's logit weights can be kept: none of them beyond float32.

    Raises:
        WeightError: naming the first feature whose logit weights may be.
    """
    too_large = beyond_float32(features.W_dec, unembedding)
    if too_large.any():
        first = features.indices[int(torch.nonzero(too_large)[0])]
        raise WeightError(
            f"Features {features.name}: {int(too_large.sum()):,} of {len(features):,} directions "
            f"are so long that their logit weights may be larger than float32 holds, the first is "
            f"{features.name}/{first}. Multiply all of W_dec by one small number, which changes "
            "no rank and no z."
        )


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
