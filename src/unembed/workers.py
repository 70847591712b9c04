"""Threads that each have torch to themselves, and compute the same whatever the others do.

How torch's libraries add up depends on how many threads they may use, and they ask the thread that
calls. A worker may use one, itself. So what is cut into jobs, by its shape alone, and given to
workers comes to the same bits on one thread and on many: only who makes which job, and when, is
left to chance.

Workers are few, wait without cost, and are kept. A job that has jobs of its own does them itself.
A program that answers several who ask at once has workers of its own, `new_workers`: what is small
they do themselves, and only what is large is spread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Barrier, Lock, local
from typing import TypeVar

import torch

Made = TypeVar("Made")

_FEWEST = 4
"""So that callers in several threads do not wait for one another where there is one core."""


def on_one_thread(make: Callable[[], Made]) -> Made:
    """Return what a function makes whose torch, and that of none else, has one thread."""
    return make() if _here.is_worker else _workers.submit([make])[0].result()


def threads() -> int:
    """Return how many threads torch would use here, were it asked itself."""
    return _here.threads or torch.get_num_threads()


def on_threads(jobs: Sequence[Callable[[], object]], threads: int) -> None:
    """Do jobs that do not depend on one another, each on one thread.

    An error of a job ends the others, and is raised. So does an interrupt.

    Args:
        jobs: in the order in which they are begun.
        threads: how many are done at once.
    """
    left, lock, inference = iter(jobs), Lock(), torch.is_inference_mode_enabled()

    def do() -> None:
        nonlocal left
        with torch.inference_mode(inference):
            while True:
                with lock:
                    job = next(left, None)
                if job is None:
                    return
                job()

    if _here.is_kept or (_here.is_worker and threads == 1):
        do()
        return
    doing = _workers.submit([do] * max(1, min(threads, len(jobs))))
    try:
        for each in doing:
            each.result()
    finally:
        with lock:
            left = iter(())
        wait(doing)


def over_rows(kernel: Callable[..., None], rows: int, at_once: int, *arguments: object) -> None:
    """Have a compiled kernel do all rows, on as many threads as torch has.

    Numba could spread its loops itself, but takes several times as long to compile them then.

    Args:
        kernel: called with the first row, the row where it stops, and the arguments; what it does
            of a row does not depend on the others.
        rows: how many there are.
        at_once: how many a thread takes at a time.
        *arguments: of the kernel.
    """
    most = threads()
    if most == 1 or rows <= at_once:
        kernel(0, rows, *arguments)
        return
    starts = range(0, rows, at_once)
    jobs = [partial(kernel, at, min(at + at_once, rows), *arguments) for at in starts]
    on_threads(jobs, most)


class _Here(local):
    """What is known of the present thread.

    Attributes:
        threads: of a worker, where torch has one: how many it would have otherwise.
        is_kept: whether it is a worker of those that `on_threads` spreads over.
    """

    threads: int | None = None
    is_kept = False

    @property
    def is_worker(self) -> bool:
        """Whether torch has one thread here."""
        return self.threads is not None


class _Workers:
    """Starts workers when they are first needed, and more when more are asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._count = 0
        self._pool: ThreadPoolExecutor | None = None

    def submit(self, jobs: Sequence[Callable[[], Made]]) -> list[Future[Made]]:
        """Have each job done by a worker, at the same time as far as there are cores."""
        with self._lock:
            if self._pool is None or self._count < min(len(jobs), os.cpu_count() or 1):
                before, self._count = self._pool, max(_FEWEST, len(jobs))
                self._pool = new_workers(self._count, "unembed", is_kept=True)
                if before is not None:
                    before.shutdown(wait=False)
            return [self._pool.submit(job) for job in jobs]


def new_workers(count: int, name: str, *, is_kept: bool = False) -> ThreadPoolExecutor:
    """Return workers for a caller's own jobs, all of them there.

    Args:
        count: how many.
        name: that their threads' names begin with.
        is_kept: whether they are those that `on_threads` spreads over.
    """
    before, all_there = torch.get_num_threads(), Barrier(count + 1)

    def begin() -> None:
        _here.threads, _here.is_kept = before, is_kept
        if _SETS_ONE_THREAD:
            torch.get_num_threads()  # or torch's first work here begins with what others have
            torch.set_num_threads(1)
        all_there.wait()

    pool = ThreadPoolExecutor(count, name)
    try:
        for _ in range(count):
            pool.submit(begin)
        all_there.wait()
    except BaseException:
        all_there.abort()
        raise
    if _SETS_ONE_THREAD:
        # a thread that begins has what any thread set last: give it what it would have had
        torch.set_num_threads(before)
    return pool


_SETS_ONE_THREAD = "backend: OpenMP" in torch.__config__.parallel_info()
"""Whether torch's threads can be set for one thread that calls it: only where OpenMP has them."""


def _fresh() -> None:
    global _workers
    _workers = _Workers()


_here = _Here()
_workers = _Workers()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh)  # threads do not live on in a forked process
