"""Folders of tasks that may be ended at any moment: the next task clears what they leave."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = "unembed-task-"


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a new folder among the temporary ones, and delete it afterwards.

    A lock stands beside it, held from before it is made until it is gone: a folder whose lock is
    free was left by a process that was ended.
    """
    above = Path(tempfile.gettempdir())
    for left in filter(Path.is_dir, above.glob(f"{_PREFIX}*")):
        with suppress(Timeout, OSError), _held(left):  # by another task, or somebody else's
            pass
    folder = above / f"{_PREFIX}{secrets.token_hex(8)}"
    with _held(folder):
        folder.mkdir(mode=0o700)
        yield folder


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, and delete both in the end.

    Raises:
        Timeout: when a process holds it.
    """
    lock = FileLock(f"{folder}.lock", timeout=0)
    lock.acquire()
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        with suppress(OSError):
            Path(lock.lock_file).unlink()
