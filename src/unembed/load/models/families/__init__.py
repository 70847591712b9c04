"""Model families as data: where each keeps what a logit lens and its features need.

Facts from the models' public repositories, held against `transformers` by tests/oracle.
"""

from __future__ import annotations

from unembed.load.models.families.encoder_decoder import ENCODER_DECODERS
from unembed.load.models.families.experts import EXPERTS
from unembed.load.models.families.family import (
    POST_NORM,
    SEVERAL_STREAMS,
    EmbeddingNorm,
    Factor,
    Family,
    Inward,
    NormKind,
    PostNorm,
    PreNorm,
    Rows,
    When,
)
from unembed.load.models.families.gpt_like import GPT_LIKE
from unembed.load.models.families.llama_like import LLAMA_LIKE
from unembed.load.models.families.nested import NESTED, Nested
from unembed.load.models.families.recurrent import RECURRENT

__all__ = [
    "FAMILIES", "NESTED", "POST_NORM", "PREFIXES", "SEVERAL_STREAMS", "EmbeddingNorm", "Factor",
    "Family", "Inward", "Nested", "NormKind", "PostNorm", "PreNorm", "Rows", "When", "family_of",
    "known_model_types", "nested_of",
]  # fmt: skip

PREFIXES = (
    "", "model.", "transformer.", "gpt_neox.", "model.decoder.", "decoder.",
    "language_model.model.", "model.language_model.", "language_model.", "model.text_model.",
    "backbone.", "biogpt.", "rwkv.", "gpt_neox_japanese.",
)  # fmt: skip
"""What names of tensors may begin with, tried in order."""

FAMILIES: tuple[Family, ...] = (
    *LLAMA_LIKE, *EXPERTS, *GPT_LIKE, *RECURRENT, *ENCODER_DECODERS,
)  # fmt: skip


def family_of(model_type: str) -> Family | None:
    """Return the family of a `model_type`, or None where it is not known."""
    return next((family for family in FAMILIES if model_type in family.model_types), None)


def nested_of(model_type: str) -> Nested | None:
    """Return how a multimodal `model_type` nests its language model, or None where it does not."""
    return next((nested for nested in NESTED if model_type in nested.model_types), None)


def known_model_types() -> list[str]:
    """Return every `model_type` that is known, sorted."""
    types = [*(family.model_types for family in FAMILIES), *(row.model_types for row in NESTED)]
    return sorted(name for names in types for name in names)
