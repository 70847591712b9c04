"""A model's tensors by name, whatever files they lie in: one, shards, Mistral's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from torch import Tensor

from unembed.errors import FormatError, did_you_mean, listed
from unembed.load.folder import Folder
from unembed.load.models.config import PARAMS, ModelConfig
from unembed.load.models.families import PREFIXES
from unembed.load.models.quantisation import (
    SCALED_DTYPES,
    dequantised,
    packed_as,
    refuse_packed,
    stands_alone,
)
from unembed.load.tensors.file import Part, TensorFile
from unembed.outside import limits
from unembed.outside.documents import read_json
from unembed.outside.fields import Fields, is_inside, needed, told, told_name
from unembed.outside.row_reader import RowReader

INDEX = "model.safetensors.index.json"
INDICES = (INDEX, "pytorch_model.bin.index.json")
WHOLE = ("model.safetensors", "pytorch_model.bin")
CONSOLIDATED = "consolidated"


class Checkpoint:
    """The tensors of a model folder.

    Raises:
        FormatError: when the folder's files are not a model's, or lack a tensor.
    """

    def __init__(self, folder: Folder, config: ModelConfig) -> None:
        self.folder = folder
        self.config = config

    @cached_property
    def files(self) -> dict[str, TensorFile]:
        """Tensor name → the file it is in."""
        index = next((name for name in INDICES if self._has(name)), None)
        if index:
            weight_map = self._weight_map(index)
            opened = {name: _Lazy(self.folder, name) for name in set(weight_map.values())}
            return {tensor: opened[file] for tensor, file in weight_map.items()}
        file = self.folder.tensors(self._single)
        return dict.fromkeys(file.shapes(), file)

    def find(self, stems: Sequence[str], *numbers: int) -> str | None:
        """Return the first of some names that the checkpoint has, with its prefix.

        Args:
            stems: names with `{}` for each of `numbers`.
            numbers: the layer, and the expert.
        """
        for stem in stems:
            for prefix in PREFIXES:
                if prefix + stem.format(*numbers) in self.files:
                    return prefix + stem.format(*numbers)
        return None

    def require(self, stems: Sequence[str], *numbers: int) -> str:
        """Return the name of a tensor that a model of this type must have."""
        name = self.find(stems, *numbers)
        if name is not None:
            return name
        wanted = stems[0].format(*numbers)
        how = self.packed(stems, *numbers)
        if how:
            raise refuse_packed(self.folder.name, wanted, how)
        raise FormatError(
            f"{self._place} has no tensor {wanted!r} (under any usual prefix)."
            f"{did_you_mean(wanted, self.files)} A model of type {self.config.model_type} should "
            "have it; the checkpoint is not complete."
        )

    def packed(self, stems: Sequence[str], *numbers: int) -> str | None:
        """Return how a tensor is packed that is not there as it is, or None."""
        wanted = [prefix + s.format(*numbers) for s in stems for prefix in PREFIXES]
        return next((how for name in wanted if (how := packed_as(name, self.files))), None)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor, without reading it."""
        shapes = self.files[name].shapes()
        return shapes[name] if name in shapes else tuple(self.files[name].read(name).shape)

    def read(self, name: str) -> Tensor:
        """Return a tensor in floats, dequantised where it has scales."""
        self._refuse_packed(name)
        return dequantised(
            self.folder.name,
            name,
            self.files[name].read(name),
            self.files,
            lambda other: self.files[other].read(other),
            self.config.quantisation,
        )

    def rows(self, name: str) -> RowReader:
        """Return the rows of a matrix in floats, which are read when they are needed.

        One that has scales is dequantised whole.
        """
        self._refuse_packed(name)
        rows = self.files[name].rows(name)
        is_matrix = len(rows.shape) == 2
        if is_matrix and stands_alone(name, rows.read(0, 0).dtype, self.files):
            return rows
        return RowReader.of(self.read(name))

    def _refuse_packed(self, name: str) -> None:
        """Refuse a tensor whose values are packed, before it is fetched."""
        how = packed_as(name, self.files)
        if how:
            raise refuse_packed(self.folder.name, name, how)

    def read_number(self, name: str) -> float:
        """Return the one number that a tensor holds."""
        found = self.read(name)
        if found.numel() != 1:
            raise FormatError(
                f"{self._place}: {name} has shape {list(found.shape)}, but should be one number. "
                "It belongs to another model."
            )
        return float(found.reshape(()))

    def read_item(self, name: str, item: int) -> Tensor:
        """Return one matrix of a tensor of several, without reading the others."""
        place, beside = self.folder.name, {n for n in self.files if n.startswith(f"{name}_")}
        weight = self.files[name].read(name, (item,))
        if (
            not weight.is_floating_point()
            or weight.dtype in SCALED_DTYPES
            or beside - {f"{name}_bias"}
        ):
            raise refuse_packed(place, name, f"{weight.dtype}, {len(beside)} tensors beside it")
        return weight

    @property
    def _place(self) -> str:
        """The files, as errors name them."""
        if any(self._has(index) for index in INDICES):
            return self.folder.name
        return f"{self.folder.name}/{self._single}"

    @cached_property
    def _single(self) -> str:
        """The name of the one file that holds all tensors."""
        names = self.folder.names()
        if self.config.file == PARAMS:
            own = [n for n in names if n.startswith(CONSOLIDATED) and not n.endswith(".json")]
            if len(own) == 1:
                return own[0]
            raise FormatError(
                f"{self.folder.name} has {PARAMS}, beside which there should be one "
                f"{CONSOLIDATED}.safetensors; found {', '.join(own) or 'none'}. Parts that are cut "
                "for several devices are not read: take the repository's Hugging Face files."
            )
        found = next((name for name in WHOLE if name in names), None)
        if found:
            return found
        others = [n for n in names if n.endswith(".safetensors") and not n.startswith(CONSOLIDATED)]
        if len(others) != 1:
            raise FormatError(
                f"{self.folder.name} should hold model.safetensors, or shards with {INDEX} (or "
                f"pytorch_model.bin, or shards with {INDICES[1]}); found {listed(names)}."
            )
        return others[0]

    def _has(self, name: str) -> bool:
        return self.config.file != PARAMS and self.folder.has(name)

    def _weight_map(self, index: str) -> dict[str, str]:
        path = self.folder.fetch(index)
        fields = Fields(read_json(path, limits.INDEX_BYTES), str(path))
        needed(fields.content.get("weight_map"), fields, "weight_map")
        found = fields.table("weight_map").content
        for tensor, file in found.items():
            if not isinstance(file, str) or not is_inside(file):
                raise FormatError(
                    f"{path}, weight_map: {told_name(tensor)} should have the name of a file "
                    f"beside it, but has {told(file)}. Download it again."
                )
        return dict(found)


class _Lazy:
    """One shard, opened when a tensor of it is first read."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._name = name

    @cached_property
    def _file(self) -> TensorFile:
        return self._folder.tensors(self._name)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return self._file.shapes()

    def read(self, tensor: str, part: Part | None = None) -> Tensor:
        return self._file.read(tensor, part)

    def rows(self, tensor: str) -> RowReader:
        return self._file.rows(tensor)
