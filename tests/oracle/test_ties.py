"""Which matrix is W_U, and times what, where config.json says little or contradicts itself.

Every checkpoint is opened by `transformers` from the same files, and its logits differentiated.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

pytest.importorskip("transformers")

from tests.oracle.measure import error_of_unembedding
from tests.oracle.tiny_transformers import auto_class, save_tiny
from unembed.load import load_model
from unembed.load.models.model import Model, RawUnembedding

BOUND = 1e-6
TIE = "tie_word_embeddings"

pytestmark = pytest.mark.filterwarnings("ignore")  # of transformers' own code


def say(folder: Path, **said: Any) -> None:
    """Write config.json without any word on the tie, but for those given."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    text = said.pop("text", None)
    for settings in (config, config.get("text_config", {})):
        settings.pop(TIE, None)
    if text is not None:
        config["text_config"][TIE] = text
    path.write_text(json.dumps(config | said))


def held(model: nn.Module, folder: Path) -> RawUnembedding:
    """Return our unembedding, once its Jacobian is that of what `transformers` opens."""
    model_type = json.loads((folder / "config.json").read_text())["model_type"]
    auto = auto_class(model_type, model.config)
    again = auto.from_pretrained(folder, experts_implementation="eager").double().eval()
    ours: Model = load_model(folder)
    torch.set_default_dtype(torch.float64)
    try:
        assert error_of_unembedding(again, ours) < BOUND
    finally:
        torch.set_default_dtype(torch.float32)
    return ours.unembedding()


@pytest.mark.parametrize("model_type", ["mistral3", "gemma2", "lfm2", "cohere", "gpt2", "opt"])
def test_nothing_said_and_a_head_that_differs(model_type: str, tmp_path: Path) -> None:
    model = save_tiny(model_type, tmp_path, tie_word_embeddings=False)
    say(tmp_path)
    raw = held(model, tmp_path)
    assert not raw.tied
    assert "differs from" in raw.tied_because


@pytest.mark.parametrize("model_type", ["mistral3", "gemma2"])
def test_nothing_said_and_a_head_that_is_the_embedding(model_type: str, tmp_path: Path) -> None:
    model = save_tiny(model_type, tmp_path, tie_word_embeddings=False)
    with torch.no_grad():
        model.lm_head.weight.copy_(model.get_input_embeddings().weight)
    model.save_pretrained(tmp_path)
    say(tmp_path)
    assert held(model, tmp_path).tied


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("model_type", ["t5", "umt5", "mt5"])
def test_t5_with_embedding_and_head(model_type: str, same: bool, tmp_path: Path) -> None:
    """pytorch_model.bin holds both names; the constant hangs on what the config says alone."""
    model = save_tiny(model_type, tmp_path)
    (tmp_path / "model.safetensors").unlink()
    state = model.state_dict()
    if not same:
        state["lm_head.weight"] = state["lm_head.weight"] * 0.5 + 1
    torch.save(state, tmp_path / "pytorch_model.bin")
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    config.pop("scale_decoder_outputs", None)
    path.write_text(json.dumps(config))
    say(tmp_path)
    raw = held(model, tmp_path)
    assert (raw.constants == {}) == (model_type == "mt5")


@pytest.mark.parametrize("model_type", ["lfm2", "lfm2_moe", "lfm2_vl"])
@pytest.mark.parametrize("other", [{}, {TIE: True}])
def test_lfm2s_own_word_for_it(model_type: str, other: dict[str, bool], tmp_path: Path) -> None:
    model = save_tiny(model_type, tmp_path, tie_word_embeddings=False)
    say(tmp_path, tie_embedding=False, **other)
    raw = held(model, tmp_path)
    assert not raw.tied
    assert raw.tied_because == ""


@pytest.mark.parametrize(("whole", "text"), [(False, True), (None, True), (None, False)])
@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "gemma3", "llava"])
def test_a_whole_model_and_its_text(
    model_type: str, whole: bool | None, text: bool, tmp_path: Path
) -> None:
    """With a head that differs in the file: the text's word alone never takes it away."""
    model = save_tiny(model_type, tmp_path, tie_word_embeddings=False)
    said = {} if whole is None else {TIE: whole}
    say(tmp_path, text=text, **said)
    assert not held(model, tmp_path).tied


@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "gemma3"])
def test_a_whole_model_that_ties_and_a_text_that_does_not(model_type: str, tmp_path: Path) -> None:
    """Without a head in the file."""
    model = save_tiny(model_type, tmp_path, tie_word_embeddings=True)
    say(tmp_path, text=False, **{TIE: True})
    raw = held(model, tmp_path)
    assert raw.tied
    assert raw.tied_because == f"{TIE} is true, though false in text_config"


@pytest.mark.parametrize("stale", [False, True])
def test_opt_whose_final_norm_was_removed(stale: bool, tmp_path: Path) -> None:
    model = save_tiny("opt", tmp_path, _remove_final_layer_norm=not stale)
    if stale:  # saved with a norm of random weights
        path = tmp_path / "config.json"
        config = json.loads(path.read_text()) | {"_remove_final_layer_norm": True}
        path.write_text(json.dumps(config))
    assert held(model, tmp_path).norm.kind == "none"
