"""Where model families keep the three tensors of a logit lens.

Facts from the models' public repositories. Names are given without the prefix under which a
checkpoint nests its language model; `PREFIXES` are tried in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PREFIXES = (
    "", "model.", "transformer.", "gpt_neox.", "model.decoder.", "decoder.",
    "language_model.model.", "model.language_model.",
)  # fmt: skip


@dataclass(frozen=True)
class Family:
    """Tensor names of one family of models.

    Attributes:
        model_types: `model_type` in config.json.
        norm_kind: the final norm.
        norm: its weight; None where it has no parameters.
        embedding: the token embedding, which is the unembedding where weights are tied.
        mlp_out: the MLP's output matrix, with `{}` for the layer.
        head: the unembedding where it is not tied.
        mlp_out_faces_rows: True where `mlp_out` is stored [d_ff, d_model] (GPT-2's Conv1D).
        norm_plus_one: γ is stored as γ − 1.
        norm_optional: the norm may be absent (OPT-350m normalises after each block).
    """

    model_types: tuple[str, ...]
    norm_kind: Literal["rmsnorm", "layernorm"]
    norm: str | None
    embedding: str
    mlp_out: str
    head: str = "lm_head.weight"
    mlp_out_faces_rows: bool = False
    norm_plus_one: bool = False
    norm_optional: bool = False


FAMILIES: tuple[Family, ...] = (
    Family(("gpt2",), "layernorm", "ln_f.weight", "wte.weight", "h.{}.mlp.c_proj.weight",
           mlp_out_faces_rows=True),
    Family(("gpt_neo",), "layernorm", "ln_f.weight", "wte.weight", "h.{}.mlp.c_proj.weight"),
    Family(("gptj",), "layernorm", "ln_f.weight", "wte.weight", "h.{}.mlp.fc_out.weight"),
    Family(("gpt_neox",), "layernorm", "final_layer_norm.weight", "embed_in.weight",
           "layers.{}.mlp.dense_4h_to_h.weight", head="embed_out.weight"),
    Family(("llama", "mistral", "qwen2", "qwen3", "olmo2", "olmo3", "phi3", "smollm3",
            "deepseek_v2", "deepseek_v3", "gpt_oss"), "rmsnorm", "norm.weight",
           "embed_tokens.weight", "layers.{}.mlp.down_proj.weight"),
    Family(("gemma", "gemma2", "gemma3", "gemma3_text"), "rmsnorm", "norm.weight",
           "embed_tokens.weight", "layers.{}.mlp.down_proj.weight", norm_plus_one=True),
    Family(("phi",), "layernorm", "final_layernorm.weight", "embed_tokens.weight",
           "layers.{}.mlp.fc2.weight"),
    Family(("olmo",), "layernorm", None, "embed_tokens.weight",
           "layers.{}.mlp.down_proj.weight"),
    Family(("opt",), "layernorm", "final_layer_norm.weight", "embed_tokens.weight",
           "layers.{}.fc2.weight", norm_optional=True),
    Family(("bloom",), "layernorm", "ln_f.weight", "word_embeddings.weight",
           "h.{}.mlp.dense_4h_to_h.weight"),
    Family(("mpt",), "layernorm", "norm_f.weight", "wte.weight",
           "blocks.{}.ffn.down_proj.weight"),
)  # fmt: skip


def family_of(model_type: str) -> Family | None:
    """Return the family of a `model_type`, or None where it is not known."""
    return next((family for family in FAMILIES if model_type in family.model_types), None)
