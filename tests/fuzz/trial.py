"""The side that tries: little memory, no network, and nothing written elsewhere.

One process imports everything once and forks another that tries cases until it dies of one or has
tried many; then it forks the next. `worker` sees both through one pipe.

    python -m tests.fuzz.trial FROM TO FOLDER
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import shutil
import sys
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.everything import import_everything
from tests.fuzz.worker import Outcome

MEMORY = 1 << 30
"""Bytes that a case may take beyond what its process took before."""
TRIED = 20_000
"""Cases after which a process makes way for a fresh one."""
LONGEST_MESSAGE = 4000
"""Characters of an error that can still be read."""
_DONE = 77
"""The exit status of a process that is asked no more."""


def main() -> None:
    """Import everything, then fork a process that tries cases, again and again."""
    asked, answers = Connection(int(sys.argv[1]), True, False), Connection(int(sys.argv[2]), False)
    folder = Path(sys.argv[3])
    import_everything()
    reader, seeds = asked.recv()
    gc.freeze()
    while True:
        pid = os.fork()
        if not pid:
            _Trial(reader, seeds, folder, answers).serve(asked)
        _, status = os.waitpid(pid, 0)
        number = os.waitstatus_to_exitcode(status)
        if number == _DONE:
            reader, seeds = asked.recv()
            continue
        answers.send(("died", f"signal {-number}" if number < 0 else f"exit status {number}"))


class _Trial:
    """The process in which cases are tried."""

    def __init__(self, reader: str, seeds: Any, folder: Path, answers: Connection) -> None:
        from tests.fuzz.readers import READERS, Lab

        self.seeds, self.folder, self.answers = seeds, folder, answers
        self.lab, self.read = Lab(folder / "lab"), READERS[reader]
        self.outside = folder / "outside"
        self.forbidden: list[str] = []
        self.is_strict = False

    def serve(self, asked: Connection) -> None:
        """Try what is asked for, until there is nothing more."""
        shutil.rmtree(self.lab.folder, ignore_errors=True)
        shutil.rmtree(self.outside, ignore_errors=True)
        self.outside.mkdir()
        (self.outside / "x").write_text("mine")
        for number, name in enumerate(self.seeds):  # what is imported, compiled, kept for good
            self._outcome(name, {}, -number)
        sys.addaudithook(self._audit)
        limit = _status("VmData") + MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        self.answers.send(("ready", os.getpid()))
        for number in range(1, TRIED + 1):
            asked_for = asked.recv()
            if asked_for is None:
                os._exit(_DONE)
            seed, files = asked_for
            outcome = self._outcome(seed, files, number)
            self.answers.send(("last" if number == TRIED else "tried", outcome))
        os._exit(0)

    def _outcome(self, seed: str, files: dict[str, bytes | None], number: int) -> Outcome:
        """Return what becomes of one case; its folder is gone afterwards."""
        whole, options = self.seeds[seed]
        here = self.folder / "cases" / f"{number}"
        _lay(here, whole | files)
        os.chdir(here)
        self.forbidden.clear()
        _forget_peak()
        before, self.is_strict = _status("VmRSS"), True
        started = time.process_time()
        kind, said = self._called(here, options)
        seconds, self.is_strict = time.process_time() - started, False
        memory = max(_status("VmHWM") - before, 0)
        if self.forbidden:
            kind, said = "outside", "; ".join(self.forbidden[:3])
        elif (beside := [each.name for each in self.outside.iterdir()]) != ["x"]:
            kind, said = "outside", f"a neighbouring folder holds {beside}"
        os.chdir(self.folder)
        shutil.rmtree(here, ignore_errors=True)
        return Outcome(kind, said[:2000], seconds, memory)

    def _called(self, here: Path, options: dict[str, Any]) -> tuple[str, str]:
        """Return whether a reader returns or raises as it should, and what it says."""
        from unembed import UnembedError

        try:
            self.read(self.lab, here, options)
        except UnembedError as error:
            return _told(str(error))
        except MemoryError as error:
            return "memory", f"{error!r}"
        except BaseException as error:  # no exception of another kind is right
            at = _place(error)
            return type(error).__name__, f"{str(error)[:500]} at {at}"
        return "value", ""

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note what is written elsewhere, and what is asked of the network or another program."""
        if not self.is_strict:
            return
        if event == "open":
            path, _, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            if writes and not isinstance(path, int):
                self._check(event, path)
        elif event in _CHANGES:
            for path in arguments[:2]:
                if isinstance(path, str | bytes | os.PathLike):
                    self._check(event, path)
        elif event == "subprocess.Popen" and arguments[1][:4] == _REGEX:
            return  # what matches a file's regular expressions
        elif event in ("socket.connect", "subprocess.Popen", "os.system", "os.exec", "os.fork"):
            self.forbidden.append(f"{event} {arguments[-1:]!r:.200}")

    def _check(self, event: str, path: Any) -> None:
        whole = os.path.realpath(os.fsdecode(path))
        free = ("cases", "cache", "hub", "tmp", "lab")
        if whole == os.devnull or any(whole.startswith(f"{self.folder}/{each}") for each in free):
            return
        self.forbidden.append(f"{event} {whole}")


_REGEX = [sys.executable, "-I", "-S", "-c"]
_CHANGES = (
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate",
    "os.chmod", "os.chown", "shutil.rmtree", "shutil.move",
)  # fmt: skip


def _told(message: str) -> tuple[str, str]:
    """Return whether an error can be read: some text, not too long, and nothing but text."""
    odd = sorted({each for each in message if _is_odd(each)})
    if odd:
        return "unprintable", f"{odd[:5]!r} in {message[:500]!r}"
    if not message.strip() or len(message) > LONGEST_MESSAGE:
        return "unreadable", f"{len(message):,} characters: {message[:300]}"
    return "error", message


def _is_odd(each: str) -> bool:
    """Whether a character moves the cursor, colours the terminal or is none."""
    return (each < " " and each != "\n") or "\x7f" <= each < "\xa0" or "\ud800" <= each <= "\udfff"


def _place(error: BaseException) -> str:
    """Return the last line of the package that an exception passed."""
    at, found = error.__traceback__, "?"
    while at is not None:
        name = at.tb_frame.f_code.co_filename
        if f"{os.sep}unembed{os.sep}" in name:
            found = f"{name.rsplit('/src/')[-1]}:{at.tb_lineno}"
        at = at.tb_next
    return found


def _lay(folder: Path, files: Mapping[str, bytes | None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if content is None:
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _status(field: str) -> int:
    """Return a figure of this process in bytes."""
    with Path("/proc/self/status").open() as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main()
