"""The gate by which numbers from outside become float32, with NumPy's float64 as the oracle."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
import torch

from unembed import Features, FinalNorm, Unembedding, Vocabulary, prepare_unembedding
from unembed.errors import ShapeError, UnembedError, WeightError
from unembed.features import check_size
from unembed.matching import match
from unembed.outside.arrays import float_tensor, whole_numbers
from unembed.similarity import logit_rows
from unembed.sweep import Sweep
from unembed.sweep.statistics import FeatureStatistics

VALUES = np.random.default_rng(0).normal(size=(6, 4))
F32 = VALUES.astype(np.float32)
TINY, LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


def quietly(make: Callable[..., object], *arguments: object) -> object:
    """What old or unfinished parts of NumPy and PyTorch make, without their warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(*arguments)


class Frame:
    """What a data frame is to NumPy."""

    def __array__(self, dtype: object = None, copy: object = None) -> npt.NDArray[np.float64]:
        return VALUES


class Broken:
    """What says that it is an array, and is none."""

    def __array__(self, dtype: object = None, copy: object = None) -> npt.NDArray[np.float64]:
        raise RuntimeError("no values")


class Named(torch.Tensor):
    """A class of tensors that are plain."""


class Wrapped(torch.Tensor):
    """A class of tensors that are something else."""

    @classmethod
    def __torch_dispatch__(
        cls, func: object, types: object, args: object = (), kwargs: object = None
    ) -> object:  # type: ignore[override]
        raise AssertionError("it is never asked")


TAKEN: dict[str, object] = {
    "float16": F32.astype(np.float16),
    "float32": F32,
    "float64": VALUES,
    "wider than float64": VALUES.astype(np.longdouble),
    "big-endian": F32.astype(">f4"),
    "big-endian float64": VALUES.astype(">f8"),
    "Fortran order": np.asfortranarray(F32),
    "negative strides": F32[::-1, ::-1],
    "every other column": np.repeat(F32, 2, axis=1)[:, ::2],
    "strides of 0": np.broadcast_to(F32[0], (6, 4)),
    "read only": np.frombuffer(F32.tobytes(), np.float32).reshape(6, 4),
    "a NumPy matrix": quietly(np.asmatrix, VALUES),
    "masked, and nothing is": np.ma.masked_array(VALUES),
    "lists": VALUES.tolist(),
    "whole numbers in lists": [[1, 2], [3, -4]],
    "a list of arrays": list(F32),
    "a list of tensors": list(torch.from_numpy(F32)),
    "what NumPy makes an array of": Frame(),
    "a tensor": torch.from_numpy(F32),
    "bfloat16": torch.from_numpy(F32).bfloat16(),
    "a float64 tensor": torch.from_numpy(VALUES),
    "a tensor with a gradient": torch.from_numpy(F32).requires_grad_(),
    "a parameter": torch.nn.Parameter(torch.from_numpy(F32)),
    "an expanded tensor": torch.from_numpy(F32[:1]).expand(6, 4),
    "a transposed tensor": torch.from_numpy(F32.T.copy()).T,
    "a plain class of its own": torch.from_numpy(F32).as_subclass(Named),
    "the imaginary part of a conjugate": torch.complex(*[torch.from_numpy(F32)] * 2).conj().imag,
}


@pytest.mark.filterwarnings("ignore:.*matrix.*:PendingDeprecationWarning")
@pytest.mark.parametrize("values", TAKEN.values(), ids=TAKEN)
def test_what_is_meant_is_taken_as_it_is(values: object) -> None:
    expected = values.detach() if isinstance(values, torch.Tensor) else values
    if isinstance(expected, torch.Tensor):
        expected = expected.resolve_neg().double().numpy()
    found = float_tensor(values, "W_dec")
    assert type(found) is torch.Tensor
    assert (found.dtype, found.is_contiguous(), found.requires_grad) == (torch.float32, True, False)
    assert np.array_equal(found.numpy(), np.asarray(expected, np.float32))
    bank = Features.from_array(values)  # type: ignore[arg-type]
    assert torch.equal(bank.W_dec, found)


def csr(values: npt.NDArray[np.float64]) -> object:
    scipy = pytest.importorskip("scipy.sparse")
    return scipy.csr_array(values)


