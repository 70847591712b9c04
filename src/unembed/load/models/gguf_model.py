"""A model in a GGUF file: tensors dequantised, tokens from its metadata."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from unembed.errors import FormatError
from unembed.load.models.gguf_file import GGUFFile, open_gguf
from unembed.load.models.model import RawUnembedding, check_layer
from unembed.load.vocabularies.gguf_tokens import vocabulary_of
from unembed.unembedding import NO_NORM, FinalNorm
from unembed.vocabulary import Vocabulary

_NORMS: dict[str, Literal["rmsnorm", "layernorm"]] = {
    **dict.fromkeys(
        ("gpt2", "gptneox", "gptj", "phi2", "bloom", "mpt", "falcon", "olmo", "opt", "command-r",
         "cohere2", "dbrx", "starcoder", "starcoder2", "stablelm"),
        "layernorm",
    ),
    **dict.fromkeys(
        ("llama", "llama4", "mistral3", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "gemma", "gemma2",
         "gemma3", "phi3", "olmo2", "olmoe", "deepseek", "deepseek2", "gpt-oss", "smollm3",
         "granite", "internlm2", "exaone", "minicpm"),
        "rmsnorm",
    ),
}  # fmt: skip
"""The final norm of llama.cpp's architectures. A bias-less LayerNorm cannot be told from an
RMSNorm by its tensors, so that an architecture which is not listed is refused."""


class GGUFModel:
    """A GGUF file as a model. llama.cpp's converter has already added Gemma's +1 to γ."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def origin(self) -> dict[str, Any]:
        return {"format": "gguf", "path": str(self.path.resolve())}

    @property
    def n_layers(self) -> int:
        return int(self._file.metadata(f"{self._architecture}.block_count"))

    def vocabulary(self) -> Vocabulary:
        return vocabulary_of(self._file)

    def unembedding(self) -> RawUnembedding:
        tied = "output.weight" not in self._file.shapes()
        W_U = self._file.read("token_embd.weight" if tied else "output.weight")
        return RawUnembedding(W_U, self._norm(), tied)

    def mlp_out(self, layer: int) -> Float[Tensor, "d_ff d_model"]:
        check_layer(self, layer)
        return self._file.read(f"blk.{layer}.ffn_down.weight").T

    def _norm(self) -> FinalNorm:
        names = self._file.shapes()
        kind = "layernorm" if "output_norm.bias" in names else _NORMS.get(self._architecture)
        if kind is None:
            raise FormatError(
                f"{self.path} is of architecture {self._architecture!r}, whose final norm unembed "
                f"does not know. Known: {', '.join(_NORMS)}. For another one give W_U itself: "
                "unembed.prepare_unembedding(W_U, vocabulary, norm=…)."
            )
        if "output_norm.weight" in names:
            return FinalNorm(kind, self._file.read("output_norm.weight"))
        return FinalNorm("layernorm") if self._architecture == "olmo" else NO_NORM

    @property
    def _architecture(self) -> str:
        return str(self._file.metadata("general.architecture"))

    @cached_property
    def _file(self) -> GGUFFile:
        return open_gguf(self.path)
