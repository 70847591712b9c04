"""The one gate by which numbers from outside become a float32 tensor.

An array may be masked, of texts or of objects, its bytes in another machine's order, its rows of
different lengths; a tensor may be sparse, quantised or without values; and a number may be too
large or too small for float32, as which weights are kept. What is meant is taken as it is, and
whatever else would become other numbers is refused, with the row where it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unembed.errors import ShapeError, UnembedError, WeightError
from unembed.outside.limits import SPREAD_BYTES

_FLOAT32 = np.finfo(np.float32)
_EXPECTED = "expected floating point of 16 to 64 bits"
_ROWS_AT_ONCE = 4096

Row = Callable[[int], str]
"""What a row is called in an error."""


def float_tensor(
    values: object,
    what: str,
    *,
    row: Row = "row {}".format,
    error: type[UnembedError] = WeightError,
) -> Tensor:
    """Return numbers as a float32 tensor on the CPU, in C order, of the same shape.

    It shares memory with a tensor that is one already, and never with an array. NaN and infinite
    values stay what they are.

    >>> float_tensor([[1, 2]], "W_dec")
    tensor([[1., 2.]])

    Args:
        values: a tensor, an array or whatever NumPy makes one of, of floating point; or lists of
            Python's numbers, in which whole ones mean themselves.
        what: they are, as errors name it.
        row: what each row is called in errors.
        error: raised for values that are none.

    Raises:
        ShapeError: when lists are of different lengths.
        error: for values that are no numbers of floating point, or are masked, or lie in a layout
            that is not plain; for a row that float32 cannot hold.
    """
    return narrowed(plain_tensor(values, what, error=error), what, row=row, error=error)


def plain_tensor(
    values: object, what: str, *, copy: bool = True, error: type[UnembedError] = WeightError
) -> Tensor:
    """Return numbers as a plain tensor of floating point, on the device where they are.

    Args:
        values: as for `float_tensor`.
        what: they are, as errors name it.
        copy: whether the memory of an array is never shared.
        error: as for `float_tensor`.
    """
    if isinstance(values, Tensor):
        return _plain(values, what, error)
    array = _array(values, what, error)
    if array.dtype.kind not in "fV" or array.dtype.itemsize < 2 or array.dtype.names:
        raise error(f"{what} holds {_kind(array.dtype)}; {_EXPECTED}.{_advice(array.dtype.kind)}")
    if array.dtype.kind == "V":  # what JAX calls bfloat16 is a type of its own
        array = _bfloat16(array, what, error)
    _check_spread(array.size, any(s == 0 < n - 1 for s, n in _steps(array)), what, error)
    if array.dtype.itemsize > 8:
        array = _to_float64(array, what, error)
    native = array.dtype.newbyteorder("=")
    if copy or not array.flags.writeable:
        return torch.from_numpy(np.array(array, native, order="C", subok=False))
    return torch.from_numpy(np.require(array.view(np.ndarray), native, "C"))


def narrowed(
    tensor: Tensor,
    what: str,
    *,
    row: Row = "row {}".format,
    error: type[UnembedError] = WeightError,
) -> Tensor:
    """Return a plain tensor in float32, on the CPU, in C order.

    A row keeps float32's precision when its largest number is a normal one of float32: all that is
    lost below is less than the rounding of that number.

    Args:
        tensor: of floating point.
        what: it is, as errors name it.
        row: what each row is called in errors.
        error: as for `float_tensor`.

    Raises:
        error: when float32 cannot hold a row: its largest number is finite and becomes infinite, or
            is not 0 and becomes less than float32's smallest normal number.
    """
    if tensor.dtype != torch.float64:
        return tensor.to("cpu", torch.float32).contiguous()
    out = tensor.new_empty(tensor.shape, dtype=torch.float32)
    if not tensor.numel():
        return out
    rows, narrow = (each.reshape(1, -1) if each.ndim < 2 else each for each in (tensor, out))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        narrow[part] = rows[part].cpu()
        largest = rows[part].abs().flatten(1).amax(1).cpu()
        infinite = torch.isinf(narrow[part]).flatten(1).any(1)
        lost = infinite & torch.isfinite(largest) | (largest > 0) & (largest < _FLOAT32.tiny.item())
        if lost.any():
            at = int(torch.nonzero(lost)[0])
            raise error(
                f"{what}: the largest number of {row(start + at)} is {float(largest[at]):.3g}, and "
                f"weights are kept as float32, which holds {_FLOAT32.tiny:.1g} to "
                f"{_FLOAT32.max:.1g}. Multiply all of it by one number, which changes no rank and "
                "no z; a row that should be nothing, set to 0."
            )
    return out


def whole_numbers(values: npt.ArrayLike, what: str) -> npt.NDArray[np.int64]:
    """Return whole numbers as an int64 array of the same shape.

    >>> whole_numbers([3, 1], "indices")
    array([3, 1])

    Args:
        values: an array, a tensor or a sequence of integers of any width.
        what: they are, as errors name it.

    Raises:
        ShapeError: for anything else, truth values among it, and what int64 cannot hold.
    """
    given = values.detach().cpu() if isinstance(values, Tensor) else values
    array = _array(given, what, ShapeError)
    if not array.size and isinstance(values, list | tuple):
        return np.empty(array.shape, np.int64)
    if array.dtype.kind not in "iu":
        raise ShapeError(f"{what} are whole numbers, not {_kind(array.dtype)}.")
    largest = int(array.max()) if array.size else 0
    if largest > np.iinfo(np.int64).max:
        raise ShapeError(f"{what} go up to {largest:,}; the largest that can be kept is 2⁶³ − 1.")
    return np.array(array, np.int64, order="C", subok=False)


def _plain(tensor: Tensor, what: str, error: type[UnembedError]) -> Tensor:
    """Return a tensor as one that is nothing but its numbers."""
    found, advice = _strange(tensor)
    if found:
        raise error(f"{what} is {found}; expected a plain tensor. {advice}")
    if not tensor.is_floating_point() or tensor.element_size() < 2:
        kind = "c" if tensor.is_complex() else "i"
        dtype = str(tensor.dtype).removeprefix("torch.")
        raise error(f"{what} holds {dtype}; {_EXPECTED}.{_advice(kind)}")
    _check_spread(tensor.numel(), 0 in tensor.stride() and tensor.numel() > 1, what, error)
    return tensor.detach().as_subclass(Tensor).resolve_neg()


def _strange(tensor: Tensor) -> tuple[str, str]:
    """Return what a tensor is that is more than its numbers, and what to do; empty where none."""
    kind = type(tensor)
    if kind.__torch_dispatch__ is not Tensor.__torch_dispatch__:
        return f"a {kind.__module__}.{kind.__qualname__}", "Make a plain tensor of it first."
    if tensor.is_nested:
        return "a nested tensor", "Take one of its tensors, or pad them."
    if tensor.layout != torch.strided:
        return "sparse", "Call to_dense() on it."
    if tensor.is_quantized:
        return "quantised", "Call dequantize() on it."
    if tensor.is_meta:
        return "on the meta device, without values", "Load its values first."
    return "", ""


def _array(values: object, what: str, error: type[UnembedError]) -> npt.NDArray[Any]:
    """Return what NumPy makes of values, whole numbers in lists as floating point where asked."""
    if isinstance(values, np.ma.MaskedArray):
        masked = int(np.ma.getmaskarray(values).sum())
        if masked:
            raise error(
                f"{what} has {masked:,} masked values, which are no numbers. Fill them, or leave "
                "their rows out."
            )
        return np.asarray(values.data)
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError, OverflowError, MemoryError) as found:
        if isinstance(values, list | tuple) and "inhomogeneous" in str(found):
            raise ShapeError(f"{what}: its rows are not all of one length.") from found
        raise error(f"{what} cannot be read as an array of numbers: {found}.") from found
    if array.dtype == object and not array.ndim:
        raise error(f"{what} is a {type(values).__name__}, and no array of numbers.")
    listed = isinstance(values, list | tuple) and error is not ShapeError
    return array.astype(np.float64) if listed and array.dtype.kind in "iu" else array


def _kind(dtype: np.dtype[Any]) -> str:
    """Return what an array's values are, in a word."""
    words = {"O": "objects", "U": "texts", "S": "bytes", "M": "dates", "m": "spans of time"}
    return "records" if dtype.names else words.get(dtype.kind, dtype.name)


