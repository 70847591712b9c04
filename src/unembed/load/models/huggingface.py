"""A Hugging Face style model folder: `config.json` and safetensors, with or without index.

Only the tensors that are asked for are read; from a hub, only their bytes are fetched. A
weight in int8 or float8 with a `…weight_scale` beside it (one scale a row, as
`compressed-tensors` stores them) is read as weight × scale.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from unembed.errors import FormatError, did_you_mean
from unembed.load.folder import Folder
from unembed.load.models.families import FAMILIES, PREFIXES, Family, family_of
from unembed.load.models.model import RawUnembedding, check_layer
from unembed.load.reference import Place
from unembed.load.tensors.file import TensorFile
from unembed.load.vocabularies import read_vocabulary
from unembed.unembedding import NO_NORM, FinalNorm
from unembed.vocabulary import Vocabulary

_INDEX = "model.safetensors.index.json"
_SCALED_DTYPES = (torch.int8, torch.float8_e4m3fn, torch.float8_e5m2)
_LAYER_KEYS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")


class HuggingFaceModel:
    """A model folder, local or on the hub.

    Raises:
        SourceError: when the folder holds no config.json.
        FormatError: when config.json is of an unknown family, or a tensor of the family is not
            in the checkpoint.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        return self.folder.short_name

    @property
    def origin(self) -> dict[str, Any]:
        return {"format": "huggingface", **self.folder.origin}

    @property
    def n_layers(self) -> int:
        for key in _LAYER_KEYS:
            if key in self._text_config:
                return int(self._text_config[key])
        raise FormatError(
            f"{self.folder.name}/config.json does not say how many layers the model has."
        )

    def vocabulary(self) -> Vocabulary:
        return read_vocabulary(Place(self.folder))

    def unembedding(self) -> RawUnembedding:
        family = self._family
        head = self._find(family.head)
        tied = head is None or bool(self._setting("tie_word_embeddings", default=False))
        name = self._require(family.embedding) if tied else head
        assert name is not None
        return RawUnembedding(self._read(name), self._norm(family), tied)

    def mlp_out(self, layer: int) -> Float[Tensor, "d_ff d_model"]:
        check_layer(self, layer)
        weight = self._read(self._require(self._family.mlp_out.format(layer)))
        return weight if self._family.mlp_out_faces_rows else weight.T

    @cached_property
    def _config(self) -> dict[str, Any]:
        path = self.folder.fetch("config.json")
        try:
            config = json.loads(path.read_bytes())
        except ValueError as error:
            raise FormatError(f"{path} is not JSON: {error}. Download it again.") from error
        if not isinstance(config, dict) or "model_type" not in config:
            raise FormatError(
                f"{path} has no model_type, so it is no model's config. If this is an SAE, name "
                "the model first and the SAE after it."
            )
        return config

    @property
    def _text_config(self) -> dict[str, Any]:
        nested = self._config.get("text_config")
        return nested if isinstance(nested, dict) else self._config

    def _setting(self, key: str, *, default: object) -> object:
        return self._config.get(key, self._text_config.get(key, default))

    @cached_property
    def _family(self) -> Family:
        model_type = str(self._config["model_type"])
        family = family_of(model_type)
        if family is None:
            known = sorted(name for family in FAMILIES for name in family.model_types)
            raise FormatError(
                f"{self.folder.name} is of model_type {model_type!r}, which unembed does not know."
                f"{did_you_mean(model_type, known)} Known: {', '.join(known)}. For another one "
                "give W_U itself: unembed.prepare_unembedding(W_U, vocabulary, norm=…)."
            )
        return family

    def _norm(self, family: Family) -> FinalNorm:
        if family.norm is None:
            return FinalNorm(family.norm_kind)
        if family.norm_optional and self._find(family.norm) is None:
            return NO_NORM
        weight = self._read(self._require(family.norm))
        return FinalNorm(family.norm_kind, weight, plus_one=family.norm_plus_one)

    @cached_property
    def _files(self) -> dict[str, TensorFile]:
        """Tensor name → the file it is in."""
        if self.folder.has(_INDEX):
            weight_map = self._weight_map()
            opened = {name: _Lazy(self.folder, name) for name in set(weight_map.values())}
            return {tensor: opened[file] for tensor, file in weight_map.items()}
        names = [name for name in self.folder.names() if name.endswith(".safetensors")]
        if "model.safetensors" in names:
            names = ["model.safetensors"]
        if len(names) != 1:
            raise FormatError(
                f"{self.folder.name} should hold model.safetensors, or shards with {_INDEX}; found "
                f"{', '.join(self.folder.names()[:12])}. Models kept as pytorch_model.bin can be "
                "saved again with save_pretrained(…, safe_serialization=True)."
            )
        file = self.folder.tensors(names[0])
        return dict.fromkeys(file.shapes(), file)

    def _weight_map(self) -> dict[str, str]:
        path = self.folder.fetch(_INDEX)
        try:
            return dict(json.loads(path.read_bytes())["weight_map"])
        except (ValueError, TypeError, KeyError) as error:
            raise FormatError(
                f"{path} should be JSON with a 'weight_map' of tensors and files: {error!r}. "
                "Download it again."
            ) from error

    def _find(self, stem: str) -> str | None:
        for prefix in PREFIXES:
            if prefix + stem in self._files:
                return prefix + stem
        return None

    def _require(self, stem: str) -> str:
        name = self._find(stem)
        if name is None:
            raise FormatError(
                f"{self.folder.name} has no tensor {stem!r} (under any usual prefix)."
                f"{did_you_mean(stem, self._files)} A model of type "
                f"{self._config['model_type']} should have it; the checkpoint is not complete."
            )
        return name

    def _read(self, name: str) -> Tensor:
        weight = self._files[name].read(name)
        scale = f"{name}_scale"
        if weight.dtype in _SCALED_DTYPES and scale in self._files:
            factor = self._files[scale].read(scale).float()
            if factor.numel() in (1, len(weight)):
                return weight.float().mul_(factor.reshape(-1, 1))
        if not weight.is_floating_point() or weight.dtype in _SCALED_DTYPES:
            raise FormatError(
                f"{self.folder.name}: tensor {name} is stored as {weight.dtype} without one scale "
                f"a row ({scale}), so its values are not known. Take an unquantised checkpoint."
            )
        return weight


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

    def read(self, tensor: str) -> Tensor:
        return self._file.read(tensor)
