"""What GGUF files read; tests/oracle/test_gguf_reading.py holds architectures against folders."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.load.test_gguf import D_FF, D_MODEL, Arrays, array, equal, tied, write
from unembed.errors import FormatError, SourceError
from unembed.load import load_model
from unembed.load.models.model import Model


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny.gguf"


def whole() -> Arrays:
    """A model with all that an MLP in layer 1 may read."""
    return tied() | {
        "blk.1.ffn_gate.weight": array(D_FF, D_MODEL, seed=21),
        "blk.1.attn_norm.weight": array(D_MODEL, seed=22),
        "blk.1.ffn_norm.weight": array(D_MODEL, seed=23),
        "blk.1.post_attention_norm.weight": array(D_MODEL, seed=24),
    }


def without(*endings: str) -> Arrays:
    return {name: a for name, a in whole().items() if not name.endswith(endings)}


def of(path: Path, architecture: str, tensors: Arrays) -> Model:
    return load_model(write(path, tensors, architecture=architecture))


def test_gate_up_and_norm(path: Path) -> None:
    model = of(path, "llama", whole())
    matrices, norm = model.mlp_in(1), model.before_mlp(1)
    assert matrices.gate is not None
    assert equal(matrices.gate, whole()["blk.1.ffn_gate.weight"])
    assert equal(matrices.up, whole()["blk.1.ffn_up.weight"])
    assert (norm.kind, norm.step) == ("rmsnorm", "⊙ blk.1.ffn_norm.weight")
    assert equal(norm.read_by(matrices.up),
                 whole()["blk.1.ffn_up.weight"] * whole()["blk.1.ffn_norm.weight"])  # fmt: skip


@pytest.mark.parametrize(
    ("architecture", "norm"),
    [
        ("gemma2", "ffn_norm"), ("glm4", "ffn_norm"), ("gptneox", "ffn_norm"),
        ("phi2", "attn_norm"), ("falcon", "attn_norm"), ("command-r", "attn_norm"),
        ("plamo", "attn_norm"), ("gpt-oss", "post_attention_norm"),
        ("seed_oss", "post_attention_norm"), ("qwen35", "post_attention_norm"),
    ],
)  # fmt: skip
def test_which_norm_is_read(path: Path, architecture: str, norm: str) -> None:
    found = of(path, architecture, whole()).before_mlp(1)
    assert found.gamma is not None
    assert equal(found.gamma, whole()[f"blk.1.{norm}.weight"])
    assert found.step.startswith(f"⊙ blk.1.{norm}.weight")


@pytest.mark.parametrize("architecture", ["olmo2", "exaone4"])
def test_the_stream_itself(path: Path, architecture: str) -> None:
    norm = of(path, architecture, whole()).before_mlp(1)
    assert norm == ("none", None, "")


def test_a_norm_without_parameters(path: Path) -> None:
    norm = of(path, "olmo", whole()).before_mlp(1)
    assert norm == ("layernorm", None, "− each row's mean over d_model")


def test_dbrx_reads_what_is_called_the_attentions_norm(path: Path) -> None:
    tensors = whole() | {"blk.1.attn_output_norm.weight": array(D_MODEL, seed=30)}
    norm = of(path, "dbrx", tensors).before_mlp(1)
    assert norm.kind == "layernorm"
    assert norm.gamma is not None
    assert equal(norm.gamma, tensors["blk.1.attn_output_norm.weight"])


@pytest.mark.parametrize(
    ("has_norm", "parallel", "expected"),
    [(True, 1, "ffn_norm"), (True, 0, "ffn_norm"), (True, None, "ffn_norm"), (False, 1, None)],
)
def test_stablelm(path: Path, has_norm: bool, parallel: int | None, expected: str | None) -> None:
    """llama.cpp reads a norm that is there, whatever the converter said."""
    tensors = whole() if has_norm else without("blk.1.ffn_norm.weight")
    write(path, tensors, architecture="stablelm", booleans=_flag(parallel))
    found = load_model(path).before_mlp(1)
    assert found.gamma is not None
    assert equal(found.gamma, whole()[f"blk.1.{expected or 'attn_norm'}.weight"])


def _flag(parallel: int | None) -> dict[str, bool]:
    return {} if parallel is None else {"use_parallel_residual": bool(parallel)}


@pytest.mark.parametrize(
    ("parallel", "message"),
    [(0, r"no tensor 'blk\.1\.ffn_norm\.weight'"), (None, r"no metadata 'stablelm\.use_parallel")],
)
def test_stablelm_whose_norm_is_missing(path: Path, parallel: int | None, message: str) -> None:
    tensors = without("blk.1.ffn_norm.weight")
    write(path, tensors, architecture="stablelm", booleans=_flag(parallel))
    with pytest.raises(FormatError, match=message):
        load_model(path).before_mlp(1)


@pytest.mark.parametrize("architecture", ["phi3", "glm4", "chatglm"])
def test_gate_and_up_in_one(path: Path, architecture: str) -> None:
    both = array(2 * D_FF, D_MODEL, seed=31)
    tensors = without("ffn_gate.weight") | {"blk.1.ffn_up.weight": both}
    matrices = of(path, architecture, tensors).mlp_in(1)
    assert matrices.gate is not None
    assert equal(matrices.gate, both[:D_FF])
    assert equal(matrices.up, both[D_FF:])


@pytest.mark.parametrize("architecture", ["gpt2", "phi2", "falcon", "nemotron", "apertus"])
def test_no_gate(path: Path, architecture: str) -> None:
    matrices = of(path, architecture, without("ffn_gate.weight")).mlp_in(1)
    assert matrices.gate is None
    assert equal(matrices.up, whole()["blk.1.ffn_up.weight"])


def test_experts_gates_and_ups_in_one(path: Path) -> None:
    both = array(3, 2 * D_FF, D_MODEL, seed=32)
    tensors = without("blk.1.ffn_down.weight") | {
        "blk.1.ffn_down_exps.weight": array(3, D_MODEL, D_FF, seed=33),
        "blk.1.ffn_gate_up_exps.weight": both,
    }
    matrices = of(path, "qwen3next", tensors).mlp_in(1, 2)
    assert matrices.gate is not None
    assert equal(matrices.gate, both[2, :D_FF])
    assert equal(matrices.up, both[2, D_FF:])
    tensors["blk.1.ffn_gate_exps.weight"] = array(3, D_FF, D_MODEL)
    with pytest.raises(FormatError, match=r"has blk\.1\.ffn_gate_exps\.weight beside "):
        of(path, "qwen3next", tensors).mlp_in(1, 2)


# --- what can be wrong ---


def test_a_gate_that_is_missing(path: Path) -> None:
    with pytest.raises(FormatError, match=r"no tensor 'blk\.1\.ffn_gate\.weight'"):
        of(path, "llama", without("ffn_gate.weight")).mlp_in(1)


@pytest.mark.parametrize("architecture", ["gpt2", "phi3"])
def test_a_gate_that_should_not_be_there(path: Path, architecture: str) -> None:
    with pytest.raises(FormatError, match=r"has blk\.1\.ffn_gate\.weight beside blk\.1\.ffn_up"):
        of(path, architecture, whole()).mlp_in(1)


@pytest.mark.parametrize("shape", [(D_FF, D_MODEL + 32), (2 * D_FF, D_MODEL), (D_MODEL, D_FF)])
def test_a_matrix_of_another_shape(path: Path, shape: tuple[int, int]) -> None:
    tensors = whole() | {"blk.1.ffn_up.weight": array(*shape)}
    with pytest.raises(FormatError, match=r"ffn_up\.weight has shape .* for 64 neurons"):
        of(path, "llama", tensors).mlp_in(1)


@pytest.mark.parametrize("architecture", ["opt", "wavelet"])
def test_an_architecture_whose_mlp_is_not_known(path: Path, architecture: str) -> None:
    """That its final norm is a LayerNorm its bias tells, and no more."""
    tensors = whole() | {"output_norm.bias": array(D_MODEL)}
    model = of(path, architecture, tensors)
    assert model.mlp_out(1).shape == (D_FF, D_MODEL)
    with pytest.raises(FormatError, match="What the neurons of MLPs read with is not known of "):
        model.mlp_in(1)
    with pytest.raises(FormatError, match="Which norm MLPs read the residual stream through is "):
        model.before_mlp(1)


def test_several_streams(path: Path) -> None:
    model = of(path, "gemma3n", whole())
    for question in (model.mlp_in, model.before_mlp):
        with pytest.raises(SourceError, match="reads cannot be followed: it keeps several streams"):
            question(1)


def test_a_layer_without_an_mlp(path: Path) -> None:
    tensors = without("blk.1.ffn_down.weight") | {"blk.1.ssm_out.weight": array(D_MODEL, D_MODEL)}
    model = of(path, "nemotron_h", tensors)
    for question in (model.mlp_in, model.before_mlp):
        with pytest.raises(SourceError, match=r"Layer 1 of tiny\.gguf has no MLP"):
            question(1)


def test_an_mlp_that_is_missing(path: Path) -> None:
    model = of(path, "llama", without("blk.1.ffn_down.weight"))
    for question in (model.mlp_in, model.before_mlp):
        with pytest.raises(FormatError, match=r"no tensor 'blk\.1\.ffn_down\.weight'"):
            question(1)


# --- the embedding ---


def test_the_embedding(path: Path) -> None:
    raw = of(path, "llama", whole()).embedding()
    assert raw.name == "token_embd.weight"
    assert equal(raw.W_E.read(1, 3), whole()["token_embd.weight"][1:3])
    assert raw[2:] == ("none", None, None)


def test_blooms_embedding_norm(path: Path) -> None:
    norm, bias = array(D_MODEL, seed=40), array(D_MODEL, seed=41)
    tensors = whole() | {"token_embd_norm.weight": norm, "token_embd_norm.bias": bias}
    raw = of(path, "bloom", tensors).embedding()
    assert raw.norm_kind == "layernorm"
    assert raw.norm_weight is not None
    assert raw.norm_bias is not None
    assert equal(raw.norm_weight, norm)
    assert equal(raw.norm_bias, bias)
    with pytest.raises(FormatError, match=r"no tensor 'token_embd_norm\.weight'"):
        of(path, "bloom", whole()).embedding()


def test_lfm2s_final_norm_is_no_embedding_norm(path: Path) -> None:
    """llama.cpp calls it so."""
    tensors = whole() | {"token_embd_norm.weight": array(D_MODEL, seed=40)}
    assert of(path, "lfm2", tensors).embedding().norm_kind == "none"


# --- the real file that the demo was made from ---


def test_smollm2(smollm2: Path) -> None:
    model = load_model(smollm2)
    matrices, norm = model.mlp_in(20), model.before_mlp(20)
    assert matrices.gate is not None
    assert matrices.gate.shape == matrices.up.shape == model.mlp_out(20).shape == (1_536, 576)
    assert (norm.kind, norm.step) == ("rmsnorm", "⊙ blk.20.ffn_norm.weight")
    assert torch.isfinite(norm.read_by(matrices.gate)).all()
    assert model.embedding().W_E.shape == (49_152, 576)
