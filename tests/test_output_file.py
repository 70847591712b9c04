"""Files that a person named: nothing of theirs is written over unless they say so."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.planted import Planted
from unembed import TokenSets, Vocabulary
from unembed.cli import app
from unembed.errors import TokenSetError, UnembedError
from unembed.tokensets import write_sets


@pytest.fixture
def sets(vocabulary: Vocabulary) -> TokenSets:
    return TokenSets.from_ids({"s": range(1, 9)}, vocabulary)


@pytest.mark.parametrize("name", ["s.gmt", "s.json", "s.parquet"])
def test_a_file_that_is_there_stays_unless_asked(
    name: str, sets: TokenSets, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text("mine")
    with pytest.raises(UnembedError, match=r"is there already\. Replace it with --overwrite"):
        write_sets(sets, path)
    assert path.read_text() == "mine"
    write_sets(sets, path, overwrite=True)
    assert path.read_bytes() != b"mine"
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_links_are_followed_and_stay(sets: TokenSets, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "s.json").write_text("mine")
    (tmp_path / "s.json").symlink_to(tmp_path / "a" / "s.json")
    write_sets(sets, tmp_path / "s.json", overwrite=True)
    assert (tmp_path / "s.json").is_symlink()
    assert "s" in json.loads((tmp_path / "a" / "s.json").read_text(encoding="utf-8"))


def test_what_is_no_file_is_never_replaced(sets: TokenSets, tmp_path: Path) -> None:
    (tmp_path / "folder.gmt").mkdir()
    os.mkfifo(tmp_path / "pipe.gmt")
    (tmp_path / "null.gmt").symlink_to("/dev/null")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(UnembedError, match="is a folder, a device or a pipe"):
            write_sets(sets, path, overwrite=True)
    assert Path("/dev/null").is_char_device()


def test_a_disk_that_refuses(
    sets: TokenSets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    (tmp_path / "s.gmt").write_text("mine")
    with pytest.raises(TokenSetError, match=r"s\.gmt cannot be written: the disk is full"):
        write_sets(sets, tmp_path / "s.gmt", overwrite=True)
    assert [each.read_text() for each in tmp_path.iterdir()] == ["mine"]


def test_commands_say_so_before_they_work(tiny: Planted, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text("mine")
    run = str(tiny.run.path)
    for words in (
        ["neuronpedia", "export", run, "-o", str(path)],
        ["sets", "export", str(path), "--tokenizer", "nowhere"],
        ["sets", "discover", "nowhere", "-o", str(path)],
    ):
        ended = CliRunner().invoke(app, words)
        assert "is there already. Replace it with --overwrite" in str(ended.exception), words
        assert path.read_text() == "mine"
    CliRunner().invoke(app, ["neuronpedia", "export", run, "-o", str(path), "--overwrite"])
    assert len(json.loads(path.read_text(encoding="utf-8"))) == 300
