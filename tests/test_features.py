"""`Features` and the check of widths."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed import Features, Unembedding
from unembed.errors import ShapeError, UnembedError, WeightError
from unembed.features import check_width


def test_any_float_dtype_becomes_float32() -> None:
    for dtype in (np.float16, np.float32, np.float64):
        assert Features.from_array(np.ones((2, 3), dtype)).W_dec.dtype == torch.float32


def test_one_vector_is_a_bank_of_one() -> None:
    assert Features.from_array(torch.ones(7), name="steering").W_dec.shape == (1, 7)


def test_the_bank_does_not_share_memory_with_the_array() -> None:
    array = np.ones((2, 3), np.float32)
    bank = Features.from_array(array)
    array[:] = 5
    assert bank.W_dec.max() == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_named(bad: float) -> None:
    array = np.ones((5, 3))
    array[3, 1] = bad
    with pytest.raises(WeightError, match=r"1 of 5 directions .* the first is x/13"):
        Features.from_array(array, name="x", indices=range(10, 15))


def test_duplicate_indices() -> None:
    with pytest.raises(ShapeError, match="1 indices stand more than once"):
        Features.from_array(np.ones((3, 2)), indices=[4, 4, 5])


def test_density_of_another_length() -> None:
    with pytest.raises(ShapeError, match=r"3 features, but log10_density has shape \(2,\)"):
        Features.from_array(np.ones((3, 2)), log10_density=np.zeros(2, np.float32))


def test_empty_bank() -> None:
    with pytest.raises(WeightError, match="the bank is empty"):
        Features.from_array(np.ones((0, 2)))


def test_three_axes() -> None:
    with pytest.raises(ShapeError, match=r"\[features, d_model\], but has shape \[2, 2, 2\]"):
        Features.from_array(np.ones((2, 2, 2)))


@pytest.mark.parametrize("name", ["", "a/b", "../x", " a", ".hidden"])
def test_names_that_cannot_be_files(name: str) -> None:
    with pytest.raises(UnembedError, match="bank's name"):
        Features.from_array(np.ones((2, 2)), name=name)


def test_width_error_says_which_is_which(unembedding: Unembedding) -> None:
    bank = Features.from_array(np.ones((5, 9)), name="sae.3")
    with pytest.raises(ShapeError, match=r"sae\.3 are 9 wide .*unembedding tiny is 16 wide"):
        check_width(bank, unembedding)


def test_width_error_suspects_a_transposed_matrix(unembedding: Unembedding) -> None:
    with pytest.raises(ShapeError, match="may be transposed"):
        check_width(Features.from_array(np.ones((16, 99))), unembedding)


def test_width_error_knows_attention_saes(unembedding: Unembedding) -> None:
    bank = Features.from_array(np.ones((5, 9)), hook="blocks.3.attn.hook_z")
    with pytest.raises(ShapeError, match="W_O"):
        check_width(bank, unembedding)


def test_digest_sees_every_change() -> None:
    array = np.ones((3, 2), np.float32)
    digests = {
        Features.from_array(array).digest,
        Features.from_array(array * 2).digest,
        Features.from_array(array, indices=[2, 1, 0]).digest,
        Features.from_array(array, log10_density=np.zeros(3, np.float32)).digest,
    }
    assert len(digests) == 4
