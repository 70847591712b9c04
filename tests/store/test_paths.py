"""A run's path is a path, whatever signs are in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
import torch
from typer.testing import CliRunner

from unembed import (
    EnrichmentSettings,
    Features,
    Run,
    TokenSets,
    Unembedding,
    Vocabulary,
    analyze,
    prepare_unembedding,
)
from unembed.cli import app
from unembed.parquet import height_of, read_parquet, said_of, write_parquet
from unembed.tokensets import build_token_sets

NAMES = ["run[1]", "run?", "run*", "r{0-1}", "x=y", "a b", "ünï→", "a%20b", "~x", "hf:x", "-o"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two banks, written to a folder whose name has all of the signs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("made"))
        vocabulary = Vocabulary.from_texts([f" word{i}" for i in range(100)])
        bank = Features.from_array(torch.randn(50, 16), name="bank")
        analyze(
            prepare_unembedding(torch.randn(100, 16), vocabulary),
            [bank, bank.renamed("c→4")],
            "~r[1]*?{0-1} x=y ü→",
            token_sets=TokenSets.from_ids({"s": range(1, 50)}, vocabulary),
            null="identity",
            enrichment=EnrichmentSettings(directions=100),
        )
        return Path("~r[1]*?{0-1} x=y ü→").resolve()


@pytest.mark.parametrize("name", NAMES)
def test_a_run_in_a_folder_of_that_name(
    made: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside it lie files that the name would fit as a pattern, and that are no tables."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made, name)
    shutil.copytree(made, "run1")
    for table in Path("run1").rglob("*.parquet"):
        table.write_bytes(b"")
    run = Run.open(name)
    assert run.features.height == 100
    assert run.feature("bank/7")["index"] == run.feature("c->4/7")["index"] == 7
    assert run.enrichment("c->4/7").height == 1
    assert run.explain("bank/3")["label"]
    assert run.discoveries["pairs"] == 100


@pytest.mark.parametrize("name", ["run[1]", "-o"])
def test_the_command_line_takes_it_as_it_is(
    made: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made, name)
    printed = CliRunner().invoke(app, ["features", "--csv", "--limit", "0", "--", name])
    assert "bank/49" in printed.output, printed.output
    shown = CliRunner().invoke(app, ["show", "--json", "--", name, "c->4/12"])
    assert '"c→4/12"' in shown.output, shown.output


@pytest.mark.parametrize("name", ["c[1]", "c*"])
def test_a_cache_in_a_folder_of_that_name(
    unembedding: Unembedding, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept there is found there, and not what lies in `c1`."""
    path = tmp_path / "mine.yaml"
    path.write_text("sets:\n  a: word1 word2 word3")
    for folder in ("c1", name):
        monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path / folder))
        assert len(build_token_sets(unembedding.vocabulary, path)["a"]) == 3


@pytest.mark.parametrize("name", ["t[1].parquet", "~", "x=1"])
def test_a_file_of_that_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_parquet(Path("t1.parquet"), pl.DataFrame({"v": [0]}))
    write_parquet(Path(name), pl.DataFrame({"v": [1, 2]}), {"said": "so"})
    assert read_parquet(Path(name))["v"].to_list() == [1, 2]
    assert read_parquet(Path(name)).columns == ["v"]
    assert height_of(Path(name)) == 2
    assert said_of(Path(name))["said"] == "so"
