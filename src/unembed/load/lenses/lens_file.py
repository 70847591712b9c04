"""`LensFile`: a lens that lies in a file, of which single layers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unembed.errors import FormatError, SourceError
from unembed.load.lenses.layers import EMBEDDING, spans

Kind = Literal["jacobian", "tuned"]
KINDS: tuple[Kind, ...] = ("jacobian", "tuned")

CapturePoint = Literal["block_output", "attn_out", "mlp_out", "mlp_in"]
"""Where in a block the lens was fitted: on its output, on what its attention or its MLP adds, or
on what its MLP reads. What its attention reads is the output of the block before."""

_NEAR_IDENTITY = 1e-2
"""How far the matrix of the last block may be from the identity, entry by entry: it is fitted."""


@dataclass(frozen=True, eq=False)
class LensFile:
    """A lens `w ↦ A w` for every layer that a file has: what a direction has become at the end.

    A is the mean Jacobian `E[∂h_final/∂h_l]`, or `I + W` of a tuned lens, whose bias is the same
    for every feature and left out. Layer l is the output of block l, and -1 the embedding.

    Attributes:
        kind: `jacobian` or `tuned`.
        layers: that it has, rising.
        d_model: the width of the residual stream.
        place: the file, as errors name it.
        read: reads the matrix of one of these layers; only its bytes.
        capture_point: where in a block it was fitted.
        n_prompts: that it was fitted on, where the file says it.
        fitted_on: the model, where the file or its place says it.
        n_layers: blocks of the model, where the file says it or the model was named.
        metadata: all else that the file says.
        stability: by layer, how much halves of the prompts agree, where the file says it.
        source: where it came from, for a manifest; enough to open it again (`reopen_lens`).
        notes: sentences that a person who uses it should see.
    """

    kind: Kind
    layers: tuple[int, ...]
    d_model: int
    place: str
    read: Callable[[int], Tensor] = field(repr=False)
    capture_point: CapturePoint = "block_output"
    n_prompts: int | None = None
    fitted_on: str | None = None
    n_layers: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    stability: Mapping[int, Mapping[str, float]] = field(default_factory=dict, repr=False)
    source: Mapping[str, Any] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def last_block(self) -> int | None:
        """The last block, whose output is the end itself: its matrix is the identity.

        None where the number of blocks is not known, or the lens is not of a block's output.
        """
        behind_mlp = self.capture_point in ("block_output", "mlp_out")
        return None if self.n_layers is None or not behind_mlp else self.n_layers - 1

    def has(self, layer: int) -> bool:
        """Return whether there is a matrix for a layer; for the last block there always is."""
        return layer in self.layers or layer == self.last_block

    def matrix(self, layer: int) -> Float[Tensor, "d_model d_model"]:
        """Return A of a layer in float32, read now: `A @ w` is what a direction w has become.

        A bank's rows are `W_dec @ A.T`.

        Raises:
            SourceError: when the file has no such layer, with those it has.
            FormatError: when what it has is no lens: not finite, zero, or the identity before the
                last block.
        """
        if layer not in self.layers:
            if layer == self.last_block:
                return torch.eye(self.d_model, device="cpu")
            raise self.lacks(layer)
        found = self.read(layer)
        self._check(layer, found)
        return found

    def lacks(self, layer: int) -> SourceError:
        """Return the error for a layer that the file does not have."""
        which = f"{layer}, the embedding" if layer == EMBEDDING else f"{layer}"
        return SourceError(
            f"{self.place} has no layer {which}: it has {spans(self.layers)} (layer l is the "
            "output of block l). Take banks of these, or a lens that was fitted on more."
        )

    def _check(self, layer: int, found: Tensor) -> None:
        """Check the numbers of a matrix.

        Raises:
            FormatError: when they are none of a lens.
        """
        finite = torch.isfinite(found)
        if not finite.all():
            broken = int(finite.numel() - finite.sum())
            raise self._wrong(
                layer, f"holds {broken:,} NaN or infinite values of {finite.numel():,}",
                "Its fit went wrong, or the file is damaged.",
            )  # fmt: skip
        if not found.any():
            raise self._wrong(
                layer, "is zero: by it nothing of that layer reaches the end",
                "It was never fitted, or the file is damaged.",
            )  # fmt: skip
        ends = layer == self.last_block or (self.last_block is None and layer == self.layers[-1])
        if not ends and _is_identity(found):
            raise self._wrong(
                layer, "is the identity, which is what stands there before a fit",
                "By it that layer reads as under --lens logit: use that.",
            )  # fmt: skip
        if layer == self.last_block and self.kind == "jacobian" and not _is_near_identity(found):
            raise self._wrong(
                layer, "is not the identity, though that block is the last: its output is the end",
                "The lens is of another place in the block (of attention heads?), of a model with "
                "more blocks, or its layers are counted otherwise.",
            )  # fmt: skip

    def _wrong(self, layer: int, what: str, advice: str) -> FormatError:
        return FormatError(f"{self.place}: the matrix of layer {layer} {what}. {advice}")


def _is_identity(matrix: Tensor) -> bool:
    diagonal = matrix.diagonal()
    return bool((diagonal == 1).all()) and int(matrix.count_nonzero()) == len(diagonal)


def _is_near_identity(matrix: Tensor) -> bool:
    return bool((matrix - torch.eye(len(matrix), device="cpu")).abs().max() <= _NEAR_IDENTITY)
