"""SAEs in SAELens' layout: three generations of cfg.json, densities, and what can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.load.layouts import spy_on_reads, tensor
from unembed import Features
from unembed.errors import FormatError, SourceError, UnembedError, WeightError
from unembed.load import load_features
from unembed.load.formats import saelens
from unembed.load.formats.saelens import SAEConfig, parse_config
from unembed.outside.fields import Fields

D_SAE, D_MODEL = 6, 4
HOOK = "blocks.8.hook_resid_pre"

FLAT_HOOK_POINT = {
    "model_name": "gpt2-small",
    "hook_point": HOOK,
    "hook_point_layer": 8,
    "hook_point_head_index": None,
    "dataset_path": "Skylion007/openwebtext",
    "d_in": D_MODEL,
    "d_sae": D_SAE,
    "dtype": "torch.float32",
    "expansion_factor": 1.5,
}
FLAT_HOOK_NAME = {
    "architecture": "standard",
    "model_name": "gpt2-small",
    "hook_name": HOOK,
    "hook_layer": 8,
    "hook_head_index": None,
    "d_in": D_MODEL,
    "d_sae": D_SAE,
    "neuronpedia_id": "gpt2-small/8-res-jb",
    "sae_lens_training_version": "3.14.0",
}
NESTED = {
    "architecture": "jumprelu",
    "d_in": D_MODEL,
    "d_sae": D_SAE,
    "dtype": "float32",
    "apply_b_dec_to_input": False,
    "metadata": {
        "sae_lens_version": "6.54.12",
        "model_name": "gpt2-small",
        "hook_name": HOOK,
        "hook_head_index": None,
        "neuronpedia_id": "gpt2-small/8-res-jb",
    },
}
GENERATIONS = {"1": FLAT_HOOK_POINT, "3": FLAT_HOOK_NAME, "6": NESTED}


def weights(**others: torch.Tensor) -> dict[str, torch.Tensor]:
    return {
        "W_enc": torch.full((D_MODEL, D_SAE), torch.nan),
        "b_enc": torch.full((D_SAE,), torch.nan),
        "W_dec": tensor(D_SAE, D_MODEL),
        "b_dec": torch.zeros(D_MODEL),
    } | others


def write(
    folder: Path,
    config: object = NESTED,
    tensors: dict[str, torch.Tensor] | None = None,
    density: torch.Tensor | None = None,
    key: str = "sparsity",
) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "cfg.json").write_text(config if isinstance(config, str) else json.dumps(config))
    save_file(weights() if tensors is None else tensors, folder / "sae_weights.safetensors")
    if density is not None:
        save_file({key: density}, folder / "sparsity.safetensors")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sae"


def read(folder: Path) -> Features:
    (bank,) = load_features(folder)
    return bank


# --- the generations ---


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("with_density", [False, True])
def test_each_generation(folder: Path, generation: str, with_density: bool) -> None:
    config = GENERATIONS[generation]
    density = torch.linspace(-4, 0, D_SAE)
    bank = read(write(folder, config, density=density if with_density else None))
    assert torch.equal(bank.W_dec, weights()["W_dec"])
    assert (bank.name, bank.hook, bank.layer) == ("sae.8", HOOK, 8)
    assert bank.indices.tolist() == list(range(D_SAE))
    assert bank.neuronpedia == (None if generation == "1" else "gpt2-small/8-res-jb")
    if with_density:
        np.testing.assert_array_equal(bank.log10_density, density.numpy())
    else:
        assert bank.log10_density is None
    assert bank.origin == {
        "format": "saelens",
        "path": str(folder),
        "architecture": config.get("architecture"),
        "trained_on": "gpt2-small",
    }


@pytest.mark.parametrize(
    ("config", "layer"),
    [
        ({"hook_name": "blocks.12.hook_mlp_out"}, 12),
        ({"hook_name": "blocks.0.attn.hook_z", "hook_layer": 0}, 0),
        ({"hook_name": "transformer.h.3.mlp", "hook_layer": None}, 3),
        ({"hook_name": "model.layers.21"}, 21),
        ({"hook_name": "hook_embed"}, None),
        ({"hook_point": HOOK, "hook_name": None}, 8),
        ({"hook_name": "custom", "hook_layer": "5"}, 5),
        ({"metadata": {"hook_name": HOOK, "hook_layer": 8}}, 8),
        ({"metadata": None, "hook_name": HOOK}, 8),
        ({"layer": 3}, None),
    ],
)
def test_layer_of_the_hook(config: dict[str, Any], layer: int | None) -> None:
    assert parse_config(Fields(config, "cfg.json")).layer == layer


def test_nothing_need_be_said() -> None:
    assert parse_config(Fields({}, "cfg.json")) == SAEConfig(None, None, None, None, None, None)


def test_without_a_layer_the_bank_is_called_sae(folder: Path) -> None:
    bank = read(write(folder, {"hook_name": "hook_embed"}))
    assert (bank.name, bank.layer) == ("sae", None)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_float_dtype(folder: Path, dtype: torch.dtype) -> None:
    tensors = {name: value.to(dtype) for name, value in weights().items()}
    bank = read(write(folder, tensors=tensors, density=torch.zeros(D_SAE, dtype=dtype)))
    assert torch.equal(bank.W_dec, tensors["W_dec"].float())
    assert bank.log10_density is not None
    assert bank.log10_density.dtype == np.float32


# --- only the decoder is read ---


def test_the_encoder_is_never_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In these files it is NaN, too: were it looked at, the bank would be refused."""
    write(folder, density=torch.zeros(D_SAE))
    values_read = spy_on_reads(monkeypatch)
    read(folder)
    assert values_read == ["W_dec", "sparsity"]


