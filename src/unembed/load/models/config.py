"""What a model's `config.json` (or Mistral's `params.json`) says, with its nested text model."""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeGuard

from unembed.errors import FormatError, did_you_mean
from unembed.load.folder import Folder
from unembed.load.models.families import (
    Factor,
    Family,
    Nested,
    When,
    family_of,
    known_model_types,
    nested_of,
)
from unembed.outside import limits
from unembed.outside.documents import read_json
from unembed.outside.fields import Fields, is_number, is_whole, needed, told

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
    def whole(self) -> Fields:
        """All that it says."""
        path = self.folder.fetch(self.file)
        config = read_json(path, limits.CONFIG_BYTES)
        known = "model_type" if self.file != PARAMS else "n_layers"
        if not isinstance(config, dict) or known not in config:
            raise FormatError(
                f"{path} has no {known}, so it is no model's config. If this is an SAE, name "
                "the model first and the SAE after it."
            )
        return Fields(config, self.place)

    @cached_property
    def text(self) -> Fields:
        """What it says of the language model."""
        return self.whole.table("text_config") if self.whole.says("text_config") else self.whole

    @property
    def place(self) -> str:
        """The file, as errors name it."""
        return f"{self.folder.name}/{self.file}"

    @property
    def model_type(self) -> str:
        """Its `model_type`; `params.json` for Mistral's own files."""
        if self.file == PARAMS:
            return PARAMS
        return needed(self.whole.text("model_type"), self.whole, "model_type")

    @cached_property
    def nested(self) -> Nested | None:
        """How a multimodal model nests its language model."""
        return nested_of(self.model_type)

    @cached_property
    def family(self) -> Family:
        """The language model's family."""
        asked = self.model_type
        if self.nested:
            said = self.text.text("model_type")
            asked = self.nested.text if said in (None, *self.nested.model_types) else str(said)
        family = family_of(asked)
        if family is None:
            known = known_model_types()
            raise FormatError(
                f"{self.folder.name} is of model_type {asked!r}, which unembed does not know."
                f"{did_you_mean(asked, known)} Known: {', '.join(known)}. For another one "
                "give W_U itself: unembed.prepare_unembedding(W_U, vocabulary, norm=…)."
            )
        return family

    def flag(self, key: str) -> bool | None:
        """Return a setting that is true or false; None where nothing says it."""
        return self._says(key).flag(key)

    def width(self, key: str) -> int | None:
        """Return a setting that is a width; None where nothing says it."""
        return self._says(key).whole(key, limits.WIDTH, 1)

    def holds(self, when: When) -> bool:
        """Return whether something is said, or meant by what is not."""
        says = self._says(when.key)
        if isinstance(when.value, str):
            return (says.text(when.key) or str(when.default)).startswith(when.value)
        flag = isinstance(when.value, bool)
        found = says.flag(when.key) if flag else says.whole(when.key, limits.LAYERS)
        return (when.default if found is None else found) == when.value

    def _says(self, key: str) -> Fields:
        """Return who says a setting: the whole model before its language model."""
        return self.whole if key in self.whole else self.text

    @property
    def n_layers(self) -> int:
        """How many layers the language model's decoder has."""
        for key in (*_DECODER_LAYER_KEYS, *_LAYER_KEYS):
            found = self.text.whole(key, limits.LAYERS)
            if found is not None:
                return found
        for key in filter(self.text.says, _KIND_KEYS):  # one kind a layer
            kinds = self.text.content[key]
            if not isinstance(kinds, list | str) or len(kinds) > limits.LAYERS:
                raise self.text.wrong(key, f"a list of at most {limits.LAYERS:,} layers' kinds")
            return len(kinds)
        raise FormatError(f"{self.place} does not say how many layers the model has.")

    def n_heads(self, layer: int) -> int:
        """Return how many query heads a layer has."""
        for key in filter(self.text.says, _HEAD_KEYS):
            return _of_layer(self.text, key, layer, limits.LAYERS)
        raise FormatError(
            f"{self.place} does not say how many attention heads a layer has "
            f"({', '.join(_HEAD_KEYS)})."
        )

    def n_experts(self, layer: int) -> dict[str, int]:
        """Return how many routed experts a layer has, by each key that says so."""
        within = self.text.table("moe")  # of Mistral's own files
        return {
            key: _of_layer(settings, key, layer, limits.EXPERTS)
            for settings in (self.text, within)
            for key in filter(settings.says, _EXPERT_KEYS)
        }

    @property
    def quantisation(self) -> Fields:
        """Its `quantization_config`; an empty one where there is none."""
        keys = ("quantization_config", "compression_config")
        found = [(self._says(key), key) for key in keys if self._says(key).says(key)]
        settings, key = found[0] if found else (self.whole, keys[0])
        return settings.table(key)

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

    def _said_tie(self, settings: Fields) -> bool | None:
        said = (settings.flag(key) for key in self.family.tie_keys)
        return next((each for each in said if each is not None), None)

    def number(self, factor: Factor) -> float:
        """Return the value of a factor.

        Raises:
            FormatError: when it is not stated, and has no default.
        """
        key, _, item = factor.key.partition(".")
        settings = self.text if self.text.says(key) else self.whole
        value = settings.content.get(key)
        if value is not None and item:
            listing = settings.items(key) or []
            value = listing[int(item)] if int(item) < len(listing) else None
        value = factor.default if value is None else value
        if not _can_be_raised(value, factor.power):
            kind = "number" if factor.power > 0 else "number above 0"
            raise FormatError(
                f"{self.place} should state {factor.key}, a {kind} that a model of type "
                f"{self.model_type} is multiplied by; found {told(value)}."
            )
        return float(float(value) ** factor.power)


def _of_layer(settings: Fields, key: str, layer: int, most: int) -> int:
    """Return a number of things, where a list may say it of each layer."""
    found = settings.content[key]
    if isinstance(found, list):
        found = found[layer] if layer < len(found) else None
    if not is_whole(found, most):
        raise settings.wrong(key, f"a whole number up to {most:,}, or a list of one a layer")
    return int(found)


def _can_be_raised(value: Any, power: float) -> TypeGuard[int | float]:
    """Return whether a value is a number that may be raised to a power."""
    return is_number(value) and (power > 0 or value > 0)
