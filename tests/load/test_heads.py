"""`head:` references, and `mlp:` ones of experts: what each writes into the residual stream."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.load.layouts import D_FF, D_MODEL, Tensors, llama_tensors, tensor, write_model
from unembed.errors import FormatError, SourceError
from unembed.load import load_features, load_model
from unembed.load.models.model import Expert
from unembed.load.reopen import reopen_features

HEADS, D_HEAD = 3, 2


def with_attention(layers: int = 2) -> Tensors:
    return llama_tensors(layers=layers) | {
        f"model.layers.{n}.self_attn.o_proj.weight": tensor(D_MODEL, HEADS * D_HEAD, seed=60 + n)
        for n in range(layers)
    }


def with_norms() -> Tensors:
    """Gemma 2's and OLMo 2's names."""
    return with_attention(1) | {
        f"model.layers.0.post_{part}_layernorm.weight": tensor(D_MODEL, seed=70 + i)
        for i, part in enumerate(("attention", "feedforward"))
    }


def write(folder: Path, tensors: Tensors, model_type: str = "llama", **config: Any) -> Path:
    layers = 1 + max(int(name.split(".")[2]) for name in tensors if ".layers." in name)
    config = {"num_hidden_layers": layers, "num_attention_heads": HEADS, **config}
    return write_model(folder, tensors, model_type=model_type, **config)


@pytest.mark.parametrize(
    ("reference", "names"),
    [
        ("head:1.2", ["head.1.2"]),
        ("head:1.2,0.0", ["head.1.2", "head.0.0"]),
        ("head:1", ["head.1.0", "head.1.1", "head.1.2"]),
        ("head:0-1", [f"head.{n}.{h}" for n in range(2) for h in range(HEADS)]),
        ("head:all", [f"head.{n}.{h}" for n in range(2) for h in range(HEADS)]),
    ],
)
def test_which_heads(tmp_path: Path, reference: str, names: list[str]) -> None:
    banks = load_features(reference, model=write(tmp_path / "m", with_attention()))
    assert [bank.name for bank in banks] == names


def test_what_a_head_writes(tmp_path: Path) -> None:
    """z of head h times its columns of o_proj, summed over heads, is the attention's output."""
    folder = write(tmp_path / "m", with_attention())
    banks = load_features("head:1", model=folder)
    stored = with_attention()["model.layers.1.self_attn.o_proj.weight"]
    z = tensor(5, HEADS, D_HEAD, seed=9)
    by_head = sum(z[:, h] @ banks[h].W_dec for h in range(HEADS))
    expected = torch.nn.functional.linear(z.reshape(5, -1), stored)
    torch.testing.assert_close(by_head, expected)
    assert banks[1].W_dec.shape == (D_HEAD, D_MODEL)
    assert (banks[1].layer, banks[1].hook) == (1, "blocks.1.hook_attn_out")
    assert banks[1].origin == {
        "format": "attention head",
        "model": {"format": "huggingface", "path": str(folder)},
        "head": 1,
    }


