"""Families with Llama's names, one MLP a layer: RMSNorm (with or without its 1), LayerNorm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from unembed.load.models.families.family import SEVERAL_STREAMS, Factor, Family, PostNorm

LLAMA = Family(
    ("llama", "mistral", "ministral", "ministral3", "qwen2", "qwen3", "phi3", "arcee", "apertus",
     "cwm", "glm", "helium", "hunyuan_v1_dense", "internlm3", "seed_oss", "bitnet",
     "qwen2_vl_text", "qwen2_5_vl_text", "qwen3_vl_text"),
    "rmsnorm", "norm.weight", ("embed_tokens.weight",), ("layers.{}.mlp.down_proj.weight",),
    ("layers.{}.self_attn.o_proj.weight",),
)  # fmt: skip

AFTER_BOTH: dict[str, Any] = {
    "after_attention": PostNorm("layers.{}.post_attention_layernorm.weight"),
    "after_mlp": PostNorm("layers.{}.post_feedforward_layernorm.weight"),
}
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
    # --- a norm between a sub-layer and the residual stream ---
    replace(LLAMA, model_types=("olmo2", "olmo3", "exaone4"), **AFTER_BOTH),
    replace(LLAMA, model_types=("glm4", "glm4v_text"), **GLM4_NORMS),
    # --- Gemma: norms are stored without their 1, in versions 1 to 3 ---
    replace(LLAMA, model_types=("gemma", "vaultgemma"), tied=True, plus_one=True),
    replace(LLAMA, model_types=("gemma2", "gemma3_text"), tied=True, plus_one=True, **AFTER_BOTH),
    replace(LLAMA, model_types=("gemma3n_text",), tied=True,
            no_mlp=SEVERAL_STREAMS, no_attention=SEVERAL_STREAMS),
    replace(LLAMA, model_types=("gemma4_text",), tied=True, layer_scalar="layers.{}.layer_scalar",
            experts=("layers.{}.experts.down_proj",), shared=("layers.{}.mlp.down_proj.weight",),
            inner_norms=("layers.{}.post_feedforward_layernorm_1.weight",
                         "layers.{}.post_feedforward_layernorm_2.weight"), **AFTER_BOTH),
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
    replace(LLAMA, model_types=("stablelm", "jais2"), norm_kind="layernorm"),
    replace(LLAMA, model_types=("cohere", "cohere2"), norm_kind="layernorm", tied=True,
            logit_factors=(Factor("logit_scale", 0.0625),)),
    replace(LLAMA, model_types=("nemotron",), norm_kind="layernorm", plus_one=True),
    replace(LLAMA, model_types=("olmo",), norm_kind="layernorm", norm=None),
    replace(LLAMA, model_types=("starcoder2",), norm_kind="layernorm", tied=True,
            mlp_out=("layers.{}.mlp.c_proj.weight",)),
    # --- other names ---
    replace(LLAMA, model_types=("nanochat",), norm=None, mlp_out=("layers.{}.mlp.fc2.weight",)),
    replace(LLAMA, model_types=("exaone",), norm="ln_f.weight", embedding=("wte.weight",),
            mlp_out=("h.{}.mlp.c_proj.weight",),
            attention_out=("h.{}.attn.attention.out_proj.weight",)),
    replace(LLAMA, model_types=("qwen",), norm="ln_f.weight", embedding=("wte.weight",),
            mlp_out=("h.{}.mlp.c_proj.weight",), attention_out=("h.{}.attn.c_proj.weight",)),
    replace(LLAMA, model_types=("internlm2",), embedding=("tok_embeddings.weight",),
            head="output.weight", mlp_out=("layers.{}.feed_forward.w2.weight",),
            attention_out=("layers.{}.attention.wo.weight",)),
)  # fmt: skip
