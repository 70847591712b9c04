"""`unembed lens fit`, as a person types it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from unembed.cli import app, main
from unembed.errors import UnembedError
from unembed.fitting import layers_named

FEW = ("--prompts", "3", "--tokens", "12", "--skip", "3", "--device", "cpu")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.fitting.tiny import tiny_folder

    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny-llama")


def printed(*arguments: object) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["lens", "fit", *map(str, arguments)], env={"COLUMNS": "140"})
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> str:
    monkeypatch.setattr("sys.argv", ["unembed", "lens", "fit", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_fit_writes_and_shows(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "lens.safetensors"
    shown, said = printed(model, "-o", out, "-o", tmp_path / "lens.pt", *FEW)
    assert "tiny-llama: 2 layers, 3 prompts, in" in shown
    assert [line.split()[0] for line in shown.splitlines() if "neurons" in line] == ["0", "1"]
    assert "On cpu: about" in said
    assert sorted(torch.load(tmp_path / "lens.pt", weights_only=True)["J"]) == [0, 1]


@pytest.mark.slow
def test_fit_as_json(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "lens.safetensors"
    found = json.loads(printed(model, "-o", out, "--layers", "-1,1", "--json", *FEW)[0])
    assert found["files"] == [str(out)]
    assert found["source_layers"] == [-1, 1]
    assert set(found["stability"]) == {"-1", "1"}


@pytest.mark.slow
def test_stopped_by_the_keyboard_it_says_what_stays(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unembed.fitting import summing

    make = summing.prompt_jacobians
    made: list[object] = []

    def stop_at_the_second(*given: object, **how: object) -> object:
        if made:
            raise KeyboardInterrupt
        made.append(given)
        return make(*given, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(summing, "prompt_jacobians", stop_at_the_second)
    out = tmp_path / "lens.safetensors"
    arguments = ["lens", "fit", str(model), "-o", str(out), *FEW]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 130
    assert "the same command goes on" in " ".join(result.stderr.split())
    assert [path.name for path in tmp_path.iterdir()] == ["lens.safetensors.partial"]
    monkeypatch.undo()
    printed(model, "-o", out, *FEW)
    assert [path.name for path in tmp_path.iterdir()] == ["lens.safetensors"]


@pytest.mark.parametrize(
    ("package", "said"),
    [("transformers", "needs transformers: pip install 'unembed[fit]'")],
)
def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    package: str, said: str,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "config.json").write_text("{}")
    out = tmp_path / "lens.pt"
    assert said in failure(monkeypatch, capsys, tmp_path, "-o", out)


def test_layers_are_named_as_people_do() -> None:
    assert layers_named("3, 10-12") == (3, 10, 11, 12)
    assert layers_named("-1,0") == (-1, 0)
    for wrong in ("", "all", "3-", "5-3", "-2", "1-99999999999999999999", "0-999999", "٣"):
        with pytest.raises(UnembedError, match="no"):
            layers_named(wrong)
