"""What a layout finds in a file of a lens, before anything is held against a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from unembed.load.lenses.lens_file import CapturePoint, Kind
from unembed.load.tensors.file import TensorFile


class Claim(NamedTuple):
    """What model something says a lens was fitted on.

    Attributes:
        model: as it is called there.
        where: what says so, as errors name it.
    """

    model: str
    where: str


@dataclass(frozen=True)
class Contents:
    """A lens in a file.

    Attributes:
        kind: `jacobian` or `tuned`.
        layout: its name, for a manifest.
        file: where the tensors are.
        tensors: each layer's tensor.
        finished: from what is stored to the matrix.
        d_model: as the file says, where it does.
        n_layers: likewise, blocks of the model.
        n_prompts: likewise.
        target: likewise, the block whose output the lens leads to.
        capture_point: where in a block it was fitted.
        claims: what the file, and what lies beside it, says of the model.
        metadata: all that the file says.
        stability: by layer.
        steps: what is done to what is stored, in words.
        notes: sentences for whoever uses it.
    """

    kind: Kind
    layout: str
    file: TensorFile
    tensors: Mapping[int, str]
    finished: Callable[[Tensor], Tensor]
    d_model: int | None = None
    n_layers: int | None = None
    n_prompts: int | None = None
    target: int | None = None
    capture_point: CapturePoint = "block_output"
    claims: tuple[Claim, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    stability: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def shapes(self) -> dict[int, tuple[int, ...]]:
        """Return each layer's shape as it is stored."""
        known = self.file.shapes()
        return {layer: known[tensor] for layer, tensor in self.tensors.items()}
