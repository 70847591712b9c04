"""Small inputs that are easily read wrongly: each loads as its makers mean it, or says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.load.layouts import tensor
from tests.load.published_layouts import model_files
from unembed import Features
from unembed.errors import FormatError, SourceError, UnembedError
from unembed.load import is_published, load_features

F, D = 20, 8


def write(folder: Path, files: dict[str, Any]) -> Path:
    """Write files: tables as JSON, tensors as safetensors or for torch."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif name.endswith((".json", ".yaml")):
            path.write_text(json.dumps(content))
        elif name.endswith(".safetensors"):
            save_file(content, path)
        else:
            torch.save(content, path)
    return folder


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny Gemma 2, with random norms behind both sub-layers of every layer."""
    return str(write(tmp_path_factory.mktemp("models") / "gemma", model_files("gemma-2-2b")))


def gamma(model: str, name: str) -> torch.Tensor:
    from safetensors import safe_open

    with safe_open(Path(model) / "model.safetensors", "pt") as file:
        return 1 + file.get_tensor(f"model.layers.{name}.weight")


def only(reference: object, **options: Any) -> Features:
    (bank,) = load_features(str(reference), **options)
    return bank


# --- what one unit of a feature writes ---


def saelens(folder: Path, tensors: dict[str, torch.Tensor], **config: Any) -> Path:
    fields = {"hook_name": "blocks.3.hook_resid_post", "d_sae": F, **config}
    return write(folder, {"cfg.json": fields, "sae_weights.safetensors": tensors})


def test_decoding_that_divides_by_the_rows_lengths(tmp_path: Path) -> None:
    """Before the whitening, as SAELens folds both."""
    W, back = tensor(F, D), tensor(D, D, seed=1)
    W[4] = 0
    folder = saelens(
        tmp_path, {"W_dec": W, "b_dec": torch.zeros(D)}, architecture="batchtopk",
        rescale_acts_by_decoder_norm=True, normalize_activations="covariance_whitening",
    )  # fmt: skip
    save_file({"inverse_matrix": back.double()}, folder / "activation_whitening.safetensors")
    unit = W.double().numpy() / np.maximum(np.linalg.norm(W.double(), axis=1), 1e-30)[:, None]
    bank = only(folder)
    np.testing.assert_allclose(bank.W_dec.numpy(), unit @ back.double().numpy(), atol=1e-5)
    assert bank.origin["steps"] == [
        "/ ‖W_dec‖ (rescale_acts_by_decoder_norm)",
        "@ inverse_matrix of activation_whitening.safetensors",
    ]


def test_whitening_that_is_not_there(tmp_path: Path) -> None:
    folder = saelens(
        tmp_path, {"W_dec": tensor(F, D)}, normalize_activations="covariance_whitening"
    )
    with pytest.raises(FormatError, match=r"whitening\.safetensors is not beside it"):
        load_features(folder)


AVERAGES = (4.0, 8.0, 40.0)


def cross_layer(folder: Path, *, scalars: bool = True) -> tuple[Path, dict[str, torch.Tensor]]:
    W = {f"W_D.{to}": tensor(to + 1, F, D, seed=to) for to in range(3)}
    norms = {
        f"dataset_average_activation_norm.blocks.{at}.{hook}": torch.tensor(norm)
        for at, mean in enumerate(AVERAGES)
        for hook, norm in (("hook_mlp_out", mean), ("hook_resid_mid", 2.0))
    }
    config = {
        "sae_type": "clt", "norm_activation": "dataset-wise", "d_model": D,
        "hook_points_in": [f"blocks.{at}.hook_resid_mid" for at in range(3)],
        "hook_points_out": [f"blocks.{at}.hook_mlp_out" for at in range(3)],
    }  # fmt: skip
    tensors = {**W, **(norms if scalars else {})}
    return write(folder, {"config.json": config, "sae_weights.safetensors": tensors}), W


def test_average_norms_are_folded_in(tmp_path: Path) -> None:
    """Each layer of a cross-layer transcoder has its own: the sum turns by them."""
    folder, W = cross_layer(tmp_path)
    one = only(f"{folder}:0->2")
    torch.testing.assert_close(one.W_dec, W["W_D.2"][0] * 40 / 2)
    assert one.origin["steps"] == ["× 20 (average norms)"]
    together = sum(W[f"W_D.{to}"][0] * AVERAGES[to] / 2 for to in range(3))
    torch.testing.assert_close(only(f"{folder}:0->sum").W_dec, together)


def test_average_norms_that_are_not_there(tmp_path: Path) -> None:
    folder, _ = cross_layer(tmp_path, scalars=False)
    with pytest.raises(FormatError, match=r"dataset-wise.*its scale is not known"):
        load_features(folder)


def test_layers_before_different_norms_are_not_summed(tmp_path: Path, gemma: str) -> None:
    folder = write(
        tmp_path,
        {
            "W_dec_1.safetensors": {"W_dec_1": tensor(F, 3, D)},
            "config.yaml": {"feature_output_hook": "mlp.hook_out", "model_name": "gemma-2-2b"},
        },
    )
    apart = load_features(folder / "W_dec_1.safetensors", model=gemma)
    expected = tensor(F, 3, D)[:, 1] * gamma(gemma, "2.post_feedforward_layernorm")
    torch.testing.assert_close(apart[1].W_dec, expected)
    with pytest.raises(FormatError, match="norms that differ from layer to layer"):
        load_features(f"{folder / 'W_dec_1.safetensors'}:sum", model=gemma)


# --- a config beside a file speaks of it ---


def test_a_file_beside_a_config_that_states_its_hook(tmp_path: Path, gemma: str) -> None:
    W = tensor(F, 6)  # heads together are 6 wide in the tiny model
    folder = write(
        tmp_path, {"my.pt": {"W_dec": W}, "config.json": {"hook_point": "blocks.0.attn.hook_z"}}
    )
    bank = only(folder / "my.pt", model=gemma)
    assert bank.hook == "blocks.0.attn.hook_z"
    assert bank.origin["steps"][0] == "@ W_O of layer 0"


def test_a_checkpoint_of_a_name_of_its_own(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "ae_final.pt": {"decoder.weight": tensor(D, F)},
            "config.json": {"trainer": {"submodule_name": "mlp_out_layer_2"}},
        },
    )
    with pytest.raises(FormatError, match=r"'mlp_out_layer_2' is not known.*--hook"):
        load_features(folder / "ae_final.pt")
    bank = only(folder / "ae_final.pt", hook="blocks.2.hook_mlp_out")
    torch.testing.assert_close(bank.W_dec, tensor(D, F).T)


def test_llama_scopes_file_is_its_folder(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "L3M-8x",
        {
            "hyperparams.json": {"hook_point_in": "blocks.3.hook_mlp_out",
                                 "hook_point_out": "blocks.3.hook_mlp_out"},
            "checkpoints/final.safetensors": {"decoder.weight": tensor(D, F)},
        },
    )  # fmt: skip
    by_file = only(folder / "checkpoints" / "final.safetensors")
    assert by_file.origin["format"] == "llama-scope"
    assert (by_file.hook, by_file.digest) == ("blocks.3.hook_mlp_out", only(folder).digest)


# --- what stands above proves nothing ---


def test_a_layer_above_the_repository(tmp_path: Path, gemma: str) -> None:
    path = "layer_5_study/gemma-scope-2b-pt-att/layer_2/width_16k/average_l0_9"
    file = tmp_path / path / "params.npz"
    file.parent.mkdir(parents=True)
    np.savez(file, W_dec=tensor(F, 6).numpy())
    bank = only(file.parent, model=gemma)
    assert (bank.layer, bank.hook) == (2, "blocks.2.attn.hook_z")
    assert bank.origin["steps"][0] == "@ W_O of layer 2"


def dictionary(folder: Path, **trainer: Any) -> Path:
    config = {"trainer": {"dict_class": "AutoEncoder", **trainer}}
    return write(folder, {"config.json": config, "ae.pt": {"decoder.weight": tensor(D, F)}})


def test_a_submodule_above_the_folder(tmp_path: Path) -> None:
    folder = dictionary(tmp_path / "mlp_out_layer_6_runs/resid_post_layer_2/trainer_0", layer=2)
    assert only(folder).hook == "blocks.2.hook_resid_post"
    assert only(dictionary(tmp_path / "resid_post_layer_3")).layer == 3


def test_a_name_against_the_config(tmp_path: Path) -> None:
    folder = dictionary(tmp_path / "resid_post_layer_2/trainer_0", layer=7)
    with pytest.raises(
        FormatError, match=r"by its name it is of layer 2, but by config\.json .* 7"
    ):
        load_features(folder)


def test_an_at_sign_in_a_local_path(tmp_path: Path, gemma: str) -> None:
    folder = write(
        tmp_path / "layers.3.mlp@lab" / "layers.5.mlp",
        {"cfg.json": {"d_in": D, "k": 4}, "sae.safetensors": {"W_dec": tensor(F, D)}},
    )
    bank = only(folder, model=gemma)
    assert bank.hook == "layers.5.mlp"
    expected = tensor(F, D) * gamma(gemma, "5.post_feedforward_layernorm")
    torch.testing.assert_close(bank.W_dec, expected)


@pytest.mark.parametrize(
    "hook",
    ["model.encoder.layers.0", "encoder.block.3", "model.visual.blocks.3.mlp",
     "model.vision_tower.vision_model.encoder.layers.3"],
)  # fmt: skip
def test_another_towers_stream(tmp_path: Path, hook: str) -> None:
    folder = saelens(tmp_path, {"W_dec": tensor(F, D)}, hook_name=hook)
    with pytest.raises(FormatError, match="not the stream that the unembedding reads"):
        load_features(folder)


def test_a_model_that_normalises_the_stream_itself(tmp_path: Path) -> None:
    config = {"model_type": "openai-gpt", "n_layer": 4, "n_head": 2}
    model = write(
        tmp_path / "model",
        {"config.json": config, "model.safetensors": {"tokens_embed.weight": tensor(7, D)}},
    )
    folder = saelens(tmp_path / "sae", {"W_dec": tensor(F, D)})
    assert only(folder).layer == 3
    with pytest.raises(SourceError, match="normalises the residual stream itself"):
        load_features(folder, model=model)


# --- --hook, parts and shapes ---


def test_a_hook_nobody_knows_can_be_said(tmp_path: Path) -> None:
    folder = saelens(tmp_path, {"W_dec": tensor(F, D)}, hook_name="residual_3")
    with pytest.raises(FormatError, match=r"'residual_3' is not known.*--hook"):
        load_features(folder)
    assert only(folder, hook="blocks.3.hook_resid_post").layer == 3


def test_a_hook_that_is_known_cannot_be_talked_away(tmp_path: Path) -> None:
    folder = saelens(tmp_path, {"W_dec": tensor(F, D)}, hook_name="blocks.3.attn.hook_q")
    with pytest.raises(FormatError, match="not written to the residual stream"):
        load_features(folder, hook="blocks.3.hook_resid_post")


def test_a_part_is_still_a_published_name() -> None:
    assert is_published("mntss-gemma-2-2b-2.5m-clt-as-per-layer/layer_0:sum")
    assert is_published("x=mntss-gemma-2-2b-2.5m-clt-as-per-layer/layer_0:5->9")


def test_an_encoders_bias_turns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sae.safetensors"
    save_file({"W_dec": tensor(F, D), "W_enc": tensor(D, F), "bias": torch.zeros(F)}, path)
    assert only(path).W_dec.shape == (F, D)


@pytest.mark.parametrize("hooks", [["blocks.0.hook_resid_post"], ["blocks.0.hook_resid_post"] * 3])
def test_a_crosscoder_of_more_or_fewer_places(tmp_path: Path, hooks: list[str]) -> None:
    files = {"config.json": {"sae_type": "crosscoder", "hook_points": hooks},
             "sae_weights.safetensors": {"W_D": tensor(2, F, D)}}  # fmt: skip
    with pytest.raises(FormatError, match=rf"names {len(hooks)} hook_points"):
        load_features(write(tmp_path, files))


def test_several_banks_in_a_folder(tmp_path: Path) -> None:
    tensors = {"W_enc": tensor(F, D), "W_dec": tensor(F, D)}
    write(tmp_path, {f"layer_{at}.safetensors": tensors for at in range(3)})
    with pytest.raises(FormatError, match=r"holds 3 banks: .*layer_\{0-11\}"):
        load_features(tmp_path)


@pytest.mark.parametrize(
    "files",
    [
        {"cfg.json": {"hook_name": ["blocks.3"]},
         "sae_weights.safetensors": {"W_dec": tensor(2, 2)}},
        {"config.json": {"trainer": None}, "ae.pt": {"W_dec": tensor(2, 2)}},
        {"config.json": {"trainer": {}, "buffer": []}, "ae.pt": {"W_dec": tensor(2, 2)}},
        {"config.json": {"hf_hook_point_in": 5}, "params.safetensors": {"w_dec": tensor(2, 2)}},
        {"config.json": {"sae_type": "crosscoder", "hook_points": None},
         "sae_weights.safetensors": {"W_D": tensor(1, 2, 2)}},
        {"cfg.json": {"hook_point": 5}, "cc_weights.pt": {"W_dec": tensor(2, 2, 2)}},
        {"conf.yaml": [], "latest_ckpt.safetensors": {"D": tensor(2, 2)}},
    ],
    ids=lambda files: next(iter(files)),
)  # fmt: skip
def test_settings_of_another_kind(tmp_path: Path, files: dict[str, Any]) -> None:
    with pytest.raises((FormatError, SourceError, UnembedError)):
        load_features(write(tmp_path, files))
