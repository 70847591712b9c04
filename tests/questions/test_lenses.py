"""A run of the same bank through two lenses: every answer says which lens a feature is read by."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from tests.planted import FEW, Planted, planted, planted_run
from unembed import Contrast, direction_test, find, terminal
from unembed.cli import app
from unembed.errors import QueryError
from unembed.layer_lens import LayerLens
from unembed.questions import search
from unembed.questions.feature import feature_facts
from unembed.questions.labels import labels
from unembed.questions.lenses import compare_lenses, lens_facts, other_lenses
from unembed.questions.search.scored import Searched
from unembed.questions.summary import overview


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """The banks a and b, and a through a lens that turns the stream around."""
    unembedding, banks, sets = planted()
    matrix = torch.eye(unembedding.d_model).flip(0)
    lens = LayerLens("jacobian", "jacobian", 3, matrix, ("Read with care.",), {"n_prompts": 8})
    out = tmp_path_factory.mktemp("both") / "run"
    through = banks[0].through(lens)
    return planted_run(out, unembedding, [*banks, through], sets, enrichment=FEW)


def test_every_feature_says_its_lens(both: Planted) -> None:
    scalars = both.run.scalars
    assert scalars.group_by("bank", maintain_order=True).agg(lens="lens").rows() == [
        ("a", ["logit"] * 300), ("b", ["logit"] * 60), ("a.jacobian", ["jacobian"] * 300),
    ]  # fmt: skip
    assert both.run.features["lens"].to_list() == scalars["lens"].to_list()
    assert both.run.feature("a.jacobian/7")["lens"] == "jacobian"
    assert both.run.manifest.lenses == ["logit", "jacobian"]


def test_scores_are_those_of_the_bank_at_the_last_layer(both: Planted) -> None:
    assert both.sets is not None
    alone = direction_test(both.banks["a.jacobian"], both.unembedding, both.sets)
    number = both.sets.names.index("names:female")
    kept = both.run.scores_of_set(both.run.sets.numbers["names:female"], "z")
    assert kept[360:].tolist() == pytest.approx(alone.z[:, number].tolist(), abs=5e-3)
    assert abs(kept[0]) > 3 > 2 * abs(kept[360])  # a/0 writes something else behind the lens


def test_a_feature_names_itself_through_the_other_lens(both: Planted) -> None:
    row = both.run.feature("a.jacobian/7")
    expected = {name: row[name] for name in ("feature", "lens", "class", "label")}
    assert other_lenses(both.run, "a/7") == [{**expected, "part": None}]
    assert [each["feature"] for each in other_lenses(both.run, "a.jacobian/7")] == ["a/7"]
    assert other_lenses(both.run, "b/10") == []
    facts = feature_facts(both.run, "a.jacobian/7")
    assert facts["through"] == {
        "name": "jacobian", "kind": "jacobian", "layer": 3, "n_prompts": 8,
        "notes": ["Read with care."],
    }  # fmt: skip
    assert lens_facts(both.run.manifest.bank("a")) is None


def test_counts_by_lens_are_those_of_the_tables(both: Planted) -> None:
    found = compare_lenses(both.run)
    assert found["bank"].to_list() == ["a", "a.jacobian", "b"]
    assert found["written"].to_list() == ["a", "a", "b"]
    labelled = set(labels(both.run)["row"])
    for row in found.iter_rows(named=True):
        classes = both.run.scalars.with_row_index("row").filter(bank=row["bank"])
        shaped = {r for r, c in classes.select("row", "class").rows()
                  if c not in ("diffuse", "dead", "flat")}  # fmt: skip
        of_bank = labelled & set(classes["row"])
        counts = (row["features"], row["shaped"], row["labelled"], row["shaped_labelled"])
        assert counts == (classes.height, len(shaped), len(of_bank), len(of_bank & shaped))
    assert found["shaped"].sum() > 0


def test_features_are_found_by_lens(both: Planted) -> None:
    found = find(both.run, lens="jacobian", limit=None)
    assert {*found["bank"]} == {"a.jacobian"}
    assert found.height == 300
    assert {*find(both.run, lens="logit", layer=3, limit=None)["bank"]} == {"a"}
    assert find(both.run, where="lens = 'jacobian'", limit=None).height == 300
    with pytest.raises(QueryError, match=r"lens 'tuned'\. Its lenses: logit, jacobian"):
        find(both.run, lens="tuned")
    with pytest.raises(QueryError, match="None of b is read through jacobian"):
        find(both.run, lens="jacobian", bank="b")


def test_a_feature_is_not_like_itself_through_another_lens(both: Planted) -> None:
    for given, itself in (("a/20", "a.jacobian/20"), ("a.jacobian/20", "a/20")):
        found = find(both.run, like=given, limit=None)["feature"].to_list()
        assert given not in found
        assert itself not in found
        assert len(found) == both.run.scalars.filter(pl.col("std") > 0).height - 2
    near = search.nearest(Searched(both.run, tuple(both.run.banks)), "a/20", limit=5, tokens=2)
    assert near["feature"].to_list() == find(both.run, like="a/20", limit=5)["feature"].to_list()


def test_a_contrast_through_a_lens_has_the_null_of_that_lens(both: Planted) -> None:
    """The same as the test of the two sets alone, in the same bank."""
    assert both.sets is not None
    contrast = Contrast(both.sets, "names:female", "names:male")
    alone = direction_test(both.banks["a.jacobian"], both.unembedding, [contrast])
    found = find(both.run, contrast=("names:female", "names:male"), bank="a.jacobian", limit=None)
    z = dict(zip(found["index"], found["contrast_z"], strict=True))
    for index in range(0, 300, 17):
        if index != 5:  # writes nothing
            assert z[index] == pytest.approx(float(alone.z[index, 0]), abs=1e-4)


def test_each_lens_has_an_identity_of_its_own(tmp_path: Path) -> None:
    """Alike in every dimension of the layer: another null at the last one, for each lens."""
    unembedding, (bank, _), sets = planted()
    matrix = torch.diag(torch.linspace(0.1, 3, unembedding.d_model))
    banks = [bank, bank.through(LayerLens("mine", "mine", 3, matrix))]
    made = planted_run(
        tmp_path / "run", unembedding, banks, sets, null="identity", enrichment=FEW
    )  # fmt: skip
    names = ("names:female", "names:male")
    found = find(made.run, contrast=names, limit=None)
    for each in banks:
        alone = direction_test(each, unembedding, [Contrast(sets, *names)], null="identity")
        z = dict(found.filter(bank=each.name).select("index", "contrast_z").rows())
        for index in (0, 1, 17, 250):
            assert z[index] == pytest.approx(float(alone.z[index, 0]), abs=1e-4)


def test_the_summary_says_what_each_lens_sees(both: Planted) -> None:
    assert overview(both.run)["lenses"] == compare_lenses(both.run).to_dicts()
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(terminal.summary.draw(both.run))
    text = console.export_text()
    assert "(logit and jacobian lenses)" in text
    assert "What each lens sees" in text
    assert "a.jacobian: Read with care." in text


def test_the_command_shows_and_finds_them(both: Planted) -> None:
    path = str(both.run.path)
    shown = CliRunner().invoke(app, ["show", path, "a.jacobian/7"], env={"COLUMNS": "200"}).stdout
    through = "taken to the last layer by the jacobian lens of the output of block 3, 8 prompts."
    assert f"{through} Read with care." in shown
    assert "through the logit lens, " in shown
    found = CliRunner().invoke(app, ["find", path, "--lens", "jacobian", "--json"])
    assert {row["lens"] for row in json.loads(found.stdout)} == {"jacobian"}


def test_a_manifest_keeps_the_lens(both: Planted, tmp_path: Path) -> None:
    banks = json.loads((both.run.path / "manifest.json").read_text())["banks"]
    assert ["lens" in bank for bank in banks] == [False, False, True]
    kept = both.run.manifest.bank("a.jacobian").lens
    assert kept is not None
    assert (kept.bank, kept.layer, kept.details) == ("a", 3, {"n_prompts": 8})
