"""The bank of what features read beside the one that they write: `Source.reads`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.load.formats.test_traps import write
from tests.load.layouts import spy_on_reads, tensor
from tests.load.stream.test_reads import Norm, Tiny
from unembed import Features
from unembed.errors import FormatError, ShapeError, WeightError
from unembed.facts import ReadFacts
from unembed.load.banks import Asked
from unembed.load.names import Source
from unembed.load.sources import sources_named

F, D = 20, 8
RESIDUAL = "blocks.3.hook_resid_post"


def sources(path: Path | str, model: Any = None, hook: str | None = None) -> list[Source]:
    d_model = None if model is None else lambda: D
    return sources_named(str(path), Asked(None if model is None else lambda: model, hook, d_model))


def read(path: Path | str, model: Any = None, hook: str | None = None) -> Features:
    (source,) = sources(path, model, hook)
    assert source.reads is not None
    (found,) = source.reads()
    return found


class Model(Tiny):
    n_layers = 30
    origin = {"path": "/models/tiny"}  # noqa: RUF012


def saelens(folder: Path, **config: Any) -> Path:
    tensors = {
        "W_dec": tensor(F, D), "W_enc": tensor(D, F, seed=1), "b_dec": tensor(D, seed=2),
        "b_enc": tensor(F, seed=3),
    }  # fmt: skip
    fields = {"hook_name": RESIDUAL, "d_sae": F, **config}
    return write(folder, {"cfg.json": fields, "sae_weights.safetensors": tensors})


TRANSCODER = {
    "architecture": "transcoder", "hook_name": "blocks.3.mlp.hook_in",
    "hook_name_out": "blocks.3.hook_mlp_out",
}  # fmt: skip
ROWS = tensor(D, F, seed=1).T.numpy()


def centred(rows: np.ndarray) -> np.ndarray:
    return rows - rows.mean(1, keepdims=True)


# --- the bank ---


def test_the_bank_is_named_after_the_one_that_is_written(tmp_path: Path) -> None:
    folder = saelens(tmp_path, neuronpedia_id="gpt2-small/3-res-jb", model_name="gpt2-small")
    save_file({"sparsity": -tensor(F).abs()}, folder / "sparsity.safetensors")
    (source,) = sources(folder)
    written, found = source.read(), read(folder)
    assert (written.name, found.name) == ("sae.3", "sae.3.encoder")
    assert found.reads == ReadFacts("encoder", "sae.3", [])
    assert found.origin == written.origin
    assert (found.hook, found.layer) == (RESIDUAL, 3)
    assert found.neuronpedia == "gpt2-small/3-res-jb"
    np.testing.assert_array_equal(found.indices, written.indices)
    np.testing.assert_array_equal(found.log10_density, written.log10_density)
    np.testing.assert_array_equal(found.W_dec.numpy(), ROWS)


def test_a_transcoder_reads_elsewhere(tmp_path: Path) -> None:
    model = Model("layernorm")
    found = read(saelens(tmp_path, **TRANSCODER), model)
    assert (found.name, found.hook, found.layer) == (
        "transcoder.3.encoder",
        TRANSCODER["hook_name"],
        3,
    )
    np.testing.assert_allclose(
        found.W_dec.numpy(), centred(ROWS * model.norm.gamma.numpy()), atol=1e-6
    )
    assert found.origin["steps"] == ["⊙ norm.weight"]
    assert found.origin["through"] == model.origin
    assert model.asked == [3]


def test_a_slice_of_a_cross_layer_transcoder_reads_its_own_layer(tmp_path: Path) -> None:
    files = {
        "W_dec_1.safetensors": {"W_dec_1": tensor(F, 3, D)},
        "W_enc_1.safetensors": {"W_enc_1": tensor(F, D, seed=1), "b_enc_1": tensor(F)},
        "config.yaml": {"feature_input_hook": "hook_resid_mid", "model_name": "gemma-2-2b"},
    }
    folder = write(tmp_path, files)
    found = [bank for each in sources(folder) if each.reads for bank in each.reads()]
    assert [each.name for each in found] == [
        "clt.1→1.encoder",
        "clt.1→2.encoder",
        "clt.1→3.encoder",
    ]
    assert {(each.hook, each.layer) for each in found} == {("blocks.1.hook_resid_mid", 1)}
    for each in found:
        np.testing.assert_array_equal(each.W_dec.numpy(), tensor(F, D, seed=1).numpy())
    assert [each.origin["part"] for each in found] == ["1→1", "1→2", "1→3"]


def test_each_side_reads_its_own_matrix_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = sources(saelens(tmp_path))
    tensors = spy_on_reads(monkeypatch)
    assert source.reads is not None
    source.reads()
    assert {name for name in tensors if "W_" in name} == {"W_enc"}
    tensors.clear()
    source.read()
    assert {name for name in tensors if "W_" in name} == {"W_dec"}


def test_nothing_is_read_where_it_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = sources(saelens(tmp_path, hook_name="blocks.3.hook_mlp_out"))
    tensors = spy_on_reads(monkeypatch)
    assert source.reads is not None
    with pytest.raises(FormatError, match="what the MLP adds"):
        source.reads()
    assert tensors == []


def test_a_hook_that_its_user_says(tmp_path: Path) -> None:
    folder = saelens(tmp_path, hook_name=None)
    with pytest.raises(FormatError, match="--hook"):
        read(folder)
    assert read(folder, hook="blocks.5.hook_resid_pre").layer == 5


def test_a_model_that_is_named_is_held_against_it(tmp_path: Path) -> None:
    model = Model()
    model.d_model = 12
    with pytest.raises(ShapeError, match="8 wide, but the residual stream of tiny is 12"):
        read(saelens(tmp_path), model)


# --- SAELens ---


@pytest.mark.parametrize("normalize", ["none", "expected_average_only_in", None, False, True])
def test_scales_are_left_out(tmp_path: Path, normalize: Any) -> None:
    found = read(saelens(tmp_path, normalize_activations=normalize))
    np.testing.assert_array_equal(found.W_dec.numpy(), ROWS)


def test_a_layernorm_takes_the_mean_out(tmp_path: Path) -> None:
    found = read(saelens(tmp_path, normalize_activations="layer_norm"))
    np.testing.assert_allclose(found.W_dec.numpy(), centred(ROWS), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "right"), [("layernorm", centred(ROWS)), ("rmsnorm", ROWS)], ids=str
)
def test_a_centred_stream(tmp_path: Path, kind: str, right: np.ndarray) -> None:
    kwargs = {"model_from_pretrained_kwargs": {"center_writing_weights": True}}
    folder = saelens(tmp_path, metadata=kwargs)
    np.testing.assert_allclose(read(folder, Model(kind)).W_dec.numpy(), right, atol=1e-6)
    with pytest.raises(FormatError, match="say which model"):
        read(folder)


@pytest.mark.parametrize("folded", [True, False])
def test_a_folded_norm(tmp_path: Path, folded: bool) -> None:
    kwargs = {"model_from_pretrained_kwargs": {"fold_ln": folded}}
    model = Model("rmsnorm")
    for hook in ("blocks.3.mlp.hook_in", "blocks.3.ln2.hook_normalized"):
        metadata = {**kwargs, "hook_name": hook, "hook_name_out": "blocks.3.hook_mlp_out"}
        config = {"architecture": "transcoder", "metadata": metadata}
        found = read(saelens(tmp_path, **config), model)
        before = folded or "ln2" in hook
        right = ROWS if before else ROWS * model.norm.gamma.numpy()
        np.testing.assert_allclose(found.W_dec.numpy(), right, atol=1e-6)


def test_hook_mlp_in_is_what_hugging_face_calls_it(tmp_path: Path) -> None:
    """So SAELens saves the transcoders of Gemma Scope 2, which read behind the norm."""
    inside = "model.layers.3.pre_feedforward_layernorm.output"
    metadata = {
        "hook_name": "blocks.3.hook_mlp_in", "hook_name_out": "blocks.3.hook_mlp_out",
        "hf_hook_name": inside,
    }  # fmt: skip
    model = Model()
    found = read(saelens(tmp_path, architecture="jumprelu_transcoder", metadata=metadata), model)
    assert found.hook == inside
    np.testing.assert_allclose(found.W_dec.numpy(), ROWS * model.norm.gamma.numpy(), atol=1e-6)
    del metadata["hf_hook_name"]
    found = read(saelens(tmp_path, architecture="jumprelu_transcoder", metadata=metadata), model)
    np.testing.assert_array_equal(found.W_dec.numpy(), ROWS)


WHY = {
    "temporal": ({"architecture": "temporal"}, "attention over the tokens"),
    "matching pursuit": ({"architecture": "matching_pursuit"}, "matching pursuit"),
    "unknown": ({"architecture": "of_my_own"}, "architecture 'of_my_own' encodes is not known"),
    "normalised": ({"normalize_activations": "my_way"}, "normalize_activations: my_way"),
    "half a transcoder": ({"architecture": "transcoder"}, "what it reads and writes"),
    "no input": (
        {"hook_name": None, "hook_name_out": "blocks.3.hook_mlp_out", "architecture": "transcoder"},
        "what it reads and writes",
    ),
    "no flag": ({"model_from_pretrained_kwargs": {"fold_ln": "false"}}, "fold_ln"),
}


@pytest.mark.parametrize("name", WHY)
def test_what_is_not_understood_is_said_and_the_other_side_is_read(
    tmp_path: Path, name: str
) -> None:
    config, why = WHY[name]
    (source,) = sources(saelens(tmp_path, **config))
    assert source.reads is not None
    with pytest.raises(FormatError, match=rf"What the features of .* read is not known: .*{why}"):
        source.reads()
    assert len(source.read()) == F


# --- encoders that are not there, or are another's ---


def test_no_encoder(tmp_path: Path) -> None:
    folder = saelens(tmp_path)
    save_file({"W_dec": tensor(F, D)}, folder / "sae_weights.safetensors")
    with pytest.raises(FormatError, match=r"has no encoder W_enc.*It holds: W_dec"):
        read(folder)
    assert len(sources(folder)[0].read()) == F


def test_another_number_of_features(tmp_path: Path) -> None:
    folder = saelens(tmp_path)
    tensors = {"W_dec": tensor(F, D), "W_enc": tensor(D, F + 1)}
    save_file(tensors, folder / "sae_weights.safetensors")
    with pytest.raises(FormatError, match=r"\[8, 21\], but the decoder has 20 features"):
        read(folder)


def test_an_encoder_that_is_turned(tmp_path: Path) -> None:
    """The number of features tells, where the axes differ."""
    folder = saelens(tmp_path)
    save_file({"W_dec": tensor(F, D), "W_enc": tensor(F, D, seed=4)}, folder / WEIGHTS)
    np.testing.assert_array_equal(read(folder).W_dec.numpy(), tensor(F, D, seed=4).numpy())


WEIGHTS = "sae_weights.safetensors"


def test_an_encoder_of_int8(tmp_path: Path) -> None:
    folder = saelens(tmp_path)
    tensors = {"W_dec": tensor(F, D), "W_enc": (tensor(D, F) * 9).to(torch.int8)}
    save_file(tensors, folder / WEIGHTS)
    with pytest.raises(FormatError, match=r"W_enc, holds int8 without scales"):
        read(folder)


def test_an_encoder_with_nan(tmp_path: Path) -> None:
    folder, W_enc = saelens(tmp_path), tensor(D, F)
    W_enc[2, 7] = torch.nan
    save_file({"W_dec": tensor(F, D), "W_enc": W_enc}, folder / WEIGHTS)
    with pytest.raises(WeightError, match=r"sae\.3\.encoder.*sae\.3\.encoder/7"):
        read(folder)


# --- other formats ---


def circuit(folder: Path, config: dict[str, Any] | None, **tensors: torch.Tensor) -> Path:
    found = {"W_dec": tensor(F, D), "W_enc": tensor(F, D, seed=1), **tensors}
    files = {"layer_3.safetensors": found, **({"config.yaml": config} if config else {})}
    return write(folder, files)


def test_a_transcoder_that_does_not_say_what_it_reads(tmp_path: Path) -> None:
    config = {"feature_output_hook": "hook_mlp_out"}
    folder = circuit(tmp_path, config, b_enc=tensor(F))
    with pytest.raises(FormatError, match=r"does not say what it reads \(feature_input_hook\)"):
        read(folder, Model())


def test_features_told_by_the_biases(tmp_path: Path) -> None:
    """W_dec [d, F] beside W_enc [F, d], as some trainers write them."""
    config = {"feature_input_hook": "hook_resid_mid", "feature_output_hook": "hook_mlp_out"}
    for biases in ({"b_enc": tensor(F)}, {"b_dec": tensor(D)}):
        folder = circuit(tmp_path, config, W_dec=tensor(D, F), **biases)
        np.testing.assert_array_equal(read(folder).W_dec.numpy(), tensor(F, D, seed=1).numpy())
    with pytest.raises(FormatError, match="neither b_enc nor b_dec"):
        read(circuit(tmp_path, config, W_dec=tensor(D, F)))


def dictionary(folder: Path, buffer: dict[str, Any] | None = None, **trainer: Any) -> Path:
    config = {"trainer": {"dict_class": "AutoEncoder", **trainer}, "buffer": buffer or {}}
    tensors = {"decoder.weight": tensor(D, F), "encoder.weight": tensor(F, D, seed=1)}
    return write(folder, {"config.json": config, "ae.pt": tensors})


def test_a_dictionary_of_a_modules_two_ends(tmp_path: Path) -> None:
    model = Model()
    ends = {"io": "in_and_out"}
    for submodule in ("model.layers.2.mlp", "model.layers.2.mlp.output"):
        found = read(dictionary(tmp_path, ends, submodule_name=submodule, layer=2), model)
        assert found.hook == "model.layers.2.mlp.input"
    right = tensor(F, D, seed=1) * model.norm.gamma
    np.testing.assert_allclose(found.W_dec.numpy(), right.numpy(), atol=1e-6)
    unclear = dictionary(tmp_path, ends, submodule_name="resid_post_layer_2", layer=2)
    with pytest.raises(FormatError, match="names no module that it reads"):
        read(unclear, model)


def test_a_class_of_dictionaries_that_is_not_known(tmp_path: Path) -> None:
    folder = dictionary(tmp_path, dict_class="SwitchSAE", submodule_name="resid_post_layer_2")
    with pytest.raises(FormatError, match="how the class 'SwitchSAE' encodes is not known"):
        read(folder)


def test_a_crosscoder_that_reads_fewer_layers(tmp_path: Path) -> None:
    tensors = {"decoder.weight": tensor(3, F, D), "encoder.weight": tensor(2, D, F)}
    config = {"trainer": {"dict_class": "CrossCoder", "submodule_name": "model.layers.2"}}
    for source in sources(write(tmp_path, {"config.json": config, "ae.pt": tensors})):
        assert source.reads is not None
        with pytest.raises(FormatError, match="not read as many layers as it writes to"):
            source.reads()


@pytest.mark.parametrize(
    ("activation", "is_centred"), [("TopK", True), ("ReLU", False), (None, False)]
)
def test_openais_normalise_where_they_are_topk(
    tmp_path: Path, activation: str | None, is_centred: bool
) -> None:
    content = {
        "encoder.weight": tensor(F, D, seed=1), "decoder.weight": tensor(D, F),
        "latent_bias": tensor(F), "pre_bias": tensor(D),
        **({"activation": activation} if activation else {}),
    }  # fmt: skip
    folder = write(tmp_path, {"resid_post_mlp_v5_32k/autoencoders/7.pt": content})
    found = read(folder / "resid_post_mlp_v5_32k/autoencoders/7.pt")
    rows = tensor(F, D, seed=1).numpy()
    right = centred(rows) if is_centred else rows
    np.testing.assert_allclose(found.W_dec.numpy(), right, atol=1e-6)


def test_one_of_openais_in_another_container(tmp_path: Path) -> None:
    content = {
        "encoder.weight": tensor(F, D), "decoder.weight": tensor(D, F),
        "latent_bias": tensor(F), "pre_bias": tensor(D),
    }  # fmt: skip
    folder = write(tmp_path, {"resid_post_mlp/autoencoders/7.safetensors": content})
    path = folder / "resid_post_mlp/autoencoders/7.safetensors"
    with pytest.raises(FormatError, match="does not say its activation"):
        read(path, hook="blocks.7.hook_resid_post")


def test_a_tied_dictionary_reads_what_it_writes(tmp_path: Path) -> None:
    name = "Llama-SAE-l9.pt"
    torch.save({"W": tensor(D, F), "b_dec": tensor(D)}, tmp_path / name)
    (source,) = sources(tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / name).W_dec.numpy(), source.read().W_dec.numpy())


@pytest.mark.parametrize(
    ("config", "why"),
    [({"use_glu_encoder": True}, "gated linear unit"), ({"sae_type": "molecule"}, "molecule"),
     ({"norm_activation": "my-way"}, "norm_activation: my-way")],
)  # fmt: skip
def test_openmoss_that_is_no_direction(tmp_path: Path, config: dict[str, Any], why: str) -> None:
    fields = {"sae_type": "sae", "hook_point_in": RESIDUAL, "hook_point_out": RESIDUAL, **config}
    tensors = {"W_D": tensor(F, D), "W_E": tensor(D, F), "W_E_glu": tensor(D, F)}
    folder = write(tmp_path, {"config.json": fields, "sae_weights.safetensors": tensors})
    with pytest.raises(FormatError, match=why):
        read(folder)


def test_gemma_scope_2_of_another_layer_than_its_config(tmp_path: Path) -> None:
    files = {
        "params.safetensors": {"w_dec": tensor(F, D), "w_enc": tensor(D, F)},
        "config.json": {"hf_hook_point_in": "model.layers.5.pre_feedforward_layernorm.output",
                        "hf_hook_point_out": "model.layers.4.post_feedforward_layernorm.output"},
    }  # fmt: skip
    path = tmp_path / "gemma-scope-2-1b-pt/transcoder/layer_4_width_16k_l0_big"
    with pytest.raises(FormatError, match=r"of layer 4, but config\.json .* model\.layers\.5"):
        read(write(path, files), Model())


def test_a_sparse_coder_of_a_folder_that_names_no_module(tmp_path: Path) -> None:
    tensors = {"W_dec": tensor(F, D), "encoder.weight": tensor(F, D)}
    config = {"d_in": D, "k": 4, "transcode": True}
    folder = write(tmp_path / "mine", {"cfg.json": config, "sae.safetensors": tensors})
    with pytest.raises(FormatError, match="not named after a module"):
        read(folder, Model(), hook="blocks.3.hook_mlp_out")
    config["transcode"] = False
    (folder / "cfg.json").write_text(json.dumps(config))
    assert read(folder, Model(), hook=RESIDUAL).layer == 3


def test_a_norm_by_hand() -> None:
    """So that what stands in for a model here is a norm."""
    norm = Norm("layernorm", torch.tensor([1.0, 3.0]))
    assert norm.read_by(torch.tensor([[2.0, 2.0]])).tolist() == [[-2.0, 2.0]]
