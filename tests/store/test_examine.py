"""A run that is not as it was written is told from one that is, by whoever reads or checks it."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import unembed
from scripts.flip_bits import flipped
from tests.planted import Planted
from unembed import Run
from unembed.errors import RunError
from unembed.store.check import check_tables
from unembed.store.files import RunFiles
from unembed.store.manifest import MANIFEST, Manifest

GOLDEN = Path(__file__).parents[1] / "golden" / "schema-1"
FEATURES, Z = "features/a-00000.parquet", "enrichment/z/a-00000.npy"


@pytest.fixture
def run(tiny: Planted, tmp_path: Path) -> Path:
    shutil.copytree(tiny.run.path, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    shutil.copytree(GOLDEN, tmp_path / "old")
    return tmp_path / "old"


def verdicts(folder: Path) -> dict[str, str]:
    """Of every file that is not whole."""
    files = unembed.check_run(folder)
    return dict(files.filter(pl.col("verdict") != "whole").select("file", "verdict").iter_rows())


def test_a_run_as_it_was_made_is_whole(tiny: Planted, plain: Planted) -> None:
    for made in (tiny.run, plain.run):
        files = made.check()
        assert set(files["verdict"]) == {"whole"}
        assert files["problem"].null_count() == files.height
        on_disk = {p.relative_to(made.path).as_posix() for p in made.path.rglob("*") if p.is_file()}
        assert set(files["file"]) == on_disk - {".lock"}
        sizes = {name: (made.path / name).stat().st_size for name in files["file"]}
        assert dict(files.select("file", "bytes").iter_rows()) == sizes
    rows = dict(tiny.run.check().select("file", "rows").iter_rows())
    assert (rows[FEATURES], rows[Z], rows["tokens.parquet"]) == (300, 300, 1500)


def test_flipped_bits_are_found_by_whoever_reads(run: Path) -> None:
    """In every file: in its first and last bytes, which hold head, footer and seal, and between."""

    def places(size: int) -> Iterable[int]:
        between = random.Random(size).sample(range(size), 20)
        return sorted({0, 3, 9, size - 1, size - 2, size - 20, size - 40, size - 64, *between})

    outcomes: dict[str, Counter[str]] = {}
    for file, outcome in flipped(run, places):
        outcomes.setdefault(file, Counter())[outcome] += 1
    assert set(outcomes) == {MANIFEST, *RunFiles(Manifest.load(run)).tables}
    for file, counts in outcomes.items():
        assert set(counts) <= {"read, check", *(["harmless"] if file == MANIFEST else [])}, file
        assert counts["read, check"] > 20, file
    assert verdicts(run) == {}


def test_the_oracle_of_flips_sees_what_is_silent(old: Path) -> None:
    """The tables of earlier versions carry no hash: there, numbers change and nobody is told."""
    size = (old / "enrichment/z/sae.3-00000.npy").stat().st_size
    found = Counter(outcome for _, outcome in flipped(old, lambda n: range(n) if n == size else ()))
    assert found["SILENT"] > 10


def zeros(raw: bytes) -> bytes:
    middle = len(raw) // 2
    return raw[:middle] + bytes(512) + raw[middle + 512 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-1], lambda raw: raw[: len(raw) // 2], lambda raw: raw + b"\0",
        lambda raw: raw + raw, lambda raw: b"", lambda raw: bytes(len(raw)), zeros,
        lambda raw: raw[-16:] + raw[16:], lambda raw: b"x" * 40,
    ],
    ids=["a byte less", "half", "a byte more", "twice", "empty", "zeros", "a block of zeros",
         "another head", "nothing of it"],
)  # fmt: skip
@pytest.mark.parametrize("file", [FEATURES, Z, "token_sets.parquet", "null/b.parquet"])
def test_what_disks_do_to_files(run: Path, file: str, damage: Callable[[bytes], bytes]) -> None:
    raw = (run / file).read_bytes()
    (run / file).write_bytes(damage(raw))
    assert (run / file).read_bytes() != raw
    assert verdicts(run) == {file: "damaged"}
    with pytest.raises(RunError, match="it makes this file again"):
        read_all(run)


def read_all(folder: Path) -> None:
    """Open a run, and ask what reads every table."""
    run = Run.open(folder)
    assert run.features.height == 360
    assert run.token_sets.height == 5
    assert run.enrichment(["a/0", "b/0"]).height
    assert run.discoveries


def test_missing_foreign_and_swapped_files(run: Path, tmp_path: Path) -> None:
    (run / "enrichment/rate/a-00000.parquet").unlink()
    shutil.copy(run / "enrichment/z/b-00000.npy", tmp_path / "z")
    shutil.copy(run / Z, run / "enrichment/z/b-00000.npy")
    shutil.copy(tmp_path / "z", run / Z)
    shutil.copy(run / "null/a.parquet", run / "null/b.parquet")
    files = unembed.check_run(run)
    problems = dict(files.filter(pl.col("problem").is_not_null()).select("file", "problem").rows())
    assert verdicts(run) == {
        "enrichment/rate/a-00000.parquet": "missing", Z: "foreign",
        "enrichment/z/b-00000.npy": "foreign", "null/b.parquet": "foreign",
    }  # fmt: skip
    assert problems[Z] == "it is a copy of enrichment/z/b-00000.npy"


def test_a_table_without_its_hash_is_not_taken_for_an_old_one(run: Path) -> None:
    """Whoever writes a table again, as other tools do, or loses its seal, does not pass."""
    pl.read_parquet(run / FEATURES).write_parquet(run / FEATURES)
    np.save(run / Z, np.load(run / Z))
    assert verdicts(run) == {FEATURES: "damaged", Z: "damaged"}
    with pytest.raises(RunError, match="carries no hash of its content"):
        Run.open(run)


def test_what_is_about_to_be_made_again_may_be_damaged_but_not_foreign(run: Path) -> None:
    manifest = Manifest.load(run)
    said = manifest.digest.encode()
    for file in (FEATURES, Z):
        raw = (run / file).read_bytes()
        (run / file).write_bytes(raw.replace(said, said[::-1]))  # what it says of itself is damaged
        with pytest.raises(RunError, match="is damaged"):
            check_tables(run, manifest)
        check_tables(run, manifest, heal=True)
        (run / file).write_bytes(raw)
    shutil.copy(run / "null/a.parquet", run / "null/b.parquet")
    with pytest.raises(RunError, match="it is a copy of"):
        check_tables(run, manifest, heal=True)


def test_every_value_of_the_manifest_is_under_its_hash(run: Path) -> None:
    path = run / MANIFEST
    written = path.read_text(encoding="utf-8")
    content = json.loads(written)
    content["unembedding"]["name_of_model"] = "another"
    content["banks"][0]["layer"] = 4
    for part, name, value in (
        (content["unembedding"], "name_of_model", "tiny"), (content["banks"][0], "layer", 3)
    ):  # fmt: skip
        path.write_text(json.dumps(content))
        with pytest.raises(RunError, match=r"manifest\.json is damaged: its values are not those"):
            Run.open(run)
        with pytest.raises(RunError, match=r"manifest\.json is damaged"):
            unembed.check_run(run)
        part[name] = value
    path.write_text(json.dumps(content))  # set out otherwise, and the same
    assert Run.open(run).model == "tiny"
    path.write_text(written.replace('"seal"', '"sead"'))
    with pytest.raises(RunError, match=r"manifest\.json is damaged"):
        Run.open(run)


def test_what_is_not_the_runs_is_named_and_does_not_count(run: Path) -> None:
    (run / "mine").mkdir()
    (run / "mine/data.csv").write_text("1")
    (run / f"{FEATURES}.part").write_bytes(b"PAR1")
    (run / "null/link").symlink_to(run / "nowhere")
    assert verdicts(run) == {
        f"{FEATURES}.part": "unfinished", "mine/data.csv": "other", "null/link": "other",
    }  # fmt: skip
    assert unembed.questions.is_whole(unembed.check_run(run))


def test_earlier_runs_are_checked_as_far_as_that_can_be(old: Path) -> None:
    assert set(verdicts(old).values()) == {"no hash"}
    assert unembed.questions.is_whole(unembed.check_run(old))
    first, second = (shard.path for shard in Manifest.load(old).shards())
    raw = (old / first).read_bytes()
    (old / first).write_bytes(raw[:-9])
    assert verdicts(old)[first] == "damaged"
    (old / first).write_bytes((old / second).read_bytes())
    assert verdicts(old)[first] == "foreign"


@pytest.mark.skipif(os.name == "nt" or not os.getuid(), reason="no file is forbidden here")
def test_what_may_not_be_read_is_not_called_damaged(run: Path) -> None:
    (run / Z).chmod(0)
    assert verdicts(run) == {Z: "unreadable"}


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run"):
        unembed.check_run(tmp_path)
