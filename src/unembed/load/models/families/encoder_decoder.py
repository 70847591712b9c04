"""Families with an encoder: their decoders."""

from __future__ import annotations

from dataclasses import replace

from unembed.load.models.families.family import (
    POST_NORM,
    EmbeddingNorm,
    Factor,
    Family,
    Inward,
    PreNorm,
    When,
)

_BLOCK = "block.{}.layer."


def _wi(default: str) -> tuple[Inward, ...]:
    """Return what T5's MLP reads with, by what an absent `feed_forward_proj` means."""
    gated = (When("feed_forward_proj", "gated-", default),)
    return (
        Inward("wo.weight", "wi_1.weight", gate="wi_0.weight", when=gated),
        Inward("wo.weight", "wi.weight"),
    )


T5 = Family(
    ("t5",), "rmsnorm", "final_layer_norm.weight",
    ("shared.weight", "embed_tokens.weight"), (_BLOCK + "2.DenseReluDense.wo.weight",),
    (_BLOCK + "0.SelfAttention.o.weight",), mlp_in=_wi("relu"),
    before_mlp=(PreNorm(_BLOCK + "2.layer_norm.weight"),), tied=True, head_wins=True,
    logit_factors=(Factor("d_model", power=-0.5),), logit_factors_if="scale_decoder_outputs",
)  # fmt: skip
BART = Family(
    ("bart", "plbart", "mvp", "blenderbot-small"), "none", None,
    ("embed_tokens.weight", "shared.weight"), ("layers.{}.fc2.weight",),
    ("layers.{}.self_attn.out_proj.weight",), tied=True,
    embedding_norm=EmbeddingNorm("layernorm", "layernorm_embedding.weight"), no_mlp=POST_NORM,
    no_attention=POST_NORM,
)  # fmt: skip
MBART = replace(
    BART, model_types=("mbart",), norm_kind="layernorm", norm="layer_norm.weight",
    mlp_in=(Inward("fc2.weight", "fc1.weight"),),
    before_mlp=(PreNorm("layers.{}.final_layer_norm.weight"),), no_mlp=None, no_attention=None,
)  # fmt: skip

ENCODER_DECODERS: tuple[Family, ...] = (
    T5,
    replace(T5, model_types=("umt5",), mlp_in=_wi("gated-gelu")),
    replace(T5, model_types=("mt5",), mlp_in=_wi("gated-gelu"), logit_factors=(),
            logit_factors_if=None),
    BART,
    replace(BART, model_types=("marian",), embedding_norm=None),
    MBART,
    replace(MBART, model_types=("m2m_100", "pegasus", "blenderbot"), embedding_norm=None),
    replace(MBART, model_types=("whisper",), head="proj_out.weight", embedding_norm=None),
)  # fmt: skip
