"""`unembed steer` and `unembed export control-vector`, as a person types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from unembed.cli import app, main

pytest.importorskip("transformers")
FEW = ("--random", "2", "--write", "3", "--prompt", "w4 w9 w1", "--device", "cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.steering.runs import steered_run

    return steered_run(tmp_path_factory.mktemp("steered")).path


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def printed(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "140"})
    assert result.exit_code == 0, result.output
    return result.stdout


def failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> str:
    monkeypatch.setattr("sys.argv", ["unembed", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (1, 2)
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_it_shows_what_the_feature_does_and_so_do_the_others(run: Path) -> None:
    shown = printed("steer", run, "sae.2/4", "mlp.1/3", *FEW)
    assert "sae.2/4  promotes few" in shown
    assert "added to the output of block 2, of model" in shown
    (row,) = (line for line in shown.splitlines() if line.startswith("few "))
    assert "1 of 201" in row
    assert "names no token set" in shown
    assert "w4 w9 w1 …" in shown
    assert "Steered" in printed("show", run, "sae.2/4")
    assert "Steered" in printed("explain", run, "sae.2/4", "--stored")
    assert "Steered" not in printed("show", run, "sae.2/5")
    listed = json.loads(printed("features", run, "--where", "output_score > 0", "--json"))
    assert sorted(each["feature"] for each in listed) == ["mlp.1/3", "sae.2/4"]


@pytest.mark.slow
def test_as_json_at_two_strengths_and_kept_nowhere(run: Path) -> None:
    told = printed("steer", run, "sae.2/9", "--strength", "0.1,1", "--no-keep", "--json", *FEW)
    rows = json.loads(told)
    assert [(each["feature"], each["strength"]) for each in rows] == [
        ("sae.2/9", 0.1), ("sae.2/9", 1.0),
    ]  # fmt: skip
    assert {each["added"] for each in rows[0]["texts"]} == {"nothing", "feature", "random"}
    assert not (run / "steering").exists()


@pytest.mark.slow
def test_a_control_vector_is_written_and_said(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.gguf"
    assert "direction.2 (length" in printed("export", "control-vector", run, "sae.2/4", "-o", out)
    again = printed(
        "export", "control-vector", run, "sae.2/4,mlp.1/3", "-o", out, "--overwrite", "--json"
    )
    assert json.loads(again)["blocks"] == [1, 2]


@pytest.mark.slow
def test_mistakes_are_said(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: object) -> str:
        return failure(monkeypatch, capsys, *arguments)

    assert "are no strengths" in said("steer", run, "sae.2/4", "--strength", "much")
    assert "not by both" in said("steer", run, "sae.2/4", "--prompt", "w1", "--text", "x.txt")
    assert "above 0" in said("steer", run, "sae.2/4", "--strength", "0")
    assert "nowhere" in said("steer", run, "sae.2/4", "--model", run / "nowhere")
