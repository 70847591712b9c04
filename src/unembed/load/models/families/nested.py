"""Multimodal models, which nest a language model of a family of its own (`text_config`)."""

from __future__ import annotations

from typing import NamedTuple


class Nested(NamedTuple):
    """Model types that nest a language model.

    Attributes:
        model_types: `model_type` in config.json.
        text: the language model's type where `text_config` does not say.
        tied: what an absent `tie_word_embeddings` means.
    """

    model_types: tuple[str, ...]
    text: str
    tied: bool = False


NESTED: tuple[Nested, ...] = (
    Nested(("gemma3",), "gemma3_text", tied=True),
    Nested(("gemma3n",), "gemma3n_text", tied=True),
    Nested(("gemma4",), "gemma4_text", tied=True),
    Nested(("paligemma",), "gemma", tied=True),
    Nested(("llava", "llava_next", "llava_next_video", "vipllava", "video_llava"), "llama"),
    Nested(("llava_onevision",), "qwen2"),
    Nested(("mistral3",), "mistral", tied=True),
    Nested(("voxtral",), "llama"),
    Nested(("llama4",), "llama4_text"),
    Nested(("qwen2_vl",), "qwen2_vl_text"),
    Nested(("qwen2_5_vl",), "qwen2_5_vl_text"),
    Nested(("qwen2_audio",), "qwen2"),
    Nested(("qwen3_vl",), "qwen3_vl_text"),
    Nested(("qwen3_vl_moe",), "qwen3_vl_moe_text"),
    Nested(("qwen3_5",), "qwen3_5_text"),
    Nested(("qwen3_5_moe",), "qwen3_5_moe_text"),
    Nested(("internvl", "got_ocr2"), "qwen2", tied=True),
    Nested(("idefics3", "smolvlm"), "llama"),
    Nested(("glm4v",), "glm4v_text"),
    Nested(("glm4v_moe",), "glm4v_moe_text"),
    Nested(("lfm2_vl",), "lfm2", tied=True),
)  # fmt: skip
