"""Families whose layers are state spaces, convolutions or recurrences, some with attention."""

from __future__ import annotations

from dataclasses import replace

from unembed.load.models.families.family import EmbeddingNorm, Factor, Family, PreNorm
from unembed.load.models.families.llama_like import FFN_NORM, LLAMA, NO_GATE, W1_W3

MAMBA = Family(
    ("mamba", "falcon_mamba"), "rmsnorm", "norm_f.weight", ("embeddings.weight",), (), (),
    tied=True, no_mlp="its layers are state spaces, without an MLP",
    no_attention="its layers are state spaces, without attention",
)  # fmt: skip
JAMBA = replace(
    LLAMA, model_types=("bamba",), norm="final_layernorm.weight", hybrid=True,
    mlp_out=("layers.{}.feed_forward.down_proj.weight",),
    before_mlp=(PreNorm("layers.{}.pre_ff_layernorm.weight"),),
)  # fmt: skip
LFM2 = replace(
    LLAMA, model_types=("lfm2",), norm="embedding_norm.weight", tied=True, hybrid=True,
    tie_keys=("tie_embedding", "tie_word_embeddings"),
    mlp_out=("layers.{}.feed_forward.w2.weight",), mlp_in=(W1_W3,), before_mlp=FFN_NORM,
    attention_out=("layers.{}.self_attn.out_proj.weight",),
)  # fmt: skip

RECURRENT: tuple[Family, ...] = (
    MAMBA,
    replace(MAMBA, model_types=("mamba2",), tied=False),
    JAMBA,
    replace(JAMBA, model_types=("jamba",),
            experts=("layers.{}.feed_forward.experts.{}.down_proj.weight",)),
    replace(JAMBA, model_types=("falcon_h1",), hybrid=False,
            logit_factors=(Factor("lm_head_multiplier", 1.0),),
            mlp_factors=(Factor("mlp_multipliers.1", 1.0),), factors_inside_mlp=True,
            attention_factors=(Factor("attention_out_multiplier", 1.0),)),
    LFM2,
    replace(LFM2, model_types=("lfm2_moe",),
            experts=("layers.{}.feed_forward.experts.{}.w2.weight",)),
    replace(MAMBA, model_types=("nemotron_h",), tied=False, hybrid=True, no_mlp=None,
            no_attention=None, mlp_out=("layers.{}.mixer.down_proj.weight",),
            mlp_in=(NO_GATE,),
            before_mlp=(PreNorm("layers.{}.norm.weight"),),
            attention_out=("layers.{}.mixer.o_proj.weight",),
            experts=("layers.{}.mixer.experts.{}.down_proj.weight",),
            shared=("layers.{}.mixer.shared_experts.down_proj.weight",)),
    replace(LLAMA, model_types=("recurrent_gemma",), norm="final_norm.weight", tied=True,
            plus_one=True, hybrid=True, mlp_out=("layers.{}.mlp_block.down_proj.weight",),
            before_mlp=(PreNorm("layers.{}.channel_pre_norm.weight"),),
            attention_out=("layers.{}.temporal_block.o_proj.weight",)),
    Family(("rwkv",), "layernorm", "ln_out.weight", ("embeddings.weight",), (), (),
           head="head.weight", no_attention="its layers are recurrent, without attention heads",
           no_mlp="every token gates the width of its channel mix anew, so that no neuron has a "
           "direction of its own",
           embedding_norm=EmbeddingNorm("layernorm", "blocks.0.pre_ln.weight")),
)  # fmt: skip
