"""llama.cpp's architectures as data: their norms, and what comes before and after a sub-layer.

Facts from llama.cpp. Its converter has already added the 1 to norms that are stored without it
(Gemma, Nemotron, Qwen 3.5) and multiplied Falcon-H1's constants into the weights. The name
`post_attention_norm` means two things: a norm between attention and the residual stream, or (in
GLM-4 MoE, gpt-oss, Seed-OSS, Qwen 3.5 and others) the one that the MLP reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_LAYERNORM = (
    "gpt2", "gptneox", "gptj", "phi2", "phimoe", "bloom", "mpt", "falcon", "olmo", "opt",
    "command-r", "cohere2", "dbrx", "starcoder", "starcoder2", "stablelm", "nemotron", "jais",
    "jais2", "codeshell", "orion",
)  # fmt: skip
_RMSNORM = (
    "llama", "llama4", "mistral3", "mistral4", "deci", "qwen", "qwen2", "qwen2moe", "qwen2vl",
    "qwen3", "qwen3moe", "qwen3vl", "qwen3vlmoe", "qwen3next", "qwen35", "qwen35moe", "gemma",
    "gemma2", "gemma3", "gemma3n", "gemma4", "phi3", "olmo2", "olmoe", "deepseek", "deepseek2",
    "gpt-oss", "smollm3", "granite", "granitemoe", "granitehybrid", "internlm2", "exaone",
    "exaone4", "exaone-moe", "minicpm", "minicpm3", "glm4", "glm4moe", "chatglm", "arcee", "afmoe",
    "apertus", "bitnet", "baichuan", "xverse", "plamo", "dots1", "ernie4_5", "ernie4_5-moe",
    "hunyuan-moe", "hunyuan-dense", "seed_oss", "minimax-m2", "mamba", "mamba2", "jamba", "lfm2",
    "lfm2moe", "falcon-h1", "nemotron_h", "nemotron_h_moe", "bailingmoe", "bailingmoe2",
    "smallthinker",
)  # fmt: skip
_POST_NORMS = ("gemma2", "gemma3", "gemma4", "olmo2", "exaone4", "glm4", "afmoe")
_DIVIDED = ("granite", "granitemoe", "granitehybrid", "minicpm")
_MULTIPLIED = ("command-r", "cohere2")
_NO_MLP = ("mamba", "mamba2")
_NOT_OF_LLAMA_CPP = ("opt",)
_NO_GATE = (
    "gpt2", "gptneox", "gptj", "phi2", "bloom", "mpt", "falcon", "starcoder", "starcoder2",
    "codeshell", "nemotron", "nemotron_h", "nemotron_h_moe", "jais2", "arcee", "apertus",
)  # fmt: skip
_GATE_IN_UP = ("phi3", "glm4", "chatglm")
_READ_ATTN_NORM = (
    "phi2", "gptj", "falcon", "command-r", "cohere2", "plamo", "nemotron_h", "nemotron_h_moe",
)  # fmt: skip
_READ_POST_ATTENTION = ("gpt-oss", "glm4moe", "seed_oss", "qwen3next", "qwen35", "qwen35moe")
_READ_THE_STREAM = ("olmo2", "exaone4")

EITHER_NORM = "ffn_norm or attn_norm"
"""Of StableLM: the first, but where the MLP stands beside the attention, and reads its norm."""


@dataclass(frozen=True)
class Architecture:
    """What there is to know of one architecture.

    Attributes:
        norm_kind: the final norm.
        has_norm: whether it has parameters.
        norm: its weight's name.
        post_norms: whether norms stand between the sub-layers and the residual stream.
        named_post_attention: whether the one behind the attention is what models call
            post_attention_layernorm (in GLM-4 that is the one that the MLP reads).
        inner_norms: whether the shared expert and the routed ones have a norm each, before their
            sum; the shared expert's matrix is then called as a single MLP's.
        logit_power: ±1 where logits are multiplied or divided by `*.logit_scale`, 0 where by
            nothing.
        residual_scale: whether sub-layers' outputs are multiplied by `*.residual_scale`.
        streams: whether it keeps several residual streams.
        mlp: whether an MLP has a gate, which `ffn_up` may hold in its first rows (`fused`); None
            where that is not known.
        before_mlp: the norm that the MLP reads; empty where it reads the stream itself, None where
            that is not known.
        before_experts: the one of routed experts, where it is another.
        embedding_norm: whether each embedding goes through a norm before the first layer.
    """

    norm_kind: Literal["rmsnorm", "layernorm"]
    has_norm: bool = True
    norm: str = "output_norm.weight"
    post_norms: bool = False
    named_post_attention: bool = False
    inner_norms: bool = False
    logit_power: int = 0
    residual_scale: bool = False
    streams: bool = False
    mlp: Literal["gated", "fused", "no gate"] | None = None
    before_mlp: str | None = None
    before_experts: str | None = None
    embedding_norm: bool = False


def _architecture(name: str, kind: Literal["rmsnorm", "layernorm"]) -> Architecture:
    return Architecture(
        kind,
        has_norm=name != "olmo",
        norm="token_embd_norm.weight" if name in ("lfm2", "lfm2moe") else "output_norm.weight",
        post_norms=name in _POST_NORMS,
        named_post_attention=name in _POST_NORMS and name != "glm4",
        inner_norms=name == "gemma4",
        logit_power=-1 if name in _DIVIDED else int(name in _MULTIPLIED),
        residual_scale=name in _DIVIDED,
        streams=name == "gemma3n",
        mlp=_mlp(name),
        before_mlp=_before_mlp(name),
        before_experts="pre_ffw_norm_2" if name == "gemma4" else None,
        embedding_norm=name == "bloom",
    )


def _mlp(name: str) -> Literal["gated", "fused", "no gate"] | None:
    if name in (*_NO_MLP, *_NOT_OF_LLAMA_CPP):
        return None
    if name in _NO_GATE:
        return "no gate"
    return "fused" if name in _GATE_IN_UP else "gated"


def _before_mlp(name: str) -> str | None:
    if name in (*_NO_MLP, *_NOT_OF_LLAMA_CPP):
        return None
    if name in _READ_THE_STREAM:
        return ""
    if name in _READ_ATTN_NORM:
        return "attn_norm"
    if name in _READ_POST_ATTENTION:
        return "post_attention_norm"
    return {"dbrx": "attn_output_norm", "stablelm": EITHER_NORM}.get(name, "ffn_norm")


ARCHITECTURES: dict[str, Architecture] = {
    **{name: _architecture(name, "layernorm") for name in _LAYERNORM},
    **{name: _architecture(name, "rmsnorm") for name in _RMSNORM},
}
"""A LayerNorm without a bias cannot be told from an RMSNorm by its tensors, so that an architecture
which is not listed is refused, unless its norm has a bias."""
