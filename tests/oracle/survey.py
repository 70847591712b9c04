"""Which model types are held against `transformers`, and why the others are not."""

from __future__ import annotations

from typing import Any, NamedTuple

from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoModelForSeq2SeqLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from unembed.load.models.families import NESTED, family_of, known_model_types, nested_of

BY_HAND = "transformers has no such model; its layout is written by hand in the tests"
ELSEWHERE = {
    "params.json": "Mistral's own files; their layout is written by hand in the tests",
    "gemma3n": "its vision tower needs timm; the language model is measured as gemma3n_text",
}


def reason_against(model_type: str) -> str | None:
    """Return why a model type is not measured itself, or None where it is."""
    if model_type in ELSEWHERE:
        return ELSEWHERE[model_type]
    if model_type not in CONFIG_MAPPING:
        return BY_HAND
    autos = (AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoModelForImageTextToText)
    if any(CONFIG_MAPPING[model_type] in auto._model_mapping for auto in autos):
        return None
    outer = [name for row in NESTED if row.text == model_type for name in row.model_types]
    return f"measured inside {', '.join(outer)}"


MEASURED = [name for name in known_model_types() if reason_against(name) is None]


class Variant(NamedTuple):
    """Another model of a type: what its config says otherwise."""

    model_type: str
    changes: dict[str, Any]


VARIANTS = {
    "opt-350m": Variant("opt", {"word_embed_proj_dim": 12, "do_layer_norm_before": False}),
    "opt, projected": Variant("opt", {"word_embed_proj_dim": 12}),
    "llama, tied": Variant("llama", {"tie_word_embeddings": True}),
    "gpt2, untied": Variant("gpt2", {"tie_word_embeddings": False}),
    "t5 v1.1": Variant("t5", {"tie_word_embeddings": False, "feed_forward_proj": "gated-gelu"}),
    "mt5 without a gate": Variant("mt5", {"feed_forward_proj": "relu"}),
    "falcon, a norm each": Variant("falcon", {"new_decoder_architecture": True}),
    "falcon, one norm": Variant(
        "falcon", {"new_decoder_architecture": True, "num_ln_in_parallel_attn": 1}
    ),
    "falcon, one after the other": Variant("falcon", {"parallel_attn": False}),
    "stablelm, parallel": Variant("stablelm", {"use_parallel_residual": True}),
    "gpt_neox, one after the other": Variant("gpt_neox", {"use_parallel_residual": False}),
    "cohere2_moe with RMSNorms": Variant("cohere2_moe", {"rms_norm_eps": 1e-5}),
    "gpt_oss, square": Variant("gpt_oss", {"intermediate_size": 16}),
    "granitemoe, square": Variant("granitemoe", {"intermediate_size": 8}),
    "llama, square": Variant("llama", {"intermediate_size": 16}),
    "gpt2, square": Variant("gpt2", {"n_inner": 16}),
    "gemma4 with experts": Variant(
        "gemma4_text", {"enable_moe_block": True, "num_experts": 3, "top_k_experts": 3}
    ),
    "hyperclovax, no post-norms": Variant("hyperclovax", {"use_post_norm": False}),
    "minicpm3, no base": Variant("minicpm3", {"dim_model_base": 16}),
    "granitemoehybrid, dense": Variant(
        "granitemoehybrid", {"num_local_experts": 0, "num_experts_per_tok": 0}
    ),
}


def family_name(model_type: str) -> str:
    """Return the first model type of a family, which names it."""
    nested = nested_of(model_type)
    family = family_of(nested.text if nested else model_type)
    assert family is not None
    return family.model_types[0]
