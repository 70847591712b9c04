"""Where a model's tensors lie, what must be there, and how embedding and unembedding are tied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.load.layouts import (
    D_FF,
    D_MODEL,
    VOCAB,
    Tensors,
    llama_tensors,
    tensor,
    write_config,
    write_model,
    write_shards,
)
from unembed.errors import FormatError, SourceError
from unembed.load import load_model, load_unembedding
from unembed.load.models.families import FAMILIES, NESTED, known_model_types

LLAMA = {"model_type": "llama", "num_hidden_layers": 1}
HUGE = pytest.param(10**400, id="more than a float holds")


def test_every_type_is_known_once() -> None:
    assert len(known_model_types()) == len(set(known_model_types())) >= 140


@pytest.mark.parametrize("row", [row for family in FAMILIES for row in (family.experts,)])
def test_names_have_a_place_for_layer_and_expert(row: tuple[str, ...]) -> None:
    assert all(name.count("{}") in (1, 2) for name in row)


def test_what_nests_names_a_family() -> None:
    known = {name for family in FAMILIES for name in family.model_types}
    assert {nested.text for nested in NESTED} <= known


# --- containers ---


def bin_folder(folder: Path, shards: dict[str, Tensors], **config: Any) -> Path:
    write_config(folder, **config)
    for name, tensors in shards.items():
        torch.save(tensors, folder / name)
    return folder


def test_pytorch_model_bin(tmp_path: Path) -> None:
    tensors = llama_tensors()
    model = load_model(bin_folder(tmp_path / "m", {"pytorch_model.bin": tensors}, **LLAMA))
    assert torch.equal(model.unembedding().W_U.whole(), tensors["lm_head.weight"])
    assert torch.equal(model.mlp_out(0), tensors["model.layers.0.mlp.down_proj.weight"].T)
    assert model.d_model == D_MODEL


def test_pytorch_model_bin_in_shards(tmp_path: Path) -> None:
    tensors = llama_tensors()
    names = sorted(tensors)
    shards = {f"pytorch_model-{i}.bin": {n: tensors[n] for n in names[i::2]} for i in range(2)}
    folder = bin_folder(tmp_path / "m", shards, **LLAMA)
    index = {"weight_map": {n: shard for shard, part in shards.items() for n in part}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    model = load_model(folder)
    assert torch.equal(model.unembedding().W_U.whole(), tensors["lm_head.weight"])
    assert torch.equal(model.mlp_out(0), tensors["model.layers.0.mlp.down_proj.weight"].T)


def test_safetensors_come_before_bin(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), **LLAMA)
    (folder / "pytorch_model.bin").write_bytes(b"")
    assert torch.equal(
        load_model(folder).unembedding().W_U.whole(), llama_tensors()["lm_head.weight"]
    )


def mistral_tensors() -> Tensors:
    return {
        "tok_embeddings.weight": tensor(VOCAB, D_MODEL, seed=1),
        "norm.weight": tensor(D_MODEL, seed=2),
        "output.weight": tensor(VOCAB, D_MODEL, seed=3),
        "layers.0.feed_forward.w2.weight": tensor(D_MODEL, D_FF, seed=4),
        "layers.0.feed_forward.w1.weight": tensor(D_FF, D_MODEL, seed=5),
        "layers.0.attention.wo.weight": tensor(D_MODEL, 6, seed=6),
        "layers.0.ffn_norm.weight": tensor(D_MODEL, seed=7),
    }


def write_params(folder: Path, tensors: Tensors, **params: Any) -> Path:
    folder.mkdir()
    params = {"dim": D_MODEL, "n_layers": 1, "n_heads": 2, "head_dim": 3, **params}
    (folder / "params.json").write_text(json.dumps(params))
    save_file(tensors, folder / "consolidated.safetensors")
    return folder


def test_mistrals_own_files(tmp_path: Path) -> None:
    tensors = mistral_tensors()
    model = load_model(write_params(tmp_path / "m", tensors))
    raw = model.unembedding()
    assert torch.equal(raw.W_U.whole(), tensors["output.weight"])
    assert raw.norm.kind == "rmsnorm"
    assert raw.norm.gamma is not None
    assert torch.equal(raw.norm.gamma, tensors["norm.weight"])
    assert torch.equal(model.mlp_out(0), tensors["layers.0.feed_forward.w2.weight"].T)
    assert torch.equal(model.attention_out(0), tensors["layers.0.attention.wo.weight"].T)
    assert (model.n_layers, model.n_heads(0), model.d_model) == (1, 2, D_MODEL)


def test_mistrals_own_files_with_experts(tmp_path: Path) -> None:
    tensors = {k: v for k, v in mistral_tensors().items() if "feed_forward" not in k}
    for expert in range(2):
        name = f"layers.0.feed_forward.experts.{expert}.w2.weight"
        tensors[name] = tensor(D_MODEL, D_FF, seed=20 + expert)
    model = load_model(write_params(tmp_path / "m", tensors))
    assert model.n_experts(0) == 2
    expected = tensors["layers.0.feed_forward.experts.1.w2.weight"].T
    assert torch.equal(model.mlp_out(0, 1), expected)


def test_mistrals_own_files_tied(tmp_path: Path) -> None:
    tensors = {k: v for k, v in mistral_tensors().items() if k != "output.weight"}
    model = load_model(write_params(tmp_path / "m", tensors, tied_embeddings=True))
    assert torch.equal(model.unembedding().W_U.whole(), tensors["tok_embeddings.weight"])


def test_config_json_comes_before_params_json(tmp_path: Path) -> None:
    folder = write_params(tmp_path / "m", mistral_tensors())
    write_config(folder, **LLAMA)
    save_file(llama_tensors(), folder / "model.safetensors")
    assert torch.equal(
        load_model(folder).unembedding().W_U.whole(), llama_tensors()["lm_head.weight"]
    )


def test_parts_for_several_devices_are_refused(tmp_path: Path) -> None:
    folder = write_params(tmp_path / "m", mistral_tensors())
    (folder / "consolidated.safetensors").rename(folder / "consolidated.00.pth")
    (folder / "consolidated.01.pth").write_bytes(b"")
    with pytest.raises(FormatError, match=r"found consolidated\.00\.pth, consolidated\.01\.pth"):
        load_model(folder).unembedding()


# --- absence is never a statement ---


def test_untied_without_a_head(tmp_path: Path) -> None:
    tensors = llama_tensors(head=False)
    folder = write_model(tmp_path / "m", tensors, **LLAMA, tie_word_embeddings=False)
    message = r"m/config\.json says tie_word_embeddings: false, but there is no lm_head\.weight"
    with pytest.raises(FormatError, match=message):
        load_model(folder).unembedding()


def test_tied_whatever_else_is_there(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), **LLAMA, tie_word_embeddings=True)
    raw = load_model(folder).unembedding()
    assert torch.equal(raw.W_U.whole(), llama_tensors()["model.embed_tokens.weight"])
    assert raw.tied_because == (
        "tie_word_embeddings is true: lm_head.weight, which the file holds too, is not read"
    )


@pytest.mark.parametrize(
    ("model_type", "head", "tied", "because"),
    [
        ("llama", False, True, "tie_word_embeddings is absent, and there is no lm_head.weight"),
        ("llama", True, False, ""),
        ("gemma2", True, False, "tie_word_embeddings is absent, and lm_head.weight differs from "
         "model.embed_tokens.weight"),
    ],
)  # fmt: skip
def test_an_absent_tie_is_said(
    tmp_path: Path, model_type: str, head: bool, tied: bool, because: str
) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(head=head), model_type=model_type)
    (folder / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate("abcde")}))
    origin = load_unembedding(folder).preparation["origin"]
    assert origin["tied_to_embedding"] == tied
    assert origin.get("tied_because", "") == because


@pytest.mark.parametrize("rows", [VOCAB, VOCAB + 2])
def test_an_absent_tie_with_a_head(tmp_path: Path, rows: int) -> None:
    """A head of other rows, or with one row of its own, is no embedding."""
    tensors = llama_tensors()
    head = tensor(rows, D_MODEL, seed=1)
    equal = tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"].clone()}
    raw = load_model(write_model(tmp_path / "e", equal, model_type="gemma2")).unembedding()
    assert raw.tied
    assert raw.tied_because == "tie_word_embeddings is absent, and models of type gemma2 tie"
    head[-1] += 1
    differs = tensors | {"lm_head.weight": head}
    raw = load_model(write_model(tmp_path / "d", differs, model_type="gemma2")).unembedding()
    assert not raw.tied
    assert torch.equal(raw.W_U.whole(), head)


@pytest.mark.parametrize("said", [{}, {"tie_word_embeddings": False}])
def test_a_head_that_is_packed(tmp_path: Path, said: dict[str, bool]) -> None:
    """It is not there as lm_head.weight, and no reason to take the embedding."""
    tensors = llama_tensors(head=False) | {"lm_head.qweight": torch.ones(1, D_MODEL).int()}
    model = load_model(write_model(tmp_path / "m", tensors, **LLAMA, **said))
    with pytest.raises(FormatError, match=r"lm_head\.weight is quantised \(GPTQ or AWQ\)"):
        model.unembedding()


@pytest.mark.parametrize("said", ["false", 1, []])
@pytest.mark.parametrize("nested", [False, True])
def test_a_tie_that_is_neither_true_nor_false(tmp_path: Path, said: object, nested: bool) -> None:
    text = {"tie_word_embeddings": said}
    config = {"text_config": text} if nested else text
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama", **config)
    with pytest.raises(
        FormatError, match=r"m/config\.json.*tie_word_embeddings should be true or fal"
    ):
        load_model(folder).unembedding()


@pytest.mark.parametrize("whole", [False, True])
def test_a_tie_on_which_a_model_and_its_text_disagree(tmp_path: Path, whole: bool) -> None:
    """The whole model's word holds, as in `transformers` (see tests/oracle)."""
    text = {"num_hidden_layers": 1, "tie_word_embeddings": not whole}
    folder = write_model(
        tmp_path / "m", llama_tensors(), model_type="qwen2_5_vl", text_config=text,
        tie_word_embeddings=whole,
    )  # fmt: skip
    raw = load_model(folder).unembedding()
    assert raw.tied == whole
    words = f"tie_word_embeddings is {str(whole).lower()}, though {str(not whole).lower()} in text"
    assert raw.tied_because.startswith(words)


