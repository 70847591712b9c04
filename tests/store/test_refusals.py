"""A run on a disk that refuses: what it says is why, and only a wrong content is called damaged."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from unembed import Features, Run, Unembedding, analyze
from unembed.errors import RunError

KINDS = {
    errno.ENOSPC: "the disk is full",
    errno.EACCES: "permission is denied",
    errno.EROFS: "can only be read",
    errno.EMFILE: "too many files are open",
    errno.EIO: "does not answer",
}


def refuse(patch: pytest.MonkeyPatch, number: int, *, to: str, within: str) -> None:
    """Let the system refuse to open files in some folder for reading, or for writing."""
    real = Path.open

    def opened(path: Path, mode: str = "r", *others: Any, **more: Any) -> Any:
        if to in mode and within in path.parts:
            raise OSError(number, os.strerror(number), str(path))
        return real(path, mode, *others, **more)

    patch.setattr(Path, "open", opened)


@pytest.mark.parametrize("number", KINDS)
def test_writing(
    number: int, unembedding: Unembedding, bank: Features, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with monkeypatch.context() as patch:
        refuse(patch, number, to="w", within="features")
        with pytest.raises(RunError, match=KINDS[number]) as said:
            analyze(unembedding, bank, tmp_path / "run")
    assert "bank-00000.parquet cannot be written" in str(said.value)
    assert "damaged" not in str(said.value)
    assert not list((tmp_path / "run" / "features").iterdir())
    assert analyze(unembedding, bank, tmp_path / "run").features.height == 50


@pytest.mark.parametrize("number", KINDS)
def test_reading(
    number: int, unembedding: Unembedding, bank: Features, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What may not be read is not damaged, and is not made again over what is there."""
    run = analyze(unembedding, bank, tmp_path / "run")
    (shard,) = (tmp_path / "run" / "features").iterdir()
    before, other = shard.read_bytes(), Features.from_array(bank.W_dec, name="bank", layer=3)
    with monkeypatch.context() as patch:
        refuse(patch, number, to="r", within="features")
        with pytest.raises(RunError, match=KINDS[number]) as said:
            analyze(unembedding, other, tmp_path / "run")
        assert "damaged" not in str(said.value)
        patch.setattr("unembed.store.shards.read_parquet", lambda *paths, columns: shard.open("rb"))
        with pytest.raises(RunError, match=KINDS[number]) as said:
            _ = run.features
        assert "damaged" not in str(said.value)
    assert shard.read_bytes() == before


def test_the_table_that_is_missing_is_named(
    unembedding: Unembedding, bank: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unembed.store.manifest.SHARD_FEATURES", 20)
    run = analyze(unembedding, bank, tmp_path)
    gone = tmp_path / "features" / "bank-00001.parquet"
    gone.unlink()
    with pytest.raises(RunError, match=r"bank-00001\.parquet cannot be read: it, or .* is not the"):
        _ = run.features


def test_damage_is_called_damage_and_where(
    unembedding: Unembedding, bank: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unembed.store.manifest.SHARD_FEATURES", 20)
    run = analyze(unembedding, bank, tmp_path)
    (tmp_path / "features" / "bank-00002.parquet").write_bytes(b"no table")
    with pytest.raises(RunError, match=r"bank-00002\.parquet is damaged.*command .* again") as e:
        _ = run.features
    assert "--overwrite" not in str(e.value)


@pytest.mark.parametrize(("name", "kind"), [("pipe", "a pipe"), ("folder", "a folder")])
def test_what_is_no_file_is_not_waited_for(
    name: str, kind: str, unembedding: Unembedding, bank: Features, tmp_path: Path
) -> None:
    analyze(unembedding, bank, tmp_path)
    (tmp_path / "tokens.parquet").unlink()
    (os.mkfifo if name == "pipe" else os.mkdir)(tmp_path / "tokens.parquet")
    with pytest.raises(RunError, match=f"tokens.parquet is {kind}"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match=f"tokens.parquet is {kind}"):
        analyze(unembedding, bank, tmp_path)


@pytest.mark.parametrize("name", ["x" * 300, "x\0y", "/dev/null/x"])
def test_places_that_cannot_be(name: str, unembedding: Unembedding, bank: Features) -> None:
    with pytest.raises(RunError):
        Run.open(name)
    with pytest.raises(RunError):
        analyze(unembedding, bank, name)