def test_an_encoder_is_not_needed(folder: Path) -> None:
    assert len(read(write(folder, tensors={"W_dec": tensor(D_SAE, D_MODEL)}))) == D_SAE


# --- how it is named ---


def test_the_weights_file_names_the_sae(folder: Path) -> None:
    (bank,) = load_features(write(folder) / "sae_weights.safetensors")
    assert (bank.name, bank.layer) == ("sae.8", 8)


def test_weights_without_config_are_a_matrix(folder: Path) -> None:
    (write(folder) / "cfg.json").unlink()
    (bank,) = load_features(folder / "sae_weights.safetensors")
    assert (bank.name, bank.layer) == ("sae_weights", None)
    assert torch.equal(bank.W_dec, weights()["W_dec"])


def test_a_name_of_ones_own(folder: Path) -> None:
    (bank,) = load_features(f"jb-8={write(folder)}")
    assert (bank.name, bank.layer) == ("jb-8", 8)


@pytest.mark.parametrize("name", ["", "two words"])
def test_a_name_that_cannot_be_one(folder: Path, name: str) -> None:
    with pytest.raises(UnembedError, match="A bank's name holds letters"):
        load_features(f"{name}={write(folder)}")


def test_an_equals_sign_in_a_path(tmp_path: Path) -> None:
    (bank,) = load_features(write(tmp_path / "l0=8"))
    assert bank.name == "sae.8"


