"""A tiny random model of every model type, made by `transformers` and saved as it saves them.

Nothing of unembed is used here. Every norm weight and bias is random too: a norm of ones, or a
bias of zeros, would hide a wrong reading.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

logging.getLogger("transformers").setLevel(logging.ERROR)
transformers.utils.logging.disable_progress_bar()

VOCAB, WIDTH, WIDTH_FF, EXPERTS = 24, 16, 12, 3
MOST_PARAMETERS = 2_000_000

SIZES: dict[str, Any] = {
    **dict.fromkeys(("vocab_size", "text_vocab_size"), VOCAB),
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "attention_hidden_size",
                     "word_embed_proj_dim", "embedding_size"), WIDTH),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "decoder_ffn_dim", "encoder_ffn_dim",
                     "n_inner", "d_ff", "dff", "ffn_hidden_size", "moe_intermediate_size",
                     "shared_expert_intermediate_size", "shared_intermediate_size",
                     "intermediate_size_mlp", "prefix_dense_intermediate_size"), WIDTH_FF),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers",
                     "num_decoder_layers"), 2),
    "encoder_layers": 1,
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads",
                     "decoder_attention_heads", "encoder_attention_heads"), 2),
    **dict.fromkeys(("num_key_value_heads", "num_kv_heads"), 1),
    **dict.fromkeys(("head_dim", "d_kv", "kv_channels"), 8),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts",
                     "num_experts_per_tok", "top_k", "moe_topk", "moe_k"), EXPERTS),
    **dict.fromkeys(("n_shared_experts", "n_group", "topk_group"), 1),
    **dict.fromkeys(("first_k_dense_replace", "num_dense_layers", "moe_layer_start_index"), 1),
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 0,
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx", "max_target_positions",
                     "max_source_positions", "context_length"), 32),
    "q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4,
    "v_head_dim": 6, "rotary_dim": 4, "rotary_pct": 0.5,
    "state_size": 4, "ssm_state_size": 4, "conv_kernel": 2, "time_step_rank": 2,
    "mamba_d_state": 4, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_n_groups": 1,
    "mamba_num_heads": 4, "mamba_head_dim": 8, "n_groups": 1, "mamba_d_ssm": 32, "mamba_expand": 2,
    "mamba_dt_rank": 2,
    "linear_num_key_heads": 2, "linear_num_value_heads": 2, "linear_key_head_dim": 4,
    "linear_value_head_dim": 4,
    "index_n_heads": 2, "index_head_dim": 8, "index_topk": 4,
    "logits_scaling": 7.0, "residual_multiplier": 0.37, "logit_scale": 0.31,
    "lm_head_multiplier": 0.23, "attention_out_multiplier": 0.43,
    "scale_depth": 1.3, "dim_model_base": 4,
    "final_logit_softcapping": 1e30, "logits_soft_cap": 1e30,  # as good as none
}  # fmt: skip

VISION: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "embed_dim", "projection_dim", "d_model", "dim"), 16),
    **dict.fromkeys(("out_hidden_size", "output_dim", "text_hidden_size", "vision_output_dim",
                     "projector_input_dim", "projector_output_dim"), WIDTH),
    **dict.fromkeys(("intermediate_size", "mlp_dim", "encoder_ffn_dim"), 16),
    **dict.fromkeys(("num_hidden_layers", "depth", "num_layers", "encoder_layers"), 1),
    **dict.fromkeys(("num_attention_heads", "num_heads", "encoder_attention_heads"), 2),
    "head_dim": 8, "image_size": 28, "patch_size": 14, "num_position_embeddings": 16,
    "num_global_layers": 1, "max_source_positions": 8, "num_mel_bins": 8, "vocab_size": 8,
    "vocab_offset": VOCAB - 8, "position_embedding_size": 8, "max_position_embeddings": 32,
    "num_key_value_heads": 2, "global_head_dim": 8,
}  # fmt: skip

HYBRID = {"layer_types": ["linear_attention", "full_attention"]}
GEMMA3N: dict[str, Any] = {
    "layer_types": ["sliding_attention", "full_attention"], "num_kv_shared_layers": 0,
    "hidden_size_per_layer_input": 4, "vocab_size_per_layer_input": VOCAB, "laurel_rank": 4,
    "activation_sparsity_pattern": [0.0, 0.0], "intermediate_size": [WIDTH_FF] * 2,
}  # fmt: skip
GEMMA4: dict[str, Any] = {
    "hidden_size_per_layer_input": 0, "vocab_size_per_layer_input": VOCAB, "global_head_dim": 8,
    "num_kv_shared_layers": 0, "num_global_key_value_heads": 1,
    "layer_types": ["sliding_attention", "full_attention"],
}  # fmt: skip

DETAILS: dict[str, dict[str, Any]] = {
    "bamba": {"attn_layer_indices": [1], "num_key_value_heads": 2},
    "falcon_h1": {"mlp_multipliers": [0.7, 0.53]},
    "gemma3n_text": GEMMA3N,
    "gemma4_text": GEMMA4,
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    **{name: {"head_dim": 4, "num_key_value_heads": 2} for name in (
        "deepseek_v2", "deepseek_v3", "deepseek_v32", "glm4_moe_lite", "minicpm3")},
    "glm4v_text": {"rope_parameters": {"rope_type": "default", "mrope_section": [2, 1, 1],
                                       "rope_theta": 1e4}},
    "glm4v_moe_text": {"rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 0],
                                           "rope_theta": 1e4, "partial_rotary_factor": 0.5}},
    **{name: {"rope_parameters": {"rope_type": "default", "mrope_section": [2, 1, 1],
                                  "rope_theta": 1e4}}
       for name in ("qwen2_vl_text", "qwen2_5_vl_text")},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"]},
    "recurrent_gemma": {"num_hidden_layers": 3, "lru_width": WIDTH, "attention_window_size": 8},
    "jamba": {"attn_layer_offset": 1, "attn_layer_period": 2, "expert_layer_offset": 1,
              "expert_layer_period": 2},
    "lfm2": {"block_auto_adjust_ff_dim": False, "layer_types": ["conv", "full_attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "llama4_text": {"interleave_moe_layer_step": 2, "moe_layers": [1]},
    "mamba2": {"num_heads": 4, "head_dim": 8, "expand": 2, "n_groups": 1},
    "nemotron_h": {"hybrid_override_pattern": "ME*-", "num_hidden_layers": 4,
                   "moe_shared_expert_intermediate_size": WIDTH_FF},
    "qwen3_5_text": HYBRID,
    "qwen3_5_moe_text": HYBRID,
    "qwen3_next": HYBRID,
}  # fmt: skip

AUTOS = (
    transformers.AutoModelForSeq2SeqLM,
    transformers.AutoModelForCausalLM,
    transformers.AutoModelForImageTextToText,
)
DECODER_ONLY = ("whisper",)


def known_to_transformers(model_type: str) -> bool:
    """Return whether this version of transformers has a model type."""
    return model_type in CONFIG_MAPPING


def tiny_config(model_type: str, **changes: Any) -> Any:
    """Return a config of tiny sizes, with its nested text and vision configs."""
    config_class = CONFIG_MAPPING[model_type]
    given = _sizes(config_class, SIZES) | DETAILS.get(model_type, {}) | changes
    nested = getattr(config_class, "sub_configs", {}) or {}
    for name in nested:
        default = getattr(config_class(), name, None)
        if default is None:
            continue
        if name == "text_config":
            given[name] = tiny_config(default.model_type).to_dict()
        elif not isinstance(default, dict):
            given[name] = _sizes(type(default), VISION)
    return config_class(**given)


def _sizes(config_class: Any, sizes: dict[str, Any]) -> dict[str, Any]:
    known = set(config_class().to_dict()) | set(getattr(config_class, "attribute_map", {}))
    return {name: value for name, value in sizes.items() if name in known}


def tiny_model(model_type: str, **changes: Any) -> nn.Module:
    """Return a tiny model in float32 whose every weight, norm and bias is random."""
    config = tiny_config(model_type, **changes)
    auto = auto_class(model_type, config)
    with torch.device("meta"):
        parameters = sum(p.numel() for p in auto.from_config(config).parameters())
    if parameters > MOST_PARAMETERS:
        raise ValueError(f"{model_type} would have {parameters:,} parameters: shrink its config")
    torch.manual_seed(0)
    model = (
        auto.from_config(config, attn_implementation="eager", experts_implementation="eager")
        .float()
        .eval()
    )
    _randomise(model)
    return model


def auto_class(model_type: str, config: Any) -> Any:
    for auto in AUTOS[model_type in DECODER_ONLY :]:
        if type(config) in auto._model_mapping:
            return auto
    raise ValueError(f"transformers has no language model of type {model_type}")


def _randomise(model: nn.Module) -> None:
    random = torch.Generator().manual_seed(1)
    seen = set()
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if tensor.data_ptr() in seen or not tensor.is_floating_point():
                continue
            seen.add(tensor.data_ptr())
            noise = torch.randn(tensor.shape, generator=random)
            if tensor.ndim >= 2:
                tensor.copy_(noise * 0.4)
            elif "layer_scalar" in name:
                tensor.fill_(0.7)
            elif name.endswith((".bias", ".weight")):
                tensor.copy_((0.0 if name.endswith("bias") else 1.0) + noise * 0.4)


def save_tiny(model_type: str, place: Path, **changes: Any) -> nn.Module:
    """Return a tiny model, its checkpoint saved in a folder."""
    model = tiny_model(model_type, **changes)
    model.save_pretrained(place)
    return model
