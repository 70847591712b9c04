"""Families with an encoder: their decoders."""

from __future__ import annotations

from dataclasses import replace

from unembed.load.models.families.family import POST_NORM, Factor, Family

_BLOCK = "block.{}.layer."

T5 = Family(
    ("t5", "umt5"), "rmsnorm", "final_layer_norm.weight",
    ("shared.weight", "embed_tokens.weight"), (_BLOCK + "2.DenseReluDense.wo.weight",),
    (_BLOCK + "0.SelfAttention.o.weight",), tied=True, head_wins=True,
    logit_factors=(Factor("d_model", power=-0.5),), logit_factors_if="scale_decoder_outputs",
)  # fmt: skip
BART = Family(
    ("bart", "marian", "plbart", "mvp", "blenderbot-small"), "none", None,
    ("embed_tokens.weight", "shared.weight"), ("layers.{}.fc2.weight",),
    ("layers.{}.self_attn.out_proj.weight",), tied=True, no_mlp=POST_NORM, no_attention=POST_NORM,
)  # fmt: skip

ENCODER_DECODERS: tuple[Family, ...] = (
    T5,
    replace(T5, model_types=("mt5",), logit_factors=(), logit_factors_if=None),
    BART,
    replace(BART, model_types=("mbart", "m2m_100", "pegasus", "blenderbot"),
            norm_kind="layernorm", norm="layer_norm.weight", no_mlp=None, no_attention=None),
    replace(BART, model_types=("whisper",), norm_kind="layernorm", norm="layer_norm.weight",
            head="proj_out.weight", no_mlp=None, no_attention=None),
)  # fmt: skip
