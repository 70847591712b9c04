"""What folders of models read: gates, ups, norms and embeddings, held against their families' code.

Each family's MLP is written here as its own modelling code has it; tests/oracle holds those that
`transformers` has.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu, linear, relu, silu

from tests.load.layouts import (
    D_FF,
    D_MODEL,
    VOCAB,
    Tensors,
    llama_tensors,
    spy_on_reads,
    tensor,
    write_model,
)
from unembed.errors import FormatError, ShapeError, SourceError
from unembed.load import load_model
from unembed.load.models.model import Expert, Model, ReadNorm

Weights = Callable[[str], Tensor]


def rms(stream: Tensor, weight: Tensor | None = None) -> Tensor:
    normed = stream / stream.square().mean().sqrt()
    return normed if weight is None else normed * weight


def layer_norm(stream: Tensor, weight: Tensor) -> Tensor:
    centred = stream - stream.mean()
    return centred / centred.square().mean().sqrt() * weight


class Family(NamedTuple):
    """A family's MLP in layer 0, as its own code has it."""

    model_type: str
    at: str
    """What names of tensors in `shapes` begin with."""
    shapes: dict[str, tuple[int, ...]]
    put_out: Callable[[Weights, Tensor], Tensor]
    """What goes into the output matrix, by the residual stream."""
    activation: Callable[[Tensor], Tensor]
    embedding: str = "model.embed_tokens.weight"
    expert: Expert | None = None
    config: dict[str, Any] = {}  # noqa: RUF012 - read only
    file: str = "config.json"

    def tensors(self) -> Tensors:
        tensors = {
            self.at + name: tensor(*shape, seed=i)
            for i, (name, shape) in enumerate(self.shapes.items())
        }
        return tensors | {self.embedding: tensor(VOCAB, D_MODEL, seed=99)}


IN, OUT, NORM = (D_FF, D_MODEL), (D_MODEL, D_FF), (D_MODEL,)
FUSED = (2 * D_FF, D_MODEL)


def _qwen(w: Weights, h: Tensor) -> Tensor:
    x = rms(h, w("ln_2.weight"))
    return linear(x, w("mlp.w1.weight")) * silu(linear(x, w("mlp.w2.weight")))


def _internlm2(w: Weights, h: Tensor) -> Tensor:
    x = rms(h, w("ffn_norm.weight"))
    return silu(linear(x, w("feed_forward.w1.weight"))) * linear(x, w("feed_forward.w3.weight"))


def _llama(w: Weights, h: Tensor) -> Tensor:
    x = rms(h, w("post_attention_layernorm.weight"))
    return silu(linear(x, w("mlp.gate_proj.weight"))) * linear(x, w("mlp.up_proj.weight"))


def _deepseek(w: Weights, h: Tensor) -> Tensor:
    x = rms(h, w("post_attention_layernorm.weight"))
    gate, up = w("mlp.experts.1.gate_proj.weight"), w("mlp.experts.1.up_proj.weight")
    return silu(linear(x, gate)) * linear(x, up)


def _gpt2(w: Weights, h: Tensor) -> Tensor:
    return gelu(layer_norm(h, w("ln_2.weight")) @ w("mlp.c_fc.weight"))


def _phi(w: Weights, h: Tensor) -> Tensor:
    return gelu(linear(layer_norm(h, w("input_layernorm.weight")), w("mlp.fc1.weight")))


def _phi3(w: Weights, h: Tensor) -> Tensor:
    x = rms(h, w("post_attention_layernorm.weight"))
    gate, up = linear(x, w("mlp.gate_up_proj.weight")).chunk(2)
    return up * silu(gate)


def _olmo2(w: Weights, h: Tensor) -> Tensor:
    return silu(linear(h, w("mlp.gate_proj.weight"))) * linear(h, w("mlp.up_proj.weight"))


