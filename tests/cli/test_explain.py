"""`unembed explain`, as a person and as a script uses it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from typer.testing import CliRunner

from unembed import (
    EnrichmentSettings,
    Run,
    analyze,
    build_token_sets,
    load_features,
    load_unembedding,
)
from unembed.cli import app
from unembed.demo import MODEL
from unembed.errors import QueryError
from unembed.outside.text import quoted
from unembed.terminal import running_sum

pytestmark = pytest.mark.slow

MONTHS = (
    "January", "February", "March", "April", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """800 random directions as wide as the demo model; two promote "you", and suppress months."""
    path = tmp_path_factory.mktemp("vectors") / "vectors.npy"
    unembedding = load_unembedding(MODEL)
    texts = unembedding.vocabulary.texts
    rows = np.random.default_rng(0).standard_normal((800, 576))
    for at, sign, words in ((0, 1, ("you", "your", "yours", "yourself")), (1, -1, MONTHS)):
        wanted = [row for row, token in enumerate(unembedding.token_ids)
                  if texts[token].strip() in words]  # fmt: skip
        mean = unembedding.W_U[wanted].mean(0).double()
        rows[at] = sign * torch.linalg.solve(unembedding.covariance, mean).numpy()
    np.save(path, rows.astype(np.float32))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, vectors: Path) -> Path:
    unembedding = load_unembedding(MODEL)
    run = analyze(
        unembedding, load_features(vectors), tmp_path_factory.mktemp("explained") / "run",
        token_sets=build_token_sets(unembedding.vocabulary, family="grammar/pronouns"),
        enrichment=EnrichmentSettings(tsea="none"),
    )  # fmt: skip
    return run.path


def printed(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.stdout


def test_the_case_as_json(folder: Path) -> None:
    case = json.loads(printed("explain", folder, "vectors/0", "--json"))
    assert case["feature"] == "vectors/0"
    assert case["class"] == "prediction"
    assert case["label"].startswith("promotes second person pronouns (z +")
    part = case["parts"][0]
    assert part["token_set"] == "pronouns_second_person"
    assert part["log10_q"] < -2
    edge = case["leading_edge"]
    assert {" you", " your"} <= set(edge["tokens"])
    assert edge["es"] > 0.8
    assert case["rejected"][0]["reason"] in ("near-duplicate", "explained", "slight")


def test_the_case_on_the_terminal(folder: Path) -> None:
    shown = printed("explain", folder, "vectors/0")
    for expected in (
        "promotes second person pronouns", "prediction: left tail", "right tail",
        "of the 50 top tokens", "Running sum of pronouns_second_person: ES +", "leading edge",
        "Significant, but not named",
    ):  # fmt: skip
        assert expected in shown
    stored = printed("explain", folder, "vectors/0", "--stored")
    assert "Running sum" not in stored
    assert "promotes second person pronouns" in stored


def test_the_shortest_account_lists_the_tokens_that_make_a_tail(folder: Path) -> None:
    features = Run.open(folder).features
    some = features.filter(pl.col("tail_tokens_top").is_between(2, 20)).row(0, named=True)
    feature, count = some["feature"], some["tail_tokens_top"]
    case = json.loads(printed("explain", folder, feature, "--json"))
    these = " ".join(map(quoted, case["top_tokens"][:count]))
    line = f"without these {count} tokens the right tail is ordinary: {these}"
    for command in ("explain", "show"):
        shown = printed(command, folder, feature)
        (drawn,) = [each for each in shown.splitlines() if each.startswith("without")]
        assert line.startswith(drawn.rstrip().removesuffix("…"))
        assert quoted(case["top_tokens"][0]) in drawn
    assert json.loads(printed("show", folder, feature, "--json"))["tail_tokens_top"] == count


def test_words_that_no_set_holds_are_told(folder: Path) -> None:
    """Sets are of pronouns alone."""
    case = json.loads(printed("explain", folder, "vectors/1", "--json"))
    start, chance = case["label"].split(" (cohesion p ")
    named = start.removeprefix("its own words: suppresses ").split(" / ")
    assert len(named) == 5
    assert {word.title() for word in named} <= {*MONTHS, "May", "Jan", "Feb", "Sept"}
    assert float(chance.removesuffix(")")) <= 0.005
    assert {" January", " October"} <= {f" {word.strip()}" for word in case["words_bottom"]}
    assert case["words_top"] is None
    shown = printed("explain", folder, "vectors/1")
    assert (
        f"words at the bottom that belong together (random directions: p {chance[:-1]}): " in shown
    )
    assert case["label"] in printed("show", folder, "vectors/1")


def test_a_feature_without_a_known_set(folder: Path) -> None:
    shown = printed("explain", folder, "vectors/5")
    assert "as random directions do; " in shown
    assert "top: " in shown
    assert json.loads(printed("explain", folder, "vectors/5", "--json"))["leading_edge"] is None


def test_weights_that_are_gone_leave_what_is_stored(
    folder: Path, vectors: Path, tmp_path: Path
) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["seal"]
    manifest["banks"][0]["origin"]["path"] = str(tmp_path / "gone")
    copy = tmp_path / "run"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).symlink_to(path)
    (copy / "manifest.json").unlink()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    shown = printed("explain", copy, "vectors/0").replace("\n", " ")
    assert "No running sum: " in shown
    assert "promotes second person pronouns" in shown


def test_a_feature_that_is_not_there(folder: Path) -> None:
    with pytest.raises(QueryError, match="vectors has no feature 800"):
        CliRunner().invoke(app, ["explain", str(folder), "vectors/800"], catch_exceptions=False)


def test_classes_are_listed_and_can_be_filtered(folder: Path) -> None:
    found = json.loads(
        printed("features", folder, "--where", "class = 'prediction'", "--limit", 0, "--json")
    )
    assert "vectors/0" in [row["feature"] for row in found]
    assert {row["class"] for row in found} == {"prediction"}
    shown = printed("show", folder, "vectors/0")
    assert "prediction: promotes second person pronouns" in shown


def test_demo_labels(demo_run: Run) -> None:
    for address, label in {
        "mlp.20/1036": "promotes reflexive pronouns (z +13.0)",
        "mlp.26/1329": "suppresses second person pronouns (z −15.5)",
        "mlp.20/200": "promotes question marks (z +13.2)",
    }.items():
        said, _, q = demo_run.feature(address)["label"].rpartition("; q ")
        assert said == label
        assert float(q) < 1e-30
    shaped = demo_run.features.filter(demo_run.features["class"].is_in(["prediction"]))
    assert shaped.height > 1000
    assert demo_run.features.filter(bank="mlp.10")["class"].ne("diffuse").mean() < 0.04


def test_a_running_sum_is_drawn_to_scale() -> None:
    places = np.array([0, 0, 10, 10, 100])
    drawn = str(running_sum.draw(places, np.array([0.0, 0.0, 0.9, 0.9, 0.0]), height=4))
    lines = drawn.splitlines()
    assert lines[0].startswith(" +0.90 ")
    assert lines[3].strip().startswith("0")
    assert lines[-1].endswith("rank 100")
    peak = [line[7:] for line in lines[:-1]]
    assert 4 <= len(peak[0]) - len(peak[0].lstrip()) <= 8  # the peak is at a tenth of 76 cells
    down = str(running_sum.draw(places, -np.array([0.0, 0.0, 0.9, 0.9, 0.0]), height=4))
    assert down.splitlines()[3].startswith(" -0.90 ")