@pytest.mark.parametrize("model_type", ["llama", "gemma2", "cohere", "qwen3_moe"])
def test_a_norm_that_should_be_there(tmp_path: Path, model_type: str) -> None:
    tensors = {k: v for k, v in llama_tensors().items() if k != "model.norm.weight"}
    folder = write_model(tmp_path / "m", tensors, model_type=model_type, logit_scale=1.0)
    with pytest.raises(FormatError, match=r"m/model\.safetensors has no tensor 'norm\.weight'"):
        load_model(folder).unembedding()


def opt_tensors(inner: int = D_MODEL) -> Tensors:
    return {
        "model.decoder.embed_tokens.weight": tensor(VOCAB, inner, seed=1),
        "model.decoder.layers.0.fc2.weight": tensor(D_MODEL, D_FF, seed=2),
        "model.decoder.layers.0.final_layer_norm.weight": tensor(D_MODEL, seed=3),
    }


@pytest.mark.parametrize("said", [{}, {"do_layer_norm_before": True}])
def test_opt_without_its_final_norm(tmp_path: Path, said: dict[str, bool]) -> None:
    folder = write_model(tmp_path / "m", opt_tensors(), model_type="opt", **said)
    with pytest.raises(FormatError, match=r"has no tensor 'final_layer_norm\.weight'"):
        load_model(folder).unembedding()


