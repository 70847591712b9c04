"""What a run does not keep, read again from a model and features of every origin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.load import tiny_models
from unembed import (
    EnrichmentSettings,
    Features,
    Run,
    TokenSets,
    Unembedding,
    analyze,
    leading_edge,
    load_features,
    load_model,
    load_unembedding,
)
from unembed.errors import SourceError

DIRECTION_TEST = EnrichmentSettings(tsea="none")


def write(folder: Path, files: tiny_models.Files) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write(tmp_path / "model", tiny_models.tiny_gpt2())


def reopened(tmp_path: Path, model: Path, reference: str) -> tuple[Run, Features, Unembedding]:
    unembedding = load_unembedding(model)
    (bank,) = load_features(reference, model=model)
    sets = TokenSets.from_ids({"some": [3, 50, 60, 70]}, unembedding.vocabulary)
    run = analyze(unembedding, bank, tmp_path / "run", token_sets=sets, enrichment=DIRECTION_TEST)
    return run, bank, unembedding


@pytest.mark.parametrize("source", ["neurons", "sae", "npy", "renamed"])
def test_from_every_source(tmp_path: Path, model: Path, source: str) -> None:
    if source == "neurons":
        reference = "mlp:1"
    elif source == "sae":
        reference = str(write(tmp_path / "sae", tiny_models.sae()) / tiny_models.HOOK)
    else:
        np.save(tmp_path / "v.npy", np.random.default_rng(0).standard_normal((9, 32)))
        reference = ("mine=" if source == "renamed" else "") + str(tmp_path / "v.npy")
    run, bank, unembedding = reopened(tmp_path, model, reference)
    sets = TokenSets.from_ids({"some": [3, 50, 60, 70]}, unembedding.vocabulary)
    expected = leading_edge(bank, 5, unembedding, sets, "some")
    found = run.leading_edge(f"{bank.name}/5", "some")
    assert found.es == expected.es != 0
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.weights, expected.weights)


def test_a_tokenizer_elsewhere(tmp_path: Path, model: Path) -> None:
    apart = tmp_path / "tokenizer.json"
    (model / "tokenizer.json").rename(apart)
    unembedding = load_unembedding(load_model(model), tokenizer=apart)
    (bank,) = load_features("mlp:0", model=model)
    sets = TokenSets.from_ids({"some": [3, 50]}, unembedding.vocabulary)
    run = analyze(unembedding, bank, tmp_path / "run", token_sets=sets, enrichment=DIRECTION_TEST)
    assert run.leading_edge("mlp.0/2", "some").size == 2


@pytest.mark.parametrize("tensor", ["wte.weight", "h.1.mlp.c_proj.weight"])
def test_another_model_in_its_place(tmp_path: Path, model: Path, tensor: str) -> None:
    run, _, _ = reopened(tmp_path, model, "mlp:1")
    content = bytearray(tiny_models.tiny_gpt2()["model.safetensors"])
    start, _ = tiny_models.tensor_spans(bytes(content))[tensor]
    content[start + 1] ^= 0x40
    (model / "model.safetensors").write_bytes(bytes(content))
    with pytest.raises(SourceError, match="is not what it was"):
        run.leading_edge("mlp.1/2", "some")


@pytest.mark.parametrize("what", ["unembedding", "bank"])
def test_arrays_in_memory(
    tmp_path: Path, model: Path, unembedding: Unembedding, bank: Features, what: str
) -> None:
    if what == "unembedding":
        used, features = unembedding, bank
    else:
        used = load_unembedding(model)
        features = Features.from_array(torch.ones(2, 32) + torch.eye(2, 32), name="bank")
    sets = TokenSets.from_ids({"some": [3, 50]}, used.vocabulary)
    run = analyze(used, features, tmp_path / "run", token_sets=sets, enrichment=DIRECTION_TEST)
    with pytest.raises(SourceError, match=f"{what}.* made of arrays in memory"):
        run.leading_edge("bank/0", "some")
