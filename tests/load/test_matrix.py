"""Bare matrices: `.npy` and `.safetensors`."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.load.layouts import spy_on_reads, tensor
from unembed import Features
from unembed.errors import FormatError, UnembedError, WeightError
from unembed.load import load_features


def read(path: Path | str) -> Features:
    (bank,) = load_features(path)
    return bank


def save(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


# --- .npy ---


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f2", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.random.default_rng(0).standard_normal((5, 3)).astype(np.dtype(dtype))
    path = save(tmp_path / "vectors.npy", np.asarray(array, order=order))
    bank = read(path)
    assert bank.name == "vectors"
    assert bank.W_dec.dtype == torch.float32
    assert bank.W_dec.tolist() == array.astype("<f4").tolist()
    assert bank.origin == {"format": "matrix", "path": str(tmp_path), "file": "vectors.npy"}
    assert (bank.layer, bank.hook, bank.log10_density) == (None, None, None)


def test_one_vector(tmp_path: Path) -> None:
    bank = read(save(tmp_path / "steering.npy", np.array([1.0, 2.0, 3.0])))
    assert bank.W_dec.tolist() == [[1.0, 2.0, 3.0]]


def test_the_file_may_go_once_it_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npy", np.ones((2, 3), np.float32))
    bank = read(path)
    path.write_bytes(b"")
    assert bank.W_dec.sum() == 6


@pytest.mark.parametrize("dtype", ["i8", "u1", "?", "c8"])
def test_other_dtypes(tmp_path: Path, dtype: str) -> None:
    path = save(tmp_path / "x.npy", np.zeros((2, 3), dtype))
    name = np.dtype(dtype).name
    with pytest.raises(FormatError, match=rf"x\.npy.* holds {name}\b.*; expected directions in fl"):
        read(path)


@pytest.mark.parametrize("dtype", ["U3", "g"])
def test_dtypes_that_no_tensor_has(tmp_path: Path, dtype: str) -> None:
    path = save(tmp_path / "x.npy", np.zeros((2, 3), dtype))
    name = np.dtype(dtype).name if dtype != "U3" else "<U3"
    with pytest.raises(FormatError, match=rf"x\.npy holds {name}, which is no number"):
        read(path)


class UnpickledError(Exception):
    """Raised by a pickle that is opened."""


class Trap:
    def __reduce__(self) -> tuple[type, tuple[str]]:
        return _spring, ("opened",)


def _spring(message: str) -> None:
    raise UnpickledError(message)


@pytest.mark.parametrize("shape", [(), (2,)])
def test_pickles_are_refused_unopened(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.empty(shape, object)
    array[...] = Trap()
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    with pytest.raises(
        FormatError, match=r"x\.npy(: array has shape \[\]| holds object, .* never unpickled)"
    ):
        read(tmp_path / "x.npy")


def test_a_bare_pickle(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(
        FormatError,
        match=r"cannot be read as tensors: it is a pickle that torch\.save did not write",
    ):
        read(tmp_path / "x.npy")


@pytest.mark.parametrize("cut", [0, 5, 20, 130, -1])
def test_a_file_that_is_cut(tmp_path: Path, cut: int) -> None:
    path = save(tmp_path / "x.npy", np.ones((4, 4), np.float32))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError, match=r"x\.npy cannot be read as tensors: it ends before"):
        read(path)


def test_an_archive_is_one_whatever_it_is_called(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", W_dec=np.ones((2, 3)), W_enc=np.zeros((3, 2)))
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    assert torch.equal(read(tmp_path / "x.npy").W_dec, torch.ones(2, 3))


@pytest.mark.parametrize("shape", [(), (2, 3, 4)])
def test_neither_vector_nor_matrix(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(
        FormatError, match=r"expected a matrix of directions, \[features, d_model\]"
    ):
        read(save(tmp_path / "x.npy", np.ones(shape)))


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match="Features x: the bank is empty"):
        read(save(tmp_path / "x.npy", np.ones((0, 4))))


def test_not_finite(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match="first is x/1"):
        read(save(tmp_path / "x.npy", np.array([[1.0, 2.0], [np.inf, 0.0]])))


# --- .safetensors ---


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_one_tensor(tmp_path: Path, dtype: torch.dtype) -> None:
    matrix = tensor(5, 3).to(dtype)
    save_file({"directions": matrix}, tmp_path / "probe.safetensors")
    bank = read(tmp_path / "probe.safetensors")
    assert bank.name == "probe"
    assert torch.equal(bank.W_dec, matrix.float())
    assert bank.origin["file"] == "probe.safetensors"


def test_w_dec_among_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = {"W_enc": tensor(3, 5), "W_dec": tensor(5, 3, seed=1), "b_dec": torch.zeros(3)}
    save_file(tensors, tmp_path / "sae.safetensors")
    values_read = spy_on_reads(monkeypatch)
    assert torch.equal(read(tmp_path / "sae.safetensors").W_dec, tensors["W_dec"])
    assert values_read == ["W_dec"]


def test_the_only_matrix_among_vectors_proves_nothing(tmp_path: Path) -> None:
    """It may be anything: the biases of a crosscoder are a matrix, and its decoder is not."""
    tensors = {"bias": torch.zeros(3), "vectors": tensor(5, 3), "cube": torch.zeros(2, 2, 2)}
    save_file(tensors, tmp_path / "x.safetensors")
    with pytest.raises(FormatError, match=r"should hold W_dec .* or one matrix alone"):
        read(tmp_path / "x.safetensors")


def test_w_dec_may_be_one_vector(tmp_path: Path) -> None:
    save_file({"W_dec": torch.ones(3), "A": torch.ones(2, 3)}, tmp_path / "x.safetensors")
    assert read(tmp_path / "x.safetensors").W_dec.shape == (1, 3)


@pytest.mark.parametrize(
    ("tensors", "listing"),
    [
        ({"A": torch.ones(2, 3), "B": torch.ones(4, 3)}, r"A \[2, 3\], B \[4, 3\]\."),
        ({"bias": torch.ones(3)}, r"bias \[3\]\."),
    ],
)
def test_which_tensor_is_not_known(
    tmp_path: Path, tensors: dict[str, torch.Tensor], listing: str
) -> None:
    save_file(tensors, tmp_path / "x.safetensors")
    message = rf"x\.safetensors should hold W_dec .*, or one matrix alone\. It holds: {listing}"
    with pytest.raises(FormatError, match=message):
        read(tmp_path / "x.safetensors")


def test_integers(tmp_path: Path) -> None:
    """An int8 matrix is quantised, and its scales are not known."""
    save_file({"W_dec": torch.ones(2, 3, dtype=torch.int8)}, tmp_path / "x.safetensors")
    with pytest.raises(FormatError, match=r"x\.safetensors, tensor W_dec, holds int8"):
        read(tmp_path / "x.safetensors")


def test_damaged_safetensors(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(FormatError, match=r"x\.safetensors cannot be read as safetensors"):
        read(tmp_path / "x.safetensors")


# --- names ---


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("W_dec.layer-8.npy", "W_dec.layer-8"),
        ("two words (1).npy", "two_words__1_"),
        ("_private.npy", "features_private"),
        (".hidden.npy", "features.hidden"),
        ("größe².npy", "gr__e_"),
        ("日本.npy", "features__"),
    ],
)
def test_name_of_the_bank(tmp_path: Path, file: str, name: str) -> None:
    assert read(save(tmp_path / file, np.ones((2, 3)))).name == name


def test_a_name_of_ones_own(tmp_path: Path) -> None:
    path = save(tmp_path / "größe.npy", np.ones((2, 3)))
    assert read(f"size={path}").name == "size"


def test_a_name_that_cannot_be_one(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npy", np.ones((2, 3)))
    with pytest.raises(UnembedError, match="A bank's name holds letters"):
        load_features(f"two words={path}")
