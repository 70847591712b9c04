"""`unembed check`: what it prints, and its exit status."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.planted import Planted
from unembed.cli import app

GOLDEN = Path(__file__).parents[1] / "golden" / "schema-1"


def check(*words: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, words)])


def test_a_whole_run(tiny: Planted) -> None:
    ended = check(tiny.run.path)
    assert ended.exit_code == 0, ended.output
    assert "all whole, and of this run." in ended.stdout


def test_a_damaged_run_and_what_lies_beside(tiny: Planted, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(tiny.run.path, run)
    (run / "tokens.parquet").write_bytes(b"")
    (run / "null/a.parquet").unlink()
    (run / "notes.md").write_text("mine")
    ended = check(run)
    assert ended.exit_code == 1
    assert "2 not as they should be" in ended.stdout
    for said in ("tokens.parquet", "damaged", "null/a.parquet", "missing", "Besides: 'notes.md'"):
        assert said in ended.stdout
    ended = check(run, "--json")
    said = json.loads(ended.stdout)
    assert ended.exit_code == 1
    assert not said["whole"]
    found = {each["file"]: each["verdict"] for each in said["files"]}
    assert (found["tokens.parquet"], found["notes.md"]) == ("damaged", "other")
    assert check(run, "--csv").stdout.startswith("file,verdict,bytes,rows,problem\n")


def test_a_run_of_an_earlier_version() -> None:
    ended = check(GOLDEN)
    assert ended.exit_code == 0
    assert "None carries a hash: an earlier version made the run" in ended.stdout


@pytest.mark.parametrize("words", [["--json", "--csv"], ["--limit", "3"]])
def test_options_that_do_not_fit(words: list[str]) -> None:
    assert check(GOLDEN, *words).exit_code == 2
