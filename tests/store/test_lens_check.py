"""What a check of a run's lenses found lies with the run: its own, whole, and not needed."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

import unembed
from tests.planted import Planted, planted, planted_run
from unembed import Run, analyze, questions
from unembed.errors import RunError
from unembed.store.lens_check import check_can_be_kept, keep_lens_check, read_lens_check
from unembed.store.manifest import MANIFEST, Manifest
from unembed.store.schema import LENS_CHECK, LENS_CHECK_COLUMNS

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("schema-*"))


def found_of(*banks: str, correlation: float = 0.8, seed: int = 0) -> pl.DataFrame:
    said = {
        "count": 8, "correlation": correlation, "quarter": 0.1, "three_quarters": 0.9,
        "chance": 0.0, "chance_high": 0.2, "block": 3, "at_the_end": 1.0, "prompts": 9,
        "text": "neutral", "strength": 0.1, "seed": seed, "model": "tiny",
    }  # fmt: skip
    kinds = ("features", "random")
    return pl.DataFrame(
        [{"bank": bank, "directions": kind, **said} for bank in banks for kind in kinds]
    )


@pytest.fixture
def run(tiny: Planted, tmp_path: Path) -> Run:
    shutil.copytree(tiny.run.path, tmp_path / "run")
    return Run.open(tmp_path / "run")


def test_what_was_kept_is_read_again_in_the_runs_order(run: Run) -> None:
    assert read_lens_check(run.path, run.manifest) is None
    keep_lens_check(run.path, run.manifest, found_of("b", seed=1))
    keep_lens_check(run.path, run.manifest, found_of("a", correlation=0.3))
    kept = read_lens_check(run.path, run.manifest)
    assert kept is not None
    assert kept.schema == pl.Schema(LENS_CHECK_COLUMNS)
    assert kept.select("bank", "correlation", "seed").unique(maintain_order=True).rows() == [
        ("a", 0.3, 0), ("b", 0.8, 1),
    ]  # fmt: skip
    keep_lens_check(run.path, run.manifest, found_of("a", seed=2))
    found = questions.lens_check(Run.open(run.path))
    assert found is not None
    assert found.select("bank", "features", "seed", "is_true").rows() == [
        ("a", 8, 2, True), ("b", 8, 1, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("correlation", "chance_high", "true"),
    [(0.5, 0.2, True), (0.49, 0.2, False), (0.6, 0.6, False), (-0.9, 0.2, False)],
)
def test_true_is_above_chance_and_above_the_least(
    run: Run, correlation: float, chance_high: float, true: bool
) -> None:
    found = found_of("a", correlation=correlation)
    found = found.with_columns(chance_high=pl.lit(chance_high))
    keep_lens_check(run.path, run.manifest, found)
    kept = questions.lens_check(run)
    assert kept is not None
    assert kept["is_true"].to_list() == [true]
    said = questions.untrue(run)
    assert ("a" in said) is not true
    if not true:
        why = "goes up to 0." if correlation <= chance_high else "0.50 is the least"
        assert f"by {correlation:.2f}" in said["a"]
        assert why in said["a"]


def test_it_is_the_runs_and_the_run_is_whole_without(run: Run) -> None:
    before = unembed.check_run(run.path)["file"].to_list()
    keep_lens_check(run.path, run.manifest, found_of("a"))
    files = unembed.check_run(run.path)
    assert set(files["file"]) - set(before) == {LENS_CHECK}
    assert set(files["verdict"]) == {"whole"}
    assert Run.open(run.path).features.height == run.features.height


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_an_old_run_may_have_one(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "old")
    old = Run.open(tmp_path / "old")
    assert questions.lens_check(old) is None
    before = dict(unembed.check_run(old.path).select("file", "verdict").iter_rows())
    keep_lens_check(old.path, old.manifest, found_of("mlp.3"))
    assert questions.untrue(old) == {}
    files = dict(unembed.check_run(old.path).select("file", "verdict").iter_rows())
    assert files == {**before, LENS_CHECK: "whole"}


def test_of_another_run_it_is_refused(run: Run, tmp_path: Path) -> None:
    unembedding, banks, _ = planted()
    other = planted_run(tmp_path / "other", unembedding, banks).run
    keep_lens_check(other.path, other.manifest, found_of("a"))
    shutil.copy(other.path / LENS_CHECK, run.path / LENS_CHECK)
    with pytest.raises(RunError, match=r"written by another run. Remove it; `unembed lens check`"):
        questions.lens_check(run)
    with pytest.raises(RunError, match="another run"):
        check_can_be_kept(run.path, run.manifest)
    files = dict(unembed.check_run(run.path).select("file", "verdict").iter_rows())
    assert files[LENS_CHECK] == "foreign"


def test_damage_is_seen(run: Run) -> None:
    keep_lens_check(run.path, run.manifest, found_of("a"))
    path = run.path / LENS_CHECK
    raw = path.read_bytes()
    for broken in (raw[:-1], raw[: len(raw) // 2], raw[:200] + b"\0" + raw[201:], b""):
        path.write_bytes(broken)
        with pytest.raises(RunError, match="Remove it; `unembed lens check` makes it again"):
            questions.lens_check(run)
        files = dict(unembed.check_run(run.path).select("file", "verdict").iter_rows())
        assert files[LENS_CHECK] == "damaged"
    path.unlink()
    path.symlink_to(run.path / MANIFEST)
    with pytest.raises(RunError, match="is a link"):
        questions.lens_check(run)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (found_of("c"), "banks that the run does not have, such as 'c'"),
        (found_of("a").with_columns(correlation=pl.lit(float("nan"))), "it lacks numbers"),
        (found_of("a").with_columns(block=pl.lit(None, pl.Int64)), "it lacks numbers"),
        (found_of("a").drop("chance"), "it has no column 'chance'"),
        (found_of("a").with_columns(seed=pl.lit("x")), "its column 'seed' holds String"),
    ],
)
def test_a_table_that_says_no_such_thing_is_refused(
    run: Run, broken: pl.DataFrame, said: str
) -> None:
    from unembed.store.shards import write_table

    write_table(run.path / LENS_CHECK, broken)
    with pytest.raises(RunError, match=said):
        questions.lens_check(run)


def test_a_run_that_goes_on_keeps_it_and_another_in_its_place_does_not(tmp_path: Path) -> None:
    unembedding, banks, _ = planted()
    run = analyze(unembedding, banks, tmp_path / "run")
    keep_lens_check(run.path, run.manifest, found_of("a"))
    (run.path / "features/b-00000.parquet").unlink()
    again = analyze(unembedding, banks, tmp_path / "run")
    assert questions.lens_check(again) is not None
    analyze(unembedding, banks[:1], tmp_path / "run", overwrite=True)
    assert not (tmp_path / "run" / LENS_CHECK).exists()


def test_what_is_left_of_a_run_may_have_it(tmp_path: Path) -> None:
    unembedding, banks, _ = planted()
    run = analyze(unembedding, banks, tmp_path / "run")
    keep_lens_check(run.path, run.manifest, found_of("a"))
    (run.path / MANIFEST).unlink()
    again = analyze(unembedding, banks, tmp_path / "run")
    assert questions.lens_check(again) is not None
    assert Manifest.load(again.path).digest == run.manifest.digest
