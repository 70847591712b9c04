"""Tiny models under the names of the real ones: their tensors' names, types and norms are true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from tests.load.published_layouts.parts import (
    TINY,
    Array,
    Files,
    Size,
    as_json,
    as_safetensors,
    exact,
    numbers,
    readme,
)
from tests.load.tiny_models import tiny_gpt2

D_FF = 12
EXPERTS = 2


@dataclass(frozen=True)
class Spec:
    """A model: its family, how many layers it has, and the hub repositories that hold it."""

    family: str
    layers: int
    repos: tuple[str, ...]


SPECS: dict[str, Spec] = {
    "gpt2-small": Spec("gpt2", 12, ("openai-community/gpt2", "gpt2")),
    "pythia-70m-deduped": Spec("gpt_neox", 6, ("EleutherAI/pythia-70m-deduped",)),
    "mistral-7b": Spec("mistral", 32, ("mistralai/Mistral-7B-v0.1",)),
    "gemma-2b": Spec("gemma", 18, ("google/gemma-2b",)),
    "gemma-2b-it": Spec("gemma", 18, ("google/gemma-2b-it",)),
    "gemma-2-2b": Spec("gemma2", 26, ("google/gemma-2-2b",)),
    "gemma-2-9b": Spec("gemma2", 42, ("google/gemma-2-9b",)),
    "gemma-2-9b-it": Spec("gemma2", 42, ("google/gemma-2-9b-it",)),
    "gemma-2-27b": Spec("gemma2", 46, ("google/gemma-2-27b",)),
    "qwen3-0.6b": Spec("qwen3", 28, ("Qwen/Qwen3-0.6B",)),
    "qwen3-1.7b": Spec("qwen3", 28, ("Qwen/Qwen3-1.7B",)),
    "qwen3-4b": Spec("qwen3", 36, ("Qwen/Qwen3-4B",)),
    "qwen3-8b": Spec("qwen3", 36, ("Qwen/Qwen3-8B",)),
    "qwen3-14b": Spec("qwen3", 40, ("Qwen/Qwen3-14B",)),
} | {
    repo: Spec(family, layers, (repo,))
    for repo, family, layers in (
        ("google/gemma-3-270m", "gemma3_text", 18),
        ("google/gemma-3-270m-it", "gemma3_text", 18),
        ("google/gemma-3-1b-pt", "gemma3_text", 26),
        ("google/gemma-3-1b-it", "gemma3_text", 26),
        ("google/gemma-3-4b-pt", "gemma3", 34),
        ("google/gemma-3-4b-it", "gemma3", 34),
        ("google/gemma-3-12b-pt", "gemma3", 48),
        ("google/gemma-3-12b-it", "gemma3", 48),
        ("google/gemma-3-27b-pt", "gemma3", 62),
        ("google/gemma-3-27b-it", "gemma3", 62),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "llama", 32),
        ("meta-llama/Llama-3.1-8B", "llama", 32),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama", 32),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama", 80),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "llama", 32),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen2", 28),
        ("Qwen/Qwen3-1.7B-Base", "qwen3", 28),
        ("Qwen/Qwen3-8B-Base", "qwen3", 36),
        ("Qwen/Qwen3-30B-A3B-Base", "qwen3_moe", 48),
        ("Qwen/Qwen3.5-2B-Base", "qwen3_5", 24),
        ("Qwen/Qwen3.5-9B-Base", "qwen3_5", 32),
        ("Qwen/Qwen3.5-27B", "qwen3_5", 64),
        ("Qwen/Qwen3.5-35B-A3B-Base", "qwen3_5_moe", 40),
        ("openai/gpt-oss-20b", "gpt_oss", 24),
    )
}

_TIED = ("gpt2", "gemma", "gemma2", "gemma3_text", "gemma3")
_POST_NORMS = ("gemma2", "gemma3_text", "gemma3")
_WITHOUT_THE_ONE = (*_POST_NORMS, "gemma", "qwen3_5", "qwen3_5_moe")
"""Families whose RMS norms multiply by 1 + weight."""


class TinyModel:
    """A model's tensors by their true names, and what its attention output passes through."""

    def __init__(self, name: str, size: Size = TINY) -> None:
        self.name, self.size, self.spec = name, size, SPECS[name]
        self.family = self.spec.family

    @property
    def prefix(self) -> str:
        if self.family in ("qwen3_5", "qwen3_5_moe"):
            return "model.language_model."
        return "language_model.model." if self.family == "gemma3" else "model."

    def attention_out(self, layer: int) -> Array:
        """W_O as [z, d_model]: z @ W_O is what the attention adds before any norm."""
        weight = exact(self._attention_out(layer))
        return weight if self.family == "gpt2" else weight.T

    def after_attention(self, layer: int) -> Array | float:
        """What multiplies the attention's output before it joins the residual stream."""
        if self.family not in _POST_NORMS:
            return 1.0
        return 1 + exact(self._norm(f"{layer}.post_attention_layernorm"))

    def mlp_out(self, layer: int) -> Array:
        """W_out as [d_ff, d_model], of a model without experts."""
        shape = (D_FF, self.size.d_model)
        weight = self._draw(f"{layer}.mlp", *(shape if self.family == "gpt2" else shape[::-1]))
        return exact(weight) if self.family == "gpt2" else exact(weight).T

    def after_mlp(self, layer: int) -> Array | float:
        """What multiplies the MLP's output before it joins the residual stream."""
        if self.family not in _POST_NORMS:
            return 1.0
        return 1 + exact(self._norm(f"{layer}.post_feedforward_layernorm"))

    def files(self) -> Files:
        return {
            "README.md": readme(self.name),
            "config.json": as_json(self.config()),
            "generation_config.json": as_json({"do_sample": True}),
            "tokenizer.json": lambda: tiny_gpt2()["tokenizer.json"],
            "model.safetensors": as_safetensors(lambda: dict(self.tensors())),
        }

    def config(self) -> dict[str, Any]:
        if self.family == "gpt2":
            return {
                "model_type": "gpt2", "n_layer": self.spec.layers, "n_embd": self.size.d_model,
                "n_head": self.size.n_heads, "vocab_size": self._rows,
            }  # fmt: skip
        text = {
            "model_type": self.family,
            "hidden_size": self.size.d_model,
            "intermediate_size": D_FF,
            "num_hidden_layers": self.spec.layers,
            "num_attention_heads": self.size.n_heads,
            "num_key_value_heads": self.size.n_heads,
            "head_dim": self.size.d_head,
            "vocab_size": self._rows,
            "tie_word_embeddings": self.family in _TIED,
            **({"num_experts": EXPERTS, "moe_intermediate_size": D_FF} if self._moe else {}),
        }
        return self._nested(text)

    def _nested(self, text: dict[str, Any]) -> dict[str, Any]:
        if self.family == "gemma3":  # on the hub the 4b says no more than this of its text model
            kept = ("hidden_size", "intermediate_size", "num_hidden_layers")
            text = {key: text[key] for key in kept} | {"model_type": "gemma3_text"}
            return {"model_type": "gemma3", "text_config": text, "vision_config": {}}
        if self.family in ("qwen3_5", "qwen3_5_moe"):
            tied = {"tie_word_embeddings": text["tie_word_embeddings"]}
            text = text | {"model_type": f"{self.family}_text"}
            return {"model_type": self.family, "text_config": text, "vision_config": {}, **tied}
        return text

    @property
    def _moe(self) -> bool:
        return self.family in ("qwen3_moe", "qwen3_5_moe", "gpt_oss")

    @property
    def _rows(self) -> int:
        return 264  # one more than the tokenizer has

    # --- tensors ---

    def _draw(self, name: str, *shape: int) -> torch.Tensor:
        return numbers(f"{self.name} {name}", *shape)

    def _norm(self, name: str) -> torch.Tensor:
        drawn = self._draw(name, self.size.d_model) * 0.3
        return drawn if self.family in _WITHOUT_THE_ONE else 1 + drawn

    def _attention_out(self, layer: int) -> torch.Tensor:
        d_model, z = self.size.d_model, self.size.z
        shape = (z, d_model) if self.family == "gpt2" else (d_model, z)
        return self._draw(f"{layer}.attention_out", *shape)

    def tensors(self) -> Iterator[tuple[str, torch.Tensor]]:
        if self.family == "gpt2":
            yield from self._gpt2()
        elif self.family == "gpt_neox":
            yield from self._gpt_neox()
        else:
            yield from self._llama_like()

    def _gpt2(self) -> Iterator[tuple[str, torch.Tensor]]:
        d_model = self.size.d_model
        yield "wte.weight", self._draw("embedding", self._rows, d_model)
        yield "wpe.weight", self._draw("positions", 16, d_model)
        for layer in range(self.spec.layers):
            at = f"h.{layer}"
            for norm in ("ln_1", "ln_2"):
                yield f"{at}.{norm}.weight", self._norm(f"{layer}.{norm}")
                yield f"{at}.{norm}.bias", self._draw(f"{layer}.{norm}.bias", d_model)
            yield f"{at}.attn.c_attn.weight", self._draw("c_attn", d_model, 3 * self.size.z)
            yield f"{at}.attn.c_proj.weight", self._attention_out(layer)
            yield f"{at}.attn.c_proj.bias", self._draw("c_proj.bias", d_model)
            yield f"{at}.mlp.c_fc.weight", self._draw("c_fc", d_model, D_FF)
            yield f"{at}.mlp.c_proj.weight", self._draw(f"{layer}.mlp", D_FF, d_model)
        yield "ln_f.weight", self._norm("final")
        yield "ln_f.bias", self._draw("final.bias", d_model)

    def _gpt_neox(self) -> Iterator[tuple[str, torch.Tensor]]:
        d_model = self.size.d_model
        yield "gpt_neox.embed_in.weight", self._draw("embedding", self._rows, d_model)
        for layer in range(self.spec.layers):
            at = f"gpt_neox.layers.{layer}"
            for norm in ("input_layernorm", "post_attention_layernorm"):
                yield f"{at}.{norm}.weight", self._norm(f"{layer}.{norm}")
                yield f"{at}.{norm}.bias", self._draw(f"{layer}.{norm}.bias", d_model)
            yield (
                f"{at}.attention.query_key_value.weight",
                self._draw("qkv", 3 * self.size.z, d_model),
            )
            yield f"{at}.attention.dense.weight", self._attention_out(layer)
            yield f"{at}.mlp.dense_h_to_4h.weight", self._draw("up", D_FF, d_model)
            yield f"{at}.mlp.dense_4h_to_h.weight", self._draw(f"{layer}.mlp", d_model, D_FF)
        yield "gpt_neox.final_layer_norm.weight", self._norm("final")
        yield "gpt_neox.final_layer_norm.bias", self._draw("final.bias", d_model)
        yield "embed_out.weight", self._draw("head", self._rows, d_model)

    def _llama_like(self) -> Iterator[tuple[str, torch.Tensor]]:
        yield (
            f"{self.prefix}embed_tokens.weight",
            self._draw("embedding", self._rows, self.size.d_model),
        )
        for layer in range(self.spec.layers):
            at = f"{self.prefix}layers.{layer}"
            yield from self._attention(layer, at)
            yield from self._mlp(layer, at)
            for norm in self._norms:
                yield f"{at}.{norm}.weight", self._norm(f"{layer}.{norm}")
        yield f"{self.prefix}norm.weight", self._norm("final")
        if self.family not in _TIED:
            yield "lm_head.weight", self._draw("head", self._rows, self.size.d_model)
        if self.family == "gemma3":
            yield "vision_tower.vision_model.head.probe", self._draw("vision", 1, 1, 4)
        if self.family.startswith("qwen3_5"):
            yield "model.visual.pos_embed.weight", self._draw("vision", 4, 4)

    @property
    def _norms(self) -> tuple[str, ...]:
        inside = ("pre_feedforward_layernorm", "post_feedforward_layernorm")
        names = ("input_layernorm", "post_attention_layernorm")
        return (*names, *inside) if self.family in _POST_NORMS else names

    def _attention(self, layer: int, at: str) -> Iterator[tuple[str, torch.Tensor]]:
        if self.family.startswith("qwen3_5") and layer % 4 != 3:
            yield f"{at}.linear_attn.out_proj.weight", self._attention_out(layer)
            return
        for part in "qkv":
            shape = (self.size.z, self.size.d_model)
            yield f"{at}.self_attn.{part}_proj.weight", self._draw(f"{layer}.{part}", *shape)
        yield f"{at}.self_attn.o_proj.weight", self._attention_out(layer)
        if self.family in ("qwen3", "qwen3_moe", "gemma3", "gemma3_text"):
            yield f"{at}.self_attn.q_norm.weight", self._draw("q_norm", self.size.d_head)

    def _mlp(self, layer: int, at: str) -> Iterator[tuple[str, torch.Tensor]]:
        d_model = self.size.d_model
        experts = (EXPERTS,) if self._moe else ()
        down = self._draw(f"{layer}.mlp", *experts, d_model, D_FF)
        if self.family == "qwen3_moe":
            for expert in range(EXPERTS):
                yield f"{at}.mlp.experts.{expert}.down_proj.weight", down[expert]
        elif self.family == "qwen3_5_moe":
            yield f"{at}.mlp.experts.down_proj", down
        elif self.family == "gpt_oss":
            yield f"{at}.mlp.experts.down_proj", down.mT
            yield f"{at}.mlp.router.weight", self._draw("router", EXPERTS, d_model)
        else:
            yield f"{at}.mlp.down_proj.weight", down
            yield f"{at}.mlp.up_proj.weight", self._draw(f"{layer}.up", D_FF, d_model)


@cache
def tiny_model(name: str, size: Size = TINY) -> TinyModel:
    """The model that the registry calls so."""
    return TinyModel(name, size)


def model_files(name: str, size: Size = TINY) -> dict[str, bytes]:
    """The files of the model's repository."""
    return {path: make() for path, make in tiny_model(name, size).files().items()}