REFUSED: dict[str, tuple[object, str]] = {
    "int32": (np.ones((6, 4), np.int32), "holds int32; expected floating .* are no codes"),
    "uint64": (np.ones((6, 4), np.uint64), "holds uint64; expected floating"),
    "bool": (np.ones((6, 4), bool), "holds bool; expected floating"),
    "truth values in lists": ([[True, False]], "holds bool; expected floating"),
    "complex": (VALUES.astype(complex), "holds complex128; .* Take its real part"),
    "objects": (VALUES.astype(object), "holds objects; expected floating"),
    "None in lists": ([[1.0, None]], "holds objects; expected floating"),
    "an enormous whole number": ([[10**400]], "holds objects; expected floating"),
    "texts": (np.array([["1", "2"]]), "holds texts; expected floating"),
    "dates": (np.zeros((2, 2), "M8[s]"), "holds dates; expected floating"),
    "records": (np.zeros(3, [("a", "f4"), ("b", "f4")]), "holds records; expected floating"),
    "raw bytes": (np.zeros((2, 2), "V4"), "holds void32; expected floating"),
    "masked": (np.ma.masked_array(VALUES, VALUES > 0), r"has \d+ masked values"),
    "ragged lists": ([[1.0, 2.0], [3.0]], "its rows are not all of one length"),
    "a text": ("W_dec", "holds texts; expected floating"),
    "a dictionary": ({"W_dec": VALUES}, "is a dict, and no array of numbers"),
    "a sparse matrix of SciPy": (csr(VALUES), "is a csr_array, and no array of numbers"),
    "what is no array after all": (Broken(), "cannot be read as an array of numbers: no values"),
    "a list of tensors with gradients": (
        [torch.ones(2, requires_grad=True)], "cannot be read as an array of numbers",
    ),
    "beyond float64": (np.full((2, 2), np.longdouble("1e4000")), "which float64 cannot hold"),
    "a sparse tensor": (torch.eye(4).to_sparse(), r"is sparse; .* to_dense\(\)"),
    "a sparse tensor by rows": (torch.eye(4).to_sparse_coo(), "is sparse"),
    "a tensor without values": (torch.ones(2, 2, device="meta"), "is on the meta device"),
    "a quantised tensor": (
        quietly(torch.quantize_per_tensor, torch.ones(2, 2), 0.1, 0, torch.qint8),
        r"is quantised; .* dequantize\(\)",
    ),
    "a nested tensor": (
        quietly(torch.nested.nested_tensor, [torch.ones(2), torch.ones(3)]), "is a nested tensor",
    ),
    "a tensor of another kind": (
        torch.Tensor._make_wrapper_subclass(Wrapped, (2, 2)), r"is a .*\.Wrapped; expected a plain",
    ),
    "float8": (torch.ones(2, 2).to(torch.float8_e4m3fn), "holds float8_e4m3fn; expected floating"),
    "int8": (torch.ones(2, 2, dtype=torch.int8), "holds int8; expected floating"),
    "a complex tensor": (torch.ones(2, 2, dtype=torch.complex64), "holds complex64"),
    "4 TB of one number": (
        np.broadcast_to(np.float32(1), (10**6, 10**6)), r"repeats the same numbers .* 4,000\.0 GB",
    ),
    "4 TB of one number, as a tensor": (
        torch.ones(1, 1).expand(10**6, 10**6), "repeats the same numbers",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("values", "said"), REFUSED.values(), ids=REFUSED)
def test_what_would_become_other_numbers_is_refused(
    values: object, said: str, vocabulary: Vocabulary
) -> None:
    with pytest.raises((WeightError, ShapeError), match=said):
        float_tensor(values, "W_dec")
    if isinstance(values, dict) or type(values).__module__.startswith("scipy"):
        return  # no type checker would let them pass any further
    with pytest.raises((WeightError, ShapeError), match=rf"W_dec of features x\b.*{said}"):
        Features.from_array(values, name="x")  # type: ignore[arg-type]
    with pytest.raises((WeightError, ShapeError), match=rf"W_U of m\b.*{said}"):
        prepare_unembedding(values, vocabulary, name="m")  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(), (0,), (2, 2, 2), (3, 0), (0, 0)])
def test_what_is_no_matrix(shape: tuple[int, ...], vocabulary: Vocabulary) -> None:
    for values in (np.zeros(shape), torch.zeros(shape)):
        with pytest.raises(UnembedError, match=r"\[features, d_model\]|the bank is empty"):
            Features.from_array(values)
        with pytest.raises(UnembedError, match=r"W_U should be \[tokens, d_model\]"):
            prepare_unembedding(values, vocabulary)


# --- numbers that float32 cannot hold ---


@pytest.mark.parametrize("scale", [1e-300, 1e-40, 1e39, 1e300])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_a_row_that_float32_cannot_hold_is_named(scale: float, kind: type) -> None:
    values = VALUES.copy()
    values[3] *= scale / np.abs(values[3]).max()
    with pytest.raises(WeightError, match=rf"number of x/13 is {re.escape(f'{scale:.3g}')}, and"):
        Features.from_array(kind(values), name="x", indices=range(10, 16))


