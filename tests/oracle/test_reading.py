"""What every model type reads, against `transformers`: its MLPs' matrices and norms, its tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from tests.oracle.reading import Reading, measured_reading
from tests.oracle.survey import MEASURED, VARIANTS, Variant
from tests.oracle.tiny_transformers import save_tiny
from unembed.errors import FormatError, SourceError
from unembed.load import load_model
from unembed.load.models import config
from unembed.load.models.families import FAMILIES, Family, PreNorm, family_of, nested_of

TABLE = Path(__file__).parents[2] / "docs" / "data" / "families.json"
BOUND = 3e-6
"""Rows times γ are float32, and a difference of them may be small."""

MODELS = {name: Variant(name, {}) for name in MEASURED} | VARIANTS
NO_MLP = {"falcon_mamba", "mamba", "mamba2", "rwkv"}
NOT_FOLLOWED = {
    "bart", "blenderbot-small", "gemma3n_text", "marian", "mvp", "openai-gpt", "opt-350m", "plbart",
}  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore")  # of transformers' own code


def measured(name: str, place: Path) -> Reading:
    model_type, changes = MODELS[name]
    return measured_reading(save_tiny(model_type, place / "m", **changes), place / "m")


@pytest.mark.parametrize("name", sorted(MODELS.keys() - NOT_FOLLOWED))
def test_reading(name: str, tmp_path: Path) -> None:
    found = measured(name, tmp_path)
    assert found.W_E < BOUND
    if name in NO_MLP:
        assert "has no neurons to read: " in str(found.no_reads)
    else:
        assert found.reads is not None, found
        assert found.reads < BOUND


@pytest.mark.parametrize("name", sorted(NOT_FOLLOWED))
def test_what_does_not_stay_in_the_stream(name: str, tmp_path: Path) -> None:
    """What is read there is refused; what tokens are when they enter it is known all the same."""
    found = measured(name, tmp_path)
    assert found.W_E < BOUND
    assert " reads cannot be followed: " in str(found.no_reads)
    with pytest.raises(SourceError, match=r"What a layer of m reads cannot be followed: "):
        load_model(tmp_path / "m").before_mlp(1)


def test_blooms_other_setting(tmp_path: Path) -> None:
    """With it what is added to is the normalised stream."""
    save_tiny("bloom", tmp_path, apply_residual_connection_post_layernorm=True)
    ours = load_model(tmp_path)
    for question in (ours.mlp_in, ours.before_mlp, ours.after_mlp, ours.check_followed):
        with pytest.raises(SourceError, match="normalises the residual stream itself"):
            question(1)


def test_falcons_that_transformers_does_not_run(tmp_path: Path) -> None:
    save_tiny("falcon", tmp_path)
    settings = {"new_decoder_architecture": True, "parallel_attn": False,
                "num_ln_in_parallel_attn": 1}  # fmt: skip
    _change_config(tmp_path, **settings)
    with pytest.raises(FormatError, match=r"with such new_decoder_architecture, num_ln_in_par"):
        load_model(tmp_path).before_mlp(1)


def _change_config(folder: Path, **settings: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize("model_type", sorted(NO_MLP))
def test_layers_without_an_mlp(model_type: str, tmp_path: Path) -> None:
    save_tiny(model_type, tmp_path)
    with pytest.raises(SourceError, match="has no neurons to read: "):
        load_model(tmp_path).mlp_in(0)


def test_every_family_with_neurons_says_what_they_read() -> None:
    for family in FAMILIES:
        if family.no_mlp is None:
            assert family.mlp_in, family.model_types
            assert family.before_mlp is not None, family.model_types


# --- a wrong fact is found out ---

Change = Callable[[Family], Family]


def _swapped(family: Family) -> Family:
    ways = [w if w.gate is None else w._replace(up=w.gate, gate=w.up) for w in family.mlp_in]
    return replace(family, mlp_in=tuple(ways))


def _fused(how: str) -> Change:
    return lambda f: replace(f, mlp_in=tuple(w._replace(fused=how) for w in f.mlp_in))  # type: ignore[arg-type]


def _before(*weights: str) -> Change:
    return lambda f: replace(f, before_mlp=tuple(map(PreNorm, weights)))


WRONG: dict[str, tuple[str, Change]] = {
    "which is the gate": ("llama", _swapped),
    "which of T5's is the gate": ("t5 v1.1", _swapped),
    "which of EXAONE's is the gate": ("exaone", _swapped),
    "which of Mixtral's is the gate": ("mixtral", _swapped),
    "that they are interleaved": ("gpt_oss", _fused("halves")),
    "that they are halves": ("phi3", _fused("interleaved")),
    "that experts' are halves": ("granitemoe", _fused("interleaved")),
    "the 1 of Gemma's norms": ("gemma2", lambda f: replace(f, plus_one=False)),
    "the norm before the MLP": (
        "gemma2", _before("layers.{}.post_attention_layernorm.weight")),
    "that the stream itself is read": (
        "olmo2", _before("layers.{}.post_attention_layernorm.weight")),
    "that a norm is read": ("llama", _before()),
    "the norm of a parallel block": (
        "falcon, a norm each", _before("h.{}.ln_attn.weight")),
    "the norm of experts": (
        "gemma4 with experts", lambda f: replace(f, before_experts=None)),
    "LayerNorm": ("gpt2", lambda f: replace(f, norm_kind="rmsnorm")),
    "RMSNorm": ("llama", lambda f: replace(f, norm_kind="layernorm")),
    "a LayerNorm without parameters": ("olmo", lambda f: replace(f, norm_kind="rmsnorm")),
    "that there is no gate": (
        "arcee", lambda f: replace(f, mlp_in=(f.mlp_in[0]._replace(gate="up_proj.weight"),))),
    "that there is a gate": (
        "llama", lambda f: replace(f, mlp_in=(f.mlp_in[0]._replace(gate=None),))),
}  # fmt: skip


@pytest.mark.parametrize("fact", WRONG)
def test_a_wrong_fact_is_found_out(
    fact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, change = WRONG[fact]
    family = family_of(MODELS[name].model_type)
    assert family is not None
    monkeypatch.setattr(config, "family_of", lambda _: change(family))
    try:
        found = measured(name, tmp_path)
    except (AssertionError, FormatError):
        return
    assert found.reads is not None
    assert found.reads > 1e-2


@pytest.mark.parametrize("name", ["bloom", "nanochat", "rwkv", "mbart"])
def test_an_embedding_norm_that_is_forgotten(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = family_of(name)
    assert family is not None
    assert nested_of(name) is None
    monkeypatch.setattr(config, "family_of", lambda _: replace(family, embedding_norm=None))
    assert measured(name, tmp_path).W_E > 1e-2


# --- the committed table ---


def test_the_table_says_what_was_measured() -> None:
    """Make it again with scripts/measure_families.py."""
    for row in json.loads(TABLE.read_text())["model_types"]:
        model_type = row["model_type"]
        if row["reason"] is not None:
            assert row["W_E"] is row["reads"] is row["no_reads"] is None
            continue
        assert row["W_E"] < BOUND
        if model_type in NO_MLP | NOT_FOLLOWED:
            assert (row["reads"], row["no_reads"] is None) == (None, False), model_type
        else:
            assert row["reads"] < BOUND, model_type
            assert row["no_reads"] is None
