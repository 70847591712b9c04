"""What an assistant can ask: the same answers as `questions` gives, and never too long."""

from __future__ import annotations

import inspect
import json
import math
from typing import Any

import polars as pl
import pytest

from tests.planted import Planted
from unembed import questions
from unembed.errors import QueryError

pytest.importorskip("pydantic")
from unembed.assistant.answers import MOST_ROWS, MOST_TOKENS, answer, rows
from unembed.assistant.tools import TOOLS, Tools

LONGEST = 40_000
"""Characters of an answer's JSON: about 10,000 tokens of a model."""
ARGUMENTS: dict[str, dict[str, Any]] = {
    "find_features": {"token_set": "names:female", "limit": MOST_ROWS, "tokens": MOST_TOKENS},
    "feature": {"address": "a/0", "tokens": MOST_TOKENS},
    "explain": {"address": "a/0"},
    "sets_of_feature": {"address": "a/0", "limit": MOST_ROWS},
    "token_sets": {"name": "", "limit": MOST_ROWS},
    "token_set": {"name": "both", "limit": MOST_ROWS},
    "sets_by_layer": {"limit": 20},
}


@pytest.fixture
def tools(tiny: Planted) -> Tools:
    return Tools(tiny.run)


def test_every_tool_is_described(tools: Tools) -> None:
    public = [name for name in vars(Tools) if not name.startswith("_")]
    assert public == list(TOOLS)
    for name in TOOLS:
        question = getattr(tools, name)
        assert len(inspect.getdoc(question) or "") > 60, name
        for argument in inspect.signature(question).parameters.values():
            said = str(argument.annotation)
            assert "description=" in said or said in {
                "Limit", "Skip", "Tokens", "Bank", "Address", "SetName", "Sign"
            }, (name, argument)  # fmt: skip


@pytest.mark.parametrize("name", TOOLS)
def test_answers_are_json_of_bounded_length(tools: Tools, name: str) -> None:
    content = getattr(tools, name)(**ARGUMENTS.get(name, {}))
    text = json.dumps(content, allow_nan=False)
    assert len(text) < LONGEST
    assert content


def test_a_feature_is_what_questions_say(tools: Tools, tiny: Planted) -> None:
    facts, said = questions.feature_facts(tiny.run, "a/0"), tools.feature("a/0", tokens=3)
    assert said["label"] == facts["label"]
    assert said["kurtosis"] == pytest.approx(facts["kurtosis"], rel=1e-3)
    assert [token for token, _ in said["top"]] == facts["top_tokens"][:3]
    assert [weight for _, weight in said["bottom"]] == pytest.approx(
        facts["bottom_weights"][:3], rel=1e-3
    )
    assert [each["token_set"] for each in said["token_sets"]] == [
        each["token_set"] for each in facts["token_sets"][:10]
    ]


def test_what_is_found_is_what_questions_find(tools: Tools, tiny: Planted) -> None:
    how: dict[str, Any] = {"token_set": "girls", "sign": "+", "bank": "a"}
    found = questions.find(tiny.run, **how, limit=None)
    said = tools.find_features(**how, limit=4, tokens=2)
    assert [each["feature"] for each in said["rows"]] == found["feature"].head(4).to_list()
    assert (said["more"], found.height > 4) == ("yes", True)
    assert [len(each["top_tokens"]) for each in said["rows"]] == [2] * 4
    names = ("names:female", "names:male")
    first = tools.find_features(contrast=names, sign="-", limit=1)["rows"][0]
    assert first["feature"] == "a/1", "planted to promote boys' names against girls'"
    assert first["contrast_z"] < 0
    assert tools.find_features(token=" Paris", limit=1)["rows"][0]["feature"] == "a/2"
    assert tools.find_features(like="a/20", limit=1)["rows"][0]["feature"] == "a/3"
    whole = tools.find_features(where="kurtosis > 1e9")
    assert whole == {"rows": []}


def test_sets_are_found_and_said(tools: Tools, tiny: Planted) -> None:
    assert tools.token_sets() == {"families": {"names": 5}}
    named = tools.token_sets(name="FEMALE")["rows"]
    assert [each["name"] for each in named] == ["names:female"]
    assert tools.token_sets(family="names", limit=2)["more"] == 3
    assert tools.token_sets(family="names", skip=3, limit=2) == {
        "rows": tools.token_sets(family="names", limit=5)["rows"][3:]
    }
    said = tools.token_set("girls", limit=1)
    assert (said["name"], said["size"], len(said["members"])) == ("names:female", 40, 40)
    scores = tiny.run.enrichment(token_set="names:female").sort("z")
    assert said["promoted_by"][0]["feature"] == scores["feature"][-1]
    assert said["suppressed_by"][0]["feature"] == scores["feature"][0]


def test_shares_by_layer_are_those_of_the_frame(tools: Tools, tiny: Planted) -> None:
    said = tools.sets_by_layer(["names:female"])["rows"][0]
    frame = questions.sets_by_bank(tiny.run, ["names:female"]).filter(pl.col("share") > 0)
    assert {bank: (up, down) for bank, up, down in said["banks"]} == {
        bank: (pytest.approx(up, rel=1e-3), pytest.approx(down, rel=1e-3))
        for bank, up, down in frame.select("bank", "promoted", "suppressed").iter_rows()
    }


def test_what_a_run_does_not_have_is_said(tools: Tools, plain: Planted) -> None:
    with pytest.raises(QueryError, match="no bank 'c'"):
        tools.feature("c/1")
    with pytest.raises(QueryError, match="without token sets"):
        Tools(plain.run).token_sets()
    assert Tools(plain.run).summary()["classes"] == []
    assert Tools(plain.run).feature("a/0")["token_sets"] == []


def test_numbers_and_texts_are_short() -> None:
    content = {
        "a": 1 / 3,
        "b": [math.inf, {"c": -1234567.0}],
        "d": "x" * 1000,
        "e": True,
        "f": 12345,
    }
    said = answer(content)
    assert said == {"a": 0.3333, "b": [None, {"c": -1235000.0}], "d": "x" * 499 + "…", "e": True,
                    "f": 12345}  # fmt: skip
    frame = pl.DataFrame({"x": [1, 2, 3], "y": [None, "b", None]})
    assert rows(frame, 2) == {"rows": [{"x": 1}, {"x": 2, "y": "b"}], "more": 1}
    assert rows(frame, 3, ["x"]) == {"rows": [{"x": 1}, {"x": 2}, {"x": 3}]}