def _gemma2(w: Weights, h: Tensor) -> Tensor:
    x = rms(h, 1 + w("pre_feedforward_layernorm.weight"))
    return gelu(linear(x, w("mlp.gate_proj.weight"))) * linear(x, w("mlp.up_proj.weight"))


def _qwen3_vl_moe(w: Weights, h: Tensor) -> Tensor:
    x = rms(h, w("post_attention_layernorm.weight"))
    gate, up = (x @ w("mlp.experts.gate_up_proj")[1]).chunk(2)
    return silu(gate) * up


def _nemotron(w: Weights, h: Tensor) -> Tensor:
    x = layer_norm(h, 1 + w("post_attention_layernorm.weight"))
    return relu(linear(x, w("mlp.up_proj.weight"))).square()


LLAMA_MLP = {"mlp.gate_proj.weight": IN, "mlp.up_proj.weight": IN, "mlp.down_proj.weight": OUT}
POST_ATTENTION = {"post_attention_layernorm.weight": NORM}
W123 = {"w1.weight": IN, "w3.weight": IN, "w2.weight": OUT}

FAMILIES = {
    "qwen": Family(
        "qwen", "transformer.h.0.",
        {"ln_1.weight": NORM, "ln_2.weight": NORM, "mlp.w1.weight": IN, "mlp.w2.weight": IN,
         "mlp.c_proj.weight": OUT},
        _qwen, silu, embedding="transformer.wte.weight",
    ),
    "internlm2": Family(
        "internlm2", "model.layers.0.",
        {"attention_norm.weight": NORM, "ffn_norm.weight": NORM,
         **{f"feed_forward.{name}": shape for name, shape in W123.items()}},
        _internlm2, silu, embedding="model.tok_embeddings.weight",
    ),
    "params.json": Family(
        "", "layers.0.",
        {"attention_norm.weight": NORM, "ffn_norm.weight": NORM,
         **{f"feed_forward.{name}": shape for name, shape in W123.items()}},
        _internlm2, silu, embedding="tok_embeddings.weight", file="params.json",
    ),
    "minicpm": Family(
        "minicpm", "model.layers.0.",
        {**LLAMA_MLP, **POST_ATTENTION, "input_layernorm.weight": NORM}, _llama, silu,
    ),
    "deepseek": Family(
        "deepseek", "model.layers.0.",
        {**POST_ATTENTION, **{name.replace("mlp.", f"mlp.experts.{e}."): shape
                              for name, shape in LLAMA_MLP.items() for e in (0, 1)}},
        _deepseek, silu, expert=1,
    ),
    "gpt2": Family(
        "gpt2", "h.0.",
        {"ln_1.weight": NORM, "ln_2.weight": NORM, "ln_2.bias": NORM, "mlp.c_fc.weight": OUT,
         "mlp.c_fc.bias": (D_FF,), "mlp.c_proj.weight": IN},
        _gpt2, gelu, embedding="wte.weight",
    ),
    "phi": Family(
        "phi", "model.layers.0.",
        {"input_layernorm.weight": NORM, "mlp.fc1.weight": IN, "mlp.fc2.weight": OUT}, _phi, gelu,
    ),
    "phi3": Family(
        "phi3", "model.layers.0.",
        {**POST_ATTENTION, "input_layernorm.weight": NORM, "mlp.gate_up_proj.weight": FUSED,
         "mlp.down_proj.weight": OUT}, _phi3, silu,
    ),
    "olmo2": Family("olmo2", "model.layers.0.", {**POST_ATTENTION, **LLAMA_MLP}, _olmo2, silu),
    "gemma2": Family(
        "gemma2", "model.layers.0.",
        {**POST_ATTENTION, **LLAMA_MLP, "pre_feedforward_layernorm.weight": NORM}, _gemma2, gelu,
    ),
    "nemotron": Family(
        "nemotron", "model.layers.0.",
        {**POST_ATTENTION, "mlp.up_proj.weight": IN, "mlp.down_proj.weight": OUT},
        _nemotron, lambda x: relu(x).square(),
    ),
    "qwen3_vl_moe, as it is published": Family(
        "qwen3_vl_moe_text", "model.layers.0.",
        {**POST_ATTENTION, "mlp.experts.gate_up_proj": (2, D_MODEL, 2 * D_FF),
         "mlp.experts.down_proj": (2, D_FF, D_MODEL)},
        _qwen3_vl_moe, silu, expert=1,
    ),
}  # fmt: skip


