"""Hugging Face style folders: every family's layout, quantised weights, and what can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import save_file

from tests.load.layouts import (
    D_FF,
    D_MODEL,
    VOCAB,
    Tensors,
    llama_tensors,
    spy_on_reads,
    tensor,
    write_config,
    write_model,
    write_shards,
)
from unembed.errors import FormatError, SourceError, UnembedError
from unembed.load import load_model, load_unembedding
from unembed.load.models.model import Model


class Layout(NamedTuple):
    """Where a family's checkpoint keeps its tensors, by the names found on the hub."""

    model_type: str
    norm: str | None
    embedding: str
    head: str | None
    mlp_out: str
    """Of layer 1."""
    others: tuple[str, ...] = ()
    """Vectors that are not asked for, some under names that are nearly the right ones."""
    norm_kind: str = "layernorm"
    plus_one: bool = False
    conv1d: bool = False
    config: dict[str, Any] = {"num_hidden_layers": 2}  # noqa: RUF012 - read only

    def tensors(self) -> Tensors:
        shape = (D_FF, D_MODEL) if self.conv1d else (D_MODEL, D_FF)
        tensors = {
            self.embedding: tensor(VOCAB, D_MODEL, seed=1),
            self.mlp_out: tensor(*shape, seed=2),
        }
        if self.norm:
            tensors[self.norm] = tensor(D_MODEL, seed=3)
        if self.head:
            tensors[self.head] = tensor(VOCAB, D_MODEL, seed=4)
        return tensors | {name: tensor(D_MODEL, seed=5) for name in self.others}


RMS = {"norm_kind": "rmsnorm"}
GEMMA = {"norm_kind": "rmsnorm", "plus_one": True}
NESTED = {"text_config": {"num_hidden_layers": 2, "model_type": "gemma3_text"}}
VISION = (
    "vision_tower.vision_model.post_layernorm.weight",
    "vision_tower.vision_model.encoder.layers.1.mlp.fc2.weight",
    "multi_modal_projector.mm_soft_emb_norm.weight",
)


def like_llama(model_type: str, *, head: bool = True, **details: Any) -> Layout:
    return Layout(
        model_type, "model.norm.weight", "model.embed_tokens.weight",
        "lm_head.weight" if head else None, "model.layers.1.mlp.down_proj.weight",
        ("model.layers.1.input_layernorm.weight", "model.layers.1.post_attention_layernorm.weight"),
        **details,
    )  # fmt: skip


