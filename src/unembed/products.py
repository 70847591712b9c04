"""Products of tensors in full precision, whatever the program around us allows.

A program may let torch make float32 products of narrower numbers: TF32 on NVIDIA's GPUs and
Intel's, bfloat16 on processors with AMX or on Arm, either under `torch.autocast`. That is right
for its training, and would change our third digit. So `product` and `add_product` are the only
way in this package to a product of tensors (`tests/test_products.py` holds every module to it).

What torch allows is one setting of the whole process, which its threads share. The first product
makes it strict, and the last one that is under way puts back what it found, so that products in
several threads do not undo one another's.
"""

from __future__ import annotations

from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple

import torch
from torch import Tensor

STRICT = "highest"
_NARROW = ("tf32", "bf16")


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Return a @ b, every number of it in the precision of its tensors.

    >>> product(torch.eye(2), torch.ones(2))
    tensor([1., 1.])

    Args:
        a: a matrix or a vector, on any device.
        b: the same, on that device and of that dtype.
        out: where to write it, if not into a new tensor.
    """
    with _strict, torch.autocast(a.device.type, enabled=False):
        return torch.matmul(a, b, out=out)


def add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    """Add a @ b to `total`, in its place.

    Args:
        total: [m, n] of the same dtype, on the same device.
        a: [m, k] a matrix.
        b: [k, n] another.
    """
    with _strict, torch.autocast(a.device.type, enabled=False):
        total.addmm_(a, b)


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