def test_opt_whose_final_norm_was_removed(tmp_path: Path) -> None:
    """A stale norm in the file is not applied, and layers can be followed."""
    stale = {"model.decoder.final_layer_norm.weight": tensor(D_MODEL, seed=8)}
    folder = write_model(
        tmp_path / "m", opt_tensors() | stale, model_type="opt", num_hidden_layers=1,
        _remove_final_layer_norm=True,
    )  # fmt: skip
    model = load_model(folder)
    assert model.unembedding().norm.kind == "none"
    model.check_followed(0)
    assert model.after_mlp(0).gamma is None


OPT_350M = {
    "model_type": "opt", "num_hidden_layers": 1, "do_layer_norm_before": False,
    "word_embed_proj_dim": 3, "hidden_size": D_MODEL,
}  # fmt: skip


def test_opt_350m(tmp_path: Path) -> None:
    """The residual stream is narrowed before W_U, and has no norm."""
    project = tensor(3, D_MODEL, seed=9)
    tensors = opt_tensors(inner=3) | {"model.decoder.project_out.weight": project}
    model = load_model(write_model(tmp_path / "m", tensors, **OPT_350M))
    raw = model.unembedding()
    assert raw.norm.kind == "none"
    torch.testing.assert_close(
        raw.W_U.whole(), tensors["model.decoder.embed_tokens.weight"] @ project
    )
    assert model.d_model == D_MODEL
    with pytest.raises(SourceError, match="normalises the residual stream itself"):
        model.after_mlp(0)
    with pytest.raises(SourceError, match="normalises the residual stream itself"):
        model.check_followed(0)


