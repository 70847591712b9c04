"""Every bit of a sealed file is under its hash, and what is read of it was verified before."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xxhash

from unembed import sealed
from unembed.errors import FormatError
from unembed.parquet import read_parquet, said_of, write_parquet

TABLE = pl.DataFrame({"token": [f" t{i}" for i in range(40)], "value": np.linspace(0, 1, 40)})


def a_table(path: Path) -> None:
    write_parquet(path, TABLE, {"unembed.table": "features/a.parquet"})


def an_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.arange(120, dtype=np.float16).reshape(12, 10))
    sealed.seal(path, {"table": "z/é.npy"})


def an_archive(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, sizes=np.arange(9), knots=np.ones((3, 3)))
    sealed.seal(path)


def a_text(path: Path) -> None:
    path.write_bytes(b'{"files": ["a", "b"]}')
    sealed.seal(path)


WRITERS = {"t.parquet": a_table, "z.npy": an_array, "a.npz": an_archive, "l.json": a_text}
each_kind = pytest.mark.parametrize(("name", "write"), WRITERS.items(), ids=WRITERS)
Writer = Callable[[Path], None]


@pytest.fixture(autouse=True)
def _nothing_is_known_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_verified", {})


def is_found(path: Path, raw: bytes) -> bool:
    """Whether a file of such bytes is said to be damaged."""
    path.write_bytes(raw)
    sealed._verified.clear()
    whole = sealed.is_whole(path)
    if whole:
        return False
    with pytest.raises(FormatError, match="is damaged"):
        sealed.verify(path)
    return True


@each_kind
def test_a_file_is_whole_as_it_was_written(name: str, write: Writer, tmp_path: Path) -> None:
    write(tmp_path / name)
    assert sealed.verify(tmp_path / name, required=True)
    assert sealed.is_whole(tmp_path / name)


@each_kind
def test_equal_content_gives_equal_bytes(name: str, write: Writer, tmp_path: Path) -> None:
    write(tmp_path / name)
    first = (tmp_path / name).read_bytes()
    write(tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


@each_kind
def test_every_flipped_bit_is_found(name: str, write: Writer, tmp_path: Path) -> None:
    """One bit of every byte, in turn: of the head, the data, the footer and the seal itself."""
    path = tmp_path / name
    write(path)
    raw = path.read_bytes()
    passed = []
    for place in range(len(raw)):
        damaged = bytearray(raw)
        damaged[place] ^= 1 << place % 8
        if not is_found(path, bytes(damaged)):
            passed.append(place)
    assert passed == []


@each_kind
def test_blocks_of_zeros_are_found(name: str, write: Writer, tmp_path: Path) -> None:
    """As a disk leaves them that lost its power."""
    path = tmp_path / name
    write(path)
    raw = path.read_bytes()
    for length in (16, 64, 512):
        for start in range(0, len(raw), length):
            stop = min(start + length, len(raw))
            damaged = raw[:start] + bytes(stop - start) + raw[stop:]
            if damaged != raw and not is_found(path, damaged):
                # only where nothing but the seal was lost, and the content still reads as it was
                assert start >= raw.rindex(b"unembed.seal") - length, (start, stop)
                with pytest.raises(FormatError, match="carries no hash"):
                    sealed.verify(path, required=True)


@each_kind
def test_what_is_cut_or_grown_is_never_taken(name: str, write: Writer, tmp_path: Path) -> None:
    path = tmp_path / name
    write(path)
    raw = path.read_bytes()
    for damaged in (raw + b"\0", raw + raw, b"\0" + raw, raw[1:], *(raw[:n] for n in range(12))):
        path.write_bytes(damaged)
        with pytest.raises(FormatError):
            sealed.verify(path, required=True)
    for stop in range(len(raw)):
        path.write_bytes(raw[:stop])
        with pytest.raises(FormatError):
            sealed.verify(path, required=True)


def test_the_hash_is_xxh3_of_all_other_bytes(tmp_path: Path) -> None:
    an_array(tmp_path / "z.npy")
    raw = (tmp_path / "z.npy").read_bytes()
    assert raw[-33:-1].decode() == xxhash.xxh3_128_hexdigest(raw[:-33])
    a_table(tmp_path / "t.parquet")
    raw = (tmp_path / "t.parquet").read_bytes()
    said = pl.read_parquet_metadata(io.BytesIO(raw))["unembed.seal"].removeprefix("xxh3-128:")
    blank = raw.replace(said.encode(), b"0" * 32)
    assert xxhash.xxh3_128_hexdigest(blank) == said


def test_other_readers_read_sealed_files(tmp_path: Path) -> None:
    a_table(tmp_path / "t.parquet")
    assert pl.read_parquet(tmp_path / "t.parquet").equals(TABLE)
    assert said_of(tmp_path / "t.parquet")["unembed.table"] == "features/a.parquet"
    an_array(tmp_path / "z.npy")
    for mode in (None, "r"):
        array = np.load(tmp_path / "z.npy", mmap_mode=mode)
        assert array.shape == (12, 10)
        assert array[-1, -1] == 119
    assert sealed.said_of(tmp_path / "z.npy") == {"table": "z/é.npy"}
    an_archive(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as archive:
        assert archive["sizes"].tolist() == list(range(9))


def test_content_comes_without_its_seal(tmp_path: Path) -> None:
    a_text(tmp_path / "l.json")
    assert sealed.content(tmp_path / "l.json") == b'{"files": ["a", "b"]}'
    assert sealed.said_of(tmp_path / "l.json") == {}
    raw = (tmp_path / "l.json").read_bytes()
    (tmp_path / "l.json").write_bytes(raw.replace(b"files", b"filez"))
    with pytest.raises(FormatError, match="is damaged"):
        sealed.content(tmp_path / "l.json")
    (tmp_path / "l.json").write_bytes(b"{}")  # as earlier versions wrote it
    assert sealed.content(tmp_path / "l.json") == b"{}"


def test_a_token_that_reads_like_a_seal_is_no_seal(tmp_path: Path) -> None:
    """Statistics in the footer hold the least and the greatest text; the metadata come behind."""
    token = sealed._IN_PARQUET.decode("latin-1") + "0" * 32
    path = tmp_path / "t.parquet"
    write_parquet(path, pl.DataFrame({"token": [token, token]}))
    raw = path.read_bytes()
    assert raw.count(sealed._IN_PARQUET) > 1
    assert sealed.verify(path)
    assert read_parquet(path)["token"].to_list() == [token, token]
    place = raw.index(sealed._IN_PARQUET) + 40
    assert is_found(path, raw[:place] + b"1" + raw[place + 1 :])


def test_files_of_earlier_versions_are_whole_unless_cut(tmp_path: Path) -> None:
    TABLE.write_parquet(tmp_path / "t.parquet")
    np.save(tmp_path / "z.npy", np.ones((3, 4), np.float16))
    np.save(tmp_path / "flat.npy", np.ones(7))
    for name in ("t.parquet", "z.npy", "flat.npy"):
        path = tmp_path / name
        assert not sealed.verify(path)
        assert sealed.is_whole(path)
        assert not sealed.is_whole(path, required=True)
        with pytest.raises(FormatError, match="carries no hash"):
            sealed.verify(path, required=True)
        raw = path.read_bytes()
        for damaged in (raw[:-1], raw + b"\0", raw[: len(raw) // 2], raw[1:], b"", b"x" * 40):
            path.write_bytes(damaged)
            assert not sealed.is_whole(path)


def test_what_is_not_there_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none.npy", tmp_path, tmp_path / "file" / "z.npy", tmp_path / "file"):
        assert not sealed.is_whole(path)


@pytest.mark.skipif(os.name == "nt" or not os.getuid(), reason="no file is forbidden here")
def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    an_array(tmp_path / "z.npy")
    (tmp_path / "z.npy").chmod(0)
    with pytest.raises(PermissionError):
        sealed.is_whole(tmp_path / "z.npy")


def test_a_file_is_hashed_once_for_as_long_as_it_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    hashed = sealed._hash
    monkeypatch.setattr(sealed, "_hash", lambda *of: counted.append(1) or hashed(*of))
    path = tmp_path / "z.npy"
    an_array(path)
    counted.clear()
    for _ in range(3):
        assert sealed.verify(path)
    assert len(counted) == 1
    an_array(tmp_path / "other.npy")
    counted.clear()
    (tmp_path / "other.npy").replace(path)
    assert sealed.verify(path)
    assert sealed.verify(path)
    assert len(counted) == 1
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    for _ in range(2):  # what is damaged stays so until it is another file
        assert not sealed.is_whole(path)


def test_large_files_are_hashed_piece_by_piece(tmp_path: Path) -> None:
    """Pieces of a MiB that end inside the hash, at it and around it give one and the same."""
    values = random.Random(0).randbytes(3 * sealed._CHUNK + 17)
    path = tmp_path / "a.bin"
    path.write_bytes(values)
    sealed.seal(path)
    raw = path.read_bytes()
    assert raw[-33:-1].decode() == xxhash.xxh3_128_hexdigest(raw[:-33])
    for place in (0, sealed._CHUNK - 1, sealed._CHUNK, 3 * sealed._CHUNK + 16):
        assert is_found(path, raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
