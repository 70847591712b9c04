"""A run that is stopped, however hard, goes on and ends with the same bytes."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from filelock import FileLock

import unembed
from unembed import Features, SweepSettings, Unembedding, analyze
from unembed.errors import RunError
from unembed.store import manifest as manifest_module
from unembed.store.files import LOCK

SCRIPT = """
import os, signal, sys
from pathlib import Path
import torch
import unembed
from unembed.store import manifest

manifest.SHARD_FEATURES = 64
where, kill_at, folder = sys.argv[1:]
random = torch.Generator().manual_seed(0)
texts = unembed.Vocabulary.from_texts([f"t{i}" for i in range(3000)])
W_U = torch.randn(3000, 32, generator=random)
unembedding = unembed.prepare_unembedding(W_U, texts, name="tiny")
banks = [unembed.Features.from_array(torch.randn(300, 32, generator=random), name=n) for n in "ab"]
seen = 0


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def count(step, done, total):
    global seen
    seen += 1
    if where == "between" and seen == int(kill_at):
        die()


write = Path.write_bytes


def torn(path, content):
    if where == "inside" and "b-00001" in path.name:
        write(path, content[:100])
        die()
    return write(path, content)


Path.write_bytes = torn
sets = unembed.TokenSets.from_ids({"a": range(0, 3000, 7), "b": [5, 9], "c": [1]}, texts)
few = unembed.EnrichmentSettings(directions=100, max_q=1.0)
unembed.analyze(unembedding, banks, folder, token_sets=sets, enrichment=few, progress=count)
"""


def start(where: str, kill_at: int, folder: Path) -> int:
    command = [sys.executable, "-c", SCRIPT, where, str(kill_at), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def finish(folder: Path) -> None:
    """The same in this process, where nothing stops it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["-c", "never", "0", str(folder)])
        patch.setattr(manifest_module, "SHARD_FEATURES", 64)  # which the script replaces, as it
        patch.setattr(Path, "write_bytes", Path.write_bytes)  # does this
        exec(SCRIPT, {})


def contents(folder: Path) -> dict[str, str]:
    """Return the digests of a folder's files, less the lock, which filelock may leave."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != LOCK)
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is there when nothing was stopped."""
    folder = tmp_path_factory.mktemp("whole")
    finish(folder)
    return contents(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "kill_at"), [("between", 1), ("between", 6), ("between", 14), ("inside", 0)]
)
def test_kill_9_and_the_same_command_again(
    tmp_path: Path, whole: dict[str, str], where: str, kill_at: int
) -> None:
    assert start(where, kill_at, tmp_path / "torn") == -signal.SIGKILL
    before = contents(tmp_path / "torn")
    assert before != whole
    with pytest.raises(RunError, match="is not finished"):
        unembed.Run.open(tmp_path / "torn")
    finish(tmp_path / "torn")
    assert contents(tmp_path / "torn") == whole