# --- what can be wrong ---


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", r"cfg\.json is not JSON that can be read: .*download it again"),
        ("[]", r"cfg\.json should be a table of names and values, but is a list of 0"),
        (NESTED | {"d_sae": 7}, r"cfg\.json says d_sae = 7, but W_dec has shape \[6, 4\]"),
    ],
)
def test_config_errors(folder: Path, config: object, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(write(folder, config))


def test_a_transposed_decoder(folder: Path) -> None:
    with pytest.raises(FormatError, match=r"shape \[4, 6\], which should be \[d_sae, d_in\]"):
        read(write(folder, tensors=weights(W_dec=torch.ones(D_MODEL, D_SAE))))


@pytest.mark.parametrize("shape", [(D_SAE - 1,), (1, D_SAE), ()])
def test_density_of_another_sae(folder: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(FormatError, match=r"sparsity\.safetensors has shape \[.* 6 features"):
        read(write(folder, density=torch.zeros(shape)))


def test_density_under_another_name(folder: Path) -> None:
    write(folder, density=torch.zeros(D_SAE), key="density")
    with pytest.raises(FormatError, match=r"has no tensor 'sparsity'.* density \[6\]"):
        read(folder)


def test_no_decoder(folder: Path) -> None:
    tensors = weights()
    del tensors["W_dec"]
    with pytest.raises(FormatError, match=r"no tensor 'W_dec'\. Did you mean 'b_dec' or 'W_enc'"):
        read(write(folder, tensors=tensors))


def test_a_decoder_with_nan(folder: Path) -> None:
    W_dec = tensor(D_SAE, D_MODEL)
    W_dec[3, 1] = torch.nan
    with pytest.raises(WeightError, match=r"1 of 6 directions .* first is sae\.8/3"):
        read(write(folder, tensors=weights(W_dec=W_dec)))


@pytest.mark.parametrize("name", ["sae_weights.safetensors", "sparsity.safetensors"])
@pytest.mark.parametrize("cut", [0, 7, 50, -1])
def test_damaged_files(folder: Path, name: str, cut: int) -> None:
    write(folder, density=torch.zeros(D_SAE))
    (folder / name).write_bytes((folder / name).read_bytes()[:cut])
    with pytest.raises(
        FormatError, match=rf"{name} cannot be read as (tensors|safetensors): .*Download"
    ):
        read(folder)


@pytest.mark.parametrize(
    ("names", "listing"),
    [
        (["cfg.json"], r"It holds: cfg\.json\."),
        (["weights.txt", "cfg.json"], r"It holds: cfg\.json, weights\.txt\."),
        ([], r"It holds: no files\."),
    ],
)
def test_no_sae_in_a_folder(tmp_path: Path, names: list[str], listing: str) -> None:
    for name in names:
        (tmp_path / name).write_text("{}")
    message = rf"holds no SAE that can be read\. {listing} Formats that are: .*SAELens.*mlp:LAYER"
    with pytest.raises(FormatError, match=message):
        read(tmp_path)


@pytest.mark.parametrize("name", ["cfg.json", "params.npz", "ae.pt"])
def test_a_file_that_holds_no_features(folder: Path, name: str) -> None:
    write(folder)
    (folder / name).write_text("{}")
    with pytest.raises(FormatError, match=rf"{name} cannot be read as tensors"):
        load_features(folder / name)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No file or folder at"):
        load_features(tmp_path / "nothing")


def test_a_transcoder_names_the_hook_it_writes_to() -> None:
    said = {
        "hook_name": "blocks.8.ln2.hook_normalized",
        "hook_layer": 8,
        "metadata": {"hook_name_out": "blocks.9.hook_mlp_out", "hook_layer_out": 9},
    }
    config = parse_config(Fields(said, "cfg.json"))
    assert (config.hook, config.layer) == ("blocks.9.hook_mlp_out", 9)


def test_a_layer_that_is_no_number() -> None:
    said = {"hook_name": "blocks.8.hook_resid_pre", "hook_layer": "x"}
    with pytest.raises(FormatError, match=r"cfg\.json: hook_layer should be a whole number .*'x'"):
        parse_config(Fields(said, "cfg.json"))


def test_rows_of_unit_length_are_those_of_earlier_runs() -> None:
    """To the bit, or weights of such a run would not be known again; of extreme ones right."""
    rows = torch.randn(50, 33, generator=torch.Generator().manual_seed(0))
    plain = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    assert torch.equal(saelens._of_unit_length(rows), plain)
    for scale in (1e-30, 1e30):
        torch.testing.assert_close(saelens._of_unit_length(rows * scale), plain)
    assert not saelens._of_unit_length(torch.zeros(2, 3)).any()
