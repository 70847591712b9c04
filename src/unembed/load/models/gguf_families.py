"""llama.cpp's architectures as data: their final norms, and what follows a sub-layer or W_U.

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
    )


ARCHITECTURES: dict[str, Architecture] = {
    **{name: _architecture(name, "layernorm") for name in _LAYERNORM},
    **{name: _architecture(name, "rmsnorm") for name in _RMSNORM},
}
"""A LayerNorm without a bias cannot be told from an RMSNorm by its tensors, so that an architecture
which is not listed is refused, unless its norm has a bias."""