def test_heads_share_one_reading_of_a_layer_and_keep_their_own_rows_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GPT-2 stores W_O as the rows that are wanted, so that a slice would keep all of it."""
    stored = {n: tensor(HEADS * D_HEAD, D_MODEL, seed=60 + n) for n in range(2)}
    tensors = {"wte.weight": tensor(9, D_MODEL)} | {
        f"h.{n}.attn.c_proj.weight": W_O for n, W_O in stored.items()
    }
    folder = write_model(tmp_path / "m", tensors, model_type="gpt2", n_layer=2, n_head=HEADS)
    model, read = load_model(folder), list[int]()
    attention_out = model.attention_out

    def noted(layer: int) -> torch.Tensor:
        read.append(layer)
        return attention_out(layer)

    monkeypatch.setattr(model, "attention_out", noted)
    banks = load_features("head:all", model=model)
    assert read == [0, 1]
    for number, bank in enumerate(banks):
        layer, head = divmod(number, HEADS)
        assert torch.equal(bank.W_dec, stored[layer].split(D_HEAD)[head])
        assert bank.W_dec.untyped_storage().nbytes() == 4 * D_HEAD * D_MODEL


@pytest.mark.parametrize(("model_type", "one"), [("gemma2", 1), ("gemma3_text", 1), ("olmo2", 0)])
def test_norms_between_a_layer_and_the_stream(tmp_path: Path, model_type: str, one: int) -> None:
    """Gemma 2 and 3 store γ − 1; OLMo 2 stores γ."""
    tensors = with_norms()
    folder = write(tmp_path / "m", tensors, model_type)
    heads = torch.cat([bank.W_dec for bank in load_features("head:0", model=folder)])
    g = tensors["model.layers.0.post_attention_layernorm.weight"] + one
    o_proj = tensors["model.layers.0.self_attn.o_proj.weight"]
    torch.testing.assert_close(heads, o_proj.T * g)
    (neurons,) = load_features("mlp:0", model=folder)
    g = tensors["model.layers.0.post_feedforward_layernorm.weight"] + one
    down = tensors["model.layers.0.mlp.down_proj.weight"]
    torch.testing.assert_close(neurons.W_dec, down.T * g)
    name = "model.layers.0.post_feedforward_layernorm.weight"
    assert neurons.origin["steps"] == [f"⊙ (1 + {name})" if one else f"⊙ {name}"]


def test_llamas_norm_of_nearly_that_name_is_another(tmp_path: Path) -> None:
    tensors = with_norms()
    (neurons,) = load_features("mlp:0", model=write(tmp_path / "m", tensors))
    assert torch.equal(neurons.W_dec, tensors["model.layers.0.mlp.down_proj.weight"].T)


def test_a_norm_that_should_be_there(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", with_attention(1), "olmo2")
    message = r"has no tensor 'layers\.0\.post_feedforward_layernorm\.weight'"
    with pytest.raises(FormatError, match=message):
        load_features("mlp:0", model=folder)


def test_granites_residual_multiplier(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", with_attention(1), "granite", residual_multiplier=0.25)
    (neurons,) = load_features("mlp:0", model=folder)
    down = with_attention(1)["model.layers.0.mlp.down_proj.weight"]
    torch.testing.assert_close(neurons.W_dec, down.T * 0.25)
    assert neurons.origin["steps"] == ["× residual_multiplier (0.25)"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("head:1.3", r"Layer 1 of m has no head 3: its 3 heads are 1\.0 to 1\.2"),
        ("head:5.0", r"m has no layer 5"),
        ("head:5", r"m has no layer 5"),
        ("head:1,1.2", "names a head more than once"),
        ("head:x", r"names no layers\. Write head:26"),
        ("head:", r"names no layers"),
    ],
)
def test_no_such_head(tmp_path: Path, reference: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        load_features(reference, model=write(tmp_path / "m", with_attention()))


def test_heads_of_which_model() -> None:
    with pytest.raises(FormatError, match="head:1 means the attention heads of a model: say which"):
        load_features("head:1")


def test_heads_that_cannot_share_the_matrix(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", with_attention(), num_attention_heads=4)
    with pytest.raises(FormatError, match="6 rows, which 4 heads cannot share"):
        load_features("head:0.0", model=folder)


def test_the_number_of_heads_is_not_said(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", with_attention(), num_attention_heads=None)
    with pytest.raises(FormatError, match="does not say how many attention heads"):
        load_features("head:0", model=folder)


# --- experts ---


def mixture(model_type: str, experts: int = 2) -> Tensors:
    """Layer 0 with one MLP, layer 1 with experts, as each type keeps them."""
    tensors = {k: v for k, v in with_attention().items() if "layers.1.mlp" not in k}
    parts = [tensor(D_MODEL, D_FF, seed=90 + e) for e in range(experts)]
    at = "model.layers.1"
    if model_type == "gpt_oss":
        stacked = torch.stack([part.T for part in parts]).contiguous()
        return tensors | {f"{at}.mlp.experts.down_proj": stacked}
    if model_type == "granitemoe":
        tensors.pop("model.layers.0.mlp.down_proj.weight")
        return tensors | {f"{at}.block_sparse_moe.output_linear.weight": torch.stack(parts)}
    if model_type == "mixtral":
        name = f"{at}.block_sparse_moe.experts.{{}}.w2.weight"
    else:
        name = f"{at}.mlp.experts.{{}}.down_proj.weight"
        tensors[f"{at}.mlp.shared_experts.down_proj.weight"] = tensor(D_MODEL, 3, seed=99)
    return tensors | {name.format(e): part for e, part in enumerate(parts)}


@pytest.mark.parametrize("model_type", ["mixtral", "deepseek_v3", "gpt_oss", "granitemoe"])
def test_experts(tmp_path: Path, model_type: str) -> None:
    folder = write(tmp_path / "m", mixture(model_type), model_type)
    banks = load_features("mlp:1:all", model=folder)
    assert [bank.name for bank in banks] == ["mlp.1.e0", "mlp.1.e1"]
    for expert, bank in enumerate(banks):
        torch.testing.assert_close(bank.W_dec, tensor(D_MODEL, D_FF, seed=90 + expert).T)
        assert bank.origin["expert"] == expert
    (one,) = load_features("mlp:1:e1", model=folder)
    assert torch.equal(one.W_dec, banks[1].W_dec)


@pytest.mark.parametrize("rows", [True, False])
def test_fused_experts_are_turned_by_their_width(tmp_path: Path, rows: bool) -> None:
    """Qwen3-VL-MoE is published [experts, d_ff, d_model], and saved again the other way round."""
    part = tensor(2, D_MODEL, D_FF, seed=1)
    tensors = mixture("gpt_oss") | {
        "model.layers.1.mlp.experts.down_proj": (part.mT if rows else part).contiguous()
    }
    folder = write(tmp_path / "m", tensors, "gpt_oss")
    assert torch.equal(load_model(folder).mlp_out(1, 1), part[1].T)


def test_the_shared_expert(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", mixture("deepseek_v3"), "deepseek_v3")
    (bank,) = load_features("mlp:1:shared", model=folder)
    assert bank.name == "mlp.1.shared"
    assert torch.equal(bank.W_dec, tensor(D_MODEL, 3, seed=99).T)


def test_all_of_a_layer_without_experts_is_its_mlp(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", mixture("mixtral"), "mixtral", num_hidden_layers=2)
    assert [b.name for b in load_features("mlp:1:all", model=folder)] == ["mlp.1.e0", "mlp.1.e1"]
    folder = write(tmp_path / "d", mixture("deepseek_v3"), "deepseek_v3")
    names = [bank.name for bank in load_features("mlp:0-1:all", model=folder)]
    assert names == ["mlp.0", "mlp.1.e0", "mlp.1.e1"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("mlp:1", r"mixture of 2 experts.*mlp:1:e0 to mlp:1:e1, or mlp:1:all, or mlp:1:shared"),
        ("mlp:1:e2", r"has no expert 2: its 2 experts are mlp:1:e0 to mlp:1:e1"),
        ("mlp:0:e0", r"Layer 0 of m has a single MLP and no experts: write mlp:0"),
        ("mlp:1:3", r"'3' names no expert of layer 1\. Write mlp:1:e3, mlp:1:all"),
    ],
)
def test_no_such_expert(tmp_path: Path, reference: str, message: str) -> None:
    folder = write(tmp_path / "m", mixture("deepseek_v3"), "deepseek_v3")
    with pytest.raises(SourceError, match=message):
        load_features(reference, model=folder)


@pytest.mark.parametrize(
    ("model_type", "said"),
    [
        ("mixtral", {"num_local_experts": 3}),
        ("deepseek_v3", {"n_routed_experts": 3}),
        ("gpt_oss", {"num_experts": 3}),
        ("granitemoe", {"num_local_experts": 3}),
        ("qwen3_moe", {"num_experts": [2, 3]}),
    ],
)
def test_experts_that_are_missing(tmp_path: Path, model_type: str, said: dict[str, Any]) -> None:
    folder = write(tmp_path / "m", mixture(model_type), model_type, **said)
    with pytest.raises(FormatError, match=r"experts: 3, but layer 1 has 2 experts in the checkp"):
        load_features("mlp:1:all", model=folder)


def test_experts_that_are_as_many_as_is_said(tmp_path: Path) -> None:
    config = {"n_routed_experts": 2, "num_experts_per_tok": 1}
    folder = write(tmp_path / "m", mixture("deepseek_v3"), "deepseek_v3", **config)
    assert [load_model(folder).n_experts(layer) for layer in range(2)] == [0, 2]


def gemma4() -> Tensors:
    """Gemma 4's names, with experts in its one layer."""
    names = ("attention_layernorm", *(f"feedforward_layernorm{end}" for end in ("", "_1", "_2")))
    norms = {
        f"model.layers.0.post_{name}.weight": tensor(D_MODEL, seed=70 + i)
        for i, name in enumerate(names)
    }
    return (
        with_attention(1)
        | norms
        | {
            "model.layers.0.layer_scalar": torch.tensor([0.5]),
            "model.layers.0.experts.down_proj": tensor(2, D_MODEL, D_FF, seed=75),
        }
    )


