"""Families with GPT-2's habits: LayerNorm with a bias, names of their own."""

from __future__ import annotations

from dataclasses import replace

from unembed.load.models.families.family import POST_NORM, Family, Rows

GPT2 = Family(
    ("gpt2", "gpt-sw3"), "layernorm", "ln_f.weight", ("wte.weight",),
    (Rows("h.{}.mlp.c_proj.weight"),), (Rows("h.{}.attn.c_proj.weight"),), tied=True,
)  # fmt: skip
NEOX = Family(
    ("gpt_neox",), "layernorm", "final_layer_norm.weight", ("embed_in.weight",),
    ("layers.{}.mlp.dense_4h_to_h.weight",), ("layers.{}.attention.dense.weight",),
    head="embed_out.weight",
)  # fmt: skip
BLOOM = Family(
    ("bloom", "falcon"), "layernorm", "ln_f.weight", ("word_embeddings.weight",),
    ("h.{}.mlp.dense_4h_to_h.weight",), ("h.{}.self_attention.dense.weight",), tied=True,
)  # fmt: skip
PHI = Family(
    ("phi",), "layernorm", "final_layernorm.weight", ("embed_tokens.weight",),
    ("layers.{}.mlp.fc2.weight",), ("layers.{}.self_attn.dense.weight",),
)  # fmt: skip
OPT = Family(
    ("opt",), "layernorm", "final_layer_norm.weight", ("embed_tokens.weight",),
    ("layers.{}.fc2.weight",), ("layers.{}.self_attn.out_proj.weight",), tied=True,
    norm_setting="do_layer_norm_before",
    norm_removed="_remove_final_layer_norm", projection="project_out.weight",
)  # fmt: skip

GPT_LIKE: tuple[Family, ...] = (
    GPT2,
    replace(GPT2, model_types=("gpt_bigcode",), mlp_out=("h.{}.mlp.c_proj.weight",),
            attention_out=("h.{}.attn.c_proj.weight",)),
    replace(GPT2, model_types=("gpt_neo",), mlp_out=("h.{}.mlp.c_proj.weight",),
            attention_out=("h.{}.attn.attention.out_proj.weight",)),
    replace(GPT2, model_types=("gptj", "codegen"), tied=False,
            mlp_out=("h.{}.mlp.fc_out.weight",), attention_out=("h.{}.attn.out_proj.weight",)),
    replace(GPT2, model_types=("ctrl",), norm="layernorm.weight", embedding=("w.weight",),
            mlp_out=("h.{}.ffn.2.weight",),
            attention_out=("h.{}.multi_head_attention.dense.weight",)),
    replace(GPT2, model_types=("openai-gpt",), norm_kind="none", norm=None,
            embedding=("tokens_embed.weight",), no_mlp=POST_NORM, no_attention=POST_NORM),
    replace(GPT2, model_types=("mpt",), norm="norm_f.weight",
            mlp_out=("blocks.{}.ffn.down_proj.weight",),
            attention_out=("blocks.{}.attn.out_proj.weight",)),
    NEOX,
    replace(NEOX, model_types=("gpt_neox_japanese",), tied=True),
    BLOOM,
    PHI,
    replace(PHI, model_types=("persimmon",), mlp_out=("layers.{}.mlp.dense_4h_to_h.weight",)),
    OPT,
    replace(OPT, model_types=("xglm", "biogpt"), norm="layer_norm.weight", norm_setting=None,
            norm_removed=None, projection=None),
)  # fmt: skip
