"""`unembed layers` and `unembed match`, on a run of a small model's two layers."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.load import tiny_models
from unembed import Run
from unembed.cli import app
from unembed.errors import UnembedError
from unembed.questions import banks as questions
from unembed.questions import follow, match_banks
from unembed.questions.sets_by_bank import sets_by_bank

SETS = """
sets:
  digits: {regex: "[0-9]"}
  letters: {regex: "[a-z]"}
  capitals: {regex: "[A-Z]"}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with token sets, of banks named in no order of depth."""
    at = tmp_path_factory.mktemp("layers")
    (at / "model").mkdir()
    for name, content in tiny_models.tiny_gpt2().items():
        (at / "model" / name).write_bytes(content)
    (at / "mine.yaml").write_text(SETS)
    result = CliRunner().invoke(
        app,
        ["run", str(at / "model"), "mlp:1,0", "-o", str(at / "run"), "--sets",
         str(at / "mine.yaml"), "--no-tsea", "--directions", "200", "--max-q", "1"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    bare = ["run", str(at / "model"), "mlp:0", "-o", str(at / "bare"), "--sets", "none"]
    assert CliRunner().invoke(app, bare).exit_code == 0
    return at


def printed(*arguments: object) -> str:
    result = CliRunner(env={"COLUMNS": "110"}).invoke(app, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> str:
    """What is said of a user's mistake."""
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert isinstance(result.exception, UnembedError), result.output
    return str(result.exception)


def as_json(*arguments: object) -> Any:
    return json.loads(printed(*arguments, "--json"))


def test_layers_has_what_the_store_says(folder: Path) -> None:
    run = Run.open(folder / "run")
    facts = as_json("layers", folder / "run")
    assert [bank["bank"] for bank in facts["banks"]] == ["mlp.0", "mlp.1"]
    assert facts["banks"][1]["kurtosis_p95"] == questions.spread_by_bank(run)["kurtosis_p95"][1]
    assert facts["banks"][0]["with_set"] == 64
    assert facts["classes"] == questions.classes_by_bank(run).to_dicts()
    assert facts["sets"] == sets_by_bank(run).to_dicts()
    assert facts["max_q"] == 1


def test_layers_shows_sets_that_are_asked_for(folder: Path) -> None:
    run = folder / "run"
    chosen = as_json("layers", run, "--set", "digits", "--set", "letters", "--sign", "-")
    assert [cell["token_set"] for cell in chosen["sets"]] == ["digits"] * 2 + ["letters"] * 2
    assert all(cell["share"] == cell["suppressed"] for cell in chosen["sets"])
    assert len(as_json("layers", run, "--limit", 1)["sets"]) == 2
    assert len(as_json("layers", run, "--limit", 0)["sets"]) == 6
    (family,) = {cell["family"] for cell in chosen["sets"]}
    assert len(as_json("layers", run, "--family", family)["sets"]) == 6


def test_layers_draws_boxes_classes_and_a_heat_map(folder: Path) -> None:
    text = printed("layers", folder / "run")
    for heading in ("Standard deviation", "Skewness", "Kurtosis", "Features by class"):
        assert heading in text
    assert "with a set" in text
    (row,) = [line for line in text.splitlines() if line.startswith("digits")]
    assert row.count("██") == 2
    assert row.count("100.00") == 2
    assert "promote each token set" in printed("layers", folder / "run", "--sign", "+")


def test_layers_of_a_run_without_sets(folder: Path) -> None:
    facts = as_json("layers", folder / "bare")
    assert facts["classes"] is facts["sets"] is None
    text = printed("layers", folder / "bare")
    assert "Kurtosis" in text
    assert "█" in text
    assert "token set" not in text
    assert "made without token sets" in refused("layers", folder / "bare", "--sign", "+")


