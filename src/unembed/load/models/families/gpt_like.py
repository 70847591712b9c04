"""Families with GPT-2's habits: LayerNorm with a bias, names of their own."""

from __future__ import annotations

from dataclasses import replace

from unembed.load.models.families.family import (
    POST_NORM,
    EmbeddingNorm,
    Family,
    Inward,
    PreNorm,
    Rows,
    When,
)
from unembed.load.models.families.llama_like import LN_2, NO_GATE, PARALLEL

_AFTER_ATTENTION = "{}.post_attention_layernorm.weight"
_FC1 = (Inward("fc2.weight", "fc1.weight"),)
_4H = (Inward("dense_4h_to_h.weight", "dense_h_to_4h.weight"),)
_FINAL = (PreNorm("layers.{}.final_layer_norm.weight"),)

GPT2 = Family(
    ("gpt2", "gpt-sw3"), "layernorm", "ln_f.weight", ("wte.weight",),
    (Rows("h.{}.mlp.c_proj.weight"),), (Rows("h.{}.attn.c_proj.weight"),), tied=True,
    mlp_in=(Inward("c_proj.weight", "c_fc.weight"),), before_mlp=LN_2,
)  # fmt: skip
NEOX = Family(
    ("gpt_neox",), "layernorm", "final_layer_norm.weight", ("embed_in.weight",),
    ("layers.{}.mlp.dense_4h_to_h.weight",), ("layers.{}.attention.dense.weight",),
    head="embed_out.weight", mlp_in=_4H, before_mlp=(PreNorm("layers." + _AFTER_ATTENTION),),
)  # fmt: skip
BLOOM = Family(
    ("bloom",), "layernorm", "ln_f.weight", ("word_embeddings.weight",),
    ("h.{}.mlp.dense_4h_to_h.weight",), ("h.{}.self_attention.dense.weight",), tied=True,
    mlp_in=_4H, before_mlp=(PreNorm("h." + _AFTER_ATTENTION),),
    embedding_norm=EmbeddingNorm("layernorm", "word_embeddings_layernorm.weight"),
    stream_normed_if="apply_residual_connection_post_layernorm",
)  # fmt: skip
_FALCON = (
    PreNorm("h.{}.ln_mlp.weight", (When("new_decoder_architecture", True, False),
                                   When("num_ln_in_parallel_attn", 2, 2))),
    PreNorm("h.{}.input_layernorm.weight", (When("parallel_attn", True, True),)),
    PreNorm("h." + _AFTER_ATTENTION, (When("new_decoder_architecture", False, False),)),
)  # fmt: skip
"""Attention and MLP side by side, each with a norm of its own or both with one; or in a row."""
PHI = Family(
    ("phi",), "layernorm", "final_layernorm.weight", ("embed_tokens.weight",),
    ("layers.{}.mlp.fc2.weight",), ("layers.{}.self_attn.dense.weight",), mlp_in=_FC1,
    before_mlp=PARALLEL,
)  # fmt: skip
OPT = Family(
    ("opt",), "layernorm", "final_layer_norm.weight", ("embed_tokens.weight",),
    ("layers.{}.fc2.weight",), ("layers.{}.self_attn.out_proj.weight",), tied=True,
    mlp_in=_FC1, before_mlp=_FINAL, norm_setting="do_layer_norm_before",
    norm_removed="_remove_final_layer_norm", projection="project_out.weight",
    projection_in="project_in.weight",
)  # fmt: skip

GPT_LIKE: tuple[Family, ...] = (
    GPT2,
    replace(GPT2, model_types=("gpt_bigcode",), mlp_out=("h.{}.mlp.c_proj.weight",),
            attention_out=("h.{}.attn.c_proj.weight",)),
    replace(GPT2, model_types=("gpt_neo",), mlp_out=("h.{}.mlp.c_proj.weight",),
            attention_out=("h.{}.attn.attention.out_proj.weight",)),
    replace(GPT2, model_types=("gptj", "codegen"), tied=False,
            mlp_out=("h.{}.mlp.fc_out.weight",),
            mlp_in=(Inward("fc_out.weight", "fc_in.weight"),),
            before_mlp=(PreNorm("h.{}.ln_1.weight"),),
            attention_out=("h.{}.attn.out_proj.weight",)),
    replace(GPT2, model_types=("ctrl",), norm="layernorm.weight", embedding=("w.weight",),
            mlp_out=("h.{}.ffn.2.weight",), mlp_in=(Inward("2.weight", "0.weight"),),
            before_mlp=(PreNorm("h.{}.layernorm2.weight"),),
            attention_out=("h.{}.multi_head_attention.dense.weight",)),
    replace(GPT2, model_types=("openai-gpt",), norm_kind="none", norm=None,
            embedding=("tokens_embed.weight",), mlp_in=(), before_mlp=None, no_mlp=POST_NORM,
            no_attention=POST_NORM),
    replace(GPT2, model_types=("mpt",), norm="norm_f.weight",
            mlp_out=("blocks.{}.ffn.down_proj.weight",), mlp_in=(NO_GATE,),
            before_mlp=(PreNorm("blocks.{}.norm_2.weight"),),
            attention_out=("blocks.{}.attn.out_proj.weight",)),
    NEOX,
    replace(NEOX, model_types=("gpt_neox_japanese",), tied=True),
    BLOOM,
    replace(BLOOM, model_types=("falcon",), before_mlp=_FALCON, embedding_norm=None,
            stream_normed_if=None),
    PHI,
    replace(PHI, model_types=("persimmon",), mlp_out=("layers.{}.mlp.dense_4h_to_h.weight",),
            mlp_in=_4H, before_mlp=NEOX.before_mlp),
    OPT,
    replace(OPT, model_types=("xglm", "biogpt"), norm="layer_norm.weight", norm_setting=None,
            norm_removed=None, projection=None, projection_in=None),
)  # fmt: skip