def write(folder: Path, family: Family, tensors: Tensors | None = None) -> Model:
    config = {"num_hidden_layers": 1, "n_layer": 1, **family.config}
    if family.model_type:
        config["model_type"] = family.model_type
    else:
        config["n_layers"] = 1
    write_model(folder, family.tensors() if tensors is None else tensors, **config)
    if family.file != "config.json":
        (folder / "config.json").rename(folder / family.file)
        (folder / "model.safetensors").rename(folder / "consolidated.safetensors")
    return load_model(folder)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_neurons_read(name: str, tmp_path: Path) -> None:
    family = FAMILIES[name]
    model, tensors = write(tmp_path / "m", family), family.tensors()
    norm, matrices = model.before_mlp(0, family.expert), model.mlp_in(0, family.expert)
    for seed in range(5):
        stream = tensor(D_MODEL, seed=50 + seed).double()
        put_out = family.put_out(lambda part: tensors[family.at + part].double(), stream)
        size = stream - stream.mean() if norm.kind == "layernorm" else stream
        sigma = 1.0 if norm.kind == "none" else size.square().mean().sqrt()
        up = norm.read_by(matrices.up).double() @ stream / sigma
        if matrices.gate is None:
            expected = family.activation(up)
        else:
            gate = norm.read_by(matrices.gate).double() @ stream / sigma
            expected = family.activation(gate) * up
        torch.testing.assert_close(put_out, expected, rtol=1e-5, atol=1e-6)
    assert len(matrices.up) == len(model.mlp_out(0, family.expert))


def test_the_words_of_norms(tmp_path: Path) -> None:
    steps = {
        name: write(tmp_path / name, FAMILIES[name]).before_mlp(0).step
        for name in ("minicpm", "gemma2", "olmo2", "phi")
    }
    assert steps == {
        "minicpm": "⊙ model.layers.0.post_attention_layernorm.weight",
        "gemma2": "⊙ (1 + model.layers.0.pre_feedforward_layernorm.weight)",
        "olmo2": "",
        "phi": "⊙ model.layers.0.input_layernorm.weight, − each row's mean over d_model",
    }


# --- the norm ---


@pytest.mark.parametrize("kind", ["rmsnorm", "layernorm", "none"])
@pytest.mark.parametrize("has_gamma", [True, False])
def test_read_by(kind: Any, has_gamma: bool) -> None:
    """By its definition, a number at a time."""
    rows, gamma = tensor(3, D_MODEL, seed=1).half(), tensor(D_MODEL, seed=2)
    read = ReadNorm(kind, gamma if has_gamma else None).read_by(rows)
    for f in range(3):
        scaled = [float(rows[f, i]) * (float(gamma[i]) if has_gamma else 1) for i in range(D_MODEL)]
        mean = math.fsum(scaled) / D_MODEL if kind == "layernorm" else 0.0
        for i in range(D_MODEL):
            assert float(read[f, i]) == pytest.approx(scaled[i] - mean, abs=1e-6)
    assert read.dtype == torch.float32
    assert read.is_contiguous()


def test_read_by_turned_rows() -> None:
    """A matrix stored with a column a neuron gives the same bits as one with a row."""
    rows = tensor(5, D_MODEL, seed=1)
    norm = ReadNorm("layernorm", tensor(D_MODEL, seed=2))
    assert torch.equal(norm.read_by(rows), norm.read_by(rows.T.contiguous().T))


def test_rows_of_another_width() -> None:
    with pytest.raises(ShapeError, match=r"The rows are 5 wide, but the weight .* shape \[4\]"):
        ReadNorm("rmsnorm", tensor(4)).read_by(tensor(2, 5))