LAYOUTS = {
    "gpt2": Layout(
        "gpt2", "transformer.ln_f.weight", "transformer.wte.weight", None,
        "transformer.h.1.mlp.c_proj.weight",
        ("transformer.ln_f.bias", "transformer.wpe.weight", "transformer.h.1.attn.c_proj.weight"),
        conv1d=True, config={"n_layer": 2},
    ),
    "gpt2, bare": Layout(
        "gpt2", "ln_f.weight", "wte.weight", None, "h.1.mlp.c_proj.weight",
        ("ln_f.bias", "wpe.weight", "h.1.ln_2.weight"), conv1d=True, config={"n_layer": 2},
    ),
    "gpt_neo": Layout(
        "gpt_neo", "transformer.ln_f.weight", "transformer.wte.weight", None,
        "transformer.h.1.mlp.c_proj.weight", ("transformer.h.1.mlp.c_proj.bias",),
        config={"num_layers": 2},
    ),
    "gptj": Layout(
        "gptj", "transformer.ln_f.weight", "transformer.wte.weight", "lm_head.weight",
        "transformer.h.1.mlp.fc_out.weight", ("lm_head.bias", "transformer.h.1.mlp.fc_in.weight"),
        config={"n_layer": 2},
    ),
    "gpt_neox": Layout(
        "gpt_neox", "gpt_neox.final_layer_norm.weight", "gpt_neox.embed_in.weight",
        "embed_out.weight", "gpt_neox.layers.1.mlp.dense_4h_to_h.weight",
        ("gpt_neox.final_layer_norm.bias", "gpt_neox.layers.1.mlp.dense_4h_to_h.bias"),
    ),
    **{name: like_llama(name, **RMS) for name in (
        "llama", "mistral", "qwen2", "phi3", "deepseek_v2", "deepseek_v3", "gpt_oss",
    )},
    "smollm3": like_llama("smollm3", head=False, **RMS),
    "deepseek": like_llama("deepseek", **RMS),
    "minicpm": like_llama("minicpm", **RMS, config={
        "num_hidden_layers": 2, "hidden_size": D_MODEL, "dim_model_base": D_MODEL,
        "tie_word_embeddings": False,
    }),
    "qwen": Layout(
        "qwen", "transformer.ln_f.weight", "transformer.wte.weight", "lm_head.weight",
        "transformer.h.1.mlp.c_proj.weight", ("transformer.h.1.ln_2.weight",), **RMS,
    ),
    "internlm2": Layout(
        "internlm2", "model.norm.weight", "model.tok_embeddings.weight", "output.weight",
        "model.layers.1.feed_forward.w2.weight",
        ("model.layers.1.attention_norm.weight", "model.layers.1.ffn_norm.weight"), **RMS,
    ),
    "exaone": Layout(
        "exaone", "transformer.ln_f.weight", "transformer.wte.weight", "lm_head.weight",
        "transformer.h.1.mlp.c_proj.weight", ("transformer.h.1.ln_2.weight",), **RMS,
        config={"num_layers": 2},
    ),
    "qwen3": like_llama("qwen3", head=False, **RMS),
    "gemma": like_llama("gemma", head=False, **GEMMA),
    "gemma2": like_llama("gemma2", head=False, **GEMMA),
    "gemma3_text": like_llama("gemma3_text", head=False, **GEMMA),
    "gemma3": Layout(
        "gemma3", "language_model.model.norm.weight", "language_model.model.embed_tokens.weight",
        None, "language_model.model.layers.1.mlp.down_proj.weight", VISION, **GEMMA,
        config=NESTED,
    ),
    "gemma3, as transformers 5 saves it": Layout(
        "gemma3", "model.language_model.norm.weight", "model.language_model.embed_tokens.weight",
        None, "model.language_model.layers.1.mlp.down_proj.weight",
        tuple(f"model.{name}" for name in VISION), **GEMMA, config=NESTED,
    ),
    "phi": Layout(
        "phi", "model.final_layernorm.weight", "model.embed_tokens.weight", "lm_head.weight",
        "model.layers.1.mlp.fc2.weight", ("model.final_layernorm.bias", "lm_head.bias"),
    ),
    "olmo": Layout(
        "olmo", None, "model.embed_tokens.weight", "lm_head.weight",
        "model.layers.1.mlp.down_proj.weight",
    ),
    "opt": Layout(
        "opt", "model.decoder.final_layer_norm.weight", "model.decoder.embed_tokens.weight", None,
        "model.decoder.layers.1.fc2.weight",
        ("model.decoder.final_layer_norm.bias", "model.decoder.layers.1.final_layer_norm.weight",
         "model.decoder.embed_positions.weight"),
    ),
    "opt, bare": Layout(
        "opt", "decoder.final_layer_norm.weight", "decoder.embed_tokens.weight", None,
        "decoder.layers.1.fc2.weight",
    ),
    "opt without a final norm": Layout(
        "opt", None, "model.decoder.embed_tokens.weight", None,
        "model.decoder.layers.1.fc2.weight", ("model.decoder.layers.1.final_layer_norm.weight",),
        norm_kind="none", config={"num_hidden_layers": 2, "do_layer_norm_before": False},
    ),
    "bloom": Layout(
        "bloom", "transformer.ln_f.weight", "transformer.word_embeddings.weight", None,
        "transformer.h.1.mlp.dense_4h_to_h.weight",
        ("transformer.word_embeddings_layernorm.weight", "transformer.ln_f.bias"),
        config={"n_layer": 2},
    ),
    "bloom, bare": Layout(
        "bloom", "ln_f.weight", "word_embeddings.weight", None, "h.1.mlp.dense_4h_to_h.weight",
        ("word_embeddings_layernorm.weight",), config={"n_layer": 2},
    ),
    "mpt": Layout(
        "mpt", "transformer.norm_f.weight", "transformer.wte.weight", None,
        "transformer.blocks.1.ffn.down_proj.weight", ("transformer.blocks.1.norm_1.weight",),
        config={"n_layers": 2},
    ),
}  # fmt: skip


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Layout:
    return LAYOUTS[request.param]


