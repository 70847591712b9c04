"""What a model's `config.json` (or Mistral's `params.json`) says, with its nested text model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from unembed.errors import FormatError, did_you_mean
from unembed.load.folder import Folder
from unembed.load.models.families import (
    Factor,
    Family,
    Nested,
    family_of,
    known_model_types,
    nested_of,
)

PARAMS = "params.json"
"""Mistral's own settings, which name no type: the family of such files is called by this name."""
_LAYER_KEYS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_DECODER_LAYER_KEYS = ("decoder_layers", "num_decoder_layers")
_KIND_KEYS = ("layers_block_type", "layer_types", "hybrid_override_pattern")
_HEAD_KEYS = (
    "decoder_attention_heads", "num_attention_heads", "n_head", "n_heads", "num_heads",
    "attention_heads",
)  # fmt: skip


class ModelConfig:
    """The settings of a model folder.

    Raises:
        SourceError: at the first question, when the folder holds no config.json.
        FormatError: when it is no model's, or of an unknown family.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    @cached_property
    def file(self) -> str:
        """The name of the file that is read."""
        own = self.folder.has(PARAMS) and not self.folder.has("config.json")
        return PARAMS if own else "config.json"

    @cached_property
    def whole(self) -> dict[str, Any]:
        """All that it says."""
        path = self.folder.fetch(self.file)
        try:
            config = json.loads(path.read_bytes())
        except ValueError as error:
            raise FormatError(f"{path} is not JSON: {error}. Download it again.") from error
        known = "model_type" if self.file != PARAMS else "n_layers"
        if not isinstance(config, dict) or known not in config:
            raise FormatError(
                f"{path} has no {known}, so it is no model's config. If this is an SAE, name "
                "the model first and the SAE after it."
            )
        return config

    @cached_property
    def text(self) -> dict[str, Any]:
        """What it says of the language model."""
        nested = self.whole.get("text_config")
        return nested if isinstance(nested, dict) else self.whole

    @property
    def model_type(self) -> str:
        """Its `model_type`; `params.json` for Mistral's own files."""
        return PARAMS if self.file == PARAMS else str(self.whole["model_type"])

    @cached_property
    def nested(self) -> Nested | None:
        """How a multimodal model nests its language model."""
        return nested_of(self.model_type)

    @cached_property
    def family(self) -> Family:
        """The language model's family."""
        asked = self.model_type
        if self.nested:
            said = self.text.get("model_type")
            flat = said is None or said in self.nested.model_types
            asked = self.nested.text if flat else str(said)
        family = family_of(asked)
        if family is None:
            known = known_model_types()
            raise FormatError(
                f"{self.folder.name} is of model_type {asked!r}, which unembed does not know."
                f"{did_you_mean(asked, known)} Known: {', '.join(known)}. For another one "
                "give W_U itself: unembed.prepare_unembedding(W_U, vocabulary, norm=…)."
            )
        return family

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a setting, of the whole model before that of its language model."""
        return self.whole.get(key, self.text.get(key, default))

    @property
    def n_layers(self) -> int:
        """How many layers the language model's decoder has."""
        for key in (*_DECODER_LAYER_KEYS, *_LAYER_KEYS):
            if self.text.get(key) is not None:
                return int(self.text[key])
        for key in _KIND_KEYS:  # one kind a layer
            if isinstance(self.text.get(key), list | str):
                return len(self.text[key])
        raise FormatError(
            f"{self.folder.name}/{self.file} does not say how many layers the model has."
        )

    def n_heads(self, layer: int) -> int:
        """Return how many query heads a layer has."""
        for key in _HEAD_KEYS:
            found = self.text.get(key)
            if found is not None:
                return int(found[layer] if isinstance(found, list) else found)
        raise FormatError(
            f"{self.folder.name}/{self.file} does not say how many attention heads a layer has "
            f"({', '.join(_HEAD_KEYS)})."
        )

    @property
    def quantisation(self) -> Mapping[str, Any]:
        """Its `quantization_config`."""
        found = self.setting("quantization_config") or self.setting("compression_config")
        return found if isinstance(found, dict) else {}

    @property
    def ties(self) -> bool | None:
        """What is said of the tie between embedding and unembedding; None for nothing."""
        for key in ("tie_word_embeddings", "tied_embeddings"):
            found = self.setting(key)
            if found is not None:
                return bool(found)
        return None

    @property
    def ties_by_default(self) -> bool:
        """What it means that nothing is said."""
        return self.nested.tied if self.nested else self.family.tied

    def number(self, factor: Factor) -> float:
        """Return the value of a factor.

        Raises:
            FormatError: when it is not stated, and has no default.
        """
        key, _, item = factor.key.partition(".")
        found = self.text.get(key, self.whole.get(key))
        if found is not None and item:
            found = found[int(item)] if isinstance(found, list) and int(item) < len(found) else None
        value = factor.default if found is None else found
        if not isinstance(value, int | float):
            raise FormatError(
                f"{self.folder.name}/{self.file} should state {factor.key}, a number that a model "
                f"of type {self.model_type} is multiplied by; found {value!r}."
            )
        return float(float(value) ** factor.power)
