"""What the system may do to a command: signals, closed or full streams, no memory, no file."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

from unembed.errors import UnembedError

_LONGEST_PATH = 300
_ADVICE = {
    errno.ENAMETOOLONG: "Give a shorter name.",
    errno.EACCES: "Ask its owner for access, or give another path.",
    errno.EPERM: "Ask its owner for access, or give another path.",
    errno.EROFS: "Give a path that can be written to.",
    errno.ENOSPC: "Make room.",
    errno.EDQUOT: "Make room.",
    errno.EMFILE: "Allow more open files: ulimit -n 1024.",
    errno.ENFILE: "Allow more open files.",
    errno.ENOMEM: "Close other programs, or give less to do at once.",
}
"""What to do about what the system says."""


@contextmanager
def guarded() -> Iterator[None]:
    """Let a command run, and turn what the system does to it into one error or exit status.

    A signal that ends programs (SIGTERM, SIGHUP) ends it as Ctrl-C does, so that what was begun is
    put away; the status is 128 and its number, as shells have it. A reader that goes away, as
    `head` does, is no error.

    Raises:
        UnembedError: when the system refuses a file, memory, or standard output.
        SystemExit: with the command's status.
    """
    _open_missing()
    _check_place()
    with _signals() as received:
        try:
            yield
            _flush()
        except SystemExit as ended:
            _flush()
            if received and ended.code == 128 + signal.SIGINT:
                raise SystemExit(128 + received[-1]) from None
            raise
        except KeyboardInterrupt:
            raise SystemExit(128 + (received or [signal.SIGINT])[-1]) from None
        except MemoryError as error:
            raise UnembedError(
                "There is not enough memory. What is finished is kept; close other programs, or "
                "give less to do at once (a run's --tile)."
            ) from error
        except OSError as error:
            _flush()  # which says so, where standard output is what cannot be written to
            raise refused(error) from error
        except Exception:
            if received:  # a library took the interruption for an error of its own
                raise SystemExit(128 + received[-1]) from None
            raise
        if received:  # a server that ended as it should, because it was asked to
            raise SystemExit(128 + received[-1])


def refused(error: OSError) -> UnembedError:
    """Return the error for what the system refuses.

    Args:
        error: the system's.
    """
    what = "" if error.filename is None else f"{os.fsdecode(error.filename)}"
    shown = what if len(what) <= _LONGEST_PATH else f"{what[:_LONGEST_PATH]}…"
    advice = _ADVICE.get(error.errno or 0, "Mend that, and try again.")
    said = f" {shown}" if shown else ""
    return UnembedError(f"The system refuses{said}: {error.strerror or error}. {advice}")


def _check_place() -> None:
    """Check that the working directory is there: libraries that look for it may end the program."""
    try:
        Path.cwd()
    except OSError as error:
        raise UnembedError(
            "The working directory is gone, or may not be seen. Change to another one."
        ) from error


def _open_missing() -> None:
    """Put nothing in the place of standard streams that were closed.

    The next file that is opened would have their number else, and be what is written to.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 (for good)
            setattr(sys, name, stream)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Let signals that end programs interrupt this one; yield a list of those that came."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # nohup's stays
                before[number] = signal.signal(number, stop)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _flush() -> None:
    """Write out what is left of both streams.

    Raises:
        SystemExit: when the reader of standard output is gone.
        UnembedError: when standard output cannot be written to otherwise.
    """
    for stream in (sys.stderr, sys.__stderr__, sys.stdout, sys.__stdout__):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except OSError as error:
            _discard(stream)
            if stream in (sys.stderr, sys.__stderr__):
                continue
            if error.errno == errno.EPIPE:
                raise SystemExit(1) from None
            raise UnembedError(
                f"Standard output cannot be written to: {error.strerror or error}. What was "
                "printed is not complete."
            ) from error


def _discard(stream: IO[str] | None) -> None:
    """Let what is left in a stream, which cannot be written, go nowhere when the program ends."""
    with suppress(OSError, ValueError, AttributeError):
        assert stream is not None
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
