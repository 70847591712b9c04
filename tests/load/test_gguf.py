"""GGUF files, written with the `gguf` package: tensors, norms, tokens, and damage."""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from pathlib import Path

import gguf
import gguf.quants
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Q

from unembed.errors import FormatError, MissingExtraError, SourceError
from unembed.load import load_features, load_model, load_unembedding, load_vocabulary
from unembed.load.models.model import Expert
from unembed.load.tensors.gguf import open_gguf

VOCAB, D_MODEL, D_FF, N_LAYERS, HEADS = 5, 32, 64, 2, 4
TOKENS = ["<|endoftext|>", "Ġthe", "Ċ", "a", "â"]
TYPES = [3, 1, 1, 1, 1]

Arrays = dict[str, np.ndarray]


def array(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def tied() -> Arrays:
    """A Llama-like model, its matrices as PyTorch keeps them."""
    return {
        "token_embd.weight": array(VOCAB, D_MODEL, seed=1),
        "output_norm.weight": array(D_MODEL, seed=2),
        "blk.0.ffn_down.weight": array(D_MODEL, D_FF, seed=3),
        "blk.1.ffn_down.weight": array(D_MODEL, D_FF, seed=4),
        "blk.1.ffn_up.weight": array(D_FF, D_MODEL, seed=5),
    }


def untied() -> Arrays:
    return tied() | {"output.weight": array(VOCAB, D_MODEL, seed=6)}


def write(
    path: Path,
    tensors: Arrays,
    *,
    architecture: str = "llama",
    tokenizer: str | None = "gpt2",
    tokens: Sequence[str] = TOKENS,
    types: Sequence[int] | None = TYPES,
    quantised: dict[str, Q] | None = None,
    numbers: dict[str, float] | None = None,
    booleans: dict[str, bool] | None = None,
    split: int | None = None,
) -> Path:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(N_LAYERS)
    writer.add_head_count(HEADS)
    for key, value in (numbers or {}).items():
        add = writer.add_uint32 if isinstance(value, int) else writer.add_float32
        add(f"{architecture}.{key}", value)
    for key, flag in (booleans or {}).items():
        writer.add_bool(f"{architecture}.{key}", flag)
    if split is not None:
        writer.add_uint16("split.count", split)
    if tokenizer:
        writer.add_tokenizer_model(tokenizer)
        writer.add_token_list(tokens)
        if types is not None:
            writer.add_token_types(types)
    for name, value in tensors.items():
        writer.add_tensor(name, value, raw_dtype=(quantised or {}).get(name))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny.gguf"


def equal(found: torch.Tensor, expected: np.ndarray) -> bool:
    return found.dtype == torch.float32 and np.array_equal(found.numpy(), expected)


# --- tensors ---


def test_tied(path: Path) -> None:
    raw = load_model(write(path, tied())).unembedding()
    assert raw.tied
    assert equal(raw.W_U.whole(), tied()["token_embd.weight"])


def test_untied(path: Path) -> None:
    raw = load_model(write(path, untied())).unembedding()
    assert not raw.tied
    assert equal(raw.W_U.whole(), untied()["output.weight"])


def test_f16(path: Path) -> None:
    tensors = untied() | {"output.weight": untied()["output.weight"].astype(np.float16)}
    raw = load_model(write(path, tensors)).unembedding()
    assert equal(raw.W_U.whole(), tensors["output.weight"].astype(np.float32))


def q8_0(scales: np.ndarray, integers: np.ndarray) -> np.ndarray:
    """Blocks of Q8_0, packed by hand: one float16 scale, then 32 int8."""
    rows = [
        b"".join(
            struct.pack("<e32b", scale, *block)
            for scale, block in zip(row_scales, row.reshape(-1, 32), strict=True)
        )
        for row_scales, row in zip(scales, integers, strict=True)
    ]
    return np.array([np.frombuffer(row, np.uint8) for row in rows])


def test_q8_0(path: Path) -> None:
    """A weight is its block's scale times its integer."""
    random = np.random.default_rng(0)
    integers = random.integers(-128, 128, (D_MODEL, D_FF))
    scales = random.random((D_MODEL, D_FF // 32)).astype(np.float16)
    expected = integers * np.repeat(scales.astype(np.float32), 32, axis=1)
    name = "blk.1.ffn_down.weight"
    tensors = tied() | {name: q8_0(scales, integers)}
    model = load_model(write(path, tensors, quantised={name: Q.Q8_0}))
    assert equal(model.mlp_out(1), expected.T)


def test_mlp_out_has_a_neuron_a_row(path: Path) -> None:
    model = load_model(write(path, tied()))
    for layer in range(N_LAYERS):
        stored = tied()[f"blk.{layer}.ffn_down.weight"]
        assert equal(model.mlp_out(layer), stored.T)
    banks = load_features("mlp:0-1", model=model)
    assert [bank.W_dec.shape for bank in banks] == [(D_FF, D_MODEL)] * 2


def test_only_what_is_asked_for_is_dequantised(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    dequantize = gguf.quants.dequantize

    def spy(data: np.ndarray, kind: Q) -> np.ndarray:
        sizes.append(data.size)
        return dequantize(data, kind)

    monkeypatch.setattr(gguf.quants, "dequantize", spy)
    model = load_model(write(path, untied()))
    model.vocabulary()
    assert not sizes
    model.unembedding().W_U.whole()
    assert sizes == [D_MODEL, VOCAB * D_MODEL]


def test_a_quantisation_that_cannot_be_undone(path: Path) -> None:
    tensors = tied() | {"token_embd.weight": array(VOCAB, D_MODEL).astype(np.float64)}
    message = r"token_embd\.weight is quantised as F64, which the gguf package cannot undo\. .*Q8_0"
    with pytest.raises(FormatError, match=message):
        load_model(write(path, tensors)).unembedding().W_U.whole()


# --- norms ---


@pytest.mark.parametrize(
    ("architecture", "bias", "kind"),
    [
        ("llama", False, "rmsnorm"),
        ("qwen3", False, "rmsnorm"),
        ("gemma3", False, "rmsnorm"),
        ("gpt2", True, "layernorm"),
        ("phi2", True, "layernorm"),
        ("stablelm", True, "layernorm"),
        ("mpt", False, "layernorm"),
    ],
)
def test_norm(path: Path, architecture: str, bias: bool, kind: str) -> None:
    tensors = tied() | ({"output_norm.bias": array(D_MODEL, seed=7)} if bias else {})
    norm = load_model(write(path, tensors, architecture=architecture)).unembedding().norm
    assert norm.kind == kind
    assert equal(norm.gamma, tensors["output_norm.weight"]), "Gemma's +1 is in the file already"


def test_norm_without_parameters(path: Path) -> None:
    tensors = {name: value for name, value in tied().items() if name != "output_norm.weight"}
    norm = load_model(write(path, tensors, architecture="olmo")).unembedding().norm
    assert norm.kind == "layernorm"
    assert norm.gamma is None


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma2", "gpt2"])
def test_a_norm_that_should_be_there(path: Path, architecture: str) -> None:
    tensors = {name: value for name, value in tied().items() if name != "output_norm.weight"}
    message = r"tiny\.gguf has no tensor 'output_norm\.weight', the final norm, which a model of"
    with pytest.raises(FormatError, match=message):
        load_model(write(path, tensors, architecture=architecture)).unembedding()


# --- what follows W_U, and what lies between a layer and the residual stream ---


@pytest.mark.parametrize(
    ("architecture", "constants", "factor"),
    [
        ("granite", {"1/logit_scale": 1 / 16}, 1 / 16),
        ("minicpm", {"1/logit_scale": 1 / 16}, 1 / 16),
        ("command-r", {"logit_scale": 16.0}, 16),
        ("cohere2", {"logit_scale": 16.0}, 16),
        ("llama", {}, 1),
    ],
)
def test_logit_scales(
    path: Path, architecture: str, constants: dict[str, float], factor: float
) -> None:
    """llama.cpp divides by Granite's and MiniCPM's, and multiplies by Cohere's."""
    write(path, untied(), architecture=architecture, numbers={"logit_scale": 16.0})
    raw = load_model(path).unembedding()
    assert raw.constants == constants
    assert equal(raw.W_U.whole(), untied()["output.weight"] * np.float32(factor))


def test_a_logit_scale_that_should_be_there(path: Path) -> None:
    write(path, untied(), architecture="granite")
    with pytest.raises(FormatError, match=r"has no metadata 'granite\.logit_scale'"):
        load_model(path).unembedding()


def with_post_norms() -> Arrays:
    return tied() | {
        "blk.1.attn_output.weight": array(D_MODEL, 2 * D_MODEL, seed=7),
        "blk.1.post_attention_norm.weight": array(D_MODEL, seed=8),
        "blk.1.post_ffw_norm.weight": array(D_MODEL, seed=9),
    }


@pytest.mark.parametrize("architecture", ["gemma2", "gemma3", "olmo2", "exaone4", "glm4"])
def test_post_norms_as_they_are_stored(path: Path, architecture: str) -> None:
    tensors = with_post_norms()
    model = load_model(write(path, tensors, architecture=architecture))
    (neurons,) = load_features("mlp:1", model=model)
    expected = tensors["blk.1.ffn_down.weight"].T * tensors["blk.1.post_ffw_norm.weight"]
    assert equal(neurons.W_dec, expected)
    assert neurons.origin["steps"] == ["⊙ blk.1.post_ffw_norm.weight"]
    heads = torch.cat([bank.W_dec for bank in load_features("head:1", model=model)])
    expected = tensors["blk.1.attn_output.weight"].T * tensors["blk.1.post_attention_norm.weight"]
    assert equal(heads, expected)
    assert (model.n_heads(1), model.d_model) == (HEADS, D_MODEL)


@pytest.mark.parametrize("architecture", ["gpt-oss", "glm4moe", "seed_oss", "qwen3next", "llama"])
def test_a_norm_of_that_name_that_the_mlp_reads(path: Path, architecture: str) -> None:
    """llama.cpp has one name for a norm behind the attention, and for one before the MLP."""
    tensors = with_post_norms()
    model = load_model(write(path, tensors, architecture=architecture))
    assert equal(model.attention_out(1), tensors["blk.1.attn_output.weight"].T)
    assert model.after_attention(1).gamma is None


def test_a_post_norm_that_should_be_there(path: Path) -> None:
    model = load_model(write(path, tied(), architecture="gemma2"))
    with pytest.raises(FormatError, match=r"no tensor 'blk\.1\.post_ffw_norm\.weight'"):
        load_features("mlp:1", model=model)


def test_residual_scale(path: Path) -> None:
    numbers = {"residual_scale": 0.25, "logit_scale": 2.0}
    model = load_model(write(path, tied(), architecture="granite", numbers=numbers))
    (neurons,) = load_features("mlp:0", model=model)
    assert equal(neurons.W_dec, tied()["blk.0.ffn_down.weight"].T * np.float32(0.25))


def test_experts(path: Path) -> None:
    experts = array(3, D_MODEL, D_FF, seed=11)
    tensors = {k: v for k, v in tied().items() if k != "blk.1.ffn_down.weight"} | {
        "blk.1.ffn_down_exps.weight": experts,
        "blk.1.ffn_down_shexp.weight": array(D_MODEL, D_FF, seed=12),
    }
    model = load_model(write(path, tensors, architecture="qwen2moe"))
    banks = load_features("mlp:all:all", model=model)
    assert [bank.name for bank in banks] == ["mlp.0", "mlp.1.e0", "mlp.1.e1", "mlp.1.e2"]
    assert equal(banks[2].W_dec, experts[1].T)
    (shared,) = load_features("mlp:1:shared", model=model)
    assert equal(shared.W_dec, array(D_MODEL, D_FF, seed=12).T)
    with pytest.raises(SourceError, match=r"mixture of 3 experts.*mlp:1:e0 to mlp:1:e2"):
        model.mlp_out(1)


def test_experts_that_are_missing(path: Path) -> None:
    tensors = tied() | {"blk.1.ffn_down_exps.weight": array(3, D_MODEL, D_FF, seed=11)}
    model = load_model(write(path, tensors, numbers={"expert_count": 4}))
    with pytest.raises(FormatError, match=r"llama\.expert_count: 4, but layer 1 has 3 experts"):
        load_features("mlp:1:all", model=model)


def gemma4() -> Arrays:
    return with_post_norms() | {
        "blk.1.post_ffw_norm_1.weight": array(D_MODEL, seed=13),
        "blk.1.post_ffw_norm_2.weight": array(D_MODEL, seed=14),
        "blk.1.ffn_down_exps.weight": array(2, D_MODEL, D_FF, seed=15),
    }


@pytest.mark.parametrize(("expert", "which"), [(None, 1), ("shared", 1), (1, 2)])
def test_gemma4s_norms_of_shared_and_routed_experts(
    path: Path, expert: Expert | None, which: int
) -> None:
    tensors = gemma4()
    model = load_model(write(path, tensors, architecture="gemma4"))
    after = model.after_mlp(1, expert)
    names = [f"blk.1.post_ffw_norm_{which}.weight", "blk.1.post_ffw_norm.weight"]
    assert after.gamma is not None
    assert equal(after.gamma, tensors[names[0]] * tensors[names[1]])
    assert after.steps == tuple(f"⊙ {name}" for name in names)
    if expert is not None:
        (bank,) = load_features(f"mlp:1:{'shared' if which == 1 else 'e1'}", model=model)
        stored = "blk.1.ffn_down.weight" if which == 1 else "blk.1.ffn_down_exps.weight"
        matrix = tensors[stored] if which == 1 else tensors[stored][1]
        np.testing.assert_allclose(bank.W_dec.numpy(), matrix.T * after.gamma.numpy(), rtol=1e-6)


def test_gemma4_without_experts_has_no_inner_norms(path: Path) -> None:
    after = load_model(write(path, with_post_norms(), architecture="gemma4")).after_mlp(1)
    assert after.steps == ("⊙ blk.1.post_ffw_norm.weight",)


@pytest.mark.parametrize(
    ("architecture", "behind"),
    [("gemma2", True), ("olmo2", True), ("glm4", False), ("llama", False), ("gpt-oss", False)],
)
def test_which_norm_is_behind_attention(path: Path, architecture: str, behind: bool) -> None:
    """By the names of `transformers`, as in hooks: GLM-4 has another one there."""
    model = load_model(write(path, with_post_norms(), architecture=architecture))
    assert model.norm_behind_attention(1) == behind
    assert not model.factors_inside_mlp


def test_a_stream_that_does_not_stay_as_it_is(path: Path) -> None:
    load_model(write(path, tied())).check_followed(0)
    with pytest.raises(SourceError, match="keeps several streams"):
        load_model(write(path, tied(), architecture="gemma3n")).check_followed(0)


@pytest.mark.parametrize("scale", [0.0, float("inf"), float("nan")])
def test_a_scale_that_nothing_is_divided_by(path: Path, scale: float) -> None:
    write(path, tied(), architecture="granite", numbers={"logit_scale": scale})
    with pytest.raises(FormatError, match=r"should say granite\.logit_scale as a number other tha"):
        load_model(path).unembedding()


def test_experts_in_q8_0(path: Path) -> None:
    """One expert is dequantised without the others."""
    random = np.random.default_rng(0)
    integers = random.integers(-128, 128, (2, D_MODEL, D_FF))
    scales = random.random((2, D_MODEL, D_FF // 32)).astype(np.float16)
    name = "blk.1.ffn_down_exps.weight"
    packed = np.stack([q8_0(s, i) for s, i in zip(scales, integers, strict=True)])
    model = load_model(write(path, tied() | {name: packed}, quantised={name: Q.Q8_0}))
    expected = integers[1] * np.repeat(scales[1].astype(np.float32), 32, axis=1)
    assert equal(model.mlp_out(1, 1), expected.T)


def test_a_layer_without_attention(path: Path) -> None:
    tensors = tied() | {"blk.0.ssm_out.weight": array(D_MODEL, D_FF)}
    model = load_model(write(path, tensors, architecture="jamba"))
    with pytest.raises(
        SourceError, match=r"Layer 0 of tiny\.gguf has no attention; it holds .*ssm"
    ):
        model.attention_out(0)


# --- files in parts ---


def split(folder: Path, *, count: int = 2) -> list[Path]:
    """A model in two parts: embeddings and layer 0, then all that W_U is made of."""
    paths = [folder / f"m-{n:05}-of-{count:05}.gguf" for n in range(1, count + 1)]
    first = {k: v for k, v in untied().items() if k.startswith(("token_embd", "blk.0"))}
    second = {k: v for k, v in untied().items() if k not in first}
    write(paths[0], first, split=count)
    write(paths[1], second, split=count, tokenizer=None)
    return paths


@pytest.mark.parametrize("named", [0, 1])
def test_all_parts_are_read_whichever_is_named(tmp_path: Path, named: int) -> None:
    model = load_model(split(tmp_path)[named])
    raw = model.unembedding()
    assert not raw.tied
    assert equal(raw.W_U.whole(), untied()["output.weight"])
    assert equal(raw.norm.gamma, untied()["output_norm.weight"])
    for layer in range(N_LAYERS):
        assert equal(model.mlp_out(layer), untied()[f"blk.{layer}.ffn_down.weight"].T)
    assert load_unembedding(model).token_ids.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("lost", [0, 1])
def test_a_part_that_is_missing(tmp_path: Path, lost: int) -> None:
    paths = split(tmp_path)
    paths[lost].unlink()
    message = rf"one of 2 parts of a model, and {paths[lost].name} is not beside it"
    with pytest.raises(FormatError, match=message):
        load_model(paths[1 - lost]).unembedding()


def test_a_part_under_another_name(tmp_path: Path) -> None:
    first = split(tmp_path)[0].rename(tmp_path / "model.gguf")
    with pytest.raises(FormatError, match=r"one of 2 parts of a model \(split\.count\)"):
        load_model(first).unembedding()


def test_parts_of_different_models(tmp_path: Path) -> None:
    paths = split(tmp_path)
    write(paths[1], untied(), split=3)
    with pytest.raises(FormatError, match=r"says that it is one of 3 parts.*its name says 2"):
        load_model(paths[0]).unembedding()


# --- tokens ---


def test_tokens(path: Path) -> None:
    vocabulary = load_vocabulary(write(path, tied()))
    assert vocabulary.token_bytes == (b"<|endoftext|>", b" the", b"\n", b"a", b"\xe2")
    assert vocabulary.special.tolist() == [True, False, False, False, False]
    assert vocabulary.digest == load_model(path).vocabulary().digest
    assert load_unembedding(path).token_ids.tolist() == [1, 2, 3, 4]


def test_tokens_of_sentencepiece(path: Path) -> None:
    tokens = ["<unk>", "</s>", "<0x0A>", "▁the", "<unused3>", "▁▁"]
    write(path, tied(), tokenizer="llama", tokens=tokens, types=[2, 3, 6, 1, 5, 4])
    vocabulary = load_vocabulary(path)
    assert vocabulary.token_bytes == (b"<unk>", b"</s>", b"\n", b" the", b"<unused3>", b"  ")
    assert vocabulary.special.tolist() == [True, True, False, False, False, False]
    assert vocabulary.unused.tolist() == [False, False, False, False, True, False]


def test_tokens_without_types(path: Path) -> None:
    vocabulary = load_vocabulary(write(path, tied(), types=None))
    assert vocabulary.special.tolist() == [True, False, False, False, False]


def test_unknown_tokenizer_model(path: Path) -> None:
    write(path, tied(), tokenizer="plamo2")
    with pytest.raises(FormatError, match="tokenizer is of model 'plamo2'; unembed reads gpt2, "):
        load_vocabulary(path)


def test_no_tokenizer(path: Path) -> None:
    write(path, tied(), tokenizer=None)
    with pytest.raises(FormatError, match=r"has no metadata 'tokenizer\.ggml\.model'"):
        load_vocabulary(path)


# --- what can be wrong ---


@pytest.mark.parametrize("cut", [0, 3, 20, 100, 300, -1000, -1])
def test_a_file_that_is_cut(path: Path, cut: int) -> None:
    whole = write(path, tied()).read_bytes()
    path.write_bytes(whole[:cut])
    with pytest.raises(FormatError, match=r"cannot be read as GGUF: .*Download it again"):
        load_model(path).unembedding()


def test_no_gguf(path: Path) -> None:
    path.write_bytes(b"\x93NUMPY" * 20)
    with pytest.raises(FormatError, match=r"tiny\.gguf cannot be read as GGUF: .*magic"):
        load_model(path).vocabulary()


def test_missing_tensor(path: Path) -> None:
    tensors = tied()
    tensors["token_embd.wieght"] = tensors.pop("token_embd.weight")
    with pytest.raises(FormatError) as caught:
        load_model(write(path, tensors)).unembedding()
    assert "has no tensor 'token_embd.weight'. Did you mean 'token_embd.wieght'" in str(
        caught.value
    )
    assert f"blk.0.ffn_down.weight [{D_MODEL}, {D_FF}]" in str(caught.value)


def test_missing_layer(path: Path) -> None:
    with pytest.raises(SourceError, match=r"tiny\.gguf has no layer 2: its 2 layers are 0 to 1"):
        load_model(write(path, tied())).mlp_out(2)


def test_metadata(path: Path) -> None:
    file = open_gguf(write(path, tied()))
    assert file.metadata("llama.block_count") == N_LAYERS
    assert file.metadata("none", default=3) == 3
    assert file.metadata("none", default=None) is None
    with pytest.raises(FormatError, match="has no metadata 'none', so it is no language model"):
        file.metadata("none")
    assert file.shapes()["blk.1.ffn_down.weight"] == (D_MODEL, D_FF)


def test_norm_of_an_unknown_architecture(path: Path) -> None:
    with pytest.raises(FormatError, match=r"'wavelet'.*whose final norm unembed does not know"):
        load_model(write(path, tied(), architecture="wavelet")).unembedding()


def test_without_the_gguf_package(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, tied())
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'unembed\[gguf\]'"):
        load_vocabulary(path)


def test_name_and_origin(path: Path) -> None:
    model = load_model(write(path, tied()))
    assert model.name == "tiny.gguf"
    assert model.n_layers == N_LAYERS
    assert model.origin == {"format": "gguf", "path": str(path)}


# --- the real file that the demo was made from ---


def test_smollm2(smollm2: Path) -> None:
    model = load_model(smollm2)
    raw = model.unembedding()
    assert model.n_layers == 30
    assert raw.tied
    assert raw.W_U.shape == (49_152, 576)
    assert raw.norm.kind == "rmsnorm"
    assert model.mlp_out(26).shape == (1_536, 576)