@pytest.mark.parametrize(("expert", "which"), [(None, 1), ("shared", 1), (0, 2), (1, 2)])
def test_gemma4s_norms_of_shared_and_routed_experts(
    tmp_path: Path, expert: Expert | None, which: int
) -> None:
    """The module called mlp is the shared expert (see tests/oracle/test_modules.py)."""
    tensors = gemma4()
    model = load_model(write(tmp_path / "m", tensors, "gemma4_text"))
    after = model.after_mlp(0, expert)
    names = [f"model.layers.0.post_feedforward_layernorm{end}.weight" for end in (f"_{which}", "")]
    assert after.gamma is not None
    assert torch.equal(after.gamma, tensors[names[0]] * tensors[names[1]])
    assert after.steps == (
        f"⊙ {names[0]}", f"⊙ {names[1]}", "× model.layers.0.layer_scalar (0.5)"
    )  # fmt: skip
    if expert is not None:
        (bank,) = load_features(f"mlp:0:{'shared' if expert == 'shared' else f'e{expert}'}",
                                model=model)  # fmt: skip
        stored = tensors["model.layers.0.mlp.down_proj.weight"]
        if expert != "shared":
            stored = tensors["model.layers.0.experts.down_proj"][expert]
        torch.testing.assert_close(bank.W_dec, stored.T * after.gamma * 0.5)
        assert bank.origin["steps"] == list(after.steps)


