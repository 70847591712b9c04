"""Families with Llama's names, one MLP a layer: RMSNorm (with or without its 1), LayerNorm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from unembed.load.models.families.family import (
    SEVERAL_STREAMS,
    THE_STREAM,
    EmbeddingNorm,
    Factor,
    Family,
    Inward,
    PostNorm,
    PreNorm,
    When,
)

GATED = Inward("down_proj.weight", "up_proj.weight", gate="gate_proj.weight")
NO_GATE = Inward("down_proj.weight", "up_proj.weight")
IN_ONE = Inward("down_proj.weight", "gate_up_proj.weight", fused="halves")
EXPERTS_IN_ONE = Inward("experts.down_proj", "experts.gate_up_proj", fused="halves")
W1_W3 = Inward("w2.weight", "w3.weight", gate="w1.weight")

PARALLEL = (PreNorm("layers.{}.input_layernorm.weight"),)
"""What attention and MLP read both, side by side."""
PRE_FEEDFORWARD = (PreNorm("layers.{}.pre_feedforward_layernorm.weight"),)
LN_2 = (PreNorm("h.{}.ln_2.weight"),)
FFN_NORM = (PreNorm("layers.{}.ffn_norm.weight"),)

LLAMA = Family(
    ("llama", "mistral", "ministral", "ministral3", "qwen2", "qwen3", "cwm", "helium",
     "hunyuan_v1_dense", "internlm3", "seed_oss", "bitnet", "qwen2_vl_text", "qwen2_5_vl_text",
     "qwen3_vl_text"),
    "rmsnorm", "norm.weight", ("embed_tokens.weight",), ("layers.{}.mlp.down_proj.weight",),
    ("layers.{}.self_attn.o_proj.weight",), mlp_in=(GATED, EXPERTS_IN_ONE),
    before_mlp=(PreNorm("layers.{}.post_attention_layernorm.weight"),),
)  # fmt: skip

AFTER_BOTH: dict[str, Any] = {
    "after_attention": PostNorm("layers.{}.post_attention_layernorm.weight"),
    "after_mlp": PostNorm("layers.{}.post_feedforward_layernorm.weight"),
}
AFTER_ALONE: dict[str, Any] = {**AFTER_BOTH, "before_mlp": THE_STREAM}
AROUND_BOTH: dict[str, Any] = {**AFTER_BOTH, "before_mlp": PRE_FEEDFORWARD}
GLM4_NORMS: dict[str, Any] = {
    "after_attention": PostNorm("layers.{}.post_self_attn_layernorm.weight"),
    "after_mlp": PostNorm("layers.{}.post_mlp_layernorm.weight"),
}
RESIDUAL = (Factor("residual_multiplier", 1.0),)
GRANITE: dict[str, Any] = {
    "logit_factors": (Factor("logits_scaling", 1.0, -1),),
    "mlp_factors": RESIDUAL,
    "attention_factors": RESIDUAL,
}
DEPTH = (Factor("scale_depth"), Factor("num_hidden_layers", power=-0.5))

LLAMA_LIKE: tuple[Family, ...] = (
    LLAMA,
    replace(LLAMA, model_types=("smollm3", "ernie4_5"), tied=True),
    # --- gate and up in one matrix, or no gate ---
    replace(LLAMA, model_types=("phi3", "glm"), mlp_in=(IN_ONE,)),
    replace(LLAMA, model_types=("arcee",), mlp_in=(NO_GATE,)),
    replace(LLAMA, model_types=("apertus",), mlp_in=(NO_GATE,),
            before_mlp=(PreNorm("layers.{}.feedforward_layernorm.weight"),)),
    # --- a norm between a sub-layer and the residual stream ---
    replace(LLAMA, model_types=("olmo2", "olmo3", "exaone4"), **AFTER_ALONE),
    replace(LLAMA, model_types=("glm4", "glm4v_text"), mlp_in=(IN_ONE,), **GLM4_NORMS),
    # --- Gemma: norms are stored without their 1, in versions 1 to 3 ---
    replace(LLAMA, model_types=("gemma",), tied=True, plus_one=True),
    replace(LLAMA, model_types=("vaultgemma",), tied=True, plus_one=True,
            before_mlp=PRE_FEEDFORWARD),
    replace(LLAMA, model_types=("gemma2", "gemma3_text"), tied=True, plus_one=True, **AROUND_BOTH),
    replace(LLAMA, model_types=("gemma3n_text",), tied=True,
            no_mlp=SEVERAL_STREAMS, no_attention=SEVERAL_STREAMS),
    replace(LLAMA, model_types=("gemma4_text",), tied=True, layer_scalar="layers.{}.layer_scalar",
            experts=("layers.{}.experts.down_proj",), shared=("layers.{}.mlp.down_proj.weight",),
            inner_norms=("layers.{}.post_feedforward_layernorm_1.weight",
                         "layers.{}.post_feedforward_layernorm_2.weight"),
            before_experts=(PreNorm("layers.{}.pre_feedforward_layernorm_2.weight"),),
            **AROUND_BOTH),
    # --- constants after W_U, and on what is written ---
    replace(LLAMA, model_types=("granite",), **GRANITE),
    replace(LLAMA, model_types=("hyperclovax",), logit_factors=(Factor("logits_scaling", 1.0),),
            mlp_factors=RESIDUAL, attention_factors=RESIDUAL,
            after_attention=PostNorm("layers.{}.post_norm1.weight", "use_post_norm"),
            after_mlp=PostNorm("layers.{}.post_norm2.weight", "use_post_norm")),
    replace(LLAMA, model_types=("minicpm", "minicpm3"), tied=True, mlp_factors=DEPTH,
            attention_factors=DEPTH,
            logit_factors=(Factor("dim_model_base"), Factor("hidden_size", power=-1))),
    # --- LayerNorm ---
    replace(LLAMA, model_types=("stablelm",), norm_kind="layernorm",
            before_mlp=(PreNorm("layers.{}.input_layernorm.weight",
                                (When("use_parallel_residual", True, False),)),
                        PreNorm("layers.{}.post_attention_layernorm.weight"))),
    replace(LLAMA, model_types=("jais2",), norm_kind="layernorm", mlp_in=(NO_GATE,)),
    replace(LLAMA, model_types=("cohere", "cohere2"), norm_kind="layernorm", tied=True,
            before_mlp=PARALLEL, logit_factors=(Factor("logit_scale", 0.0625),)),
    replace(LLAMA, model_types=("nemotron",), norm_kind="layernorm", plus_one=True,
            mlp_in=(NO_GATE,)),
    replace(LLAMA, model_types=("olmo",), norm_kind="layernorm", norm=None,
            before_mlp=(PreNorm(None),)),
    replace(LLAMA, model_types=("starcoder2",), norm_kind="layernorm", tied=True,
            mlp_out=("layers.{}.mlp.c_proj.weight",),
            mlp_in=(Inward("c_proj.weight", "c_fc.weight"),)),
    # --- other names ---
    replace(LLAMA, model_types=("nanochat",), norm=None, mlp_out=("layers.{}.mlp.fc2.weight",),
            mlp_in=(Inward("fc2.weight", "fc1.weight"),), before_mlp=(PreNorm(None),),
            embedding_norm=EmbeddingNorm("rmsnorm", None)),
    replace(LLAMA, model_types=("exaone",), norm="ln_f.weight", embedding=("wte.weight",),
            mlp_out=("h.{}.mlp.c_proj.weight",),
            mlp_in=(Inward("c_proj.weight", "c_fc_1.weight", gate="c_fc_0.weight"),),
            before_mlp=LN_2, attention_out=("h.{}.attn.attention.out_proj.weight",)),
    # The first of Qwen 1's two is the one that is not the gate.
    replace(LLAMA, model_types=("qwen",), norm="ln_f.weight", embedding=("wte.weight",),
            mlp_out=("h.{}.mlp.c_proj.weight",),
            mlp_in=(Inward("c_proj.weight", "w1.weight", gate="w2.weight"),),
            before_mlp=LN_2, attention_out=("h.{}.attn.c_proj.weight",)),
    replace(LLAMA, model_types=("internlm2",), embedding=("tok_embeddings.weight",),
            head="output.weight", mlp_out=("layers.{}.feed_forward.w2.weight",),
            mlp_in=(W1_W3,), before_mlp=FFN_NORM,
            attention_out=("layers.{}.attention.wo.weight",)),
)  # fmt: skip
