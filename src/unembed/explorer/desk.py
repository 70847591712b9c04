"""Where answers are made: each once, a few at a time, and kept for whoever asks next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock

from unembed.explorer.limits import KEPT_BYTES, WORKERS
from unembed.recent import Recent
from unembed.workers import new_workers


class Desk:
    """Makes answers in threads of its own, so that the server can go on listening.

    An answer that several ask for is made once. The last used ones are kept, as bytes.

    Args:
        workers: how many are made at once.
        most: bytes of answers that are kept.
    """

    def __init__(self, workers: int = WORKERS, most: int = KEPT_BYTES) -> None:
        self._pool = new_workers(workers, "explorer")
        self._beside = new_workers(1, "explorer-ahead")
        self._kept = Recent[str, bytes](most, len)
        self._lock = Lock()
        self._made: dict[str, Future[bytes]] = {}
        self._ahead: Future[None] | None = None

    def known(self, path: str) -> bytes | None:
        """Return what a path answers, if it is kept."""
        return self._kept.known(path)

    async def answer(self, path: str, make: Callable[[], bytes]) -> bytes:
        """Return what a path answers.

        Raises:
            Exception: as `make` does.
        """
        with self._lock:
            made = self._made.get(path)
            if made is None:
                made = self._made[path] = self._pool.submit(self._kept.get, path, make)
                made.add_done_callback(lambda _: self._made.pop(path, None))
        return await asyncio.shield(asyncio.wrap_future(made))

    def begin(self, work: Callable[[], None]) -> None:
        """Do what helps later answers, beside them.

        Args:
            work: whose errors are passed over: what cannot be had is said when it is asked for.
        """
        self._ahead = self._beside.submit(work)

    @property
    def busy(self) -> bool:
        """Whether anything is being made."""
        return bool(self._made) or not (self._ahead is None or self._ahead.done())

    def close(self) -> None:
        """Begin no further answer; those that are being made come to their end by themselves."""
        for pool in (self._pool, self._beside):
            pool.shutdown(wait=False, cancel_futures=True)