def test_gemma4_without_experts_has_no_inner_norms(tmp_path: Path) -> None:
    tensors = {k: v for k, v in gemma4().items() if "experts" not in k}
    after = load_model(write(tmp_path / "m", tensors, "gemma4_text")).after_mlp(0)
    assert after.gamma is not None
    assert torch.equal(after.gamma, tensors["model.layers.0.post_feedforward_layernorm.weight"])


@pytest.mark.parametrize("shape", [(2,), (0,), (1, 2)])
def test_a_number_that_is_several(tmp_path: Path, shape: tuple[int, ...]) -> None:
    tensors = gemma4() | {"model.layers.0.layer_scalar": torch.ones(shape)}
    model = load_model(write(tmp_path / "m", tensors, "gemma4_text"))
    with pytest.raises(FormatError, match=r"layer_scalar has shape .*should be one number"):
        model.after_attention(0)


@pytest.mark.parametrize(
    ("model_type", "config", "behind"),
    [
        ("llama", {}, False),
        ("gemma2", {}, True),
        ("olmo2", {}, True),
        ("afmoe", {}, True),
        ("glm4", {}, False),
        ("hyperclovax", {"use_post_norm": True}, False),
    ],
)
def test_which_norm_is_behind_attention(
    tmp_path: Path, model_type: str, config: dict[str, Any], behind: bool
) -> None:
    """In GLM-4 the one called post_attention_layernorm is what the MLP reads all the same."""
    model = load_model(write(tmp_path / "m", with_norms(), model_type, **config))
    assert model.norm_behind_attention(0) == behind


def test_a_hybrid_layer_says_what_it_lacks(tmp_path: Path) -> None:
    tensors = with_attention() | {"model.final_layernorm.weight": tensor(D_MODEL)}
    tensors = {k: v for k, v in tensors.items() if "layers.0.self_attn" not in k}
    tensors["model.layers.0.mamba.out_proj.weight"] = tensor(D_MODEL, D_FF)
    folder = write(tmp_path / "m", tensors, "jamba")
    with pytest.raises(SourceError, match=r"Layer 0 of m has no attention; it holds .*mamba"):
        load_features("head:0", model=folder)
    with pytest.raises(SourceError, match=r"Layer 1 of m has no MLP; it holds"):
        load_features("mlp:1", model=folder)


def test_a_model_without_neurons_or_heads(tmp_path: Path) -> None:
    tensors = {"backbone.embeddings.weight": tensor(5, D_MODEL)}
    folder = write_model(tmp_path / "m", tensors, model_type="mamba", num_hidden_layers=1)
    with pytest.raises(SourceError, match="no neurons to read: its layers are state spaces"):
        load_features("mlp:0", model=folder)
    with pytest.raises(SourceError, match="no heads to read: its layers are state spaces"):
        load_features("head:0", model=folder)


@pytest.mark.parametrize("reference", ["mlp:1:e1", "mlp:1:shared", "mlp:0", "head:1.2"])
def test_opened_again_from_a_manifest(tmp_path: Path, reference: str) -> None:
    folder = write(tmp_path / "m", mixture("deepseek_v3"), "deepseek_v3")
    (bank,) = load_features(reference, model=folder)
    again = reopen_features(replace(bank.facts, origin=json.loads(json.dumps(bank.origin))))
    assert torch.equal(again.W_dec, bank.W_dec)