@pytest.mark.parametrize("model_type", ["openai-gpt", "bart", "gemma3n_text"])
def test_a_stream_that_does_not_stay_as_it_is(tmp_path: Path, model_type: str) -> None:
    folder = write_model(tmp_path / "m", {}, model_type=model_type, num_hidden_layers=1)
    with pytest.raises(SourceError, match=r"cannot be followed: it (normalises|keeps several)"):
        load_model(folder).check_followed(0)


@pytest.mark.parametrize("model_type", ["llama", "gemma2", "mamba", "rwkv", "t5"])
def test_a_stream_that_stays_as_it_is(tmp_path: Path, model_type: str) -> None:
    """Whether or not it has neurons or heads."""
    folder = write_model(tmp_path / "m", {}, model_type=model_type, num_hidden_layers=1)
    load_model(folder).check_followed(0)


def test_opt_350m_without_its_projection(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", opt_tensors(inner=3), **OPT_350M)
    with pytest.raises(FormatError, match=r"has no tensor 'project_out\.weight'"):
        load_model(folder).unembedding()


# --- constants after W_U ---


@pytest.mark.parametrize(
    ("model_type", "config", "constants", "factor"),
    [
        ("granite", {"logits_scaling": 16.0}, {"1/logits_scaling": 1 / 16}, 1 / 16),
        ("cohere", {"logit_scale": 0.25}, {"logit_scale": 0.25}, 0.25),
        ("cohere2", {}, {"logit_scale": 0.0625}, 0.0625),
        ("minicpm", {"hidden_size": 2304, "dim_model_base": 256},
         {"dim_model_base": 256.0, "1/hidden_size": 1 / 2304}, 256 / 2304),
        ("hyperclovax", {"logits_scaling": 0.5}, {"logits_scaling": 0.5}, 0.5),
    ],
)  # fmt: skip
def test_constants_after_the_unembedding(
    tmp_path: Path,
    model_type: str,
    config: dict[str, float],
    constants: dict[str, float],
    factor: float,
) -> None:
    tied = {"tie_word_embeddings": False}
    folder = write_model(tmp_path / "m", llama_tensors(), model_type=model_type, **tied, **config)
    (folder / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate("abcde")}))
    raw = load_model(folder).unembedding()
    torch.testing.assert_close(raw.W_U.whole(), llama_tensors()["lm_head.weight"] * factor)
    assert raw.constants == constants
    assert load_unembedding(folder).preparation["constants"] == constants


def test_a_constant_that_is_not_stated(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="minicpm", hidden_size=8)
    with pytest.raises(FormatError, match="should state dim_model_base, a number"):
        load_model(folder).unembedding()


