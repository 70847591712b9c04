"""Families with mixtures of experts: where each keeps the experts' output matrices."""

from __future__ import annotations

from dataclasses import replace

from unembed.load.models.families.family import Factor, Family, Inward, PostNorm, PreNorm, Rows
from unembed.load.models.families.llama_like import (
    AFTER_ALONE,
    EXPERTS_IN_ONE,
    FFN_NORM,
    GRANITE,
    LLAMA,
    PARALLEL,
    W1_W3,
)

_ALL_IN_ONE = "layers.{}.mlp.experts.down_proj"
_INTO = Inward("output_linear.weight", "input_linear.weight", fused="halves")
_SHARED = ("layers.{}.mlp.shared_experts.down_proj.weight",)

MOE = replace(
    LLAMA, model_types=("qwen3_moe", "olmoe"),
    experts=("layers.{}.mlp.experts.{}.down_proj.weight", _ALL_IN_ONE),
)  # fmt: skip
MIXTRAL = replace(
    MOE, model_types=("mixtral", "minimax_m2"),
    experts=("layers.{}.block_sparse_moe.experts.{}.w2.weight", *MOE.experts),
    mlp_in=(W1_W3, *MOE.mlp_in),
)  # fmt: skip
QWEN_MOE = replace(
    MOE, model_types=("qwen2_moe",), shared=("layers.{}.mlp.shared_expert.down_proj.weight",)
)
GRANITE_MOE = replace(
    LLAMA, model_types=("granitemoe", "granitemoeshared"),
    experts=("layers.{}.block_sparse_moe.output_linear.weight",),
    shared=("layers.{}.shared_mlp.output_linear.weight",), mlp_in=(_INTO,), **GRANITE,
)  # fmt: skip

EXPERTS: tuple[Family, ...] = (
    MOE,
    MIXTRAL,
    replace(MIXTRAL, model_types=("phimoe",), norm_kind="layernorm"),
    QWEN_MOE,
    replace(MOE, model_types=("deepseek", "deepseek_v2", "deepseek_v3", "deepseek_v32", "glm4_moe",
                              "glm4_moe_lite", "glm4v_moe_text", "dots1", "solar_open",
                              "exaone_moe"), shared=_SHARED),
    replace(MOE, model_types=("ernie4_5_moe",), shared=_SHARED, tied=True),
    replace(MOE, model_types=("hunyuan_v1_moe",),
            shared=("layers.{}.mlp.shared_mlp.down_proj.weight",)),
    replace(MOE, model_types=("flex_olmo",), **AFTER_ALONE),
    replace(MOE, model_types=("afmoe",), shared=_SHARED,
            before_mlp=(PreNorm("layers.{}.pre_mlp_layernorm.weight"),),
            after_attention=PostNorm("layers.{}.post_attention_layernorm.weight"),
            after_mlp=PostNorm("layers.{}.post_mlp_layernorm.weight")),
    replace(MOE, model_types=("cohere2_moe",), norm_kind="layernorm", tied=True, shared=_SHARED,
            rms_if="rms_norm_eps", before_mlp=PARALLEL,
            logit_factors=(Factor("logit_scale", 0.0625),)),
    # --- Qwen after version 3: norms without their 1, some layers with linear attention ---
    replace(LLAMA, model_types=("qwen3_5_text",), plus_one=True, hybrid=True),
    replace(QWEN_MOE, model_types=("qwen3_next", "qwen3_5_moe_text"), plus_one=True, hybrid=True),
    # --- all experts in one tensor ---
    replace(MOE, model_types=("gpt_oss",), experts=(Rows(_ALL_IN_ONE),),
            mlp_in=(EXPERTS_IN_ONE._replace(fused="interleaved"),)),
    replace(MOE, model_types=("qwen3_vl_moe_text",), experts=(Rows(_ALL_IN_ONE),)),
    replace(LLAMA, model_types=("llama4_text",),
            mlp_out=("layers.{}.feed_forward.down_proj.weight",),
            experts=(Rows("layers.{}.feed_forward.experts.down_proj"),),
            shared=("layers.{}.feed_forward.shared_expert.down_proj.weight",)),
    GRANITE_MOE,
    replace(GRANITE_MOE, model_types=("granitemoehybrid",), hybrid=True,
            mlp_out=("layers.{}.shared_mlp.output_linear.weight",)),
    replace(LLAMA, model_types=("jetmoe",), tied=True,
            experts=("layers.{}.mlp.output_linear.weight",), mlp_in=(_INTO,), attention_out=(),
            no_attention="its attention is a mixture of experts"),
    # --- Mistral's own files, whose params.json names no type ---
    replace(LLAMA, model_types=("params.json",), embedding=("tok_embeddings.weight",),
            head="output.weight", mlp_out=("layers.{}.feed_forward.w2.weight",),
            experts=("layers.{}.experts.{}.w2.weight",
                     "layers.{}.feed_forward.experts.{}.w2.weight",
                     "layers.{}.block_sparse_moe.experts.{}.w2.weight"),
            shared=("layers.{}.shared_experts.w2.weight",), mlp_in=(W1_W3,), before_mlp=FFN_NORM,
            attention_out=("layers.{}.attention.wo.weight",)),
)  # fmt: skip