def test_finished_shards_are_not_computed_again(
    tmp_path: Path, unembedding: Unembedding, bank: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyze(unembedding, bank, tmp_path / "run")

    def never(*arguments: object) -> None:
        raise AssertionError("the sweep should not start")

    monkeypatch.setattr("unembed.analysis.units.Sweep", never)
    analyze(unembedding, bank, tmp_path / "run")


@pytest.mark.parametrize("change", ["weights", "unembedding", "settings", "version", "name"])
def test_another_run_is_never_mixed_in(
    tmp_path: Path,
    unembedding: Unembedding,
    bank: Features,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    analyze(unembedding, bank, tmp_path)
    before = contents(tmp_path)
    settings = SweepSettings()
    if change == "weights":
        bank = Features.from_array(bank.W_dec + 1e-4, name="bank", layer=3)
    elif change == "unembedding":
        rows = torch.cat([torch.zeros(1, 16), unembedding.W_U * 1.01])
        unembedding = unembed.prepare_unembedding(rows, unembedding.vocabulary, name="tiny")
    elif change == "settings":
        settings = SweepSettings(top_k=10)
    elif change == "name":
        bank = bank.renamed("other")
    else:
        monkeypatch.setattr(manifest_module, "__version__", "9.9")
    with pytest.raises(RunError, match=r"holds another run\. It differs in") as error:
        analyze(unembedding, bank, tmp_path, settings=settings)
    assert "--overwrite" in str(error.value)
    assert contents(tmp_path) == before
    run = analyze(unembedding, bank, tmp_path, settings=settings, overwrite=True)
    assert run.features.height == 50


def test_moved_weights_are_the_same_weights(
    tmp_path: Path, unembedding: Unembedding, bank: Features
) -> None:
    analyze(unembedding, bank, tmp_path)
    moved = Features.from_array(bank.W_dec, name="bank", layer=3, origin={"path": "elsewhere"})
    analyze(unembedding, moved, tmp_path)


def test_a_folder_with_other_files_is_left_alone(
    tmp_path: Path, unembedding: Unembedding, bank: Features
) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(RunError, match="is there already and is no run"):
            analyze(unembedding, bank, tmp_path, overwrite=overwrite)
    assert contents(tmp_path).keys() == {"thesis.tex"}


def test_overwrite_keeps_what_is_not_of_the_run(
    tmp_path: Path, unembedding: Unembedding, bank: Features
) -> None:
    analyze(unembedding, bank, tmp_path)
    (tmp_path / "notes.md").write_text("mine")
    analyze(unembedding, bank, tmp_path, settings=SweepSettings(top_k=3), overwrite=True)
    assert (tmp_path / "notes.md").read_text() == "mine"


FULL = """
import resource, signal, sys
import torch, unembed

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
random = torch.Generator().manual_seed(0)
texts = unembed.Vocabulary.from_texts([f"t{i}" for i in range(300)])
unembedding = unembed.prepare_unembedding(torch.randn(300, 8, generator=random), texts)
bank = unembed.Features.from_array(torch.randn(3000, 8, generator=random))
try:
    unembed.analyze(unembedding, bank, sys.argv[1])
except unembed.UnembedError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_full_disk_leaves_no_half_written_file(tmp_path: Path) -> None:
    """The kernel refuses to let a file grow, as it does when the disk is full."""
    command = [sys.executable, "-c", FULL, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert "cannot be written" in done.stdout, done.stderr
    assert contents(tmp_path / "run").keys() == {"manifest.json", "tokens.parquet"}


def test_a_linked_folder_is_read_through_but_never_written(
    tmp_path: Path, unembedding: Unembedding, bank: Features
) -> None:
    run = tmp_path / "run"
    analyze(unembedding, bank, run)
    (run / "features").rename(tmp_path / "elsewhere")
    (run / "features").symlink_to(tmp_path / "elsewhere")
    assert analyze(unembedding, bank, run).features.height == 50
    for shard in (tmp_path / "elsewhere").iterdir():
        shard.unlink()
    for overwrite in (False, True):
        with pytest.raises(RunError, match="features is a link, and a run has plain files"):
            analyze(unembedding, bank, run, overwrite=overwrite)
    assert contents(tmp_path).keys() == {"run/manifest.json", "run/tokens.parquet"}


def test_two_at_once(tmp_path: Path, unembedding: Unembedding, bank: Features) -> None:
    analyze(unembedding, bank, tmp_path)
    with (
        FileLock(tmp_path / LOCK),
        pytest.raises(RunError, match="Another unembed is writing"),
    ):
        analyze(unembedding, bank, tmp_path, overwrite=True)


def test_killed_before_the_manifest_had_its_name(
    tmp_path: Path, unembedding: Unembedding, bank: Features
) -> None:
    (tmp_path / "manifest.json.part").write_text("{")
    assert analyze(unembedding, bank, tmp_path).features.height == 50


def test_a_folder_that_cannot_be_made(
    tmp_path: Path, unembedding: Unembedding, bank: Features
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written to"):
        analyze(unembedding, bank, tmp_path / "file" / "run")


def test_a_damaged_table(tmp_path: Path, unembedding: Unembedding, bank: Features) -> None:
    run = analyze(unembedding, bank, tmp_path)
    (shard,) = (tmp_path / "features").iterdir()
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(RunError, match=r"00000\.parquet is damaged.*Give the command"):
        _ = run.features


def test_a_manifest_without_banks(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"schema_version": 1}')
    with pytest.raises(RunError, match="it has no 'unembedding'"):
        unembed.Run.open(tmp_path)


def test_manifest_of_another_schema(
    tmp_path: Path, unembedding: Unembedding, bank: Features
) -> None:
    analyze(unembedding, bank, tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 99}))
    with pytest.raises(RunError, match=r"schema version 99; this unembed reads 1"):
        unembed.Run.open(tmp_path)


def test_damaged_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        unembed.Run.open(tmp_path)