@pytest.mark.parametrize("value", [0, -2, float("nan"), float("inf"), HUGE, True, "8"])
def test_a_constant_that_nothing_is_divided_by(tmp_path: Path, value: object) -> None:
    folder = write_model(
        tmp_path / "m", llama_tensors(), model_type="granite", logits_scaling=value
    )
    with pytest.raises(
        FormatError, match=r"should state logits_scaling, a number above 0|a number has 401 digits"
    ):
        load_model(folder).unembedding()


# --- settings that make no sense ---


@pytest.mark.parametrize("value", ["x", -1, 1.5, True, [1]])
@pytest.mark.parametrize("key", ["num_hidden_layers", "num_attention_heads"])
def test_numbers_that_are_none(tmp_path: Path, key: str, value: object) -> None:
    config = {"num_hidden_layers": 2, "num_attention_heads": 2, key: value}
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llama", **config)
    with pytest.raises(FormatError, match=rf"m/config\.json.*{key} should be a whole number"):
        load_model(folder).n_heads(1)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors.index.json"])
def test_json_as_editors_and_vandals_leave_it(tmp_path: Path, file: str) -> None:
    """With a byte-order mark it is read; nested too deep it is refused."""
    shards = {"a.safetensors": llama_tensors()}
    path = write_shards(tmp_path / "m", shards, **LLAMA) / file
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    raw = load_model(path.parent).unembedding()
    assert torch.equal(raw.W_U.whole(), llama_tensors()["lm_head.weight"])
    path.write_text("[" * 200_000)
    with pytest.raises(FormatError, match="more than 64 deep"):
        load_model(path.parent).unembedding()


@pytest.mark.parametrize("file", [None, 3, ["model.safetensors"]])
def test_an_index_that_names_no_file(tmp_path: Path, file: object) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), **LLAMA)
    index = {"weight_map": dict.fromkeys(llama_tensors(), file)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(FormatError, match=r"weight_map: \S+ should have the name of a file"):
        load_model(folder).unembedding()


# --- what a multimodal model nests ---


@pytest.mark.parametrize("prefix", ["language_model.model.", "model.language_model.", "model."])
@pytest.mark.parametrize("text", [{"model_type": "qwen2"}, {}])
def test_nested(tmp_path: Path, prefix: str, text: dict[str, str]) -> None:
    tensors = {k.replace("model.", prefix, 1): v for k, v in llama_tensors(head=False).items()}
    tensors["vision_tower.norm.weight"] = tensor(D_MODEL, seed=80)
    folder = write_model(
        tmp_path / "m", tensors, model_type="llava", tie_word_embeddings=True,
        text_config={"num_hidden_layers": 1, "num_attention_heads": 2, **text},
    )  # fmt: skip
    model = load_model(folder)
    assert torch.equal(
        model.unembedding().W_U.whole(), llama_tensors()["model.embed_tokens.weight"]
    )
    assert model.n_heads(0) == 2


def test_nested_of_an_unknown_family(tmp_path: Path) -> None:
    """It is not taken for the usual one."""
    text = {"model_type": "qwen9", "num_hidden_layers": 1}
    folder = write_model(tmp_path / "m", llama_tensors(), model_type="llava", text_config=text)
    with pytest.raises(FormatError, match="is of model_type 'qwen9', which unembed does not know"):
        load_model(folder).unembedding()


@pytest.mark.parametrize("key", ["do_layer_norm_before", "bos_token_id"])
def test_settings_that_say_nothing_of_the_tie(tmp_path: Path, key: str) -> None:
    folder = write_model(tmp_path / "m", llama_tensors(), **LLAMA, **{key: True})
    assert not load_model(folder).unembedding().tied


def test_a_matrix_of_another_model(tmp_path: Path) -> None:
    tensors = llama_tensors() | {"model.layers.0.mlp.down_proj.weight": tensor(D_MODEL + 1, D_FF)}
    folder = write_model(tmp_path / "m", tensors, **LLAMA)
    with pytest.raises(FormatError, match=rf"residual stream of width {D_MODEL}\. It belongs to"):
        load_model(folder).mlp_out(0)
