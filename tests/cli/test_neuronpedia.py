"""`unembed neuronpedia`, and what other commands show of it, run as a person runs them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.load.neuronpedia.bucket import Bucket, activation, explanation, exported, packed, served
from tests.planted import Planted
from tests.questions.neuronpedia.explained import SAID, explained_run, fetched
from unembed import Run
from unembed.cli import app


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    found = explained_run(tmp_path_factory.mktemp("explained") / "run")
    fetched(found, tmp_path_factory.mktemp("files"))
    return found


def printed(*words: object, status: int = 0) -> str:
    ended = CliRunner().invoke(app, [str(word) for word in words])
    assert ended.exit_code == status, ended.output + repr(ended.exception)
    return ended.stdout


def test_fetch_from_a_site(
    tmp_path: Path, explained: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path / "cache"))
    run = explained.run
    with served(Bucket(exported(range(60), said=SAID))) as bucket:
        out = printed("neuronpedia", "fetch", run.path, "--base", bucket.base)
        assert "tiny/3-a" in out
        assert "not asked" in out  # texts, of whole banks
        monkeypatch.setenv("UNEMBED_NEURONPEDIA", bucket.base)
        found = json.loads(printed("neuronpedia", "fetch", run.path, "a/1,a/2", "--json"))
    assert found[0]["features"] == 2
    assert found[0]["with_texts"] == 2


def test_show_and_explain_have_it_beside_the_label(explained: Planted, tmp_path: Path) -> None:
    fetched(explained, tmp_path)
    path = explained.run.path
    for command in (("show",), ("explain", "--stored")):
        out = printed(command[0], path, "a/0", *command[1:])
        assert f"fires on {SAID[0]}  gpt-4o-mini" in out
        assert "explanation and label agree: 'months', 'april'" in out
        assert " y" in out  # a text that it fires on
        assert "promotes months" in out
    assert "explanation and label differ" in printed("show", path, "a/1")
    facts = json.loads(printed("show", path, "a/0", "--json"))["beside"]
    assert facts["explanations"][0]["text"] == SAID[0]
    assert facts["texts"][0]["tokens"] == ["x", " y"]
    assert json.loads(printed("show", path, "b/1", "--json"))["beside"] is None
    assert "fires on" not in printed("show", path, "b/1")


def test_agreement(explained: Planted, tmp_path: Path) -> None:
    fetched(explained, tmp_path)
    path = explained.run.path
    out = printed("neuronpedia", "agreement", path, "--shuffles", 50)
    assert "Those of them whose label says something" in out
    rows = json.loads(printed("neuronpedia", "agreement", path, "--shuffles", 50, "--json"))
    assert rows[0]["features"] == len(SAID)
    out = printed("neuronpedia", "agreement", path, "--list", "differ")
    assert "a/1 " in out
    assert SAID[1] in out
    assert "a/0 " not in out
    listed = printed("neuronpedia", "agreement", path, "--list", "all", "--csv").splitlines()
    assert len(listed) == 61
    assert "No feature is like that" in printed(
        "neuronpedia", "agreement", path, "--list", "only explanation"
    )


def test_what_was_not_fetched(tiny: Planted) -> None:
    ended = CliRunner().invoke(app, ["neuronpedia", "agreement", str(tiny.run.path)])
    assert "Fetch them first: unembed neuronpedia fetch" in str(ended.exception)


def test_export_by_the_ending(explained: Planted, tmp_path: Path) -> None:
    path = explained.run.path
    for name in ("a.json", "a.jsonl", "a.jsonl.gz"):
        printed("neuronpedia", "export", path, "a/3", "a/4", "-o", tmp_path / name)
    whole = json.loads((tmp_path / "a.json").read_text())
    packed_lines = (tmp_path / "a.jsonl.gz").read_bytes()
    for raw in ((tmp_path / "a.jsonl").read_bytes(), gzip.decompress(packed_lines)):
        assert [json.loads(line) for line in raw.splitlines()] == whole
    assert [each["index"] for each in whole] == ["3", "4"]


def test_upload_says_what_it_left_out(explained: Planted, tmp_path: Path) -> None:
    fetched(explained, tmp_path)
    out = tmp_path / "upload.json"
    words = ["neuronpedia", "export", str(explained.run.path), "--upload", "-o", str(out)]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    bodies = json.loads(out.read_text())
    assert [len(body["features"]) for body in bodies] == [3]
    said = " ".join(ended.stderr.split())
    assert "Wrote 3 features" in said
    assert "57 features left out: no text that they fire on was fetched" in said


def test_run_without_folding(tmp_path: Path) -> None:
    from unembed.demo import FEATURES, MODEL

    assert FEATURES
    words = ["run", MODEL, "mlp:29", "--no-fold", "--sets", "none", "-o", tmp_path / "run"]
    out = printed(*words)
    assert "the final norm is not folded in" in out
    assert Run.open(tmp_path / "run").manifest.unembedding.preparation["folded"] is False
    shown = printed("show", tmp_path / "run", "mlp.29/5")
    assert "the final norm is not folded in" in shown
    facts = json.loads(printed("show", tmp_path / "run", "mlp.29/5", "--json"))
    assert facts["folded"] is False
    # the weights are found again as the run was made of them
    found = json.loads(printed("find", tmp_path / "run", "--token", " the", "--limit", 1, "--json"))
    assert found
    bad = CliRunner().invoke(app, ["neuronpedia", "fetch", str(tmp_path / "run")])
    assert "does not know where mlp.29 is on Neuronpedia" in str(bad.exception)


def test_other_features_stay(explained: Planted, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(
        packed([explanation(4, "something new"), activation(4, ["q"], [9.0])])
    )
    printed("neuronpedia", "fetch", explained.run.path, "a/4", "--from", tmp_path / "a.jsonl")
    assert "something new" in printed("show", explained.run.path, "a/4")
    assert SAID[0] in printed("show", explained.run.path, "a/0")
    fetched(explained, tmp_path)
