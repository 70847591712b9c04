"""What a run was given later goes out with it, and a run on the hub is given nothing from here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
import torch

from tests.load.fake_hub import FakeHub
from tests.planted import FEW, Planted, planted
from tests.publishing.conftest import OF_THE_LIBRARY, PLACE, command, elsewhere
from tests.publishing.given import give
from unembed import (
    Run,
    analyze,
    check_run,
    fetch_neuronpedia,
    publish_run,
    publishing,
    questions,
    steer,
)
from unembed.errors import QueryError, RunError
from unembed.explorer.contents import Contents
from unembed.layer_lens import LayerLens
from unembed.parquet import read_parquet
from unembed.publishing.private import added_without_places
from unembed.questions import neuronpedia
from unembed.questions.compared.banks import dictionaries
from unembed.questions.compared.interpretability import interpretability_by_bank
from unembed.questions.lens_truth import untrue
from unembed.store.files import RunFiles
from unembed.store.folder import adding
from unembed.store.lens_check import check_can_be_kept
from unembed.store.published import OVERVIEW
from unembed.store.steering import read_steering

pytestmark = OF_THE_LIBRARY
DATA = "datasets/me/run"


@pytest.fixture
def mine(tiny: Planted, tmp_path: Path) -> Run:
    shutil.copytree(tiny.run.path, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    give(run)
    return run


@pytest.fixture
def theirs(hub: FakeHub, mine: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    publish_run(mine, PLACE)
    elsewhere(hub, tmp_path / "theirs", monkeypatch)
    return Run.open(PLACE)


def test_it_is_the_same_there(theirs: Run, mine: Run) -> None:
    wanted = questions.lens_check(mine)
    assert wanted is not None
    assert wanted.equals(questions.lens_check(theirs))
    assert mine.steering().height == 1
    assert theirs.steering().equals(mine.steering())
    assert neuronpedia.beside_of(mine, "a/1") is not None
    assert neuronpedia.beside_of(theirs, "a/1") == neuronpedia.beside_of(mine, "a/1")
    assert neuronpedia.agreements(theirs).equals(neuronpedia.agreements(mine))


def test_the_first_answer_is_of_the_same_tables(theirs: Run, mine: Run) -> None:
    assert untrue(theirs)
    found, wanted = Contents(theirs).overview(), Contents(mine).overview()
    assert found["agreement"] == wanted["agreement"] is not None
    notes = [bank["notes"] for bank in found["banks"]]
    assert notes == [bank["notes"] for bank in wanted["banks"]]
    assert untrue(mine)["a"] in notes[0]


def test_damage_of_it_is_seen_there(theirs: Run, hub: FakeHub) -> None:
    commit = hub.commit(DATA, "main")
    assert commit is not None
    files = hub.repos[DATA][commit]
    for table in ("steering/a.parquet", "lens_check.parquet"):
        files[table] = files[table][:60] + bytes([files[table][60] ^ 1]) + files[table][61:]
    for asked in (theirs.steering, lambda: questions.lens_check(theirs)):
        with pytest.raises(RunError, match=r"of hf:me/run is damaged.*tell whoever published"):
            asked()


def test_a_run_without_it_is_without_it_there(hub: FakeHub, mine: Run, tiny: Planted) -> None:
    publish_run(mine, PLACE)
    publish_run(tiny.run, PLACE)
    run = Run.open(PLACE)
    commit = hub.commit(DATA, "main")
    added = {*RunFiles(run.manifest).added}
    assert commit is not None
    assert not added & set(hub.repos[DATA][commit]), "an earlier run's do not stay"
    assert questions.lens_check(run) is None
    assert neuronpedia.beside_of(run, "a/1") is None
    # what an earlier version kept in the cache folder is no part of the run
    path = run.path / "steering" / "a.parquet"
    path.parent.mkdir()
    shutil.copy(mine.path / "steering" / "a.parquet", path)
    assert not read_steering(run.path, run.manifest, "a").height
    files = dict(check_run(PLACE).select("file", "verdict").iter_rows())
    assert files["steering/a.parquet"] == "other"


def test_the_dry_run_and_the_page_name_it(hub: FakeHub, mine: Run, tiny: Planted) -> None:
    said = command("publish", mine.path, PLACE, "--dry-run")
    files = json.loads(command("publish", mine.path, PLACE, "--dry-run", "--json").out)["files"]
    for path in ("lens_check.parquet", "steering/a.parquet", "neuronpedia/features/a.parquet"):
        assert path in files
        assert path.removesuffix("a.parquet") in said.out
    with publishing.pack(mine, PLACE) as parcel:
        page = parcel.files["README.md"].read_text(encoding="utf-8")
    with publishing.pack(tiny.run, PLACE) as parcel:
        other = parcel.files["README.md"].read_text(encoding="utf-8")
    for name in ("`lens_check.parquet`", "`steering/*.parquet`", "`neuronpedia/*/*.parquet`"):
        assert name in page
        assert name not in other


def test_no_file_names_a_folder_of_this_machine(tmp_path: Path) -> None:
    place = str(tmp_path / "secret")
    unembedding, banks, sets = planted()
    lens = LayerLens(
        "tuned", "tuned", 3, torch.eye(24), (f"Nothing beside {place}/lens says more.",), {},
        {"path": f"{place}/lens"},
    )  # fmt: skip
    banks = [banks[0], banks[0].through(lens)]
    run = analyze(unembedding, banks, tmp_path / "run", token_sets=sets, enrichment=FEW)
    give(run, model=f"{place}/model")
    assert place in run.manifest.dump()
    assert place in str(Contents(run).overview())
    with publishing.pack(run, PLACE) as parcel:
        assert OVERVIEW in parcel.files
        for path, file in parcel.files.items():
            if path.endswith(".parquet"):  # whose pages are compressed
                assert place not in str(read_parquet(file).to_dicts()), path
            assert place.encode() not in file.read_bytes(), path
        changed = {change.where for change in parcel.changes}
        found = read_parquet(parcel.files["steering/a.parquet"])["model"].to_list()
    assert found == ["model (a folder of whoever published the run)"]
    assert {"steering/a.parquet: model", "lens_check.parquet: text"} <= changed
    publication = Run.open(run.path)
    assert publication.steering()["model"].to_list() == [f"{place}/model"], "the run is as it was"


def test_words_of_others_stay(tiny: Planted) -> None:
    said = pl.DataFrame({"text": ["/usr/bin and other paths"], "model": ["gpt-4o-mini"]})
    path = "neuronpedia/explanations/a.parquet"
    found, changes = added_without_places(said, path, tiny.run.manifest)
    assert found.equals(said)
    assert changes == []


def test_a_run_on_the_hub_is_given_nothing_from_here(theirs: Run) -> None:
    before = sorted(path for path in theirs.path.rglob("*"))
    said = r"hf:me/run lies on the hub.*Download it"
    with pytest.raises(RunError, match=said):
        check_can_be_kept(theirs.path, theirs.manifest)
    with pytest.raises(RunError, match=rf"{said}.*Or keep nothing: --no-keep"):
        steer(theirs, "a/1", model="nowhere/at-all")
    with pytest.raises(RunError, match=said):
        fetch_neuronpedia(theirs, ["a/1"], base="http://127.0.0.1:9/none")
    with pytest.raises(RunError, match=said), adding(theirs.path, "steering/a.parquet"):
        pass
    assert sorted(path for path in theirs.path.rglob("*")) == before


def test_messages_name_its_place(hub: FakeHub, tiny: Planted) -> None:
    publish_run(tiny.run, PLACE)
    run = Run.open(PLACE)
    with pytest.raises(QueryError, match="neuronpedia fetch hf:me/run"):
        neuronpedia.agreements(run)
    assert interpretability_by_bank(dictionaries([run]), agree=False)["run"].unique().to_list() == [
        PLACE
    ]


def test_banks_of_the_hub_are_named_by_their_place(hub: FakeHub, tiny: Planted) -> None:
    publish_run(tiny.run, PLACE)
    runs = [tiny.run, Run.open(PLACE)]
    assert [each.name for each in dictionaries(runs)][2:] == [f"{PLACE}:a", f"{PLACE}:b"]
    (found,) = dictionaries(runs, f"{PLACE}:a")
    assert found.run is runs[1]
    (found,) = dictionaries(runs, f"{tiny.run.path}:a")
    assert found.run is runs[0]
    with pytest.raises(QueryError, match=f"{PLACE}@main is named twice"):
        dictionaries([runs[1], Run.open(f"{PLACE}@main")])
