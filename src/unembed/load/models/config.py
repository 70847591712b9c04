"""What a model's `config.json` (or Mistral's `params.json`) says, with its nested text model."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeGuard

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
from unembed.text_file import read_json

PARAMS = "params.json"
"""Mistral's own settings, which name no type: the family of such files is called by this name."""
_LAYER_KEYS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_DECODER_LAYER_KEYS = ("decoder_layers", "num_decoder_layers")
_KIND_KEYS = ("layers_block_type", "layer_types", "hybrid_override_pattern")
_HEAD_KEYS = (
    "decoder_attention_heads", "num_attention_heads", "n_head", "n_heads", "num_heads",
    "attention_heads",
)  # fmt: skip
_EXPERT_KEYS = (
    "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "n_experts",
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
            config = read_json(path)
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
    def place(self) -> str:
        """The file, as errors name it."""
        return f"{self.folder.name}/{self.file}"

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
                return self._counted(key, self.text[key])
        for key in _KIND_KEYS:  # one kind a layer
            if isinstance(self.text.get(key), list | str):
                return len(self.text[key])
        raise FormatError(f"{self.place} does not say how many layers the model has.")

    def n_heads(self, layer: int) -> int:
        """Return how many query heads a layer has."""
        for key in _HEAD_KEYS:
            found = self.text.get(key)
            if found is not None:
                return self._counted(key, found, layer)
        raise FormatError(
            f"{self.place} does not say how many attention heads a layer has "
            f"({', '.join(_HEAD_KEYS)})."
        )

    def n_experts(self, layer: int) -> dict[str, int]:
        """Return how many routed experts a layer has, by each key that says so."""
        within = self.text.get("moe")  # of Mistral's own files
        places = [self.text, within] if isinstance(within, dict) else [self.text]
        return {
            key: self._counted(key, settings[key], layer)
            for settings in places
            for key in _EXPERT_KEYS
            if settings.get(key) is not None
        }

    def _counted(self, key: str, found: Any, layer: int | None = None) -> int:
        """Return a number of things, where a list says it of each layer."""
        value = found
        if isinstance(found, list) and layer is not None:
            value = found[layer] if layer < len(found) else None
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise FormatError(
                f"{self.place} should say {key} as a whole number"
                f"{'' if layer is None else f' (of layer {layer})'}; found {found!r}. Download it "
                "again."
            )
        return value

    @property
    def quantisation(self) -> Mapping[str, Any]:
        """Its `quantization_config`."""
        found = self.setting("quantization_config") or self.setting("compression_config")
        return found if isinstance(found, dict) else {}

    @property
    def ties(self) -> bool | None:
        """What is said outright of the tie between embedding and unembedding; None for nothing.

        The whole model's word holds before that of its language model, of which a yes is no more
        than a default in a model that nests it: `transformers` ties by the whole model's alone.
        """
        outer, inner = self._said_ties
        if outer is not None:
            return outer
        return None if inner and self.nested else inner

    @property
    def tie_conflict(self) -> str:
        """How the whole model and its language model disagree on the tie, in words."""
        outer, inner = self._said_ties
        if outer is None or inner is None or outer == inner:
            return ""
        key, words = self.family.tie_keys[0], ("false", "true")
        return f"{key} is {words[outer]}, though {words[inner]} in text_config"

    @property
    def ties_by_default(self) -> bool:
        """What it means that nothing is said outright."""
        tied = self.nested.tied if self.nested else self.family.tied
        return tied or bool(self._said_ties[1])

    @property
    def default_tie_because(self) -> str:
        """Why they are tied by default, in words."""
        if self._said_ties[1]:
            return "text_config says that they are tied"
        return f"models of type {self.model_type} tie"

    @cached_property
    def _said_ties(self) -> tuple[bool | None, bool | None]:
        """What the whole model says of the tie, and what its language model does."""
        outer = self._said_tie(self.whole)
        return outer, None if self.text is self.whole else self._said_tie(self.text)

    def _said_tie(self, settings: Mapping[str, Any]) -> bool | None:
        for key in self.family.tie_keys:
            found = settings.get(key)
            if isinstance(found, bool):
                return found
            if found is not None:
                raise FormatError(
                    f"{self.place} says {key}: {found!r}, which should be true or false. Mend it, "
                    "or download it again."
                )
        return None

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
        if not _can_be_raised(value, factor.power):
            kind = "number" if factor.power > 0 else "number above 0"
            raise FormatError(
                f"{self.place} should state {factor.key}, a {kind} that a model of type "
                f"{self.model_type} is multiplied by; found {value!r}."
            )
        return float(float(value) ** factor.power)


def _can_be_raised(value: Any, power: float) -> TypeGuard[int | float]:
    """Return whether a value is a number that may be raised to a power."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max and (power > 0 or value > 0)  # NaN is neither
