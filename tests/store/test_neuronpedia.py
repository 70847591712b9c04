"""What is kept beside a run: merged, verified, of this run alone, and gone with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from tests.load.neuronpedia.bucket import Bucket, explanation, exported, feature, packed, served
from tests.planted import FEW, Planted, planted, planted_run
from unembed import Run, analyze, check_run, fetch_neuronpedia, neuronpedia
from unembed.errors import QueryError, RunError, SourceError
from unembed.load.neuronpedia import web
from unembed.store import folder
from unembed.store.added import beside_paths
from unembed.store.files import LOCK
from unembed.store.neuronpedia import read_beside


@pytest.fixture
def run(tiny: Planted, tmp_path: Path) -> Run:
    shutil.copytree(tiny.run.path, tmp_path / "run")
    return Run.open(tmp_path / "run")


def lines(folder: Path, *found: dict[str, object]) -> Path:
    file = folder / "lines.jsonl.gz"
    file.write_bytes(packed(found))
    return file


def test_features_join_those_that_are_kept(run: Run, tmp_path: Path) -> None:
    file = lines(tmp_path, explanation(1, "one"), feature(1), explanation(2, "two"), feature(2))
    (first,) = fetch_neuronpedia(run, ["a/1"], files=[file])
    assert (first.features, first.explained, first.beyond) == (1, 1, 1)
    fetch_neuronpedia(run, ["a/2", "a/9"], files=[file])
    fetch_neuronpedia(
        run, ["a/1"], files=[lines(tmp_path, explanation(1, "anew"))], kinds=["explanations"]
    )
    kept = read_beside(run.path, run.manifest, "a")
    assert kept is not None
    assert kept.features["index"].to_list() == [1, 2, 9]
    assert kept.features["density"].to_list() == [0.001, 0.002, None]  # 1's is still there
    assert kept.explanations.select("index", "text").rows() == [(1, "anew"), (2, "two")]
    assert set(kept.features["source"]) == {"tiny/3-a"}


def test_all_of_it_from_a_site(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path / "cache"))
    with served(Bucket(exported(range(300), each=64))) as bucket:
        (found,) = fetch_neuronpedia(run, base=bucket.base)
        assert (found.bank, found.features, found.explained, found.with_texts) == ("a", 300, 300, 0)
        assert not any("activations" in path for path in bucket.paths)  # whole banks: when asked
        (found,) = fetch_neuronpedia(run, ["a/7"], base=bucket.base)
    assert (found.features, found.with_texts) == (1, 1)
    facts = neuronpedia.beside_of(run, "a/7")
    assert facts is not None
    assert facts["explanations"][0]["text"] == "things of 7"
    assert [text["value"] for text in facts["texts"]] == [7.0, 6.0, 5.0, 4.0, 3.0]
    assert neuronpedia.beside_of(run, "a/8")["texts"] is None  # type: ignore[index]


def test_nothing_is_written_where_something_fails(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(web.time, "sleep", lambda seconds: None)
    with served(Bucket(exported(range(30)))) as bucket:
        bucket.files["v1/tiny/3-a/features/batch-7.jsonl.gz"] = b"broken"
        with pytest.raises(Exception, match=r"batch-7\.jsonl\.gz"):
            fetch_neuronpedia(run, base=bucket.base)
    assert read_beside(run.path, run.manifest, "a") is None


@pytest.mark.parametrize("which", [0, 1, 2])
def test_damage_is_seen(run: Run, tmp_path: Path, which: int) -> None:
    fetch_neuronpedia(run, files=[lines(tmp_path, explanation(1, "one"))])
    path = run.path / beside_paths("a")[which]
    whole = path.read_bytes()
    assert set(check_run(run.path)["verdict"]) == {"whole"}
    path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    with pytest.raises(RunError, match="is damaged"):
        neuronpedia.beside_of(Run.open(run.path), "a/1")
    found = check_run(run.path)
    assert found.filter(found["verdict"] == "damaged")["file"].to_list() == [
        beside_paths("a")[which]
    ]
    path.unlink()
    with pytest.raises(RunError, match=r"is missing.*Delete .*neuronpedia.* fetch again"):
        neuronpedia.beside_of(Run.open(run.path), "a/1")


def test_what_is_of_another_run_is_not_taken(run: Run, tmp_path: Path) -> None:
    unembedding, banks, sets = planted()
    banks[0] = banks[0].renamed("a")
    other = planted_run(tmp_path / "other", unembedding, banks[:1], sets, enrichment=FEW).run
    fetch_neuronpedia(other, files=[lines(tmp_path, explanation(1, "one"))])
    shutil.copytree(other.path / "neuronpedia", run.path / "neuronpedia")
    with pytest.raises(
        RunError, match=r"is not this run's: it says that it was written by another"
    ):
        neuronpedia.beside_of(run, "a/1")


def test_it_goes_with_its_run_and_stays_with_its_run(tmp_path: Path) -> None:
    unembedding, banks, _ = planted()
    run = analyze(unembedding, banks, tmp_path / "run")
    fetch_neuronpedia(run, files=[lines(tmp_path, explanation(1, "one"))])
    (run.path / "neuronpedia" / "mine.txt").write_text("mine")
    analyze(unembedding, banks, tmp_path / "run")  # goes on
    assert read_beside(run.path, run.manifest, "a") is not None
    analyze(unembedding, banks[1:], tmp_path / "run", overwrite=True)
    left = [path.name for path in (run.path / "neuronpedia").rglob("*") if path.is_file()]
    assert left == ["mine.txt"]


def test_a_run_that_is_being_written_to(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = lines(tmp_path, explanation(1, "one"))
    monkeypatch.setattr(folder, "_PATIENCE", 0.1)
    with FileLock(run.path / LOCK), pytest.raises(RunError, match="Another unembed is writing"):
        fetch_neuronpedia(run, files=[file])
    assert not (run.path / "neuronpedia").exists()


def test_mistakes(run: Run, tmp_path: Path) -> None:
    file = lines(tmp_path, explanation(5000, "beyond"))
    with pytest.raises(QueryError, match=r"none of the 300 features of a .*speak of 5,000"):
        fetch_neuronpedia(run, files=[file])
    with pytest.raises(QueryError, match=r"no 'texts'.*explanations, features, activations"):
        fetch_neuronpedia(run, files=[file], kinds=["texts"])
    with pytest.raises(QueryError, match="does not know where b is on Neuronpedia"):
        fetch_neuronpedia(run, ["b/10", "a/1"], files=[file])
    with pytest.raises(QueryError, match="has no feature 999"):
        fetch_neuronpedia(run, ["a/999"], files=[file])
    with pytest.raises(SourceError, match="no file or folder"):
        fetch_neuronpedia(run, files=[tmp_path / "none"])


def test_files_say_whose_they_are_where_the_run_does_not(run: Run, tmp_path: Path) -> None:
    file = lines(tmp_path, explanation(10, "ten"))
    (found,) = fetch_neuronpedia(run, ["b/10"], files=[file])
    assert found.source == "tiny/3-a"
    assert neuronpedia.beside_of(run, "b/10")["explanations"][0]["text"] == "ten"  # type: ignore[index]
