"""A published run, opened where it lies: the same answers, few bytes, each of them verified."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import polars as pl
import pytest

from tests.load.fake_hub import FakeHub
from tests.planted import Planted
from tests.publishing.conftest import OF_THE_LIBRARY, PLACE, command, elsewhere
from tests.questions.same_label import same_label_run
from unembed import Run, check_run, distant, publish_run
from unembed.errors import RunError, SourceError, UnembedError
from unembed.explorer.contents import Contents
from unembed.parquet import read_parquet, write_parquet
from unembed.questions import explanation_facts, feature_facts, is_whole
from unembed.questions.same_label import apart_of
from unembed.store.published import OVERVIEW, PIECES
from unembed.store.stamp import RUN, TABLE

pytestmark = OF_THE_LIBRARY
DATA = "datasets/me/run"
GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("schema-*"))


@pytest.fixture
def theirs(hub: FakeHub, tiny: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The run as another machine opens it."""
    publish_run(tiny.run, PLACE)
    elsewhere(hub, tmp_path / "theirs", monkeypatch)
    return Run.open(PLACE)


def near(found: object, wanted: object) -> None:
    """Equal, but for the last digit of what was kept beside the run."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict)
        assert found.keys() == wanted.keys()
        for key in wanted:
            near(found[key], wanted[key])
    elif isinstance(wanted, list):
        assert isinstance(found, list)
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            near(one, other)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-3, abs=1e-6, nan_ok=True)
    else:
        assert found == wanted


def features_of(run: Run) -> list[str]:
    return run.scalars["feature"].to_list()


def test_features_are_the_same(theirs: Run, tiny: Planted) -> None:
    for feature in features_of(tiny.run)[:: tiny.run.manifest.features // 4]:
        near(feature_facts(theirs, feature), feature_facts(tiny.run, feature))
        near(explanation_facts(theirs, feature), explanation_facts(tiny.run, feature))
        assert theirs.enrichment(feature).equals(tiny.run.enrichment(feature))


def test_labels_and_what_sets_them_apart_are_the_same(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = same_label_run(tmp_path / "run").run
    publish_run(mine, PLACE)
    elsewhere(hub, tmp_path / "theirs", monkeypatch)
    theirs = Run.open(PLACE)
    labelled = mine.collisions()["feature"].to_list()
    assert labelled
    for feature in [*labelled[:4], *features_of(mine)[-3:]]:
        near(apart_of(theirs, feature), apart_of(mine, feature))
    assert not any("/directions/" in request.path for request in hub.log)


def test_all_tables_are_the_same(theirs: Run, tiny: Planted) -> None:
    assert theirs.features.equals(tiny.run.features)
    assert theirs.token_sets.equals(tiny.run.token_sets)
    assert theirs.tokens.equals(tiny.run.tokens)
    assert theirs.enrichment().equals(tiny.run.enrichment())
    assert theirs.discoveries == tiny.run.discoveries
    assert theirs.collisions().equals(tiny.run.collisions())
    for name in tiny.run.tested_sets["name"][:2]:
        assert theirs.enrichment(token_set=name).equals(tiny.run.enrichment(token_set=name))


def test_what_it_is_called(theirs: Run, tiny: Planted) -> None:
    assert theirs.place == theirs.name == PLACE
    assert repr(theirs).startswith(f"Run({PLACE}: ")
    assert tiny.run.place == str(tiny.run.path)


def test_the_explorer_answers_the_same(theirs: Run, tiny: Planted) -> None:
    found, wanted = Contents(theirs), Contents(tiny.run)
    overview = json.loads(json.dumps(wanted.overview()))
    assert json.loads(json.dumps(found.overview())) == {**overview, "name": PLACE}
    assert found.token_sets() == wanted.token_sets()
    for feature in features_of(tiny.run)[:2]:
        bank, _, index = feature.rpartition("/")
        near(found.feature(bank, int(index)), wanted.feature(bank, int(index)))


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_runs_of_earlier_versions(
    folder: Path, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Run.open(folder)
    publish_run(mine, PLACE)
    elsewhere(hub, tmp_path / "theirs", monkeypatch)
    theirs = Run.open(PLACE)
    for feature in features_of(mine):
        near(feature_facts(theirs, feature), feature_facts(mine, feature))
    assert theirs.features.equals(mine.features)
    assert theirs.enrichment().equals(mine.enrichment())


def test_tsea_of_every_pair(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.planted import tiny_run
    from unembed import EnrichmentSettings

    mine = tiny_run(tmp_path / "run", EnrichmentSettings(directions=200, tsea="all")).run
    publish_run(mine, PLACE)
    elsewhere(hub, tmp_path / "theirs", monkeypatch)
    theirs = Run.open(PLACE)
    for feature in features_of(mine)[:3]:
        near(feature_facts(theirs, feature), feature_facts(mine, feature))


def test_commands(theirs: Run, tiny: Planted) -> None:
    feature = features_of(tiny.run)[0]
    for words in (
        ["show", PLACE, feature], ["features", PLACE, "--json"],
        ["find", PLACE, "--class", "diffuse"],
        ["layers", PLACE], ["enrichment", PLACE, feature], ["explain", PLACE, feature, "--stored"],
        ["check", PLACE],
    ):  # fmt: skip
        found = command(*words)
        assert found.status == 0, found
        words[1] = str(tiny.run.path)
        if words[0] != "check":  # which names what is published besides
            assert found.out == command(*words).out


def test_it_is_verified_whole_when_asked(theirs: Run) -> None:
    files = check_run(PLACE)
    assert is_whole(files)
    assert set(files.filter(pl.col("verdict") != "other")["verdict"]) == {"whole"}


def test_what_was_seen_once_opens_without_a_network(
    theirs: Run, hub: FakeHub, tiny: Planted
) -> None:
    first, *_, last = features_of(tiny.run)
    seen = feature_facts(theirs, first)
    hub.stop()
    distant._folders.clear()
    again = Run.open(PLACE)
    assert feature_facts(again, first) == seen
    with pytest.raises(RunError, match="hub cannot be reached"):
        again.scores.of_feature(*again.place_of(again.row_of(last)))
    with pytest.raises(SourceError, match="not in the cache"):
        Run.open("hf:me/another")


def test_a_damaged_file_is_refused(theirs: Run, hub: FakeHub) -> None:
    hub.faults.damages = 1000
    with pytest.raises(RunError, match=r"of hf:me/run is damaged.*It was not used"):
        _ = theirs.features
    hub.faults.damages = 1  # what is damaged once is fetched once more
    assert theirs.features.height


def test_a_file_that_another_put_in_the_place_is_refused(hub: FakeHub, tiny: Planted) -> None:
    publish_run(tiny.run, PLACE)
    commit = hub.commit(DATA, "main")
    assert commit is not None
    files = dict(hub.repos[DATA][commit])
    shard = next(tiny.run.manifest.shards()).path
    files[shard] = files[shard][:-100] + bytes(100)
    hub.put(DATA, files)
    run = Run.open(PLACE)
    with pytest.raises(RunError, match=f"{re.escape(shard)} of {PLACE} is damaged"):
        _ = run.features


def test_hashes_of_another_run_are_refused(hub: FakeHub, tiny: Planted, plain: Planted) -> None:
    publish_run(tiny.run, PLACE)
    publish_run(plain.run, "hf:me/plain")
    mine, other = (
        hub.repos[repo][str(hub.commit(repo, "main"))] for repo in (DATA, "datasets/me/plain")
    )
    hub.put(DATA, {**mine, PIECES: other[PIECES]})
    with pytest.raises(RunError, match="another run than manifest"):
        Run.open(PLACE)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("file", "../../evil", "no table of a run"),
        ("file", "/etc/passwd", "no table of a run"),
        ("file", "manifest.json", "no table of a run"),
        ("size", 10**12, "one hash for each piece"),
        ("size", -1, "one hash for each piece"),
        ("hashes", b"", "one hash for each piece"),
    ],
)
def test_hashes_that_lead_astray(
    column: str, value: object, said: str, hub: FakeHub, tiny: Planted, tmp_path: Path
) -> None:
    publish_run(tiny.run, PLACE)
    files = hub.repos[DATA][str(hub.commit(DATA, "main"))]
    path = tmp_path / "pieces.parquet"
    path.write_bytes(files[PIECES])
    table = read_parquet(path)
    new = pl.Series(column, [value, *table[column].to_list()[1:]], dtype=table[column].dtype)
    says = {RUN: tiny.run.manifest.digest, TABLE: PIECES}
    write_parquet(path, table.with_columns(new), says)
    hub.put(DATA, {**files, PIECES: path.read_bytes()})
    with pytest.raises(RunError, match=said):
        Run.open(PLACE)


def test_a_foreign_table_is_refused(hub: FakeHub, tiny: Planted, plain: Planted) -> None:
    """One with right hashes, as a publisher who means it would have it."""
    from unembed import publishing
    from unembed.distant import hashes_of
    from unembed.store.published import write_pieces

    with publishing.pack(tiny.run, PLACE) as parcel:
        shards = [shard.path for shard in tiny.run.manifest.shards()]
        parcel.files[shards[0]] = plain.run.path / next(plain.run.manifest.shards()).path
        known = {path: hashes_of(file) for path, file in parcel.files.items()
                 if path not in ("manifest.json", PIECES)}  # fmt: skip
        write_pieces(parcel.files[PIECES].parents[1], tiny.run.manifest, known)
        publishing.publish(parcel)
    with pytest.raises(RunError, match="not the table that manifest"):
        _ = Run.open(PLACE).features


@pytest.mark.parametrize("text", ["", "[]", "{", '{"answer": 3}', '{"unembed_version": "0"}'])
def test_a_first_answer_that_is_none_is_made_here(
    text: str, hub: FakeHub, tiny: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unembed.publishing import beside

    monkeypatch.setattr(beside, "overview_text", lambda manifest, answer: text)
    publish_run(tiny.run, PLACE)
    files = hub.repos[DATA][str(hub.commit(DATA, "main"))]
    assert files[OVERVIEW].decode() == text
    assert Contents(Run.open(PLACE)).overview()["model"] == tiny.run.model


def test_what_is_no_published_run(hub: FakeHub, tiny: Planted) -> None:
    hub.put(DATA, {"README.md": b"hello"})
    with pytest.raises(RunError, match=r"no run: it holds no manifest\.json"):
        Run.open(PLACE)
    hub.put(DATA, {"manifest.json": (tiny.run.path / "manifest.json").read_bytes()})
    with pytest.raises(RunError, match=r"not as `unembed publish` puts it.*hf download"):
        Run.open(PLACE)
    publish_run(tiny.run, PLACE)
    files = dict(hub.repos[DATA][str(hub.commit(DATA, "main"))])
    del files["tokens.parquet"]
    hub.put(DATA, files)
    with pytest.raises(
        RunError, match=r"not finished: 1 of its files are missing, tokens\.parquet"
    ):
        Run.open(PLACE)


def test_private_runs_need_a_login(hub: FakeHub, tiny: Planted) -> None:
    publish_run(tiny.run, PLACE)
    hub.gated.add(DATA)
    os.environ.pop("HF_TOKEN", None)
    with pytest.raises(UnembedError, match="hf auth login"):
        Run.open(PLACE)


def test_the_login_is_for_the_hub_alone(theirs: Run, hub: FakeHub) -> None:
    _ = theirs.features
    of_cdn = [request for request in hub.log if request.host == "cdn"]
    assert of_cdn
    assert not any("authorization" in request.headers for request in of_cdn)


def test_reading_a_published_run_imports_no_torch(hub: FakeHub, tiny: Planted) -> None:
    import subprocess
    import sys

    publish_run(tiny.run, PLACE)
    feature = features_of(tiny.run)[0]
    program = (
        "import sys\nfrom unembed.cli import app\n"
        f"app(['show', '{PLACE}', '{feature}'], standalone_mode=False)\n"
        "print([each for each in ('torch', 'numba', 'scipy') if each in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env={**os.environ, "HF_ENDPOINT": hub.endpoint, "NO_PROXY": "127.0.0.1"},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-1] == "[]"
