"""The pickle inside a torch file, read for where its tensors lie, never for anything else.

`torch.load(weights_only=True)` lets a pickle name its own functions that put tensors together,
storages, dtypes, and a few plain containers. The same names are let through here, and stand for
inert objects of this module: nothing of torch is called, and no bytes of a tensor are read.
"""

from __future__ import annotations

import pickle
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import IO, Any

import torch

from unembed.errors import FormatError, UnembedError
from unembed.load.tensors.torch_views import Storage, Unread, View, checked_view

_STORAGES = {
    "DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool, "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128, "UntypedStorage": torch.uint8,
}  # fmt: skip


class RefusedError(Exception):
    """The pickle names something that weights never need."""


def unpickle(file: IO[bytes], count: int) -> tuple[list[object], dict[str, Storage]]:
    """Return what the next pickles of a file hold, and all storages that they refer to.

    In place of tensors stand a `View` or `Unread`.

    Args:
        file: from its place on; it is left behind the last pickle.
        count: how many pickles.

    Raises:
        RefusedError: with the name of a class that torch refuses too.
        ValueError: when one is damaged.
    """
    storages: dict[str, Storage] = {}
    try:
        return [_Unpickler(file, storages).load() for _ in range(count)], storages
    except (RefusedError, UnembedError):
        raise
    except Exception as error:  # whatever a damaged pickle stumbles over
        raise ValueError(f"its pickle is damaged ({error!r})") from error


class _Stand:
    """What a name in a pickle stands for: it can be called, and not be changed."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., object]) -> None:
        object.__setattr__(self, "_call", call)

    def __call__(self, *arguments: object) -> object:
        call: Callable[..., object] = self._call  # type: ignore[attr-defined]
        return call(*arguments)

    def __setstate__(self, state: object) -> None:
        raise ValueError("a function has no state")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


class _Unpickler(pickle.Unpickler):
    """Python's unpickler, to which only the names of `_ALLOWED` mean something."""

    def __init__(self, file: IO[bytes], storages: dict[str, Storage]) -> None:
        super().__init__(file, encoding="utf-8")
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        found = _ALLOWED.get((module, name))
        if found is not None:
            return found
        if module in ("torch", "torch.cuda", "torch.storage") and name in _STORAGES:
            return _STORAGES[name]
        dtype = getattr(torch, name, None) if module == "torch" else None
        if isinstance(dtype, torch.dtype):
            return dtype
        raise RefusedError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Storage:
        kind, dtype, key, _location, size = pid[:5]
        if kind != "storage" or not isinstance(dtype, torch.dtype) or any(pid[5:]):
            raise ValueError(f"it refers to {pid!r}")
        return self._storages.setdefault(str(key), Storage(str(key), dtype, int(size)))


def _view(
    storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> View:
    return checked_view(storage, storage.dtype, offset, shape, strides)


def _view_of_bytes(
    storage: Storage,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    _requires_grad: bool,
    _hooks: object,
    dtype: torch.dtype,
    *_: object,
) -> View:
    return checked_view(storage, dtype, offset, shape, strides)


def _first(value: object, *_: object) -> object:
    return value


def _of_type(function: _Stand, _type: object, arguments: tuple[object, ...], _state: object) -> Any:
    if not isinstance(function, _Stand):
        raise ValueError("a tensor is put together by something else than a function")
    return function(*arguments)


def _latin(text: str, encoding: str = "latin1") -> bytes:
    """Bytes, as old pickles write them."""
    if encoding not in ("latin1", "latin-1"):
        raise ValueError(f"bytes are written as {encoding}")
    return text.encode("latin1")


def _unread(kind: str) -> _Stand:
    return _Stand(lambda *_: Unread(kind))


def _no_call(*_: object) -> object:
    raise ValueError("a class is called that should only be named")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor"): _Stand(_view),
    ("torch._utils", "_rebuild_tensor_v2"): _Stand(_view),
    ("torch._utils", "_rebuild_tensor_v3"): _Stand(_view_of_bytes),
    ("torch._utils", "_rebuild_parameter"): _Stand(_first),
    ("torch._utils", "_rebuild_parameter_with_state"): _Stand(_first),
    ("torch._tensor", "_rebuild_from_type_v2"): _Stand(_of_type),
    ("torch._utils", "_rebuild_sparse_tensor"): _unread("sparse"),
    ("torch._utils", "_rebuild_qtensor"): _unread("quantised"),
    ("torch._utils", "_rebuild_meta_tensor_no_storage"): _unread("without values"),
    ("torch._utils", "_rebuild_nested_tensor"): _unread("nested"),
    ("torch._utils", "_rebuild_wrapper_subclass"): _unread("of a class of its own"),
    ("torch._utils", "_rebuild_device_tensor_from_numpy"): _unread("another device's"),
    ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"): _Stand(_first),
    ("torch.serialization", "_get_layout"): _Stand(str),
    ("torch", "Size"): _Stand(lambda sizes=(): tuple(sizes)),
    ("torch", "device"): _Stand(lambda *parts: ":".join(map(str, parts))),
    ("torch", "Tensor"): _Stand(_no_call),
    ("torch.nn.parameter", "Parameter"): _Stand(_no_call),
    ("torch.storage", "TypedStorage"): _Stand(_no_call),
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "Counter"): Counter,
    ("builtins", "set"): set,
    ("builtins", "bytearray"): bytearray,
    ("builtins", "complex"): complex,
    ("__builtin__", "set"): set,
    ("__builtin__", "bytearray"): bytearray,
    ("__builtin__", "complex"): complex,
    ("_codecs", "encode"): _Stand(_latin),
}


def refused(place: str, name: object) -> FormatError:
    """Return the error for a file whose pickle names a class that is not let through."""
    return FormatError(
        f"{place} holds a pickled {name}, which torch.load(weights_only=True) refuses, because "
        "unpickling it could run any program. Ask its owner for safetensors, or save its tensors "
        "alone: torch.save({name: tensor, …}, file)."
    )
