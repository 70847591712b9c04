"""`mlp:` references: which layers they name, and the banks that come of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.load.layouts import D_FF, D_MODEL, llama_tensors, write_model
from unembed.errors import FormatError, SourceError
from unembed.load import load_features, load_model
from unembed.load.own.layers import parse_layers

N_LAYERS = 4


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(
        tmp_path / "tiny", llama_tensors(layers=N_LAYERS), model_type="llama",
        num_hidden_layers=N_LAYERS,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("0", [0]),
        ("26", [26]),
        ("10,20,26", [10, 20, 26]),
        ("3,0-1", [3, 0, 1]),
        ("0-3", [0, 1, 2, 3]),
        ("2-2", [2]),
        (" 1 , 2-3 ", [1, 2, 3]),
        ("007", [7]),
        ("all", [0, 1, 2, 3]),
    ],
)
def test_layers(text: str, layers: list[int]) -> None:
    assert parse_layers(text, 4 if text == "all" else 27) == layers


@pytest.mark.parametrize(
    "text", ["", ",", "1,", "a", "-1", "1-", "1-2-3", "1.5", "ALL", "all,1", "0:3", "1 - 2", "1;2"]
)
def test_no_layers(text: str) -> None:
    with pytest.raises(SourceError, match=r"names no layers\. Write mlp:26, mlp:10,20,26"):
        parse_layers(text, N_LAYERS)


def test_counting_down() -> None:
    with pytest.raises(SourceError, match=r"'3-1' counts down\. Write 1-3\."):
        parse_layers("0,3-1", N_LAYERS)


@pytest.mark.parametrize("text", ["1,1", "0-2,2", "1,01"])
def test_a_layer_twice(text: str) -> None:
    with pytest.raises(SourceError, match=f"'{text}' names a layer more than once"):
        parse_layers(text, N_LAYERS)


def test_a_bank_a_layer(model: Path) -> None:
    banks = load_features("mlp:2,0", model=model)
    assert [bank.name for bank in banks] == ["mlp.2", "mlp.0"]
    assert [bank.layer for bank in banks] == [2, 0]
    assert [bank.hook for bank in banks] == ["blocks.2.hook_mlp_out", "blocks.0.hook_mlp_out"]
    for bank in banks:
        stored = llama_tensors(layers=N_LAYERS)[f"model.layers.{bank.layer}.mlp.down_proj.weight"]
        assert bank.W_dec.shape == (D_FF, D_MODEL)
        assert torch.equal(bank.W_dec, stored.T)
        assert bank.W_dec.is_contiguous()
        assert bank.origin == {
            "format": "mlp neurons",
            "model": {"format": "huggingface", "path": str(model)},
        }


def test_all_layers_of_an_open_model(model: Path) -> None:
    banks = load_features("mlp:all", model=load_model(model))
    assert [bank.name for bank in banks] == [f"mlp.{layer}" for layer in range(N_LAYERS)]


@pytest.mark.parametrize(
    ("reference", "names"),
    [
        ("late=mlp:3", ["late"]),
        ("neurons=mlp:1,2", ["neurons.1", "neurons.2"]),
        ("n=mlp:3,0-1", ["n.3", "n.0", "n.1"]),
    ],
)
def test_names_of_ones_own(model: Path, reference: str, names: list[str]) -> None:
    assert [bank.name for bank in load_features(reference, model=str(model))] == names


@pytest.mark.parametrize("reference", ["mlp:1", "name=mlp:1"])
def test_of_which_model(reference: str) -> None:
    with pytest.raises(FormatError, match="mlp:1 means the MLP neurons of a model: say which"):
        load_features(reference)


@pytest.mark.parametrize("layers", ["4", "2-4", "99"])
def test_a_layer_the_model_does_not_have(model: Path, layers: str) -> None:
    with pytest.raises(SourceError, match=r"tiny has no layer \d+: its 4 layers are 0 to 3"):
        load_features(f"mlp:{layers}", model=model)


def test_a_layer_without_neurons(model: Path, tmp_path: Path) -> None:
    """As in a mixture of experts."""
    tensors = {k: v for k, v in llama_tensors(layers=2).items() if "layers.1.mlp" not in k}
    folder = write_model(tmp_path / "m", tensors, model_type="llama", num_hidden_layers=2)
    with pytest.raises(FormatError, match=r"no tensor 'layers\.1\.mlp\.down_proj\.weight'"):
        load_features("mlp:all", model=folder)
