"""A Hugging Face style model folder: `config.json` and its tensors, of which few are read.

Also Mistral's own files: `params.json` beside `consolidated.safetensors`. What the families'
tables say of a model must be there: a tensor that is missing is an error, never a statement.
"""

from __future__ import annotations

import re
from functools import cached_property, partial
from typing import Any

from jaxtyping import Float
from torch import Tensor

from unembed.errors import FormatError, SourceError
from unembed.load.folder import Folder
from unembed.load.models.checkpoint import Checkpoint
from unembed.load.models.config import ModelConfig
from unembed.load.models.experts import Experts
from unembed.load.models.families import (
    POST_NORM,
    SEVERAL_STREAMS,
    Factor,
    Family,
    PostNorm,
    Rows,
)
from unembed.load.models.model import (
    Expert,
    Passage,
    RawUnembedding,
    cannot_follow,
    check_expert,
    check_layer,
    lacks,
    passage_through,
)
from unembed.load.models.tying import tie_of
from unembed.load.reference import Place
from unembed.load.vocabularies import read_vocabulary
from unembed.outside.row_reader import RowReader
from unembed.products import product
from unembed.unembedding import NO_NORM, FinalNorm
from unembed.vocabulary import Vocabulary


class HuggingFaceModel:
    """A model folder, local or on the hub.

    Raises:
        SourceError: at the first question, when the folder holds no config.json.
        FormatError: when config.json is of an unknown family, or a tensor of the family is not
            in the checkpoint.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._config = ModelConfig(folder)
        self._tensors = Checkpoint(folder, self._config)
        self._experts = Experts(self._config, self._tensors)

    @property
    def name(self) -> str:
        return self.folder.short_name

    @property
    def origin(self) -> dict[str, Any]:
        return {"format": "huggingface", **self.folder.origin}

    @property
    def architecture(self) -> str:
        """What transformers calls its architecture: its `model_type`."""
        return self._config.model_type

    @property
    def n_layers(self) -> int:
        return self._config.n_layers

    @cached_property
    def d_model(self) -> int:
        family = self._family
        projection = family.projection and self._tensors.find((family.projection,))
        if projection:
            return self._tensors.shape(projection)[1]
        return self._tensors.shape(self._tensors.require(family.embedding))[1]

    def vocabulary(self) -> Vocabulary:
        return read_vocabulary(Place(self.folder))

    # --- the unembedding ---

    def unembedding(self) -> RawUnembedding:
        family = self._family
        tied, because = tie_of(self._config, self._tensors)
        name = self._tensors.require(family.embedding if tied else (family.head,))
        W_U = self._tensors.rows(name)
        if family.projection:
            W_U = self._projected(W_U, family.projection)
        constants = {}
        if self._has_logit_factors():
            constants = {f.label: self._config.number(f) for f in family.logit_factors}
        for value in constants.values():
            W_U = W_U.each(partial(_times, value))
        return RawUnembedding(W_U, self._norm(), tied, constants, because)

    def _has_logit_factors(self) -> bool:
        setting = self._family.logit_factors_if
        if setting is None:
            return True
        said = self._config.flag(setting)
        return self._config.ties is not False if said is None else said

    def _projected(self, W_U: RowReader, projection: str) -> RowReader:
        """Return W_U for the residual stream, where a projection narrows that first."""
        inner, outer = (self._config.width(k) for k in ("word_embed_proj_dim", "hidden_size"))
        if inner in (None, outer) and self._tensors.find((projection,)) is None:
            return W_U
        inward = self._tensors.read(self._tensors.require((projection,))).float()
        return RowReader.of(product(W_U.whole().float(), inward))

    def _norm(self) -> FinalNorm:
        family = self._family
        if family.norm_kind == "none" or self._is_post_norm or self._is_norm_removed:
            return NO_NORM
        if family.norm is None:
            return FinalNorm(family.norm_kind)
        weight = self._tensors.read(self._tensors.require((family.norm,)))
        return FinalNorm(family.norm_kind, weight, plus_one=family.plus_one)

    @property
    def _is_post_norm(self) -> bool:
        """Whether a setting puts the norms after the sub-layers, and leaves out the final one."""
        setting = self._family.norm_setting
        return setting is not None and self._config.flag(setting) is False

    @property
    def _is_norm_removed(self) -> bool:
        setting = self._family.norm_removed
        return setting is not None and self._config.flag(setting) is True

    # --- what layers write ---

    def n_experts(self, layer: int) -> int:
        check_layer(self, layer)
        return self._experts.count(layer)

    def mlp_out(self, layer: int, expert: Expert | None = None) -> Float[Tensor, "d_ff d_model"]:
        check_layer(self, layer)
        family, tensors = self._family, self._tensors
        if family.no_mlp and not family.mlp_out:
            raise SourceError(f"{self.name} has no neurons to read: {family.no_mlp}.")
        shared = tensors.find(family.shared, layer)
        n_experts = self.n_experts(layer)
        check_expert(self, layer, expert, n_experts, shared=shared is not None)
        if expert == "shared":
            return self._matrix(family.shared, layer)
        if expert is not None:
            return self._expert(layer, expert)
        if self._has_no(family.mlp_out, layer):
            raise lacks(self, layer, "MLP", self._parts_of(layer))
        return self._matrix(family.mlp_out, layer)

    def n_heads(self, layer: int) -> int:
        check_layer(self, layer)
        self._check_heads()
        return self._config.n_heads(layer)

    def attention_out(self, layer: int) -> Float[Tensor, "heads_x_d_head d_model"]:
        check_layer(self, layer)
        self._check_heads()
        attention_out = self._family.attention_out
        if self._has_no(attention_out, layer):
            raise lacks(self, layer, "attention", self._parts_of(layer))
        return self._matrix(attention_out, layer)

    def _check_heads(self) -> None:
        if not self._family.attention_out:
            raise SourceError(f"{self.name} has no heads to read: {self._family.no_attention}.")

    def after_mlp(self, layer: int, expert: Expert | None = None) -> Passage:
        family = self._family
        norms = self._switched_on(family.after_mlp)
        if family.inner_norms and self.n_experts(layer):
            norms = (family.inner_norms[isinstance(expert, int)], *norms)
        return self._passage(layer, norms, family.mlp_factors, family.no_mlp)

    @property
    def factors_inside_mlp(self) -> bool:
        return self._family.factors_inside_mlp

    def after_attention(self, layer: int) -> Passage:
        family = self._family
        norms = self._switched_on(family.after_attention)
        return self._passage(layer, norms, family.attention_factors, family.no_attention)

    def norm_behind_attention(self, layer: int) -> bool:
        check_layer(self, layer)
        norms = self._switched_on(self._family.after_attention)
        return any(norm.endswith(".post_attention_layernorm.weight") for norm in norms)

    def check_followed(self, layer: int) -> None:
        check_layer(self, layer)
        why_not = POST_NORM if self._is_post_norm else self._family.no_mlp
        if why_not in (POST_NORM, SEVERAL_STREAMS):
            raise cannot_follow(self, why_not)

    def _switched_on(self, norm: PostNorm | None) -> tuple[str, ...]:
        """Return the name of a norm's weight, or nothing where the model has none."""
        if norm is None or (norm.setting and self._config.flag(norm.setting) is False):
            return ()
        return (norm.weight,)

    def _passage(
        self,
        layer: int,
        norms: tuple[str, ...],
        factors: tuple[Factor, ...],
        why_not: str | None,
    ) -> Passage:
        check_layer(self, layer)
        why_not = POST_NORM if self._is_post_norm else why_not
        if why_not:
            raise cannot_follow(self, why_not)
        weights = [self._gamma(norm, layer) for norm in norms]
        values = [(each.label, self._config.number(each)) for each in factors]
        if self._family.layer_scalar:
            name = self._tensors.require((self._family.layer_scalar,), layer)
            values.append((name, self._tensors.read_number(name)))
        return passage_through(weights, values)

    def _gamma(self, stem: str, layer: int) -> tuple[Tensor, str]:
        name = self._tensors.require((stem,), layer)
        weight = self._tensors.read(name).float()
        if self._family.plus_one:
            return weight + 1, f"⊙ (1 + {name})"
        return weight, f"⊙ {name}"

    def _matrix(self, stems: tuple[str, ...], *numbers: int) -> Tensor:
        """Return an output matrix with a row a neuron."""
        weight = self._tensors.read(self._tensors.require(stems, *numbers))
        return self._facing_rows(weight, isinstance(stems[0], Rows), stems[0].format(*numbers))

    def _facing_rows(self, weight: Tensor, rows: bool, name: str) -> Tensor:
        if weight.shape[1 if rows else 0] != self.d_model or weight.ndim != 2:
            raise FormatError(
                f"{self.folder.name}: {name} has shape {list(weight.shape)}, but should write into "
                f"a residual stream of width {self.d_model}. It belongs to another model."
            )
        return weight if rows else weight.T

    def _expert(self, layer: int, expert: int) -> Tensor:
        name = self._experts.together(layer)
        if name is None:
            return self._matrix(self._experts.stems_apart, layer, expert)
        weight = self._tensors.read_item(name, expert)
        # Both orders are published under one name; where widths differ, they tell.
        rows = any(isinstance(s, Rows) for s in self._family.experts)
        if weight.shape[0] != weight.shape[1]:
            rows = weight.shape[1] == self.d_model
        return self._facing_rows(weight, rows, name)

    def _has_no(self, stems: tuple[str, ...], layer: int) -> bool:
        """Return whether a layer is of a kind without such a matrix, as some layers may be."""
        tensors = self._tensors
        there = tensors.find(stems, layer) or tensors.packed(stems, layer)
        return self._family.hybrid and there is None

    def _parts_of(self, layer: int) -> list[str]:
        """Return what a layer's tensors are called, after its number."""
        within = re.compile(rf"(?:.*\.)?(?:layers|h|blocks)\.{layer}\.(.+)")
        return [m[1] for name in self._tensors.files if (m := within.fullmatch(name))]

    @property
    def _family(self) -> Family:
        return self._config.family


def _times(value: float, rows: Tensor) -> Tensor:
    return rows.float() * value
