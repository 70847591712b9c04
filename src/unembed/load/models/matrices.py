"""The matrices that sub-layers of a Hugging Face folder write and read with, a row a neuron."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from unembed.errors import FormatError
from unembed.load.models.checkpoint import Checkpoint
from unembed.load.models.config import ModelConfig
from unembed.load.models.experts import Experts
from unembed.load.models.families import Inward, Rows
from unembed.load.models.reads import MLPIn


class Matrices:
    """Output matrices by the families' names, and beside each what its neurons read with.

    Args:
        config: the model's settings.
        tensors: its tensors.
        experts: where its routed experts are.
        d_model: the width of the residual stream.
    """

    def __init__(
        self, config: ModelConfig, tensors: Checkpoint, experts: Experts, d_model: int
    ) -> None:
        self._config = config
        self._tensors = tensors
        self._experts = experts
        self._d_model = d_model

    # --- what they write with ---

    def out(self, stems: tuple[str, ...], *numbers: int) -> Tensor:
        """Return an output matrix."""
        weight = self._tensors.read(self._tensors.require(stems, *numbers))
        return self._facing_rows(weight, isinstance(stems[0], Rows), stems[0].format(*numbers))

    def out_of_expert(self, layer: int, expert: int) -> Tensor:
        """Return the output matrix of a routed expert."""
        name = self._experts.together(layer)
        if name is None:
            return self.out(self._experts.stems_apart, layer, expert)
        weight = self._tensors.read_item(name, expert)
        return self._facing_rows(weight, self._has_rows(*weight.shape), name)

    def _has_rows(self, first: int, second: int) -> bool:
        """Return whether experts in one tensor have a row a neuron.

        Both orders are published under one name; where widths differ, they tell.
        """
        if first != second:
            return second == self._d_model
        return any(isinstance(s, Rows) for s in self._config.family.experts)

    def _facing_rows(self, weight: Tensor, rows: bool, name: str) -> Tensor:
        if weight.shape[1 if rows else 0] != self._d_model or weight.ndim != 2:
            raise FormatError(
                f"{self._place}: {name} has shape {list(weight.shape)}, but should write into "
                f"a residual stream of width {self._d_model}. It belongs to another model."
            )
        return weight if rows else weight.T

    # --- what they read with ---

    def inward(self, stems: tuple[str, ...], *numbers: int) -> MLPIn:
        """Return what the neurons of an output matrix read with.

        Raises:
            FormatError: when the checkpoint lacks it, or it fits the output matrix in no way that
                is known.
        """
        out = self._tensors.require(stems, *numbers)
        rows = isinstance(stems[0], Rows)
        shape = self._matrix_shape(out, 2)
        return self._inward(out, shape[0 if rows else 1], rows, self._tensors.read)

    def inward_of_expert(self, layer: int, expert: int) -> MLPIn:
        """Return what the neurons of a routed expert read with; likewise."""
        out = self._experts.together(layer)
        if out is None:
            return self.inward(self._experts.stems_apart, layer, expert)
        _, *shape = self._matrix_shape(out, 3)
        rows = self._has_rows(*shape)

        def read(name: str) -> Tensor:
            return self._tensors.read_item(name, expert)

        return self._inward(out, shape[0 if rows else 1], rows, read, either=True)

    def _inward(
        self,
        out: str,
        d_ff: int,
        rows: bool,
        read: Callable[[str], Tensor],
        *,
        either: bool = False,
    ) -> MLPIn:
        how = self._how(out)
        beside = out.removesuffix(how.out)

        def matrix(ending: str, neurons: int) -> Tensor:
            name = self._tensors.require((beside + ending,))
            return self._reading(read(name), neurons, rows, name, either=either)

        if how.fused:
            both = matrix(how.up, 2 * d_ff)
            gate, up = both.chunk(2) if how.fused == "halves" else (both[::2], both[1::2])
            return MLPIn(gate, up)
        if how.gate is None:
            self._check_no_gate(out, beside, how)
            return MLPIn(None, matrix(how.up, d_ff))
        return MLPIn(matrix(how.gate, d_ff), matrix(how.up, d_ff))

    def _how(self, out: str) -> Inward:
        for how in self._config.family.mlp_in:
            if out.endswith(how.out) and all(map(self._config.holds, how.when)):
                return how
        raise FormatError(
            f"What the neurons of {out} in {self._place} read with is not known of models of type "
            f"{self._config.model_type}. What they write is: leave out what they read."
        )

    def _reading(
        self, weight: Tensor, neurons: int, rows: bool, name: str, *, either: bool
    ) -> Tensor:
        """Return a matrix that reads, with a row a neuron.

        Args:
            weight: as it is stored.
            neurons: how many it should have.
            rows: whether the output matrix has a row a neuron, and this a column a neuron.
            name: of it.
            either: whether the shape says which, where it can.
        """
        wanted = (neurons, self._d_model)
        turned = rows
        if either and neurons != self._d_model:
            turned = tuple(weight.shape) == wanted[::-1]
        found = weight.T if turned and weight.ndim == 2 else weight
        if tuple(found.shape) != wanted:
            raise FormatError(
                f"{self._place}: {name} has shape {list(weight.shape)}, but should read a stream "
                f"of width {self._d_model} for {neurons} neurons. It belongs to another model, or "
                "the model is of a kind that unembed does not know."
            )
        return found

    def _check_no_gate(self, out: str, beside: str, how: Inward) -> None:
        """Check that a family without a gate has no matrix that may be one."""
        up = beside + how.up
        others = (n for n in self._tensors.files if n.startswith(beside) and n not in (out, up))
        for name in others:
            alike = name.count(".") == up.count(".")
            if alike and self._tensors.shape(name) == self._tensors.shape(up):
                raise FormatError(
                    f"{self._place} has {name} beside {up}, and an MLP of type "
                    f"{self._config.model_type} has no such matrix. What its neurons read is not "
                    "known."
                )

    def _matrix_shape(self, name: str, dimensions: int) -> tuple[int, ...]:
        shape = self._tensors.shape(name)
        if len(shape) != dimensions:
            raise FormatError(
                f"{self._place}: {name} has shape {list(shape)}, and should have {dimensions} "
                "dimensions. It belongs to another model."
            )
        return shape

    @property
    def _place(self) -> str:
        return self._tensors.folder.name
