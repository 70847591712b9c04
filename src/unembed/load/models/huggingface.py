"""A Hugging Face style model folder: `config.json` and its tensors, of which few are read.

Also Mistral's own files: `params.json` beside `consolidated.safetensors`. What the families'
tables say of a model must be there: a tensor that is missing is an error, never a statement.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from unembed.errors import SourceError
from unembed.load.folder import Folder
from unembed.load.models.checkpoint import Checkpoint
from unembed.load.models.config import ModelConfig
from unembed.load.models.ends import Ends
from unembed.load.models.experts import Experts
from unembed.load.models.families import (
    POST_NORM,
    SEVERAL_STREAMS,
    Factor,
    Family,
    PostNorm,
)
from unembed.load.models.matrices import Matrices
from unembed.load.models.model import (
    Expert,
    MLPIn,
    Passage,
    RawEmbedding,
    RawUnembedding,
    ReadNorm,
    cannot_follow,
    check_expert,
    check_layer,
    lacks,
    passage_through,
)
from unembed.load.models.norms import Norms
from unembed.load.reference import Place
from unembed.load.vocabularies import read_vocabulary
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
        self._norms = Norms(self._config, self._tensors)
        self._ends = Ends(self._config, self._tensors, self._norms)

    @cached_property
    def _matrices(self) -> Matrices:
        return Matrices(self._config, self._tensors, self._experts, self.d_model)

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

    def unembedding(self) -> RawUnembedding:
        return self._ends.unembedding()

    def embedding(self) -> RawEmbedding:
        return self._ends.embedding()

    # --- what layers write ---

    def n_experts(self, layer: int) -> int:
        check_layer(self, layer)
        return self._experts.count(layer)

    def mlp_out(self, layer: int, expert: Expert | None = None) -> Float[Tensor, "d_ff d_model"]:
        check_layer(self, layer)
        self._check_neurons()
        self._check_expert(layer, expert, self.n_experts(layer))
        if isinstance(expert, int):
            return self._matrices.out_of_expert(layer, expert)
        return self._matrices.out(self._stems(expert), layer)

    def _check_neurons(self) -> None:
        family = self._family
        if family.no_mlp and not family.mlp_out:
            raise SourceError(f"{self.name} has no neurons to read: {family.no_mlp}.")

    def _check_expert(self, layer: int, expert: Expert | None, n_experts: int) -> None:
        """Check that a layer has an expert, or a single MLP."""
        shared = self._tensors.find(self._family.shared, layer)
        check_expert(self, layer, expert, n_experts, shared=shared is not None)
        if expert is None and self._has_no(self._family.mlp_out, layer):
            raise lacks(self, layer, "MLP", self._parts_of(layer))

    def _stems(self, expert: Literal["shared"] | None) -> tuple[str, ...]:
        return self._family.mlp_out if expert is None else self._family.shared

    # --- what they read ---

    def mlp_in(self, layer: int, expert: Expert | None = None) -> MLPIn:
        self._check_read(layer)
        self._check_expert(layer, expert, self.n_experts(layer))
        if isinstance(expert, int):
            return self._matrices.inward_of_expert(layer, expert)
        return self._matrices.inward(self._stems(expert), layer)

    def before_mlp(self, layer: int, expert: Expert | None = None) -> ReadNorm:
        self._check_read(layer)
        n_experts = self.n_experts(layer)
        if expert is not None or not n_experts:
            self._check_expert(layer, expert, n_experts)
        norms = self._family.before_mlp
        if isinstance(expert, int) and self._family.before_experts is not None:
            norms = self._family.before_experts
        return self._norms.read(norms, layer)

    def _check_read(self, layer: int) -> None:
        check_layer(self, layer)
        self._check_neurons()
        if self._why_not_followed:
            raise cannot_follow(self, self._why_not_followed, "reads")

    # --- heads ---

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
        return self._matrices.out(attention_out, layer)

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
        why_not = self._why_not_followed
        if why_not:
            raise cannot_follow(self, why_not)

    @property
    def _why_not_followed(self) -> str | None:
        """Why nothing stays in the stream as it was written; None where it does."""
        normed = self._family.stream_normed_if
        if self._norms.is_post_norm or (normed and self._config.flag(normed)):
            return POST_NORM
        why_not = self._family.no_mlp
        return why_not if why_not in (POST_NORM, SEVERAL_STREAMS) else None

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
        why_not = self._why_not_followed or why_not
        if why_not:
            raise cannot_follow(self, why_not)
        gammas = [self._norms.gamma(norm, layer) for norm in norms]
        weights = [(gamma, f"⊙ {words}") for gamma, words in gammas]
        values = [(each.label, self._config.number(each)) for each in factors]
        if self._family.layer_scalar:
            name = self._tensors.require((self._family.layer_scalar,), layer)
            values.append((name, self._tensors.read_number(name)))
        return passage_through(weights, values)

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
