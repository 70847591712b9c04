"""`unembed compare`, on runs with weights in memory: what it prints, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from tests.planted import FEW, Planted, Planting, bank_of, planted_run
from unembed import Run
from unembed.cli import app
from unembed.errors import QueryError, SourceError, UnembedError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """Three banks of one layer; `sae.3` and `mlp.3` both promote set 0, sae.3 alone set 1."""
    random = torch.Generator().manual_seed(0)
    axes = torch.linalg.qr(torch.randn(24, 24, generator=random))[0]
    planting = Planting(torch.randn(1200, 24, generator=random), name="model")
    for at in range(20):
        planting.token_set(f"set {at}", range(at * 30, at * 30 + 30), along=4 * axes[at])
    rows = torch.randn(150, 24, generator=random)
    banks = [
        bank_of("sae.3", rows, {0: 30 * axes[0], 1: 30 * axes[1]}, layer=3),
        bank_of("mlp.3", rows.flip(0), {5: 30 * axes[0], 148: -rows[9]}, layer=3),
        bank_of("sae.9", torch.randn(90, 24, generator=random), {3: 30 * axes[0]}, layer=9),
    ]
    folder = tmp_path_factory.mktemp("compare") / "run"
    return planted_run(folder, planting.unembedding, banks, planting.sets, enrichment=FEW)


@pytest.fixture(autouse=True)
def _with_weights(run: Planted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands open the run with its weights, which no file holds; the cache is a new one."""
    opened, known = Run.open, run.run
    monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        Run, "open", lambda path: known if Path(path) == known.path else opened(path)
    )


def printed(*arguments: object) -> str:
    result = CliRunner(env={"COLUMNS": "130"}).invoke(app, ["compare", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> UnembedError:
    result = CliRunner().invoke(app, ["compare", *map(str, arguments)])
    assert isinstance(result.exception, UnembedError), result.output
    return result.exception


def test_two_dictionaries(run: Planted) -> None:
    text = printed(run.run.path, "--banks", "sae.3,mlp.3", "--no-control")
    assert text.startswith("sae.3 and mlp.3, by decoder directions of 24 dimensions")
    assert "random decoder found" in text
    assert "sae.3 lost: nothing of mlp.3 is more alike than chance" in text
    assert "Only sae.3 promotes, and nothing of mlp.3" in text
    listed = text.partition("Only sae.3 promotes")[2].partition("Only")[0]
    assert "set 1" in listed
    assert "set 0" not in listed
    assert "dictionary" in text


def test_the_table_of_all_beside_random_decoders(run: Planted, tmp_path: Path) -> None:
    banks = json.loads(printed(run.run.path, "--json"))["banks"]
    assert [row["name"] for row in banks] == ["sae.3", "mlp.3", "sae.9"]
    for row in banks:
        assert row["shaped_random"] is not None
        assert row["labelled_random"] <= 0.05
        assert row["others"] == 2
    assert banks[0]["again"] > banks[2]["again"]
    kept = [*(tmp_path / "cache" / "random-decoders").iterdir()]
    assert len(kept) == 3
    text = printed(run.run.path, "--no-agreement")
    assert "(0.0%)" in text
    assert "found in others" in text


def test_json_and_csv_of_two(run: Planted) -> None:
    asked = (run.run.path, "--banks", "sae.3,mlp.3", "--no-control", "--limit", "3")
    found = json.loads(printed(*asked, "--json"))
    assert found["pair"]["facts"]["by"] == "decoder"
    assert found["pair"]["facts"]["b"]["bank"] == "mlp.3"
    assert {row["fate"] for row in found["pair"]["features"]} >= {"again", "lost"}
    assert {row["side"] for row in found["pair"]["sets"]} <= {"a", "b"}
    rows = [*csv.DictReader(io.StringIO(printed(*asked, "--csv")))]
    assert [row["feature"] for row in rows] == [row["feature"] for row in found["pair"]["features"]]
    whole = [*csv.DictReader(io.StringIO(printed(*asked[:-1], "0", "--csv")))]
    assert len(whole) == 300
    table = [*csv.DictReader(io.StringIO(printed(run.run.path, "--no-control", "--csv")))]
    assert [row["bank"] for row in table] == ["sae.3", "mlp.3", "sae.9"]


def test_by_and_sign_as_asked(run: Planted) -> None:
    asked = (run.run.path, "--banks", "sae.3,sae.9", "--no-control", "--json")
    assert json.loads(printed(*asked))["pair"]["facts"]["by"] == "logits"
    found = json.loads(printed(*asked, "--by", "sets", "--sign", "+", "--max-q", "0.001"))["pair"]
    assert found["facts"]["compared"] == "z over 20 token sets"
    assert {row["sign"] for row in found["sets"]} == {"+"}


def test_what_is_refused(run: Planted) -> None:
    path = run.run.path
    assert "one bank to compare, sae.3. Name another run, or another bank of it: sae.3, mlp.3" in (
        str(refused(path, "--banks", "sae.3"))
    )
    unknown = refused(path, "--banks", "sae.4,mlp.3")
    assert isinstance(unknown, QueryError)
    assert "no bank 'sae.4' in what is compared. Did you mean" in str(unknown)
    assert str(unknown).endswith("Banks: sae.3, mlp.3, sae.9.")
    assert "cannot be compared by decoder" in str(
        refused(path, "--banks", "sae.3,sae.9", "--by", "decoder")
    )
    assert "named twice" in str(refused(path, path))


def test_where_weights_are_gone(run: Planted) -> None:
    """The table needs them for matches and random decoders alone."""
    again = Run.open(run.run.path / ".." / run.run.path.name)
    assert again is not run.run
    assert isinstance(refused(again.path), SourceError)
    text = printed(again.path, "--no-control", "--no-agreement")
    assert "sae.9" in text


def test_a_run_without_token_sets(run: Planted, tmp_path: Path) -> None:
    bare = planted_run(tmp_path / "bare", run.unembedding, [*run.banks.values()]).run
    message = refused(bare.path, "--no-agreement", "--no-control")
    assert "sae.3 was read without token sets" in str(message)
