"""What a run lacks is made again by the command that made it, and nothing else is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock

from unembed import (
    EnrichmentSettings,
    Features,
    Run,
    TokenSets,
    Vocabulary,
    analyze,
    prepare_unembedding,
)
from unembed.errors import RunError
from unembed.store.files import LOCK, RunFiles
from unembed.store.manifest import Manifest

FEW = EnrichmentSettings(directions=100, max_q=1.0)
Make = Callable[[Path], Run]


@pytest.fixture(scope="module")
def make() -> Make:
    """The command: two banks, of two shards and one, against token sets."""
    random = torch.Generator().manual_seed(0)
    vocabulary = Vocabulary.from_texts([f" word{i}" for i in range(100)])
    unembedding = prepare_unembedding(torch.randn(100, 8, generator=random), vocabulary)
    banks = [
        Features.from_array(torch.randn(count, 8, generator=random), name=name)
        for name, count in (("a", 30), ("b", 20))
    ]
    sets = TokenSets.from_ids({"s": range(1, 30), "t": range(40, 50)}, vocabulary)

    def command(folder: Path) -> Run:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("unembed.store.manifest.SHARD_FEATURES", 20)
            return analyze(unembedding, banks, folder, token_sets=sets, enrichment=FEW)

    return command


@pytest.fixture(scope="module")
def made(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("made") / "run").path


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != LOCK)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_every_file_of_a_run_is_named(made: Path) -> None:
    named = list(RunFiles(Manifest.load(made)).tables)
    assert len(named) == len(set(named)) == 37
    assert {*named, "manifest.json"} == contents(made).keys()


def test_what_was_begun_and_is_there_already_goes(make: Make, made: Path, run: Path) -> None:
    """A program that was stopped while it made a table again, beside one that was whole."""
    files = RunFiles(Manifest.load(run))
    begun = [path for path in files.unfinished if (run / path).parent.is_dir()]
    for path in begun:
        (run / path).write_bytes(b"begun")
    mine = run / "features" / "mine.part"
    mine.write_bytes(b"mine")
    make(run)
    assert mine.read_bytes() == b"mine"
    mine.unlink()
    assert contents(run) == contents(made)
    assert len(begun) == 39


@pytest.mark.slow
def test_whatever_is_missing_is_made_again(make: Make, made: Path, run: Path) -> None:
    """Each file of the run is deleted in turn, and is named; what the others hold stays."""
    whole = contents(made)
    for path in RunFiles(Manifest.load(made)).tables:
        (run / path).unlink()
        with pytest.raises(
            RunError, match="is not finished: 1 of its 37 tables is missing"
        ) as said:
            Run.open(run)
        assert path in str(said.value)
        make(run)
        assert contents(run) == whole, path


def test_whatever_is_damaged_is_made_again(make: Make, made: Path, run: Path) -> None:
    """One of each step is cut to nothing, one after another."""
    whole = contents(made)
    for path in (
        "tokens",
        "enrichment/rate/a-00001",
        "enrichment/strongest/b-00000",
        "enrichment/smallest/a-00000",
        "null/a-smallest",
        "null/b-checks",
        "null/a-permuted",
        "null/b-directions",
        "enrichment/sampled_claims/a",
    ):
        (run / f"{path}.parquet").write_bytes(b"")
        make(run)
        assert contents(run) == whole, path


def test_several_at_once(make: Make, made: Path, run: Path) -> None:
    shutil.rmtree(run / "enrichment")
    shutil.rmtree(run / "null")
    (run / "tokens.parquet").unlink()
    make(run)
    assert contents(run) == contents(made)


@pytest.mark.parametrize(
    ("lost", "made_again"),
    [
        ("enrichment/z/b-00000.npy", {"b-00000"}),
        ("explanations/a-00001.parquet", {"a-00001"}),
        ("enrichment/rate/a-00001.parquet", {"a-00001"}),
        ("enrichment/tests/b.parquet", {"b"}),
        ("null/a-directions.parquet", {"a", "a-directions"}),
        ("token_sets.parquet", {"token_sets"}),
    ],
)
def test_only_what_is_missing_is_made(
    make: Make, run: Path, lost: str, made_again: set[str]
) -> None:
    """No other bank, and no other shard, is read for it."""
    (run / lost).unlink()
    before = {path: (run / path).stat().st_mtime_ns for path in contents(run)}
    for path in before:
        os.utime(run / path, ns=(1, 1))
    make(run)
    changed = {path for path in contents(run) if (run / path).stat().st_mtime_ns != 1}
    assert lost in changed
    assert {Path(path).stem for path in changed} == made_again


def test_a_finished_run_is_only_read(
    make: Make, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: object) -> None:
        raise AssertionError("nothing should be written")

    monkeypatch.setattr("unembed.store.shards.write_atomically", never)
    monkeypatch.setattr("unembed.store.folder.write_atomically", never)
    assert make(run).features.height == 50


# --- a folder that is removed, or moved, while it is written to ---


@pytest.mark.parametrize(
    ("how", "written"),
    [("removed", 1), ("removed", 18), ("moved", 9), ("replaced", 6), ("without its manifest", 21)],
)
def test_a_folder_that_goes_away(
    how: str,
    written: int,
    make: Make,
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After some tables it is gone: nothing is written any more, and the same command goes on."""
    run, moved, other = tmp_path / "run", tmp_path / "moved", tmp_path / "other"
    replace, seen = Path.replace, 0

    def counted(path: Path, target: Path) -> Path:
        nonlocal seen
        found = replace(path, target)
        seen += 1
        if seen == written + 1:
            if how == "without its manifest":
                (run / "manifest.json").unlink()
            else:
                run.rename(moved)
            if how == "removed":
                shutil.rmtree(moved)
            if how == "replaced":
                shutil.copytree(made, run)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counted)
        with pytest.raises(RunError, match="was removed, moved or replaced while the run was"):
            make(run)
    if how in ("removed", "moved"):
        assert not run.exists()
    if how == "replaced":
        assert contents(run) == contents(made)
    place = moved if how == "moved" else run
    make(place)
    assert contents(place) == contents(made)
    assert not other.exists()