@pytest.fixture
def laid_out(layout: Layout, tmp_path: Path) -> Model:
    folder = tmp_path / "model"
    return load_model(
        write_model(folder, layout.tensors(), model_type=layout.model_type, **layout.config)
    )


def test_unembedding_of_each_family(layout: Layout, laid_out: Model) -> None:
    raw, tensors = laid_out.unembedding(), layout.tensors()
    assert raw.tied == (layout.head is None)
    assert torch.equal(raw.W_U.whole(), tensors[layout.head or layout.embedding])
    assert raw.norm.kind == layout.norm_kind
    if layout.norm is None:
        assert raw.norm.gamma is None
    else:
        expected = tensors[layout.norm] + (1 if layout.plus_one else 0)
        assert torch.equal(raw.norm.gamma, expected)


def test_embedding_of_each_family_where_it_is_tied(layout: Layout, tmp_path: Path) -> None:
    config = {**layout.config, "model_type": layout.model_type, "tie_word_embeddings": True}
    raw = load_model(write_model(tmp_path / "m", layout.tensors(), **config)).unembedding()
    assert raw.tied
    assert torch.equal(raw.W_U.whole(), layout.tensors()[layout.embedding])


def test_mlp_of_each_family(layout: Layout, laid_out: Model) -> None:
    """Row i is what neuron i writes: its column of a Linear, its row of GPT-2's Conv1D."""
    W_out = laid_out.mlp_out(1)
    stored = layout.tensors()[layout.mlp_out]
    activations = tensor(3, D_FF, seed=9)
    written = (
        activations @ stored if layout.conv1d else torch.nn.functional.linear(activations, stored)
    )
    assert W_out.shape == (D_FF, D_MODEL)
    torch.testing.assert_close(activations @ W_out, written)


def test_a_square_mlp_is_not_turned_by_its_shape(tmp_path: Path) -> None:
    square = tensor(D_MODEL, D_MODEL)
    for model_type, name, expected in (
        ("gpt2", "h.0.mlp.c_proj.weight", square),
        ("gpt_neo", "h.0.mlp.c_proj.weight", square.T),
    ):
        tensors = {name: square, "wte.weight": tensor(VOCAB, D_MODEL)}
        folder = write_model(tmp_path / model_type, tensors, model_type=model_type, n_layer=1)
        assert torch.equal(load_model(folder).mlp_out(0), expected)


# --- tied or not ---


@pytest.mark.parametrize(
    ("head", "config", "tied"),
    [
        (True, {}, False),
        (True, {"tie_word_embeddings": False}, False),
        (True, {"tie_word_embeddings": True}, True),
        (True, {"text_config": {"tie_word_embeddings": True}}, True),
        (True, {"tie_word_embeddings": False, "text_config": {"tie_word_embeddings": True}}, False),
        (False, {"tie_word_embeddings": True}, True),
        (False, {}, True),
    ],
)
def test_tied(tmp_path: Path, head: bool, config: dict[str, Any], tied: bool) -> None:
    tensors = llama_tensors(head=head)
    folder = write_model(tmp_path / "m", tensors, model_type="llama", **config)
    raw = load_model(folder).unembedding()
    assert raw.tied == tied
    source = "model.embed_tokens.weight" if tied else "lm_head.weight"
    assert torch.equal(raw.W_U.whole(), tensors[source])


# --- one file, several files, an index ---


