from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from unembed import load_unembedding
from unembed.cache import cache_folder
from unembed.cached_array import kept_array
from unembed.unembedding import Unembedding, broken_rows

from .load.tiny_models import tiny_gpt2


def never(*_: object) -> npt.NDArray[np.float64]:
    raise AssertionError("It was made a second time.")


def test_an_array_is_made_once() -> None:
    made = np.arange(6.0).reshape(2, 3)
    assert kept_array("a/b.npy", (2, 3), lambda: made) is made
    np.testing.assert_array_equal(kept_array("a/b.npy", (2, 3), never), made)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY", b"PK\x03\x04zip"])
def test_a_damaged_file_is_made_again(content: bytes) -> None:
    path = cache_folder() / "a.npy"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    np.testing.assert_array_equal(kept_array("a.npy", (2,), lambda: np.ones(2)), np.ones(2))
    np.testing.assert_array_equal(kept_array("a.npy", (2,), never), np.ones(2))


@pytest.mark.parametrize("other", [np.zeros(3), np.zeros(2, np.float32), np.zeros((2, 1))])
def test_another_array_is_made_again(other: npt.NDArray[np.floating]) -> None:
    path = cache_folder() / "a.npy"
    path.parent.mkdir(parents=True)
    np.save(path, other)
    np.testing.assert_array_equal(kept_array("a.npy", (2,), lambda: np.ones(2)), np.ones(2))


def test_a_cache_that_cannot_be_written_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path / "file"))
    np.testing.assert_array_equal(kept_array("a.npy", (2,), lambda: np.ones(2)), np.ones(2))


def test_the_covariance_of_a_model_in_files_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in tiny_gpt2().items():
        (tmp_path / name).write_bytes(content)
    first = load_unembedding(tmp_path)
    rows = first.W_U.double()
    torch.testing.assert_close(first.covariance, rows.T @ rows / first.n_tokens)
    monkeypatch.setattr(Unembedding, "_covariance", never)
    torch.testing.assert_close(load_unembedding(tmp_path).covariance, first.covariance)
    with pytest.raises(AssertionError, match="a second time"):
        _ = load_unembedding(tmp_path, lens="cosine").covariance


def test_the_covariance_of_arrays_is_not_kept(unembedding: Unembedding) -> None:
    assert unembedding.covariance.shape == (16, 16)
    assert not cache_folder().exists()


def test_rows_whose_sum_overflows_are_not_broken() -> None:
    large, huge = 1e38, 3e38
    matrix = torch.tensor([[huge, huge], [1.0, large], [float("inf"), -float("inf")]])
    assert broken_rows(matrix).tolist() == [False, False, True]
    assert broken_rows(matrix[:2]).tolist() == [False, False]
    matrix[1, 0] = float("nan")
    assert broken_rows(matrix).tolist() == [False, True, True]


def test_a_cache_in_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UNEMBED_CACHE", "~/a [1]")
    assert cache_folder() == tmp_path / "a [1]"
