"""The side that asks: starts processes in which cases are tried, and ends what takes too long."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.seeds import Seed

ROOT = Path(__file__).parents[2]
_QUIET = {
    "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONFAULTHANDLER": "0",
}  # fmt: skip
_FOLDERS = {"HOME": "home", "UNEMBED_CACHE": "cache", "HF_HOME": "hub", "TMPDIR": "tmp"}


def _memory() -> str | None:
    """Return a folder that no disk is behind, if there is one: files are most of a case's time."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
        kind: `value` or `error`, as it should be; else what was wrong.
        said: the error, or what the process died of.
        seconds: of its processor.
        memory: bytes that the process held at most, beyond what it held before.
    """

    kind: str
    said: str
    seconds: float
    memory: int

    @property
    def is_fault(self) -> bool:
        """Whether it is neither a value nor an error that tells what to do."""
        return self.kind not in ("value", "error")


class Worker:
    """Tries cases in processes of its own, one after the other."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._pid: int | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="unembed-fuzz-", dir=_memory()))
        there, ask = os.pipe()
        answer, here = os.pipe()
        self._ask, self._answers = Connection(ask, readable=False), Connection(answer, True, False)
        environment = {**os.environ, **_QUIET, "PYTHONPATH": f"{ROOT}/src{os.pathsep}{ROOT}"}
        for name, folder in _FOLDERS.items():
            (self._folder / folder).mkdir()
            environment[name] = str(self._folder / folder)
        with (self._folder / "said").open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.trial", f"{there}", f"{here}", self._folder],
                cwd=ROOT, env=environment, pass_fds=(there, here), stdin=subprocess.DEVNULL,
                stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        os.close(there)
        os.close(here)

    def begin(self, reader: str, seeds: Mapping[str, Seed], seconds: float) -> None:
        """Get ready for the cases of a reader.

        Args:
            reader: its name.
            seeds: what cases are made from, by name.
            seconds: processor time that a case may take; twenty times as long by the clock.
        """
        if self._pid is not None:
            self._ask.send(None)
        self.seconds = seconds
        told = {name: (seed.files, seed.options) for name, seed in seeds.items()}
        self._ask.send((reader, told))
        self._pid = self._begun()

    def _begun(self) -> int:
        """Wait until a process is ready, and return its number."""
        if not self._answers.poll(300):
            raise RuntimeError(f"No process was ready in five minutes.\n{self.said}")
        try:
            what, value = self._answers.recv()
        except EOFError:
            raise RuntimeError(f"The process ended.\n{self.said}") from None
        if what != "ready":
            raise RuntimeError(f"A process could not begin: {value}\n{self.said}")
        return int(value)

    @property
    def said(self) -> str:
        """The end of what the processes printed."""
        return (self._folder / "said").read_text("utf-8", "replace")[-2000:]

    def tried(self, seed: str, files: Mapping[str, bytes | None]) -> Outcome:
        """Return what becomes of a seed with some of its files replaced, or left out (None)."""
        self._ask.send((seed, dict(files)))
        if not self._answered():
            assert self._pid is not None
            os.kill(self._pid, signal.SIGKILL)
            self._died()
            return Outcome("hang", "no answer", self.seconds, 0)
        what, value = self._answers.recv()
        if what == "died":
            self._pid = self._begun()
            return Outcome("crash", f"{value}: {self.said[-600:]}", 0.0, 0)
        outcome: Outcome = value
        if what == "last":
            self._died()
        if not outcome.is_fault and outcome.seconds > self.seconds:
            return Outcome("slow", outcome.said, outcome.seconds, outcome.memory)
        return outcome

    def _answered(self) -> bool:
        """Wait for an answer as long as a case may take: by its processor, or long by the clock.

        A machine that does other things makes the clock run fast.
        """
        started, before = time.monotonic(), self._used()
        while not self._answers.poll(self.seconds / 4):
            if self._used() - before > 1.5 * self.seconds:
                return False
            if time.monotonic() - started > 20 * self.seconds:
                return False
        return True

    def _used(self) -> float:
        """Return the processor's seconds that the process took so far."""
        try:
            told = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it died, and the next answer says so
            return 0.0
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def _died(self) -> None:
        """Wait for the word that a process is gone, and for the next one."""
        while self._answers.recv()[0] != "died":
            pass
        self._pid = self._begun()

    def close(self) -> None:
        """End the processes, and take their folder away."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._ask.close()
        self._answers.close()
        shutil.rmtree(self._folder, ignore_errors=True)