def test_match_lists_both_signs(folder: Path) -> None:
    found = match_banks(Run.open(folder / "run"), "mlp.0", "mlp.1")
    facts = as_json("match", folder / "run", "mlp.0", "mlp.1", "--limit", 3)
    assert {name: facts[name] for name in found.facts} == found.facts
    assert [row["relation"] for row in facts["matches"]] == ["alike"] * 3 + ["opposite"] * 3
    assert facts["matches"][0]["z"] == found.pairs["z"].max()
    assert facts["matches"][3]["z"] == found.pairs["opposite_z"].min()
    everything = as_json("match", folder / "run", "mlp.0", "mlp.1", "--limit", 0, "--sign", "-")
    assert len(everything["matches"]) == 64
    assert {row["relation"] for row in everything["matches"]} == {"opposite"}
    text = printed("match", folder / "run", "mlp.0", "mlp.1", "--limit", 5)
    assert f"{found.facts['matched']} ({found.facts['share']:.1%}) have a match" in text
    assert f"z > {found.facts['cutoff']:.2f}, as 1% of random directions" in text
    assert text.count("mlp.1/") == 10


def test_match_shows_tokens_of_the_end_that_reaches_out(folder: Path) -> None:
    run = Run.open(folder / "run")
    for row in as_json("match", folder / "run", "mlp.0", "mlp.1", "--limit", 20)["matches"]:
        ours, theirs = run.feature(row["feature"]), run.feature(row["match"])
        end = "top" if ours["max"] > -ours["min"] else "bottom"
        other = end if row["relation"] == "alike" else {"top": "bottom", "bottom": "top"}[end]
        assert row["end"] == end
        assert row["feature_tokens"] == ours[f"{end}_tokens"]
        assert row["match_tokens"] == theirs[f"{other}_tokens"]


def test_match_as_csv(folder: Path) -> None:
    text = printed("match", folder / "run", "mlp.1", "mlp.1", "--csv", "--limit", 2)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 4
    assert rows[0]["feature"] != rows[0]["match"]
    assert isinstance(json.loads(rows[0]["match_tokens"]), list)


def test_match_follows_a_feature(folder: Path) -> None:
    run = folder / "run"
    expected = follow(Run.open(run), "mlp.1/7", directions=300, seed=2)
    found = as_json("match", run, "mlp.1/7", "--directions", 300, "--seed", 2)
    assert found["feature"] == "mlp.1/7"
    assert [row["other"] for row in found["matches"]] == ["mlp.0", "mlp.1"] * 2
    assert {(row["bank"], row["index"]) for row in found["matches"]} == {("mlp.1", 7)}
    assert [row["match"] for row in found["matches"][:2]] == expected["match"].to_list()
    assert [row["match"] for row in found["matches"][2:]] == expected["opposite"].to_list()
    one = as_json("match", run, "mlp.1/7", "mlp.0", "--by", "cosine", "--sign", "+")
    assert [row["other"] for row in one["matches"]] == ["mlp.0"]
    text = printed("match", run, "mlp.1/7")
    assert text.startswith("mlp.1/7 ")
    assert "Most similar in each bank" in text
    assert "Most opposite in each bank" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["match", "RUN", "mlp.0"], "Name two banks of the run (mlp.1, mlp.0), or one feature"),
        (["match", "RUN", "mlp.0", "mlp.3"], "There is no bank 'mlp.3'"),
        (["match", "RUN", "mlp.9/3"], "There is no bank 'mlp.9'"),
        (["match", "RUN", "mlp.0/99"], "mlp.0 has no feature 99"),
        (["match", "RUN", "mlp.0/9", "mlp.3"], "There is no bank 'mlp.3'"),
        (["layers", "RUN", "--set", "digit"], "There is no token set 'digit'"),
        (["layers", "RUN", "--family", "nothing"], "There is no family 'nothing'"),
    ],
)
def test_mistakes(folder: Path, arguments: list[str], message: str) -> None:
    run = folder / "run"
    assert message in refused(*(run if each == "RUN" else each for each in arguments))
