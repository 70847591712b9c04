"""Runs that earlier versions wrote are still read."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from unembed import Run, read_and_written
from unembed.questions import feature_facts
from unembed.store.enrichment import COHESION_COLUMNS, read_null
from unembed.store.explanation import END_COLUMNS
from unembed.store.manifest import SCHEMAS
from unembed.store.shards import read_table, write_table

EVERY = sorted((Path(__file__).parents[1] / "golden").glob("schema-*"))
GOLDEN, OF_BOTH_SIDES = EVERY[:-1], EVERY[-1]


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_golden_run(folder: Path) -> None:
    run = Run.open(folder)
    assert run.banks == ["sae.3", "mlp.3"]
    assert run.features["index"].to_list() == [5, 6, 7, 8, 9, 20, 0, 1]
    assert run.features["kurtosis"].is_null().to_list() == [False] * 4 + [True] + [False] * 3
    assert run.tokens["text"][61] == "é\n"
    assert run.tokens["partial_utf8"].arg_true().to_list() == [60]
    assert run.tokens["masked"].arg_true().to_list() == [59, 62, 63]
    shown = feature_facts(run, "sae.3/20")
    assert shown["neuronpedia"] == "https://www.neuronpedia.org/golden/3-res/20"
    assert shown["log10_density"] == -1
    assert sum(shown["histogram"]) == 61
    first, again = (run.feature(address) for address in ("sae.3/5", "mlp.3/0"))
    assert again["std"] == pytest.approx(3 * first["std"])
    assert again["kurtosis"] == pytest.approx(first["kurtosis"])
    assert again["top_tokens"] == first["top_tokens"]


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_golden_enrichment(folder: Path) -> None:
    run = Run.open(folder)
    assert run.token_sets["name"].to_list() == ["some", "many", "none"]
    assert run.token_sets["ids"].to_list()[0] == [1, 2, 3]
    first, again = (run.enrichment(f"{bank}", token_set="many") for bank in ("sae.3/5", "mlp.3/0"))
    for column in ("es", "peak", "auroc", "log10_p_tokens"):
        assert first[column][0] == again[column][0] is not None
    assert first["z"][0] * again["z"][0] > 0
    assert run.enrichment(token_set="some").height == 8
    assert run.discoveries["pairs"] == 14
    assert set(run.discoveries["nulls"]) == {"sae.3", "mlp.3"}


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_golden_explanations(folder: Path) -> None:
    run = Run.open(folder)
    assert run.features["class"].to_list() == ["dead", *["diffuse"] * 3, "flat", *["diffuse"] * 3]
    assert run.features["label"][4] == "writes nothing"
    case = run.explain("sae.3/20")
    label = case["label"].replace("as random directions do", "no known set")  # so said since
    assert label.startswith("no known set; top tokens ' word")
    assert case["right_tail_above"] > 3
    assert (case["parts"], case["rejected"]) == ([], [])


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_what_came_later_is_null(folder: Path) -> None:
    run = Run.open(folder)
    case, row = run.explain("sae.3/20"), run.features.row(5, named=True)
    assert {case[name] for name in END_COLUMNS} == {None}  # nor has the last one a heavy tail
    assert (
        (case["log10_q"] is None) == (row["log10_q"] is None) == (run.manifest.schema_version < 4)
    )
    shaped = [run.explain(address) for address in run.features["feature"]]
    parts = [part for each in shaped for part in each["parts"]]
    assert {part["core_of"] for part in parts} <= {None}
    assert run.explanations is not None
    assert run.explanations.labelled.to_list() == [bool(each["parts"]) for each in shaped]
    assert row["tail_tokens_top"] is row["log10_p_words_top"] is None


def test_the_first_runs_of_schema_4_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(GOLDEN[-1], folder)
    lacking = {"explanations": END_COLUMNS, "null": COHESION_COLUMNS}
    for room, columns in lacking.items():
        for path in (folder / room).iterdir():
            table = read_table(path)
            if set(columns) <= set(table.columns):
                write_table(path, table.drop(columns))
    run, whole = Run.open(folder), Run.open(GOLDEN[-1])
    for name in whole.features.columns:
        same = whole.features[name].equals(run.features[name], null_equal=True)
        assert same or name in END_COLUMNS
    assert run.explain("sae.3/20") == whole.explain("sae.3/20")
    assert read_null(folder, "sae.3").cohesion.shape == (0, 2)
    assert read_null(GOLDEN[-1], "sae.3").cohesion.shape == (100, 2)


def test_there_is_one_of_every_schema() -> None:
    assert [folder.name for folder in EVERY] == [f"schema-{version}" for version in SCHEMAS]


def test_the_golden_run_of_both_sides() -> None:
    run = Run.open(OF_BOTH_SIDES)
    assert run.banks == ["sae.3", "mlp.3", "sae.3.encoder"]
    assert run.manifest.lenses == ["logit", "embedding"]
    written = run.features.filter(pl.col("bank") != "sae.3.encoder")
    alone = Run.open(GOLDEN[-1]).features
    assert written.drop("label", "log10_p", "log10_q").equals(
        alone.drop("label", "log10_p", "log10_q")
    )
    found = read_and_written(run)
    assert found["feature"].to_list() == run.features["feature"].to_list()[:6]
    assert found["correlation"].is_null().to_list() == [False] * 4 + [True, False]
    assert found["correlation"].drop_nulls().abs().max() <= 1
