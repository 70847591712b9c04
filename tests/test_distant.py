"""Files that lie elsewhere: what is read is what was published, fetched once, and found again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from unembed import distant
from unembed.distant import PIECE, DistantFile, DistantFolder, file_at, hashes_of, stand_for
from unembed.errors import RunError

SIZE = 10 * PIECE + 77


class Elsewhere:
    """A folder of one file, with a log of what was asked of it."""

    def __init__(self, path: Path) -> None:
        self.content = np.random.default_rng(1).bytes(SIZE)
        self.known = {"room/a.bin": self._known(path)}
        self.asked: list[tuple[int, int]] = []
        self.looked: list[str] = []
        self.damaged = 0

    def _known(self, path: Path) -> distant.Known:
        path.write_bytes(self.content)
        return hashes_of(path)

    def fetch(self, inside: str, start: int, stop: int) -> bytes:
        self.asked.append((start, stop))
        sent = bytearray(self.content[start:stop])
        if self.damaged:
            self.damaged -= 1
            sent[-1] ^= 1
        return bytes(sent)

    def open(self, at: Path) -> DistantFile:
        folder = DistantFolder(at, "hf:org/run", self.known, self.fetch, self.looked.append)
        stand_for(folder)
        file = file_at(at / "room" / "a.bin")
        assert file is not None
        return file


@pytest.fixture
def far(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path / "source.bin")


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    yield
    distant._folders.clear()


def test_only_what_is_needed_is_fetched_and_once(far: Elsewhere, tmp_path: Path) -> None:
    file = far.open(tmp_path / "here")
    assert file.path.stat().st_size == SIZE
    file.need((PIECE + 5, PIECE + 6), (7 * PIECE - 1, 7 * PIECE + 1))
    assert far.asked == [(PIECE, 2 * PIECE), (6 * PIECE, 8 * PIECE)]
    raw = file.path.read_bytes()
    assert raw[PIECE : 2 * PIECE] == far.content[PIECE : 2 * PIECE]
    assert raw[6 * PIECE : 8 * PIECE] == far.content[6 * PIECE : 8 * PIECE]
    assert not any(raw[:PIECE])
    file.need((PIECE, 2 * PIECE))
    far.open(tmp_path / "here").need((PIECE, 2 * PIECE), (6 * PIECE, 7 * PIECE))
    assert len(far.asked) == 2, "another program finds what was fetched"
    file.need()
    assert file.path.read_bytes() == far.content
    assert sum(stop - start for start, stop in far.asked) <= SIZE + 3 * PIECE


def test_the_time_of_change_stays(far: Elsewhere, tmp_path: Path) -> None:
    file = far.open(tmp_path / "here")
    before = file.path.stat().st_mtime_ns
    file.need((0, 1))
    assert file.path.stat().st_mtime_ns == before


def test_damage_here_is_fetched_again(far: Elsewhere, tmp_path: Path) -> None:
    file = far.open(tmp_path / "here")
    file.need((0, SIZE))
    raw = bytearray(file.path.read_bytes())
    raw[4 * PIECE + 9] ^= 64
    file.path.write_bytes(raw)
    far.asked.clear()
    again = far.open(tmp_path / "here")
    again.need()
    assert far.asked == [(4 * PIECE, 5 * PIECE)]
    assert again.path.read_bytes() == far.content


def test_damage_on_the_way_is_asked_for_again_and_then_refused(
    far: Elsewhere, tmp_path: Path
) -> None:
    file = far.open(tmp_path / "here")
    far.damaged = 1
    file.need((0, 10))
    assert far.asked == [(0, PIECE)] * 2
    far.damaged = 9
    with pytest.raises(RunError, match=r"room/a\.bin of hf:org/run is damaged.*not used"):
        file.need((3 * PIECE, 3 * PIECE + 1))
    assert not any(file.path.read_bytes()[3 * PIECE : 4 * PIECE]), "what was sent was kept"


def test_what_somebody_took_away_is_made_again(far: Elsewhere, tmp_path: Path) -> None:
    file = far.open(tmp_path / "here")
    file.need((0, PIECE))
    file.path.unlink()
    file = far.open(tmp_path / "here")
    file.need((0, PIECE))
    assert file.path.read_bytes()[:PIECE] == far.content[:PIECE]


def test_a_file_is_looked_at_once(far: Elsewhere, tmp_path: Path) -> None:
    file = far.open(tmp_path / "here")
    file.look()
    file.look()
    assert far.looked == ["room/a.bin"]


def test_other_files_are_just_files(far: Elsewhere, tmp_path: Path) -> None:
    far.open(tmp_path / "here")
    assert file_at(tmp_path / "source.bin") is None
    assert file_at(tmp_path / "here" / "manifest.json") is None
