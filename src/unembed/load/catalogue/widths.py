"""How wide the models of published SAEs are, for lists to say what would be fetched.

Nothing is read by these: a file says itself how wide it is.
"""

from __future__ import annotations

from typing import NamedTuple


class Widths(NamedTuple):
    """How wide a model is.

    Attributes:
        d_model: the residual stream.
        z: all attention heads of a layer together.
    """

    d_model: int
    z: int


WIDTHS: dict[str, Widths] = {
    "gpt2": Widths(768, 768),
    "google/gemma-2b": Widths(2048, 2048),
    "google/gemma-2b-it": Widths(2048, 2048),
    "google/gemma-2-2b": Widths(2304, 2048),
    "google/gemma-2-9b": Widths(3584, 4096),
    "google/gemma-2-9b-it": Widths(3584, 4096),
    "google/gemma-2-27b": Widths(4608, 4096),
    "google/gemma-3-270m": Widths(640, 1024),
    "google/gemma-3-270m-it": Widths(640, 1024),
    "google/gemma-3-1b-pt": Widths(1152, 1024),
    "google/gemma-3-1b-it": Widths(1152, 1024),
    "google/gemma-3-4b-pt": Widths(2560, 2048),
    "google/gemma-3-4b-it": Widths(2560, 2048),
    "google/gemma-3-12b-pt": Widths(3840, 4096),
    "google/gemma-3-12b-it": Widths(3840, 4096),
    "google/gemma-3-27b-pt": Widths(5376, 4096),
    "google/gemma-3-27b-it": Widths(5376, 4096),
    "EleutherAI/pythia-70m-deduped": Widths(512, 512),
    "mistralai/Mistral-7B-v0.1": Widths(4096, 4096),
    "meta-llama/Meta-Llama-3-8B-Instruct": Widths(4096, 4096),
    "meta-llama/Llama-3.1-8B": Widths(4096, 4096),
    "meta-llama/Llama-3.1-8B-Instruct": Widths(4096, 4096),
    "meta-llama/Llama-3.3-70B-Instruct": Widths(8192, 8192),
    "deepseek-ai/DeepSeek-R1-Distill-Llama-8B": Widths(4096, 4096),
    "openai/gpt-oss-20b": Widths(2880, 4096),
    "Qwen/Qwen2.5-7B-Instruct": Widths(3584, 3584),
    "Qwen/Qwen3-0.6B": Widths(1024, 2048),
    "Qwen/Qwen3-1.7B": Widths(2048, 2048),
    "Qwen/Qwen3-1.7B-Base": Widths(2048, 2048),
    "Qwen/Qwen3-4B": Widths(2560, 4096),
    "Qwen/Qwen3-8B": Widths(4096, 4096),
    "Qwen/Qwen3-8B-Base": Widths(4096, 4096),
    "Qwen/Qwen3-14B": Widths(5120, 5120),
    "Qwen/Qwen3-30B-A3B-Base": Widths(2048, 4096),
    "Qwen/Qwen3.5-2B-Base": Widths(2048, 2048),
    "Qwen/Qwen3.5-9B-Base": Widths(4096, 4096),
    "Qwen/Qwen3.5-27B": Widths(5120, 6144),
    "Qwen/Qwen3.5-35B-A3B-Base": Widths(2048, 4096),
}
"""By hub repository."""