@pytest.mark.parametrize("largest", [TINY, 1.0, LARGEST])
def test_a_row_keeps_float32s_precision_at_both_ends_of_its_range(largest: float) -> None:
    values = VALUES * (largest / np.abs(VALUES).max(1, keepdims=True))
    values[0] = 0
    found = Features.from_array(values).W_dec.double().numpy()
    errors = [
        max(abs(Fraction(a) - Fraction(b)) for a, b in zip(*rows, strict=True))
        for rows in zip(found.tolist(), values.tolist(), strict=True)
    ]
    assert max(errors) <= Fraction(largest) * Fraction(2) ** -24


def read(unembedding: Unembedding, W_dec: npt.NDArray[np.floating]) -> FeatureStatistics:
    return Sweep(unembedding).read(Features.from_array(W_dec).W_dec)


@pytest.mark.parametrize("scale", [2.0**-140, 2.0**-100, 2.0**60, 2.0**110])
def test_statistics_of_any_scale_that_can_be_kept_are_right(
    scale: float, unembedding: Unembedding
) -> None:
    """Powers of 2, so that only exponents change, but for numbers below float32's normal ones."""
    plain = np.random.default_rng(1).normal(size=(5, 16)).astype(np.float32)
    found = read(unembedding, (plain * np.float64(scale)).astype(np.float32))
    kept = (plain * np.float64(scale)).astype(np.float32).astype(np.float64)
    weights = kept @ unembedding.W_U.double().numpy().T
    assert np.allclose(found.std / scale, weights.std(1) / scale, rtol=1e-5)
    assert np.allclose(found.norm, np.linalg.norm(kept / scale, axis=1) * scale, rtol=1e-7)
    top = weights.max(1)
    assert np.allclose(found.maximum / scale, top / scale, rtol=1e-4)
    assert not found.flat.any()
    if scale > 2.0**-120:
        expected = read(unembedding, plain)
        assert np.array_equal(found.top_ids, expected.top_ids)
        assert np.array_equal(found.histogram, expected.histogram)


def test_logit_weights_beyond_float32_are_refused(unembedding: Unembedding) -> None:
    W_dec = np.ones((3, 16), np.float32)
    W_dec[1] = 3e38
    with pytest.raises(WeightError, match="Row 1 of W_dec is so long"):
        Sweep(unembedding).read(torch.from_numpy(W_dec))
    with pytest.raises(WeightError, match=r"1 of 3 directions are so long .* the first is x/1\."):
        check_size(Features.from_array(W_dec, name="x"), unembedding)


@pytest.mark.parametrize("scale", [1e-29, 1e-20, 1e20, 1e29])
@pytest.mark.parametrize("lens", ["logit", "cosine"])
def test_a_scale_of_W_U_changes_no_z(scale: float, lens: str, vocabulary: Vocabulary) -> None:
    random = np.random.default_rng(2)
    W_U, W_dec = random.normal(size=(200, 16)), random.normal(size=(9, 16)).astype(np.float32)
    plain, scaled = (
        prepare_unembedding(W_U * by, vocabulary, lens=lens) for by in (1, scale)  # type: ignore[arg-type]
    )  # fmt: skip
    expected, found = (read(each, W_dec) for each in (plain, scaled))
    assert np.allclose(found.skewness, expected.skewness, atol=1e-5)
    assert np.array_equal(found.top_ids, expected.top_ids)
    factor = scale if lens == "logit" else 1
    assert np.allclose(found.std / factor, expected.std, rtol=1e-5)
    rows = [logit_rows(each, torch.from_numpy(W_dec)) for each in (plain, scaled)]
    assert torch.allclose(rows[0] @ rows[0].T, rows[1] @ rows[1].T, atol=1e-5)


@pytest.mark.parametrize("scale", [0, 1e-35, 1e-100, 1e31, 1e300])
def test_a_W_U_whose_products_float32_cannot_hold(scale: float, vocabulary: Vocabulary) -> None:
    W_U = np.random.default_rng(2).normal(size=(200, 16)) * scale
    with pytest.raises(WeightError, match=r"largest number of (W_U of m|token \d+) is"):
        prepare_unembedding(W_U, vocabulary, name="m")