@pytest.mark.parametrize("lost", [(), ("tokens.parquet", "null/a.parquet"), ("features",)])
def test_a_leftover_of_this_very_run_is_taken_on(
    lost: tuple[str, ...], make: Make, made: Path, run: Path
) -> None:
    """What is there says of which run it is."""
    (run / "manifest.json").unlink()
    for path in lost:
        shutil.rmtree(run / path) if (run / path).is_dir() else (run / path).unlink()
    (run / "manifest.json.part").write_text("{")
    (run / "null" / "a.parquet.part").write_text("torn")
    make(run)
    (run / "null" / "a.parquet.part").unlink(missing_ok=True)
    assert contents(run) == contents(made)


@pytest.mark.parametrize(
    "path",
    [
        "mine.md", "features/mine.parquet", "features/a-00000.parquet", "null/b.parquet",
        "enrichment/z/a-00000.npy", "enrichment/z/a-00001.npy", "mine/x", "tokens.parquet",
        "thesis.part", "features/thesis.part", "null/a.parquet/x",
    ],
)  # fmt: skip
def test_a_leftover_with_anything_else_is_not(path: str, make: Make, run: Path) -> None:
    (run / "manifest.json").unlink()
    if path == "null/a.parquet/x":
        (run / "null/a.parquet").unlink()
    (run / path).parent.mkdir(exist_ok=True)
    if path == "enrichment/z/a-00001.npy":
        np.save(run / path, np.zeros((3, 3), np.float16))
    else:
        (run / path).write_bytes(b"mine")
    before = contents(run)
    with pytest.raises(RunError, match="is there already and is no run") as said:
        make(run)
    assert Path(path).parts[0] in str(said.value)
    assert contents(run) == before


def test_an_array_alone_is_taken_on_if_it_says_whose_it_is(
    make: Make, made: Path, run: Path
) -> None:
    array = run / "enrichment/z/b-00000.npy"
    for path in contents(run):
        if run / path != array:
            (run / path).unlink()
    z, whole = np.load(array), array.read_bytes()
    np.save(array, z)
    with pytest.raises(RunError, match=r"no run: .* but enrichment/z/b-00000\.npy"):
        make(run)
    array.write_bytes(whole)
    make(run)
    assert contents(run) == contents(made)


def test_tables_of_another_run_are_never_built_upon(
    make: Make, run: Path, unembedding: object, tmp_path: Path
) -> None:
    """A null that is of another run is noticed before any table is made with it."""
    shutil.copy(run / "null/b.parquet", run / "null/a.parquet")
    (run / "features/a-00000.parquet").unlink()
    before = contents(run)
    with pytest.raises(RunError, match=r"null/a\.parquet is not the table that"):
        make(run)
    assert contents(run) == before


def test_two_at_once_and_a_lock_that_was_left(make: Make, made: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with FileLock(run / LOCK), pytest.raises(RunError, match="Another unembed is writing"):
        make(run)
    (run / LOCK).write_text("")
    make(run)
    assert contents(run) == contents(made)