def test_shards(tmp_path: Path) -> None:
    tensors = llama_tensors(layers=2)
    names = sorted(tensors)
    shards = {
        f"model-0000{i + 1}-of-00003.safetensors": {name: tensors[name] for name in names[i::3]}
        for i in range(3)
    }
    model = load_model(
        write_shards(tmp_path / "m", shards, model_type="llama", num_hidden_layers=2)
    )
    assert torch.equal(model.unembedding().W_U.whole(), tensors["lm_head.weight"])
    assert torch.equal(model.mlp_out(1), tensors["model.layers.1.mlp.down_proj.weight"].T)


def test_only_the_shards_that_are_needed_are_opened(tmp_path: Path) -> None:
    tensors = llama_tensors()
    needed = {k: tensors[k] for k in ("lm_head.weight", "model.norm.weight")}
    rest = {k: tensors[k] for k in tensors if k not in needed}
    folder = write_shards(tmp_path / "m", {"a.safetensors": needed, "b.safetensors": rest},
                          model_type="llama", num_hidden_layers=1)  # fmt: skip
    (folder / "b.safetensors").write_bytes(b"damaged")
    model = load_model(folder)
    model.unembedding()
    with pytest.raises(FormatError, match=r"b\.safetensors cannot be read as "):
        model.mlp_out(0)


def test_a_shard_is_missing(tmp_path: Path) -> None:
    folder = write_shards(
        tmp_path / "m", {"model-00001-of-00001.safetensors": llama_tensors()}, model_type="llama"
    )
    (folder / "model-00001-of-00001.safetensors").rename(folder / "model-1.safetensors")
    with pytest.raises(SourceError, match=r"has no model-00001-of-00001\.safetensors\. Did you"):
        load_model(folder).unembedding()


def test_a_tensor_is_in_the_index_alone(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "m", {"a.safetensors": llama_tensors()}, model_type="llama")
    save_file({"other": torch.zeros(1)}, folder / "a.safetensors")
    with pytest.raises(FormatError, match=r"a\.safetensors has no tensor 'lm_head\.weight'"):
        load_model(folder).unembedding()


@pytest.mark.parametrize(
    "index",
    ["{", "[]", "{}", '{"weight_map": null}', '{"weight_map": [1]}', '{"weight_map": {"a": 1}}',
     '{"weight_map": {"a": ["x"]}}', '{"weight_map": {"a": "../m/model.safetensors"}}',
     '{"weight_map": {"a": "/x/model.safetensors"}}', '{"weight_map": {"a": ""}}'],
)  # fmt: skip
def test_a_damaged_index(tmp_path: Path, index: str) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama")
    (folder / "model.safetensors.index.json").write_text(index)
    with pytest.raises(FormatError, match=r"index\.json"):
        load_model(folder).unembedding()


def test_model_safetensors_comes_before_others(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama")
    save_file({"a": torch.zeros(1)}, folder / "adapter.safetensors")
    assert torch.equal(
        load_model(folder).unembedding().W_U.whole(), llama_tensors()["lm_head.weight"]
    )


def test_a_single_file_of_another_name(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama")
    (folder / "model.safetensors").rename(folder / "weights.safetensors")
    assert load_model(folder).unembedding().W_U.shape == (VOCAB, D_MODEL)


@pytest.mark.parametrize("names", [["a.safetensors", "b.safetensors"], ["README.md"], []])
def test_which_file_is_not_known(tmp_path: Path, names: list[str]) -> None:
    write_config(tmp_path, model_type="llama")
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(FormatError) as caught:
        load_model(tmp_path).unembedding()
    message = str(caught.value)
    assert "should hold model.safetensors, or shards with model.safetensors.index.json" in message
    assert f"found {', '.join(sorted(['config.json', *names]))}." in message
    assert "or pytorch_model.bin, or shards with pytorch_model.bin.index.json" in message


@pytest.mark.parametrize("cut", [0, 4, 100, -1])
def test_a_damaged_file(tmp_path: Path, cut: int) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:cut])
    with pytest.raises(FormatError, match=r"cannot be read as \w+: .*Download it again"):
        load_model(folder).unembedding()