# --- what can be wrong ---


def model_of(tmp_path: Path, tensors: Tensors, model_type: str = "llama", **config: Any) -> Model:
    config = {"num_hidden_layers": 1, **config}
    return load_model(write_model(tmp_path / "m", tensors, model_type=model_type, **config))


def whole() -> Tensors:
    return llama_tensors() | {
        "model.layers.0.mlp.gate_proj.weight": tensor(D_FF, D_MODEL, seed=60),
        "model.layers.0.post_attention_layernorm.weight": tensor(D_MODEL, seed=61),
    }


def test_a_gate_that_is_missing(tmp_path: Path) -> None:
    """It is no statement that there is none."""
    tensors = whole()
    del tensors["model.layers.0.mlp.gate_proj.weight"]
    with pytest.raises(FormatError, match=r"no tensor 'model\.layers\.0\.mlp\.gate_proj\.weight'"):
        model_of(tmp_path, tensors).mlp_in(0)


def test_a_gate_that_should_not_be_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"has model\.layers\.0\.mlp\.gate_proj\.weight beside "):
        model_of(tmp_path, whole(), "arcee").mlp_in(0)


def test_a_norm_that_is_missing(tmp_path: Path) -> None:
    tensors = whole()
    del tensors["model.layers.0.post_attention_layernorm.weight"]
    with pytest.raises(FormatError, match=r"no tensor 'layers\.0\.post_attention_layernorm"):
        model_of(tmp_path, tensors).before_mlp(0)


@pytest.mark.parametrize("shape", [(D_FF + 1, D_MODEL), (D_FF, D_MODEL + 1), (D_MODEL, D_FF)])
def test_a_matrix_of_another_shape(shape: tuple[int, int], tmp_path: Path) -> None:
    tensors = whole() | {"model.layers.0.mlp.up_proj.weight": tensor(*shape)}
    message = rf"up_proj\.weight has shape \[{shape[0]}, {shape[1]}\], but should read a stream of "
    with pytest.raises(FormatError, match=message):
        model_of(tmp_path, tensors).mlp_in(0)


def test_experts_that_read_otherwise(tmp_path: Path) -> None:
    family = FAMILIES["qwen3_vl_moe, as it is published"]
    name = "model.layers.0.mlp.experts.gate_up_proj"
    tensors = family.tensors() | {name: tensor(2, D_MODEL, D_FF)}
    with pytest.raises(FormatError, match=r"gate_up_proj has shape \[4, 6\], but should read"):
        write(tmp_path / "m", family, tensors).mlp_in(0, 1)


def test_which_expert(tmp_path: Path) -> None:
    model = write(tmp_path / "m", FAMILIES["deepseek"])
    with pytest.raises(SourceError, match="is a mixture of 2 experts"):
        model.mlp_in(0)
    with pytest.raises(SourceError, match="has no expert 2"):
        model.mlp_in(0, 2)
    with pytest.raises(SourceError, match="has no expert 2"):
        model.before_mlp(0, 2)
    assert torch.equal(model.before_mlp(0).read_by(torch.eye(D_MODEL)),
                       model.before_mlp(0, 1).read_by(torch.eye(D_MODEL)))  # fmt: skip


@pytest.mark.parametrize("layer", [-1, 1])
def test_no_such_layer(layer: int, tmp_path: Path) -> None:
    model = model_of(tmp_path, whole())
    for question in (model.mlp_in, model.before_mlp):
        with pytest.raises(SourceError, match="has no layer"):
            question(layer)


def test_a_layer_without_an_mlp(tmp_path: Path) -> None:
    """Its norm is that of something else."""
    tensors = {
        "backbone.embeddings.weight": tensor(VOCAB, D_MODEL),
        "backbone.layers.0.norm.weight": tensor(D_MODEL),
        "backbone.layers.0.mixer.o_proj.weight": tensor(D_MODEL, D_MODEL),
    }
    model = model_of(tmp_path, tensors, "nemotron_h")
    for question in (model.mlp_in, model.before_mlp):
        with pytest.raises(SourceError, match="Layer 0 of m has no MLP; it holds mixer, norm"):
            question(0)