def test_banks_of_any_scale_match_alike(unembedding: Unembedding) -> None:
    random = np.random.default_rng(4)
    a, b = random.normal(size=(20, 16)), random.normal(size=(30, 16))
    plain = match(Features.from_array(a, name="a"), Features.from_array(b, name="b"), unembedding)
    scaled = match(
        Features.from_array(a * 1e-37, name="a"), Features.from_array(b * 1e37, name="b"),
        unembedding,
    )  # fmt: skip
    assert np.array_equal(plain.alike.row, scaled.alike.row)
    assert np.allclose(plain.alike.cosine, scaled.alike.cosine, atol=1e-5)


# --- what goes with the numbers ---


@pytest.mark.parametrize(
    ("indices", "said"),
    [
        ([-1, 0, 1, 2, 3, 4], "index -1 is negative"),
        (np.arange(6, dtype=np.uint64) + 2**63, "go up to 9,223,372,036,854,775,813"),
        (np.zeros(6, bool), "are whole numbers, not bool"),
        (np.arange(6.0), "are whole numbers, not float64"),
        ([0, 1, 2, 3, 4, 10**30], "are whole numbers, not objects"),
        ([[0, 1], [2]], "not all of one length"),
        (np.ma.masked_array(np.arange(6), [1] + [0] * 5), "has 1 masked values"),
        (np.arange(6)[:, None], r"indices has shape \(6, 1\)"),
        ([], r"indices has shape \(0,\)"),
        (["0"] * 6, "are whole numbers, not texts"),
    ],
)
def test_indices_that_are_none(indices: npt.ArrayLike, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        Features.from_array(VALUES, name="x", indices=indices)


@pytest.mark.parametrize("dtype", [np.uint64, np.uint8, ">i4", np.int16])
def test_indices_of_any_width(dtype: npt.DTypeLike) -> None:
    found = Features.from_array(VALUES, indices=np.arange(6).astype(dtype)).indices
    assert found.dtype == np.int64
    assert found.tolist() == [*range(6)]
    assert whole_numbers(torch.arange(3), "indices").tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"log10_density": [np.nan] * 6}, "log10_density has NaN"),
        ({"log10_density": [0.5] * 6}, r"goes up to 0\.5, but the log10 .* numpy\.log10"),
        ({"log10_density": [np.inf] * 6}, "goes up to inf"),
        ({"log10_density": np.zeros(6, int)}, "holds int64; expected floating"),
        ({"log10_density": np.ma.masked_array(np.zeros(6), [1] * 6)}, "has 6 masked values"),
        ({"layer": 10**25}, "layer should be a whole number"),
        ({"layer": "3"}, "layer should be a whole number from 0 on, not '3'"),
        ({"layer": True}, "layer should be a whole number"),
        ({"neuronpedia": 7}, "neuronpedia should be a name, not 7"),
        ({"hook": ["a"]}, "hook should be a name"),
    ],
)
def test_what_is_said_of_a_bank(details: dict[str, object], said: str) -> None:
    with pytest.raises(UnembedError, match=said):
        Features.from_array(VALUES, name="x", **details)


def test_densities_as_they_are_published() -> None:
    density = [-np.inf, 0.0, 4.3e-11, -3.25, -10, -1]
    found = Features.from_array(VALUES, log10_density=density).log10_density
    assert found is not None
    assert np.array_equal(found, np.array(density, np.float32))


def test_what_is_made_without_from_array_passes_the_same_gate() -> None:
    with pytest.raises(WeightError, match="holds int64"):
        Features(torch.ones(2, 2, dtype=torch.int64), "x", np.arange(2))
    bank = Features(torch.from_numpy(VALUES), "x", np.arange(6))
    assert bank.W_dec.dtype == torch.float32


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (torch.full((16,), 1e-300, dtype=torch.float64), "final norm's weight: the largest number"),
        (torch.ones(16).to_sparse(), "final norm's weight is sparse"),
    ],
)
def test_weights_of_norms(weight: torch.Tensor, said: str) -> None:
    with pytest.raises(WeightError, match=said):
        FinalNorm("rmsnorm", weight)


@pytest.mark.parametrize(
    ("W_dec", "said"),
    [
        (
            torch.ones(2, 15),
            r"should be \[features, 16\], as wide as tiny, but has",
        ),
        (torch.full((2, 16), torch.nan), "2 of 2 directions hold NaN .* the first is row 0"),
    ],
)
def test_directions_given_to_a_sweep(
    W_dec: torch.Tensor, said: str, unembedding: Unembedding
) -> None:
    for given in (Sweep(unembedding).read, lambda each: logit_rows(unembedding, each)):
        with pytest.raises((ShapeError, WeightError), match=said):
            given(W_dec)


def test_a_sweep_of_nothing(unembedding: Unembedding) -> None:
    with pytest.raises(WeightError, match="no directions to read"):
        Sweep(unembedding).read(torch.ones(0, 16))