# --- only what is asked for is read ---


def test_two_tensors_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_tensors = spy_on_reads(monkeypatch)
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama", num_hidden_layers=1)
    model = load_model(folder)
    assert not read_tensors
    model.unembedding()
    assert sorted(read_tensors) == ["lm_head.weight", "model.norm.weight"]
    model.mlp_out(0)
    assert read_tensors[2:] == ["model.layers.0.mlp.down_proj.weight"]


# --- config.json ---


def test_no_config(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("")
    message = r"has no config\.json\. Did you mean 'config\.yaml'\? It holds: config\.yaml\."
    with pytest.raises(SourceError, match=message):
        load_model(tmp_path).unembedding()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"config\.json is not JSON that can be read: .*download it again"),
        ("[]", "has no model_type, so it is no model's config"),
        ('{"d_sae": 4}', "If this is an SAE, name the model first and the SAE after it"),
    ],
)
def test_config_of_something_else(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(FormatError, match=message):
        load_model(tmp_path).unembedding()


@pytest.mark.parametrize(
    ("model_type", "hint"),
    [("gemma5", "know. Did you mean 'gemma"), ("xyz", "know. Known: ")],
)
def test_unknown_family(tmp_path: Path, model_type: str, hint: str) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), model_type=model_type)
    with pytest.raises(FormatError) as caught:
        load_model(folder).unembedding()
    message = str(caught.value)
    assert f"is of model_type '{model_type}', which unembed does not know." in message
    assert hint in message
    assert "gpt_neox, gpt_neox_japanese, gpt_oss, gptj, granite" in message
    assert "prepare_unembedding(W_U, vocabulary, norm=…)" in message


def test_number_of_layers_is_not_said(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama")
    with pytest.raises(FormatError, match="does not say how many layers"):
        load_model(folder).mlp_out(0)


@pytest.mark.parametrize("layer", [-1, 2, 30])
def test_no_such_layer(tmp_path: Path, layer: int) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama", num_hidden_layers=2)
    with pytest.raises(SourceError, match=rf"m has no layer {layer}: its 2 layers are 0 to 1\."):
        load_model(folder).mlp_out(layer)


@pytest.mark.parametrize("missing", ["model.norm.weight", "model.embed_tokens.weight"])
def test_an_incomplete_checkpoint(tmp_path: Path, missing: str) -> None:
    tensors = llama_tensors(head=False)
    tensors[missing.replace("weight", "wieght")] = tensors.pop(missing)
    folder = write_model(tmp_path / "m", tensors, model_type="llama")
    stem = missing.removeprefix("model.")
    with pytest.raises(FormatError, match=rf"no tensor '{stem}' .* type llama should have it"):
        load_model(folder).unembedding()


# --- what a reference names ---


def test_name_and_origin(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "tiny-llama", llama_tensors(), model_type="llama")
    model = load_model(folder)
    assert model.name == "tiny-llama"
    assert model.origin == {"format": "huggingface", "path": str(folder)}


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_is_no_model(tmp_path: Path, name: str) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama")
    with pytest.raises(FormatError, match=rf"{name} is no model\. Give a folder with config"):
        load_model(folder / name)


def test_unembedding_with_the_tokenizer_of_another_folder(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama")
    with pytest.raises(UnembedError, match=r"No vocabulary in .*--tokenizer"):
        load_unembedding(folder)
    vocab = tmp_path / "vocab.json"
    vocab.write_text(json.dumps({letter: i for i, letter in enumerate("abcde")}))
    unembedding = load_unembedding(folder, tokenizer=vocab)
    assert unembedding.n_tokens == 5
    assert unembedding.preparation["origin"] == {
        "format": "huggingface",
        "path": str(folder),
        "tied_to_embedding": False,
        "tokenizer": {"path": str(tmp_path), "file": "vocab.json"},
        "vocabulary": "vocab.json, byte-level BPE",
    }
