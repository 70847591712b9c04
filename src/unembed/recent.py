"""What was made lately is kept, up to a number of bytes; each thing is made once, by one thread."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Values by key, the last used of them kept.

    Who asks for a key that another thread is making waits for that one and gets what it gets, its
    error too; nobody waits for the maker of another key. Errors are not kept.

    >>> squares = Recent[int, int]()
    >>> squares.get(3, lambda: 9), squares.get(3, lambda: 0)
    (9, 9)

    Args:
        most: how many bytes all that is kept may have together; None for no limit. What has more
            by itself is not kept.
        size_of: the bytes of a value.
    """

    def __init__(
        self, most: int | None = None, size_of: Callable[[Value], int] = lambda value: 0
    ) -> None:
        self._most, self._size_of = most, size_of
        self._lock = Lock()
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._sizes: dict[Key, int] = {}
        self._made: dict[Key, Future[Value]] = {}
        self._bytes = 0

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return the value of a key, made unless it is kept or being made."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            being_made = self._made.get(key)
            if being_made is None:
                ours = self._made[key] = Future()
        if being_made is not None:
            return being_made.result()
        try:
            value = make()
        except BaseException as error:
            with self._lock:
                del self._made[key]
            ours.set_exception(error)
            raise
        with self._lock:
            del self._made[key]
            self._keep(key, value)
        ours.set_result(value)
        return value

    def known(self, key: Key) -> Value | None:
        """Return the value of a key if it is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep a value in the place of what is kept of its key."""
        with self._lock:
            self._keep(key, value)

    @property
    def bytes(self) -> int:
        """How many bytes are kept."""
        return self._bytes

    def _keep(self, key: Key, value: Value) -> None:
        if key in self._kept:
            self._drop(key)
        size = self._size_of(value)
        if self._most is not None and size > self._most:
            return
        self._kept[key], self._sizes[key] = value, size
        self._bytes += size
        while self._most is not None and self._bytes > self._most:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        del self._kept[key]
        self._bytes -= self._sizes.pop(key)
