"""Products of tensors: in full precision, and to the same bits on any number of threads.

A program may let torch make float32 products of narrower numbers: TF32 on NVIDIA's GPUs and
Intel's, bfloat16 on processors with AMX or on Arm, either under `torch.autocast`. That is right
for its training, and would change our third digit. A library of products may also add up in
another order where it has more threads, or fewer rows, which changes the last digit. So `product`
is the only way in this package to a product of tensors (`tests/test_products.py` holds every module
to it), `cholesky` to their roots and `solve_lower` back, `orthonormal` to a basis of what they
span, and `eigh` to their eigenvectors.

What torch allows is one setting of the whole process, which its threads share. The first product
makes it strict, and the last one that is under way puts back what it found, so that products in
several threads do not undo one another's.

On the CPU a product is made in blocks of fixed shape, each by one call on one thread
(`unembed.workers`), and the blocks are spread over as many threads as the caller has for torch. So
a block is always the result of the same call, whoever makes it and when. A caller that has its rows
in parts gets the same bits as from one product of them all where each part but the last is of a
multiple of `ROWS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unembed.workers import on_one_thread, on_threads, threads

STRICT = "highest"
_NARROW = ("tf32", "bf16")

ROWS = 128
"""Rows of a block: as many as keep the product at full speed. No caller need have fewer at once."""
_COLUMNS = 512
"""Columns of a block, which stay in a core's cache while it takes all rows with them."""
_WORTH_SPREADING = 2**26
"""Multiplications from which a product is made on several threads: some 30 ms on one."""
_ROWS_AT_ONCE = 8192
"""Rows of which `product_by_rows` makes a copy at once."""
_LIFTS = (0.0, 1e-15, 1e-14, 1e-13, 1e-12)
_ALIGNMENT = 64
"""Bytes at whose multiples memory begins: elsewhere a library may begin its sums otherwise."""

Float = TypeVar("Float", np.float32, np.float64)

_torchs_order: ContextVar[bool] = ContextVar("torchs_order", default=False)


@contextmanager
def in_torchs_order() -> Iterator[None]:
    """Have torch add up as it likes: products whole, sums by its own, as for runs of schema 1.

    What it likes depends on the processor and its threads. This is here so that weights of such a
    run have their hash again.
    """
    token = _torchs_order.set(True)
    try:
        yield
    finally:
        _torchs_order.reset(token)


@contextmanager
def strictly(device: str) -> Iterator[None]:
    """Have all products within made in the precision of their tensors, another library's too.

    Args:
        device: where they are made: `cpu`, `cuda`.
    """
    with _strict, torch.autocast(device, enabled=False):
        yield


def sums(values: Tensor, axis: int) -> Tensor:
    """Return the sums along an axis in float64; torch's own depend on its threads.

    Args:
        values: on the CPU; float64, or for sums down the columns float32, each widened as it is
            added.
        axis: which one.
    """
    if _torchs_order.get():
        return values.double().sum(axis)
    return torch.from_numpy(values.numpy().sum(axis, dtype=np.float64))


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Return a @ b, every number of it in the precision of its tensors.

    >>> product(torch.eye(2), torch.ones(2))
    tensor([1., 1.])

    Args:
        a: a matrix or a vector, on any device.
        b: the same, on that device and of that dtype.
        out: where to write it, if not into a new tensor.
    """
    if a.device.type != "cpu" or _torchs_order.get():
        with _strict, torch.autocast(a.device.type, enabled=False):
            return torch.matmul(a, b, out=out)
    a, b = laid_out(a), laid_out(b)
    _check(a, b)
    if out is None:
        out = a.new_empty((*a.shape[:-1], *b.shape[1:]))
    _make(a, b, out)
    return out


def product_by_rows(rows: Tensor, matrix: Tensor) -> Tensor:
    """Return rows @ matrix in the matrix's dtype, some rows at a time.

    Args:
        rows: [F, d] of any floating point, on the matrix's device; no copy of all is made.
        matrix: [d, k].
    """
    found = matrix.new_empty(len(rows), matrix.shape[1])
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE].to(matrix.dtype)
        found[start : start + len(part)] = product(part, matrix)
    return found


def array_product(a: npt.NDArray[Float], b: npt.NDArray[Float]) -> npt.NDArray[Float]:
    """Return a @ b of arrays; NumPy's own depends on threads, too."""
    found: npt.NDArray[Float] = product(
        *(torch.from_numpy(np.require(each, None, "W")) for each in (a, b))
    ).numpy()
    return found


