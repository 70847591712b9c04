"""Inputs that several tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unembed import Features, Run, Unembedding, Vocabulary, analyze, prepare_unembedding
from unembed.demo import FEATURES as DEMO_FEATURES
from unembed.demo import MODEL as DEMO_MODEL
from unembed.load import load_features, load_model, load_unembedding

INPUTS = Path(__file__).parents[1] / ".inputs"


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def vocabulary() -> Vocabulary:
    """Two hundred words, of which token 0 is special."""
    return Vocabulary.from_texts(["<s>", *(f" word{i}" for i in range(199))], special=[0])


@pytest.fixture
def unembedding(vocabulary: Vocabulary, random: torch.Generator) -> Unembedding:
    return prepare_unembedding(torch.randn(200, 16, generator=random), vocabulary, name="tiny")


@pytest.fixture
def bank(random: torch.Generator) -> Features:
    return Features.from_array(torch.randn(50, 16, generator=random), name="bank", layer=3)


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The whole demo: 8,192 features of an SAE and 6,144 neurons of a real model."""
    model = load_model(DEMO_MODEL)
    banks = [bank for reference in DEMO_FEATURES for bank in load_features(reference, model=model)]
    return analyze(load_unembedding(model), banks, tmp_path_factory.mktemp("demo") / "run")


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The GGUF file that the demo was made from."""
    path = INPUTS / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not path.is_file():
        pytest.skip("SmolLM2's GGUF is not here: run scripts/fetch_inputs.py")
    return path
