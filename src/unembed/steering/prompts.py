"""The prompts that a model is steered on: those that ship, or a person's own, as tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unembed.errors import UnembedError
from unembed.outside import limits
from unembed.outside.lines import lines_in, read_text

NEUTRAL = Path(__file__).parent / "neutral_prompts.txt"
"""Beginnings of sentences about nothing in particular, where many a word may follow: one a line."""
MOST = 10_000
LONGEST = 256


def prompts_of(given: str | Path | Sequence[str] | None) -> tuple[str, ...]:
    """Return the prompts that are meant, each a text without space at its ends.

    Args:
        given: a text file with one prompt a line, or the prompts themselves; None for the neutral
            ones that ship.

    Raises:
        UnembedError: when there is none, or too many.
    """
    if given is None or isinstance(given, str | Path):
        place = NEUTRAL if given is None else Path(given)
        texts: Sequence[str] = list(lines_in(read_text(place, limits.CORPUS_BYTES)))
        where = str(place)
    else:
        texts, where = given, "What was given"
    found = tuple(text.strip() for text in texts if text.strip())
    if not found:
        raise UnembedError(f"{where} has no prompt. Write one a line, such as: I think that the")
    if len(found) > MOST:
        raise UnembedError(
            f"{where} has {len(found):,} prompts, and each is run anew for every feature: give "
            f"{MOST:,} at most. Some fifty are enough."
        )
    return found


def ids_of(prompts: Sequence[str], tokenizer: Any) -> list[Tensor]:
    """Return each prompt's tokens [tokens], with what the tokenizer puts before any text.

    Args:
        prompts: texts.
        tokenizer: of `transformers`.

    Raises:
        UnembedError: when one has none, or too many.
    """
    found = []
    for text in prompts:
        ids = tokenizer(text, verbose=False).input_ids
        if not 0 < len(ids) <= LONGEST:
            raise UnembedError(
                f"A prompt has 1 to {LONGEST} tokens, and {text[:60]!r} has {len(ids):,}. Give "
                "beginnings of sentences, one a line."
            )
        found.append(torch.tensor(ids, device="cpu"))
    return found


def hash_of(prompts: Sequence[str]) -> str:
    """Return a SHA-256 of prompts, in hexadecimal digits."""
    return hashlib.sha256("\n".join(prompts).encode("utf-8", "surrogatepass")).hexdigest()