def eigh(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the eigenvalues of a symmetric matrix, rising, and its eigenvectors, by one thread.

    Args:
        matrix: [d, d] on the CPU; what lies above the diagonal is not read.
    """
    matrix = laid_out(matrix)
    values, vectors = on_one_thread(lambda: torch.linalg.eigh(matrix))
    return values, vectors


def cholesky(matrix: Tensor) -> Tensor:
    """Return a lower triangular L with L Lᵀ = matrix, by one thread.

    It takes a small part of what `eigh` does. A matrix that has no inverse (Σ behind a LayerNorm)
    is lifted by the least multiple of the identity, of those tried, that lets it be factored: 1e-15
    to 1e-12 of its trace. Directions that it does not see get less from that than from rounding the
    root to float32.

    Args:
        matrix: [d, d] on the CPU, float64, symmetric, with no negative eigenvalue but by rounding.
    """
    matrix = laid_out(matrix)
    size = float(matrix.diagonal().sum())
    for lift in _LIFTS:
        lifted = matrix.clone()
        lifted.diagonal().add_(lift * size)
        root: Tensor
        root, failed = on_one_thread(partial(torch.linalg.cholesky_ex, lifted))
        if not failed:
            return root
    raise RuntimeError("A matrix of squares has an eigenvalue that is far below zero.")


def solve_lower(root: Tensor, right: Tensor) -> Tensor:
    """Return x with root @ x = right, by one thread.

    Args:
        root: [d, d] on the CPU, lower triangular, with no zero on its diagonal.
        right: [d, k] of the same dtype.
    """
    root, right = laid_out(root), laid_out(right)
    found: Tensor = on_one_thread(lambda: torch.linalg.solve_triangular(root, right, upper=False))
    return found


def orthonormal(columns: Tensor) -> Tensor:
    """Return orthonormal columns that span the same as the first of some, and so on, by one thread.

    Of random normal columns they are uniformly distributed (Mezzadri 2007): signs are those that
    make the triangular factor's diagonal positive.

    Args:
        columns: [d, k] on the CPU, k up to d, independent.
    """
    columns = laid_out(columns)
    q, r = on_one_thread(lambda: torch.linalg.qr(columns))
    found: Tensor = q * r.diagonal().sign()
    return found


def sum_of(values: Tensor) -> float:
    """Return the sum of all values; torch's own depends on its threads.

    Args:
        values: on the CPU, float64.
    """
    return float(values.numpy().sum())


def lengths(rows: Tensor) -> Tensor:
    """Return [n] the Euclidean length of each row in float64, the same on any processor.

    NumPy adds up in one order, and nothing else here is rounded twice.

    Args:
        rows: [n, d]; on a GPU torch adds up.
    """
    wide = rows.detach().double()
    if wide.device.type != "cpu" or _torchs_order.get():
        of_each: Tensor = torch.linalg.vector_norm(wide, dim=1)
        return of_each
    array = wide.numpy()
    return torch.from_numpy(np.sqrt((array * array).sum(1)))


def laid_out(tensor: Tensor) -> Tensor:
    """Return a tensor whose memory says nothing of where it came from: dense, and aligned.

    Products take care of it themselves. What many are made of is better laid out once.
    """
    tensor = tensor.detach()
    if not tensor.is_contiguous() and not (tensor.ndim == 2 and tensor.T.is_contiguous()):
        tensor = tensor.contiguous()
    return tensor.clone() if tensor.data_ptr() % _ALIGNMENT else tensor


def _make(a: Tensor, b: Tensor, out: Tensor) -> None:
    """Make a product of tensors on the CPU, in blocks of which each is one call on one thread."""
    if a.ndim == 1:
        a, out = a[None], out[None]
    rows = _pieces(len(a), ROWS)
    columns = _pieces(b.shape[1], _COLUMNS) if b.ndim == 2 else [slice(None)]

    def block(row: slice, column: slice) -> None:
        right, place = (b[:, column], out[row, column]) if b.ndim == 2 else (b, out[row])
        torch.matmul(a[row], right, out=place)

    jobs = [partial(block, row, column) for column in columns for row in rows]
    work = out.numel() * a.shape[-1]
    with _strict:
        on_threads(jobs, threads() if work >= _WORTH_SPREADING else 1)


def _pieces(length: int, size: int) -> list[slice]:
    return [slice(at, at + size) for at in range(0, length, size)]


def _check(a: Tensor, b: Tensor) -> None:
    if a.ndim not in (1, 2) or b.ndim not in (1, 2) or a.shape[-1] != b.shape[0]:
        raise RuntimeError(f"There is no product of {list(a.shape)} and {list(b.shape)}.")


class Precision(NamedTuple):
    """What torch allows in float32 products.

    Attributes:
        legacy: `torch.get_float32_matmul_precision()`; None where torch refuses to say because
            the settings below were made, and differ.
        matmul: `fp32_precision` of each backend's products, what it inherits included. From
            torch 2.9 on these decide, before there are none.
        onednn: whether TF32 is allowed on Intel's GPUs, which none of the others knows of.
    """

    legacy: str | None
    matmul: tuple[str, ...]
    onednn: bool

    @classmethod
    def now(cls) -> Precision:
        """What is set at present."""
        try:
            legacy = torch.get_float32_matmul_precision()
        except RuntimeError:
            legacy = None
        matmul = tuple(backend.fp32_precision for backend in _backends())
        return cls(legacy, matmul, bool(getattr(torch.backends.mkldnn, "allow_tf32", False)))

    @property
    def is_strict(self) -> bool:
        """Whether every float32 product is made in float32."""
        narrow = self.onednn or any(each in _NARROW for each in self.matmul)
        return not narrow and self.legacy in (STRICT, None)

    def tighten(self) -> None:
        """Allow nothing but float32. Whatever is strict already is left as it is."""
        if self.legacy not in (STRICT, None):
            torch.set_float32_matmul_precision(STRICT)
        for backend in _backends():
            if backend.fp32_precision in _NARROW:
                backend.fp32_precision = "ieee"
        if self.onednn:
            _set_onednn(False)

    def restore(self) -> None:
        """Set all of it again."""
        if self.legacy not in (STRICT, None):
            torch.set_float32_matmul_precision(self.legacy)
        for backend, precision in zip(_backends(), self.matmul, strict=True):
            backend.fp32_precision = "none"  # as it inherits, and inherits again
            if backend.fp32_precision != precision:
                backend.fp32_precision = precision
        if self.onednn:
            _set_onednn(True)


def _backends() -> list[Any]:
    """The products of those backends whose precision can be set one by one."""
    found = [getattr(each, "matmul", None) for each in (torch.backends.cuda, torch.backends.mkldnn)]
    return [each for each in found if hasattr(each, "fp32_precision")]


def _set_onednn(allowed: bool) -> None:
    torch.backends.mkldnn.allow_tf32 = allowed  # type: ignore[assignment]


class _Strict:
    """Keeps torch strict while any thread is inside.

    What the program sets while we are inside counts: it is made strict for the next product, and
    it is what stands in the end.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._found: Precision | None = None

    def __enter__(self) -> None:
        with self._lock:
            precision = Precision.now()
            if not precision.is_strict:
                self._found = precision
                precision.tighten()
            self._inside += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside or self._found is None:
                return
            found, self._found = self._found, None
            if Precision.now().is_strict:
                found.restore()


_strict = _Strict()
