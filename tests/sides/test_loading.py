"""Both sides of features from files: named alike, read alone, and found again by a finished run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save, save_file
from typer.testing import CliRunner

import unembed
from tests.load.layouts import spy_on_reads, tensor
from tests.load.tiny_models import D_MODEL, tiny_gpt2
from unembed import Run, load_features, load_unembedding
from unembed.cli import app
from unembed.errors import SourceError, UnembedError

D_FF, F = 10, 12


@pytest.fixture
def gpt2(tmp_path: Path) -> Path:
    """GPT-2's layout, with what its MLPs read with."""
    files = tiny_gpt2()
    tensors = load(files["model.safetensors"])
    for layer in (0, 1):
        tensors[f"h.{layer}.mlp.c_fc.weight"] = tensor(D_MODEL, D_FF, seed=layer)
        tensors[f"h.{layer}.mlp.c_proj.weight"] = tensor(D_FF, D_MODEL, seed=9 + layer)
        tensors[f"h.{layer}.ln_2.weight"] = 1 + tensor(D_MODEL, seed=20 + layer)
        tensors[f"h.{layer}.ln_2.bias"] = tensor(D_MODEL, seed=30)
        tensors[f"h.{layer}.attn.c_proj.weight"] = tensor(D_MODEL, D_MODEL, seed=40)
    config = json.loads(files["config.json"]) | {"n_head": 4}
    files |= {"model.safetensors": save(tensors), "config.json": json.dumps(config).encode()}
    folder = tmp_path / "gpt2"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def sae(folder: Path, **config: object) -> Path:
    folder.mkdir()
    fields = {"hook_name": "blocks.1.hook_resid_pre", "d_sae": F, **config}
    (folder / "cfg.json").write_text(json.dumps(fields))
    tensors = {"W_dec": tensor(F, D_MODEL), "W_enc": tensor(D_MODEL, F, seed=1),
               "b_dec": tensor(D_MODEL, seed=2), "b_enc": tensor(F, seed=3)}  # fmt: skip
    save_file(tensors, folder / "sae_weights.safetensors")
    return folder


def expected_rows(gpt2: Path, layer: int) -> torch.Tensor:
    """What a neuron's pre-activation does to the stream, by its derivative in float64.

    With n(h) = γ (h − mean h) / σ and σ held: the division is one number a token.
    """
    tensors = load((gpt2 / "model.safetensors").read_bytes())
    gamma = tensors[f"h.{layer}.ln_2.weight"].double()
    rows = tensors[f"h.{layer}.mlp.c_fc.weight"].double().T
    stream = torch.zeros(D_MODEL, dtype=torch.float64, requires_grad=True)

    def read(h: torch.Tensor) -> torch.Tensor:
        return rows @ (gamma * (h - h.mean()))

    found: torch.Tensor = torch.autograd.functional.jacobian(read, stream)
    return found


def test_both_sides_of_neurons(gpt2: Path) -> None:
    banks = load_features("mlp:0-1", model=gpt2, side="both")
    assert [bank.name for bank in banks] == ["mlp.0", "mlp.1", "mlp.0.in", "mlp.1.in"]
    for layer in (0, 1):
        read = banks[2 + layer]
        assert read.reads is not None
        assert (read.reads.part, read.reads.bank, read.layer) == ("in", f"mlp.{layer}", layer)
        np.testing.assert_allclose(read.W_dec.numpy(), expected_rows(gpt2, layer), atol=1e-6)
    (alone,) = load_features("mlp:1", model=gpt2, side="read")
    assert alone.name == "mlp.1.in"
    assert alone.digest == banks[3].digest


def test_names_follow_those_of_what_is_written(gpt2: Path, tmp_path: Path) -> None:
    folder = sae(tmp_path / "sae")
    assert [bank.name for bank in load_features(f"x={folder}", side="both")] == ["x", "x.encoder"]
    (read,) = load_features(f"x={folder}", side="read")
    assert read.reads is not None
    assert (read.name, read.reads.bank) == ("x.encoder", "x")
    names = [bank.name for bank in load_features("n=mlp:0-1", model=gpt2, side="read")]
    assert names == ["n.0.in", "n.1.in"]
    both = [f"{sae(tmp_path / name)}" for name in ("left", "right")]
    assert [bank.name for bank in load_features(both, side="read")] == [
        "sae.1.left.encoder", "sae.1.right.encoder",
    ]  # fmt: skip


