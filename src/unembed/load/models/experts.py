"""Where a checkpoint keeps the routed experts of its layers, and how many there are."""

from __future__ import annotations

import re
from functools import cached_property

from unembed.errors import FormatError
from unembed.load.models.checkpoint import Checkpoint
from unembed.load.models.config import ModelConfig
from unembed.load.models.quantisation import refuse_packed
from unembed.outside import limits


class Experts:
    """The routed experts of a model: in one tensor a layer, or in one an expert."""

    def __init__(self, config: ModelConfig, tensors: Checkpoint) -> None:
        self._config = config
        self._tensors = tensors

    def together(self, layer: int) -> str | None:
        """Return the name of the tensor that holds all experts of a layer, where there is one.

        Raises:
            FormatError: when it is packed.
        """
        stems = [stem for stem in self._config.family.experts if stem.count("{}") == 1]
        how = self._tensors.packed(stems, layer)
        if how:
            raise refuse_packed(self._tensors.folder.name, stems[0].format(layer), how)
        return self._tensors.find(stems, layer)

    @property
    def stems_apart(self) -> tuple[str, ...]:
        """The names of tensors of one expert."""
        return tuple(stem for stem in self._config.family.experts if stem.count("{}") == 2)

    def count(self, layer: int) -> int:
        """Return how many experts a layer has; 0 where it has a single MLP.

        Raises:
            FormatError: when config.json says another number.
        """
        name = self.together(layer)
        there = self._count_apart(layer) if name is None else self._tensors.shape(name)[0]
        if there > limits.EXPERTS:
            raise FormatError(
                f"{self._tensors.folder.name}: by its shape {name} holds {there:,} experts, and no "
                f"model has more than {limits.EXPERTS:,}. The file is damaged."
            )
        said = self._config.n_experts(layer) if there else {}
        if said and there not in said.values():
            key, number = next(iter(said.items()))
            raise FormatError(
                f"{self._config.place} says {key}: {number}, but layer {layer} has {there} experts "
                "in the checkpoint. It is not complete, or the config is another model's."
            )
        return there

    def _count_apart(self, layer: int) -> int:
        """Return how many experts of a layer are kept one tensor an expert.

        Raises:
            FormatError: when one is missing.
        """
        there = self._apart.get(layer, set())
        if there and max(there) >= len(there):
            raise FormatError(
                f"{self._tensors.folder.name} has {len(there)} experts of layer {layer}, but the "
                f"last of them is number {max(there)}. The checkpoint is not complete."
            )
        return len(there)

    @cached_property
    def _apart(self) -> dict[int, set[int]]:
        """Layer → its experts, of those that are kept one tensor an expert."""
        found: dict[int, set[int]] = {}
        for stem in self.stems_apart:
            core = re.escape(stem.removesuffix("weight")).replace(r"\{\}", r"(\d{1,9})")
            pattern = re.compile(rf"(?:.*\.)?{core}.*")
            for name in self._tensors.files:
                if match := pattern.fullmatch(name):
                    layer, expert = int(match[1]), int(match[2])
                    found.setdefault(layer, set()).add(expert)
        return found
