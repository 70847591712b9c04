"""Every model type against `transformers`: W_U, neurons and heads, by their Jacobians."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers")

from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from tests.load.test_huggingface import LAYOUTS
from tests.oracle.measure import measured
from tests.oracle.survey import BY_HAND, MEASURED, VARIANTS, reason_against
from tests.oracle.tiny_transformers import save_tiny
from unembed.errors import FormatError
from unembed.load.models import config
from unembed.load.models.families import (
    Family,
    Rows,
    family_of,
    known_model_types,
    nested_of,
)

TABLE = Path(__file__).parents[2] / "docs" / "data" / "families.json"
BOUND = 1e-6

pytestmark = pytest.mark.filterwarnings("ignore")  # of transformers' own code


def test_enough_model_types_are_held_against_transformers() -> None:
    assert len(MEASURED) >= 120


def test_what_is_not_has_a_layout_by_hand() -> None:
    by_hand = {name for name in known_model_types() if reason_against(name) == BY_HAND}
    assert by_hand <= {layout.model_type for layout in LAYOUTS.values()}


@pytest.mark.parametrize("model_type", MEASURED)
def test_model_type(model_type: str, tmp_path: Path) -> None:
    model = save_tiny(model_type, tmp_path / model_type)
    found = measured(model, tmp_path / model_type)
    errors = [found.W_U, found.mlp, found.heads]
    assert max(error for error in errors if error is not None) < BOUND, found


@pytest.mark.parametrize("name", VARIANTS)
def test_variant(name: str, tmp_path: Path) -> None:
    model_type, changes = VARIANTS[name]
    model = save_tiny(model_type, tmp_path / "model", **changes)
    found = measured(model, tmp_path / "model")
    errors = [found.W_U, found.mlp, found.heads]
    assert max(error for error in errors if error is not None) < BOUND, found


@pytest.mark.parametrize("model_type", [name for name in MEASURED if name not in ("t5", "umt5")])
def test_what_an_absent_tie_means(model_type: str) -> None:
    """As the config class has it. (T5's class forces one value, whatever a config says.)"""
    default = CONFIG_MAPPING[model_type]()
    nested, family = nested_of(model_type), family_of(model_type)
    if nested is None:
        assert family is not None
        assert family.tied == default.tie_word_embeddings
    else:
        assert nested.tied == getattr(default, "tie_word_embeddings", False)


# --- a wrong fact is found out ---

Change = Callable[[Family], Family]

WRONG: dict[str, tuple[str, Change]] = {
    "the 1 of Gemma's norms": ("gemma2", lambda f: replace(f, plus_one=False)),
    "a 1 that OLMo has not": ("olmo2", lambda f: replace(f, plus_one=True)),
    "a 1 that Gemma 4 has not": ("gemma4_text", lambda f: replace(f, plus_one=True)),
    "the 1 of Nemotron": ("nemotron", lambda f: replace(f, plus_one=False)),
    "the norm after the MLP": ("gemma2", lambda f: replace(f, after_mlp=None)),
    "the norm after attention": ("glm4", lambda f: replace(f, after_attention=None)),
    "one norm for another": ("glm4", lambda f: replace(f, after_mlp=f.after_attention)),
    "LayerNorm": ("cohere", lambda f: replace(f, norm_kind="rmsnorm")),
    "RMSNorm": ("llama", lambda f: replace(f, norm_kind="layernorm")),
    "that there is a norm": ("nanochat", lambda f: replace(f, norm_kind="none")),
    "Granite's constant": ("granite", lambda f: replace(f, logit_factors=())),
    "Cohere's constant": ("cohere2", lambda f: replace(f, logit_factors=())),
    "the residual multiplier": ("granite", lambda f: replace(f, mlp_factors=())),
    "a constant of attention": ("falcon_h1", lambda f: replace(f, attention_factors=())),
    "T5's constant": ("t5", lambda f: replace(f, logit_factors=())),
    "the orientation of W_O": (
        "gpt2", lambda f: replace(f, attention_out=tuple(str(n) for n in f.attention_out)),
    ),
    "the orientation of another W_O": (
        "gpt_bigcode", lambda f: replace(f, attention_out=tuple(Rows(n) for n in f.attention_out)),
    ),
    "which matrix is W_O": (
        "whisper", lambda f: replace(f, attention_out=("layers.{}.encoder_attn.out_proj.weight",)),
    ),
    "the name of the norm": (
        "llama", lambda f: replace(f, norm="layers.1.post_attention_layernorm.weight"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fact", WRONG)
def test_a_wrong_fact_is_found_out(
    fact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_type, change = WRONG[fact]
    model = save_tiny(model_type, tmp_path / "model")
    family = family_of(model_type)
    assert family is not None
    monkeypatch.setattr(config, "family_of", lambda _: change(family))
    try:
        found = measured(model, tmp_path / "model")
    except (AssertionError, FormatError):
        return
    assert max(error or 0 for error in (found.W_U, found.mlp, found.heads)) > 1e-2


# --- the committed table ---


def rows() -> dict[str, dict[str, Any]]:
    return {row["model_type"]: row for row in json.loads(TABLE.read_text())["model_types"]}


def test_the_table_lists_what_is_known() -> None:
    """Make it again with scripts/measure_families.py."""
    assert sorted(rows()) == known_model_types()


def test_the_table_says_what_was_measured() -> None:
    for model_type, row in rows().items():
        assert row["reason"] == reason_against(model_type)
        assert (row["W_U"] is None) == (row["reason"] is not None)
        for error, why in (("mlp", "no_mlp"), ("heads", "no_heads")):
            if row["reason"] is None:
                assert (row[error] is None) == (row[why] is not None)
                assert row[error] is None or row[error] < BOUND
