"""`unembed run --shard` and `--engine`: who makes a run, as the command line has it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.kill.rounds import contents
from unembed.cli import main
from unembed.demo import MODEL
from unembed.store import manifest as manifest_module

Command = Callable[..., tuple[str, str]]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """`unembed run` of forty directions in shards of sixteen, into a folder."""
    vectors = tmp_path / "vectors.npy"
    np.save(vectors, np.random.default_rng(0).standard_normal((40, 576)).astype(np.float32))
    sets = tmp_path / "mine.yaml"
    sets.write_text("sets:\n  second_person: [you, your, yours, yourself]\n")
    monkeypatch.setattr(manifest_module, "SHARD_FEATURES", 16)

    def run(folder: Path, *arguments: str, status: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", [
            "unembed", "run", str(MODEL), str(vectors), "-o", str(folder), "--sets", str(sets),
            "--directions", "100", *arguments,
        ])  # fmt: skip
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert (ended.value.code or 0) == status, printed.err
        return printed.out, printed.err

    return run


@pytest.mark.slow
def test_each_share_says_what_is_left_and_the_last_one_shows_the_run(
    command: Command, tmp_path: Path
) -> None:
    command(tmp_path / "whole")
    said, _ = command(tmp_path / "run", "--shard", "2/3")
    assert "This share is done. 8 tables are still to be made, of the shares 1/3, 3/3." in said
    left = json.loads(command(tmp_path / "run", "--shard", "1/3", "--json")[0])
    assert left == {"missing_tables": 4, "missing_shares": ["3/3"]}
    said, _ = command(tmp_path / "run", "--shard", "3/3")
    assert "40 features" in said
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("options", "status", "why"),
    [
        (["--shard", "4/3"], 1, "no share of a run"),
        (["--shard", "1/3", "--overwrite"], 2, "throw away what the"),
        (["--shard", "1/3", "--engine", "ray"], 2, "an engine divides all of the run"),
        (["--engine", "dask"], 1, "no engine"),
    ],
)
def test_what_does_not_go_is_said_before_anything_is_read(
    command: Command, tmp_path: Path, options: list[str], status: int, why: str
) -> None:
    said = " ".join(command(tmp_path / "run", *options, status=status)[1].split())
    assert why in said.replace("│ ", "")
    assert "Reading" not in said
    assert not (tmp_path / "run").exists()


def test_an_engine_that_is_not_installed(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    _, said = command(tmp_path / "run", "--engine", "ray", status=1)
    assert "pip install 'unembed[ray]'" in " ".join(said.split())