def _advice(kind: str) -> str:
    if kind in "iu":
        return " If whole numbers are meant as they are, and are no codes, convert them first."
    return " Take its real part." if kind == "c" else ""


def _bfloat16(array: npt.NDArray[Any], what: str, error: type[UnembedError]) -> npt.NDArray[Any]:
    if array.dtype.name != "bfloat16":
        raise error(f"{what} holds {array.dtype.name}; {_EXPECTED}.")
    return array.astype(np.float32)


def _to_float64(array: npt.NDArray[Any], what: str, error: type[UnembedError]) -> npt.NDArray[Any]:
    """Return wider floats as float64, which must hold them."""
    with np.errstate(over="ignore", under="ignore"):
        narrow = array.astype(np.float64)
    lost = np.isfinite(array) & ~np.isfinite(narrow) | (array != 0) & (narrow == 0)
    if lost.any():
        raise error(f"{what} holds {array[lost][0]}, which float64 cannot hold. Scale it first.")
    return narrow


def _steps(array: npt.NDArray[Any]) -> zip[tuple[int, int]]:
    return zip(array.strides, array.shape, strict=True)


def _check_spread(size: int, repeats: bool, what: str, error: type[UnembedError]) -> None:
    """Refuse a view that repeats a few numbers over more memory than anything real needs."""
    if repeats and 4 * size > SPREAD_BYTES:
        raise error(
            f"{what} repeats the same numbers {size:,} times, {4 * size / 1e9:,.1f} GB in all. "
            "Give each direction once."
        )
