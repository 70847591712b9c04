"""The pickle inside a torch file, read for where its tensors lie, never for anything else.

`torch.load(weights_only=True)` lets a pickle name its own functions that put tensors together,
storages, dtypes, and a few plain containers. The same names are let through here, and stand for
inert objects of this module: nothing of torch is called, and no bytes of a tensor are read.
"""

from __future__ import annotations

import pickle
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import IO, Any, ClassVar

import torch

from unembed.errors import FormatError, UnembedError
from unembed.load.tensors.torch_views import Storage, Unread, View, checked_view, shown
from unembed.outside.text import shown as readable

_LONGEST_NAME = 200
"""Characters that are told of the name of a class."""
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
        reason = repr(error)
        raise ValueError(f"its pickle is damaged ({reason:.300})") from error


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


class _Unpickler(pickle._Unpickler):
    """Python's unpickler, to which only the names of `_ALLOWED` mean something.

    The one that is written in Python: for a memo of number 2³¹ that in C asks for 34 GB.
    """

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch}
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]

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
        if (
            kind != "storage"
            or not isinstance(dtype, torch.dtype)
            or any(pid[5:])
            or not isinstance(key, str | int)
            or type(size) is not int
            or not 0 <= size < 1 << 62
        ):
            raise ValueError(f"it refers to {shown(pid)}")
        return self._storages.setdefault(str(key), Storage(str(key), dtype, size))

    def _set_items(self) -> None:
        """Take what stands behind the last mark for keys and values of what lies before it."""
        items = self.pop_mark()
        self.append(_with_items(self.stack.pop(), zip(items[::2], items[1::2], strict=True)))

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.append(_with_items(self.stack.pop(), [(key, value)]))

    def _new_dict(self) -> None:
        items = self.pop_mark()
        self.append(_with_items({}, zip(items[::2], items[1::2], strict=True)))

    def _add_items(self) -> None:
        items = self.pop_mark()
        found = self.stack[-1]
        if not isinstance(found, set):
            raise ValueError("it adds members to what is no set")
        found.update(map(_key, items))

    def _new_frozenset(self) -> None:
        self.append(frozenset(map(_key, self.pop_mark())))

    dispatch[pickle.SETITEMS[0]] = _set_items
    dispatch[pickle.SETITEM[0]] = _set_item
    dispatch[pickle.DICT[0]] = _new_dict
    dispatch[pickle.ADDITEMS[0]] = _add_items
    dispatch[pickle.FROZENSET[0]] = _new_frozenset


def _with_items(found: object, items: Iterable[tuple[object, object]]) -> object:
    """Return a table with some more items."""
    if not isinstance(found, dict):
        raise ValueError("it gives items to what is no table")
    for key, value in items:
        dict.__setitem__(found, _key(key), value)
    return found


def _key(key: Any) -> Any:
    """Return what is to be a key, or a set's member, if it is plain.

    A tuple that holds another twice, and so on, would be hashed without end.
    """
    inside = key if isinstance(key, tuple) else ()
    if isinstance(key, frozenset) or any(isinstance(each, tuple | frozenset) for each in inside):
        raise ValueError(f"a key is {shown(key)}")
    return key


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


def _ordered(items: Any = ()) -> dict[Any, Any]:
    pairs = items.items() if isinstance(items, dict) else items
    return OrderedDict((_key(key), value) for key, value in pairs)


def _counter(items: Any = ()) -> Counter[Any]:
    return Counter(items if isinstance(items, dict) else map(_key, items))


def _set(items: Any = ()) -> set[Any]:
    return {_key(each) for each in items}


def _bytes_array(content: Any = b"", encoding: str = "latin1") -> bytearray:
    if isinstance(content, str):
        content = _latin(content, encoding)
    if not isinstance(content, bytes | list):  # a number would mean so many zeros
        raise ValueError("bytes are made of what are none")
    return bytearray(content)


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
    ("collections", "OrderedDict"): _Stand(_ordered),
    ("collections", "Counter"): _Stand(_counter),
    ("builtins", "set"): _Stand(_set),
    ("builtins", "bytearray"): _Stand(_bytes_array),
    ("builtins", "complex"): complex,
    ("__builtin__", "set"): _Stand(_set),
    ("__builtin__", "bytearray"): _Stand(_bytes_array),
    ("__builtin__", "complex"): complex,
    ("_codecs", "encode"): _Stand(_latin),
}


def refused(place: str, name: object) -> FormatError:
    """Return the error for a file whose pickle names a class that is not let through."""
    return FormatError(
        f"{place} holds a pickled {readable(name, _LONGEST_NAME)}, which "
        "torch.load(weights_only=True) refuses, because unpickling it could run any program. Ask "
        "its owner for safetensors, or save its tensors alone: torch.save({name: tensor, …}, file)."
    )
