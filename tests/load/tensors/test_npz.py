"""NumPy's files, with NumPy as the oracle."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from unembed.errors import FormatError
from unembed.load.tensors.blob import LocalBlob
from unembed.load.tensors.container import open_tensors
from unembed.load.tensors.file import TensorFile

SAVERS: dict[str, Callable[..., None]] = {"stored": np.savez, "deflated": np.savez_compressed}


def opened(path: Path) -> TensorFile:
    return open_tensors(LocalBlob(path))


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    plain = random.normal(size=(6, 8)).astype(np.float32)
    return {
        "W_dec": plain,
        "fortran": np.asfortranarray(plain),
        "cube": random.normal(size=(3, 4, 5)),
        "fortran cube": np.asfortranarray(random.normal(size=(3, 4, 5))),
        "big-endian": plain.astype(">f4"),
        "big-endian fortran": np.asfortranarray(plain.astype(">f8")),
        "half": plain.astype(np.float16),
        "whole": random.integers(-9, 9, size=5),
        "flags": plain > 0,
        "complex": plain.astype(np.complex64),
        "scalar": np.array(2.5),
        "none": np.empty((0, 8)),
        "ä/b c=[1]": plain[:1],
    }


@pytest.mark.parametrize("save", SAVERS.values(), ids=SAVERS)
def test_npz(tmp_path: Path, arrays: dict[str, np.ndarray], save: Callable[..., None]) -> None:
    with (tmp_path / "no ending").open("wb") as file:
        save(file, **arrays)
    found = opened(tmp_path / "no ending")
    assert found.shapes() == {name: array.shape for name, array in arrays.items()}
    with np.load(tmp_path / "no ending") as expected:
        for name in arrays:
            assert np.array_equal(found.read(name).numpy(), expected[name]), name
    part = (slice(None), 1)
    for name in ("W_dec", "fortran", "cube", "fortran cube", "big-endian"):
        assert np.array_equal(found.read(name, part).numpy(), arrays[name][part])


def test_npy(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    for array in arrays.values():
        np.save(tmp_path / "x.npy", array)
        found = opened(tmp_path / "x.npy")
        assert found.shapes() == {"array": array.shape}
        assert np.array_equal(found.read("array").numpy(), np.load(tmp_path / "x.npy"))


def test_every_version_of_the_format(tmp_path: Path) -> None:
    array = np.arange(6.0).reshape(2, 3)
    for version in ((1, 0), (2, 0), (3, 0)):
        with (tmp_path / "x").open("wb") as file:
            np.lib.format.write_array(file, array, version=version)
        assert np.array_equal(opened(tmp_path / "x").read("array").numpy(), array)


def test_a_long_header(tmp_path: Path) -> None:
    """More axes than fit into the usual 128 bytes."""
    array = np.ones((1,) * 30)
    np.savez(tmp_path / "x.npz", W=array)
    assert opened(tmp_path / "x.npz").read("W").shape == array.shape


@pytest.mark.parametrize("save", SAVERS.values(), ids=SAVERS)
def test_a_large_one(tmp_path: Path, save: Callable[..., None]) -> None:
    """Longer than what is inflated at once, both packed and plain."""
    noise = np.random.default_rng(1).normal(size=(300, 257))
    values = {"noise": noise, "zeros": np.zeros(200_000), "b": noise[0]}
    save(tmp_path / "x.npz", **values)
    found = opened(tmp_path / "x.npz")
    for name, array in values.items():
        assert np.array_equal(found.read(name).numpy(), array)


def test_what_is_no_number(tmp_path: Path) -> None:
    texts, records = np.array(["a"]), np.zeros(2, [("x", "f4")])
    objects = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / "x.npz", W=np.eye(2), texts=texts, records=records, objects=objects)
    found = opened(tmp_path / "x.npz")
    assert found.shapes() == {"W": (2, 2)}
    for name in ("texts", "records", "objects"):
        with pytest.raises(FormatError, match=rf"x\.npz: {name} holds .*no number. Objects are "):
            found.read(name)
    np.save(tmp_path / "x.npy", objects)
    with pytest.raises(FormatError, match=r"x\.npy holds object, which is no number"):
        opened(tmp_path / "x.npy").read("array")


def test_no_such_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", W_dec=np.eye(2))
    with pytest.raises(FormatError, match=r"no tensor 'W_de'\. Did you mean 'W_dec'.*\[2, 2\]"):
        opened(tmp_path / "x.npz").read("W_de")
    np.save(tmp_path / "x.npy", np.eye(2))
    with pytest.raises(FormatError, match=r"no tensor 'W'\..*It holds: array \[2, 2\]"):
        opened(tmp_path / "x.npy").read("W")


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


WHOLE = _npy(np.eye(4))
DAMAGED = {
    "half": WHOLE[:200],
    "half a header": WHOLE[:60],
    "a header of noise": WHOLE[:10] + b"x" * 118 + WHOLE[128:],
    "a later version": WHOLE[:6] + b"\x09" + WHOLE[7:],
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(FormatError, match=r"x\.npy cannot be read as .*Download it again"):
        opened(tmp_path / "x.npy").read("array")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        file.writestr("W.npy", content)
    with pytest.raises(FormatError, match=r"x\.npz cannot be read as .*W\.npy.*Download it again"):
        opened(tmp_path / "x.npz").read("W")


@pytest.mark.parametrize("save", SAVERS.values(), ids=SAVERS)
def test_damaged_zips(tmp_path: Path, save: Callable[..., None]) -> None:
    path = tmp_path / "x.npz"
    save(path, W=np.random.default_rng(0).normal(size=(40, 9)))
    whole = path.read_bytes()
    spoilt = whole[:400] + b"\xff" * 20 + whole[420:]
    for content in (whole[:300], whole[:-10], whole[:-60] + whole[-50:], spoilt):
        path.write_bytes(content)
        with pytest.raises(FormatError, match=r"x\.npz cannot be read as"):
            opened(path).read("W")


def test_other_ways_to_pack(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("W.npy", WHOLE)
    with pytest.raises(FormatError, match=r"W\.npy is packed by bzip2, and only deflate"):
        opened(tmp_path / "x")


def test_a_zip_with_a_comment(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as file:
        file.writestr("W.npy", WHOLE)
        file.comment = b"made by hand " * 20
    assert opened(tmp_path / "x").read("W").equal(torch.eye(4, dtype=torch.float64))