def test_a_gate_that_is_packed(tmp_path: Path) -> None:
    tensors = whole()
    gate = "model.layers.0.mlp.gate_proj"
    del tensors[f"{gate}.weight"]
    tensors |= {f"{gate}.qweight": torch.zeros(1, 6, dtype=torch.int32),
                f"{gate}.scales": torch.ones(1, 6)}  # fmt: skip
    with pytest.raises(FormatError, match="gate_proj"):
        model_of(tmp_path, tensors).mlp_in(0)


def test_only_what_is_asked_for_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = spy_on_reads(monkeypatch)
    model = model_of(tmp_path, whole())
    model.mlp_in(0)
    assert sorted(read) == [
        "model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight",
    ]  # fmt: skip
    model.before_mlp(0)
    assert read[2:] == ["model.layers.0.post_attention_layernorm.weight"]
    embedding = model.embedding()
    assert set(read[3:]) <= {embedding.name}
    assert torch.equal(embedding.W_E.read(2, 4), whole()["model.embed_tokens.weight"][2:4])


# --- the embedding ---


def test_an_embedding_beside_a_head(tmp_path: Path) -> None:
    raw = model_of(tmp_path, whole(), tie_word_embeddings=False).embedding()
    assert raw.name == "model.embed_tokens.weight"
    assert torch.equal(raw.W_E.whole(), whole()[raw.name])
    assert raw[2:] == ("none", None, None)


def opt(**more: Tensor) -> Tensors:
    return {"model.decoder.embed_tokens.weight": tensor(VOCAB, 3, seed=1),
            "model.decoder.project_out.weight": tensor(3, D_MODEL, seed=2),
            **{name.replace("__", "."): value for name, value in more.items()}}  # fmt: skip


def test_a_narrow_embedding(tmp_path: Path) -> None:
    tensors = opt(model__decoder__project_in__weight=tensor(D_MODEL, 3, seed=3))
    config = {"word_embed_proj_dim": 3, "hidden_size": D_MODEL}
    raw = model_of(tmp_path, tensors, "opt", **config).embedding()
    expected = linear(tensors["model.decoder.embed_tokens.weight"],
                      tensors["model.decoder.project_in.weight"])  # fmt: skip
    torch.testing.assert_close(raw.W_E.whole(), expected)
    assert raw.name == "model.decoder.embed_tokens.weight @ model.decoder.project_in.weightᵀ"


def test_a_narrow_embedding_without_its_matrix(tmp_path: Path) -> None:
    config = {"word_embed_proj_dim": 3, "hidden_size": D_MODEL}
    with pytest.raises(FormatError, match=r"no tensor 'project_in\.weight'"):
        model_of(tmp_path, opt(), "opt", **config).embedding()


def test_an_embedding_norm(tmp_path: Path) -> None:
    tensors = {
        "word_embeddings.weight": tensor(VOCAB, D_MODEL),
        "word_embeddings_layernorm.weight": tensor(D_MODEL, seed=1),
        "word_embeddings_layernorm.bias": tensor(D_MODEL, seed=2),
    }
    raw = model_of(tmp_path, tensors, "bloom", n_layer=1).embedding()
    assert raw.norm_kind == "layernorm"
    assert torch.equal(raw.norm_weight, tensors["word_embeddings_layernorm.weight"])
    assert torch.equal(raw.norm_bias, tensors["word_embeddings_layernorm.bias"])
    del tensors["word_embeddings_layernorm.weight"]
    (tmp_path / "other").mkdir()
    with pytest.raises(FormatError, match=r"no tensor 'word_embeddings_layernorm\.weight'"):
        model_of(tmp_path / "other", tensors, "bloom", n_layer=1).embedding()