def test_a_side_that_is_not_asked_for_is_not_read(
    gpt2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = sae(tmp_path / "sae")
    read = spy_on_reads(monkeypatch)
    load_features(str(folder), side="read")
    assert not [name for name in read if "W_dec" in name]
    read.clear()
    load_features(["mlp:0"], model=gpt2)
    load_features(str(folder))
    load_unembedding(gpt2)
    assert not [name for name in read if "W_enc" in name or "c_fc" in name]


def test_the_embedding_is_the_models_own(gpt2: Path) -> None:
    prepared = load_unembedding(gpt2, embedding=True)
    assert prepared.embedding is not None
    rows = load((gpt2 / "model.safetensors").read_bytes())["wte.weight"].double()
    rows = rows[torch.from_numpy(prepared.token_ids)]
    np.testing.assert_allclose(prepared.embedding.W_U, rows - rows.mean(0), atol=1e-5)
    assert prepared.embedding.preparation["origin"]["matrix"] == "embedding"
    assert load_unembedding(gpt2).embedding is None
    assert load_unembedding(gpt2).digest == prepared.digest


def test_a_finished_run_finds_both_matrices_again(gpt2: Path, tmp_path: Path) -> None:
    folder, out = sae(tmp_path / "sae"), tmp_path / "run"
    said = ["run", str(gpt2), "mlp:1", str(folder), "--side", "both", "--sets", "none"]
    ended = CliRunner().invoke(app, [*said, "-o", str(out)])
    assert ended.exit_code == 0, ended.output
    run = Run.open(out)
    assert run.banks == ["mlp.1", "sae.1", "mlp.1.in", "sae.1.encoder"]
    prepared = load_unembedding(gpt2, embedding=True)
    assert prepared.embedding is not None
    banks = {bank.name: bank for bank in load_features(
        ["mlp:1", str(folder)], model=gpt2, side="both")}  # fmt: skip
    for name in run.banks:
        against = prepared.embedding if banks[name].reads else prepared
        weights = unembed.questions.logit_weights(run, f"{name}/3").weights
        expected = against.W_U.double() @ banks[name].W_dec[3].double()
        np.testing.assert_allclose(weights, expected.numpy(), atol=1e-4)
    assert run.manifest.bank("mlp.1.in").steps[0].startswith("⊙ h.1.ln_2.weight")
    tensors = load((gpt2 / "model.safetensors").read_bytes())
    tensors["h.1.mlp.c_fc.weight"] *= 2
    save_file(tensors, gpt2 / "model.safetensors")
    with pytest.raises(SourceError, match="not what it was"):
        unembed.questions.logit_weights(Run.open(out), "mlp.1.in/3")


def test_what_has_no_other_side_is_refused(gpt2: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((3, D_MODEL), np.float32))
    with pytest.raises(UnembedError, match="read is not known"):
        load_features(str(tmp_path / "v.npy"), side="read")
    with pytest.raises(SourceError, match="has nothing that reads"):
        load_features("head:0", model=gpt2, side="both")
    written = sae(tmp_path / "mlp_out", hook_name="blocks.1.hook_mlp_out")
    with pytest.raises(UnembedError, match=r"mlp_out.*what the MLP adds"):
        load_features(str(written), side="both")
    with pytest.raises(UnembedError, match="write, read or both, not 'out'"):
        load_features("mlp:0", model=gpt2, side="out")  # type: ignore[arg-type]


def test_a_layer_lens_is_of_what_is_written(gpt2: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    said = ["run", str(gpt2), "mlp:0", "--side", "read", "--lens", "jacobian", "-o", out]
    ended = CliRunner().invoke(app, said)
    assert ended.exit_code == 2
    assert "do not go together" in ended.output
    assert not Path(out).exists()
