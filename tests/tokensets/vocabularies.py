"""Real vocabularies and their default sets, made once for all tests of token sets."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from unembed import Vocabulary
from unembed.demo import MODEL as DEMO
from unembed.load import load_vocabulary
from unembed.tokensets import TokenSets, build_token_sets

INPUTS = Path(__file__).parents[2] / ".inputs"
PATHS = {
    "smollm2": DEMO,
    "gpt2": INPUTS / "gpt2",
    "llama2": INPUTS / "llama2" / "tokenizer.json",
    "cl100k": INPUTS / "cl100k" / "cl100k_base.tiktoken.gz",
}


@cache
def vocabulary(name: str) -> Vocabulary:
    if not PATHS[name].exists():
        pytest.skip(f"{name} is not in .inputs: run scripts/fetch_inputs.py")
    return load_vocabulary(PATHS[name])


@cache
def default_sets(name: str) -> TokenSets:
    return build_token_sets(vocabulary(name), cache=False)
