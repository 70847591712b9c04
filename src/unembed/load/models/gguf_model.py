"""A model in a GGUF file: tensors dequantised, tokens from its metadata."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from unembed.errors import FormatError
from unembed.load.models.families import SEVERAL_STREAMS
from unembed.load.models.gguf_families import ARCHITECTURES, Architecture
from unembed.load.models.gguf_reads import GGUFReads
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
from unembed.load.tensors.gguf import GGUFFile, open_gguf
from unembed.load.vocabularies.gguf_tokens import vocabulary_of
from unembed.unembedding import FinalNorm
from unembed.vocabulary import Vocabulary

_MINICPM3_BASE, _MINICPM3_DEPTH = 256, 1.4
"""What llama.cpp takes for MiniCPM 3, whose files do not say it."""


class GGUFModel:
    """A GGUF file, whole or split, as a model.

    Args:
        path: the file, or any of its parts.
        fetch: returns the path of another file of its folder; by default, beside it.
    """

    def __init__(self, path: Path, fetch: Callable[[str], Path] | None = None) -> None:
        self.path = path
        self._fetch = fetch

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def origin(self) -> dict[str, Any]:
        return {"format": "gguf", "path": str(self.path.resolve())}

    @property
    def architecture(self) -> str:
        """What llama.cpp calls its architecture."""
        return self._architecture

    @property
    def n_layers(self) -> int:
        count = self._counted("block_count")
        if count > len(self._file.shapes()):  # a layer has at least one tensor
            raise self._wrong("block_count", count, "a number of layers that the file has")
        return count

    @property
    def d_model(self) -> int:
        shapes = self._file.shapes()
        if "token_embd.weight" not in shapes:
            self._file.read("token_embd.weight")  # says what there is
        found = shapes["token_embd.weight"]
        if len(found) != 2:
            raise FormatError(
                f"{self.path}: token_embd.weight has shape {list(found)}; expected [tokens, "
                "d_model]. Download it again."
            )
        return found[1]

    def vocabulary(self) -> Vocabulary:
        return vocabulary_of(self._file)

    def unembedding(self) -> RawUnembedding:
        tied = not self._has("output.weight")
        W_U = self._file.rows("token_embd.weight" if tied else "output.weight")
        constants = self._logit_factors()
        for factor in constants.values():
            W_U = W_U.each(partial(operator.mul, factor))
        because = "there is no output.weight" if tied else ""
        return RawUnembedding(W_U, self._norm(), tied, constants, because)

    def embedding(self) -> RawEmbedding:
        return self._reads.embedding()

    def n_experts(self, layer: int) -> int:
        check_layer(self, layer)
        there = self._file.shapes().get(f"blk.{layer}.ffn_down_exps.weight", (0,))[0]
        said = self._counted("expert_count", default=there) if there else 0
        if said != there:
            raise FormatError(
                f"{self.path} says {self._architecture}.expert_count: {said}, but layer {layer} "
                f"has {there} experts. The file is damaged: download it again."
            )
        return there

    def mlp_out(self, layer: int, expert: Expert | None = None) -> Float[Tensor, "d_ff d_model"]:
        return self._matrix(self._down(layer, expert), _routed(expert)).T

    def _down(self, layer: int, expert: Expert | None) -> str:
        """Return the name of the MLP's output matrix, or of those of all routed experts."""
        n_experts = self.n_experts(layer)
        shared = f"blk.{layer}.ffn_down_shexp.weight"
        if n_experts and self._facts.inner_norms:
            shared = f"blk.{layer}.ffn_down.weight"
        check_expert(self, layer, expert, n_experts, shared=self._has(shared))
        if expert == "shared":
            return shared
        if expert is not None:
            return f"blk.{layer}.ffn_down_exps.weight"
        return self._of_layer(layer, "ffn_down.weight", "MLP")

    def mlp_in(self, layer: int, expert: Expert | None = None) -> MLPIn:
        self._check_read(layer)
        return self._reads.mlp_in(self._down_there(layer, expert), _routed(expert))

    def before_mlp(self, layer: int, expert: Expert | None = None) -> ReadNorm:
        self._check_read(layer)
        if expert is not None or not self.n_experts(layer):
            self._down_there(layer, expert)
        return self._reads.before_mlp(layer, routed=_routed(expert) is not None)

    def _down_there(self, layer: int, expert: Expert | None) -> str:
        """Return the name of an output matrix that the file has."""
        down = self._down(layer, expert)
        if not self._has(down):
            self._file.read(down)  # says what there is
        return down

    def _check_read(self, layer: int) -> None:
        check_layer(self, layer)
        if self._facts.streams:
            raise cannot_follow(self, SEVERAL_STREAMS, "reads")

    def n_heads(self, layer: int) -> int:
        check_layer(self, layer)
        heads = self._counted("attention.head_count", layer)
        W_O = self._file.shapes().get(f"blk.{layer}.attn_output.weight", (0,))
        if heads > W_O[-1] > 0:
            raise self._wrong("attention.head_count", heads, f"up to {W_O[-1]}, the width of W_O")
        return heads

    def attention_out(self, layer: int) -> Float[Tensor, "heads_x_d_head d_model"]:
        check_layer(self, layer)
        return self._matrix(self._of_layer(layer, "attn_output.weight", "attention")).T

    def after_mlp(self, layer: int, expert: Expert | None = None) -> Passage:
        norms = ["post_ffw_norm"] if self._facts.post_norms else []
        if self._facts.inner_norms and self.n_experts(layer):
            norms.insert(0, "post_ffw_norm_2" if isinstance(expert, int) else "post_ffw_norm_1")
        return self._passage(layer, norms)

    @property
    def factors_inside_mlp(self) -> bool:
        return False  # such a factor is in the weights already

    def after_attention(self, layer: int) -> Passage:
        return self._passage(layer, ["post_attention_norm"] if self._facts.post_norms else [])

    def norm_behind_attention(self, layer: int) -> bool:
        check_layer(self, layer)
        return self._facts.named_post_attention

    def check_followed(self, layer: int) -> None:
        check_layer(self, layer)
        if self._facts.streams:
            raise cannot_follow(self, SEVERAL_STREAMS)

    def _passage(self, layer: int, norms: list[str]) -> Passage:
        self.check_followed(layer)
        names = [f"blk.{layer}.{norm}.weight" for norm in norms]
        weights = [(self._file.read(name), f"⊙ {name}") for name in names]
        return passage_through(weights, self._residual_factors(layer).items())

    def _residual_factors(self, layer: int) -> dict[str, float]:
        if self._architecture == "minicpm3":
            return {"1.4/√layers": _MINICPM3_DEPTH / math.sqrt(self.n_layers)}
        if self._facts.residual_scale:
            return {"residual_scale": self._number("residual_scale", default=1.0)}
        scale = f"blk.{layer}.layer_output_scale.weight"
        return {scale: self._one(scale)} if self._has(scale) else {}

    def _matrix(self, tensor: str, item: int | None = None) -> Tensor:
        """Return a tensor that is a matrix, or one of the matrices that it is made of."""
        shape = self._file.shapes().get(tensor)
        if shape is not None and len(shape) != (2 if item is None else 3):
            raise FormatError(
                f"{self.path}: {tensor} has shape {list(shape)}, and should be "
                f"{'a matrix' if item is None else 'several matrices'}. Download it again."
            )
        return self._file.read(tensor, item)

    def _one(self, tensor: str) -> float:
        """Return the number that a tensor is."""
        found = self._file.read(tensor)
        if found.numel() != 1:
            raise FormatError(
                f"{self.path}: {tensor} has shape {list(found.shape)}, and should be one number. "
                "Download it again."
            )
        return float(found)

    def _logit_factors(self) -> dict[str, float]:
        if self._architecture == "minicpm3":
            return {"256/d_model": _MINICPM3_BASE / self.d_model}
        power = self._facts.logit_power
        if not power:
            return {}
        scale = self._number("logit_scale")
        return {"logit_scale": scale} if power == 1 else {"1/logit_scale": 1 / scale}

    def _of_layer(self, layer: int, ending: str, what: str) -> str:
        """Return the name of a tensor of a layer, which some layers of a model may not have."""
        name = f"blk.{layer}.{ending}"
        shapes = self._file.shapes()
        if name in shapes:
            return name
        elsewhere = any(f"blk.{n}.{ending}" in shapes for n in range(self.n_layers))
        there = [n.removeprefix(f"blk.{layer}.") for n in shapes if n.startswith(f"blk.{layer}.")]
        recurrent = any(part.startswith(("ssm_", "shortconv")) for part in there)
        if there and (recurrent or not elsewhere):
            raise lacks(self, layer, what, there)
        return name

    def _norm(self) -> FinalNorm:
        facts = self._facts
        if not facts.has_norm:
            return FinalNorm(facts.norm_kind)
        if not self._has(facts.norm):
            raise FormatError(
                f"{self.path} has no tensor {facts.norm!r}, the final norm, which a model of "
                f"architecture {self._architecture!r} should have. The file is not complete: "
                "download it again, with all of its parts."
            )
        return FinalNorm(facts.norm_kind, self._file.read(facts.norm))

    @property
    def _facts(self) -> Architecture:
        facts = ARCHITECTURES.get(self._architecture)
        if facts is None and self._has("output_norm.bias"):
            return Architecture("layernorm")
        if facts is None:
            raise FormatError(
                f"{self.path} is of architecture {self._architecture!r}, whose final norm unembed "
                f"does not know. Known: {', '.join(ARCHITECTURES)}. For another one give W_U "
                "itself: unembed.prepare_unembedding(W_U, vocabulary, norm=…)."
            )
        return facts

    def _has(self, tensor: str) -> bool:
        return tensor in self._file.shapes()

    def _setting(self, key: str, **default: Any) -> Any:
        return self._file.metadata(f"{self._architecture}.{key}", **default)

    def _number(self, key: str, **default: Any) -> float:
        """Return a number that something is multiplied or divided by."""
        found = self._setting(key, **default)
        if not isinstance(found, int | float) or not math.isfinite(found) or found == 0:
            raise self._wrong(key, found, "a number other than 0")
        return float(found)

    def _counted(self, key: str, layer: int | None = None, **default: Any) -> int:
        """Return a number of things, where a list says it of each layer."""
        found = self._setting(key, **default)
        value = found
        if isinstance(found, list) and layer is not None:
            value = found[layer] if layer < len(found) else None
        if not isinstance(value, int) or value < 0:
            raise self._wrong(key, found, "a whole number")
        return value

    def _wrong(self, key: str, found: Any, wanted: str) -> FormatError:
        return FormatError(
            f"{self.path} should say {self._architecture}.{key} as {wanted}; found {found!r:.100}. "
            "Download it again."
        )

    @property
    def _architecture(self) -> str:
        return str(self._file.metadata("general.architecture"))

    @cached_property
    def _reads(self) -> GGUFReads:
        return GGUFReads(self._file, self.path, self._architecture, self._facts)

    @cached_property
    def _file(self) -> GGUFFile:
        return open_gguf(self.path, self._fetch)


def _routed(expert: Expert | None) -> int | None:
    return expert if isinstance(expert, int) else None
