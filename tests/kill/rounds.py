"""A round: a run ended several times, then finished, and held against one that nobody ended.

Whoever plays them has few threads and computes nothing itself, so that a fork is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numba
import torch

import unembed
from tests.everything import import_everything
from tests.kill.arrangement import HOWS, Arrangement, Attempt
from unembed import (
    EnrichmentSettings,
    Features,
    TokenSets,
    Unembedding,
    Vocabulary,
    analyze,
    analyze_share,
)
from unembed.store import manifest as manifest_module
from unembed.store.folder import LOCK

SHARD = 16
"""Features in a shard, so that a small run has several."""
SHARES = 3
"""Programs that make one run together."""
_BESIDE = ("two", "shares")
"""Attempts of which one is ended beside others that are not."""
DONE, REFUSED, SURPRISED = 0, 3, 4
"""How an attempt ends that nobody ended: finished, an `UnembedError`, anything else."""
ROOM = 64 << 20


@dataclass(frozen=True)
class Inputs:
    """What the run is made of: two banks, token sets, every table that there is."""

    unembedding: Unembedding
    banks: list[Features]
    sets: TokenSets

    @classmethod
    def made(cls) -> Inputs:
        random = torch.Generator().manual_seed(0)
        texts = Vocabulary.from_texts([f"t{i}" for i in range(300)])
        W_U = torch.randn(300, 8, generator=random)
        banks = [
            Features.from_array(torch.randn(count, 8, generator=random), name=name, layer=layer)
            for name, count, layer in (("a", 40, 0), ("b", 20, 1))
        ]
        ids = {"some": range(0, 300, 7), "few": [5, 9, 11, 20], "none": [1]}
        return cls(
            unembed.prepare_unembedding(W_U, texts, name="tiny"),
            banks,
            TokenSets.from_ids(ids, texts),
        )

    def analyze(
        self,
        folder: Path,
        *,
        overwrite: bool = False,
        share: unembed.Share | None = None,
        engine: str | None = None,
    ) -> None:
        """Make the run, or a share of it, or finish it."""
        few = EnrichmentSettings(directions=100, max_q=1.0)
        options: dict[str, Any] = {"token_sets": self.sets, "enrichment": few}
        if share:
            analyze_share(share, self.unembedding, self.banks, folder, **options)
        else:
            options |= {"overwrite": overwrite, "engine": engine}
            analyze(self.unembedding, self.banks, folder, **options)


@dataclass
class Played:
    """What happened in rounds.

    Attributes:
        ended: attempts by how they were ended, and those that got to their end first.
        faults: what should not have happened, with the round's number.
    """

    ended: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    rounds: int = 0

    @property
    def kills(self) -> int:
        """How many attempts did not get to their end."""
        return sum(self.ended.get(how, 0) for how in HOWS)

    def count(self, what: str) -> None:
        self.ended[what] = self.ended.get(what, 0) + 1


class Table:
    """Plays rounds in a folder.

    Args:
        folder: empty.
        small: a file system with little room, mounted; None where none can be.
    """

    def __init__(self, folder: Path, small: Path | None = None) -> None:
        manifest_module.SHARD_FEATURES = SHARD
        torch.set_num_threads(1)
        import_everything()  # once, and not in each attempt
        numba.njit(_nothing)()  # which takes up its compiler, and starts no threads
        self.folder, self.small = folder, small
        self.inputs = Inputs.made()
        for _ in range(2):  # once to compile, once to see how long it takes
            shutil.rmtree(folder / "whole", ignore_errors=True)
            started = time.monotonic()
            assert self._wait(self._started(folder / "whole", 1)) == DONE, self.said
            self.lasts = time.monotonic() - started
        self.whole = contents(folder / "whole")
        self.largest = max(path.stat().st_size for path in (folder / "whole").rglob("*"))
        self.calls = int((folder / "calls").read_text())

    def play(self, number: int, arranged: Arrangement, played: Played) -> None:
        """Play one round, and note in `played` what happened."""
        run = (self.small if self._wants_little(arranged) else self.folder) / f"run-{number}"
        harmed = False
        for attempt in arranged.attempts:
            status = self._attempt(run, attempt)
            ended = status != DONE or attempt.how in _BESIDE
            played.count(attempt.how if ended else "finished")
            if status == SURPRISED or (status == REFUSED and not (_may_refuse(attempt) or harmed)):
                played.faults.append(f"round {number}, {attempt}: {self.said}")
            if self._harm(run, attempt):
                played.count(f"then {attempt.then}")
                harmed = harmed or attempt.then in ("cut", "flipped")
        self._finish(run, number, arranged, played)
        shutil.rmtree(run, ignore_errors=True)
        played.rounds += 1

    # --- one attempt ---

    def _attempt(self, run: Path, attempt: Attempt) -> int:
        """Return how an attempt ended: a status, or the signal as a negative number."""
        if attempt.how == "moment":
            return self._wait(self._started(run, attempt.threads), attempt.at, attempt.signal)
        if attempt.how == "call":
            return self._wait(self._started(run, attempt.threads, call=attempt))
        if attempt.how == "byte":
            return self._wait(self._started(run, attempt.threads, bytes_=self._bytes(attempt)))
        if attempt.how == "full":
            return self._full(run, attempt)
        if attempt.how == "shares":
            return self._shares(run, attempt)
        other = self._started(run, attempt.threads)
        status = self._wait(self._started(run, 1), attempt.at, attempt.signal)
        return min(status, self._wait(other))

    def _shares(self, run: Path, attempt: Attempt) -> int:
        """Let several make a share each, end one of them at a moment, and wait for the others."""
        shares = [unembed.Share(number, SHARES) for number in range(1, SHARES + 1)]
        began = [self._started(run, attempt.threads, share=share) for share in shares]
        status = self._wait(began.pop(attempt.which % SHARES), attempt.at, attempt.signal)
        others = [self._wait(each) for each in began]
        return SURPRISED if min(others) < DONE else max([status, *others])

    def _full(self, run: Path, attempt: Attempt) -> int:
        """Let an attempt meet a disk that is full, and free it again."""
        if self.small is None or run.parent != self.small:
            here = self._started(run, attempt.threads, bytes_=self._bytes(attempt), refuse=True)
            return self._wait(here)
        filler = self.small / "filler"
        left = shutil.disk_usage(self.small).free - int(attempt.at * 2 * self.largest) - 4096
        with contextlib.suppress(OSError), filler.open("wb") as file:
            file.write(bytes(max(left, 0)))
        status = self._wait(self._started(run, attempt.threads))
        filler.unlink()
        return status

    def _bytes(self, attempt: Attempt) -> int:
        return int(attempt.at * self.largest)

    def _wants_little(self, arranged: Arrangement) -> bool:
        return self.small is not None and any(each.how == "full" for each in arranged.attempts)

    def _started(
        self,
        run: Path,
        threads: int,
        *,
        call: Attempt | None = None,
        bytes_: int | None = None,
        refuse: bool = False,
        overwrite: bool = False,
        share: unembed.Share | None = None,
    ) -> int:
        """Start an attempt in a process of its own, and return its number."""
        pid = os.fork()
        if pid:
            return pid
        status = SURPRISED
        try:
            os.setpgid(0, 0)
            for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
                signal.signal(each, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            torch.set_num_threads(threads)
            counted = _Calls(call, self.calls if call else 0)
            sys.addaudithook(counted)
            if bytes_ is not None:
                kept = signal.SIG_IGN if refuse else signal.SIG_DFL
                signal.signal(signal.SIGXFSZ, kept)
                resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
            try:
                self.inputs.analyze(run, overwrite=overwrite, share=share)
                status = DONE
            except unembed.UnembedError as error:
                status = REFUSED
                self._say(str(error))
            if run.name == "whole":
                (self.folder / "calls").write_text(str(counted.seen))
        except BaseException as error:  # told to whoever reads the round
            with contextlib.suppress(BaseException):
                self._say(f"{type(error).__name__}: {error}")
        finally:
            os._exit(status)

    def _say(self, text: str) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE))
        with contextlib.suppress(OSError):
            (self.folder / "said").write_text(text[:2000])

    @property
    def said(self) -> str:
        """What the last attempt that ended by itself said."""
        path = self.folder / "said"
        return path.read_text() if path.is_file() else "(nothing)"

    def _wait(self, pid: int, at: float | None = None, number: int = 0) -> int:
        """Wait for a process, ended by a signal after a part of the time that a run takes."""
        if at is not None:
            time.sleep(at * self.lasts)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status)

    # --- between attempts, and the last one ---

    def _harm(self, run: Path, attempt: Attempt) -> bool:
        """Take away or damage one finished table; return whether there was one."""
        files = [path for path in sorted(run.rglob("*")) if _is_table(path)]
        if attempt.then == "nothing" or not files:
            return False
        path = files[attempt.which % len(files)]
        content = path.read_bytes()
        at = attempt.which // len(files) % max(len(content), 1)
        if attempt.then == "gone":
            path.unlink()
        elif attempt.then == "cut":
            path.write_bytes(content[:at])
        else:
            bit = 1 << attempt.which % 8
            path.write_bytes(content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :])
        return True

    def _finish(self, run: Path, number: int, arranged: Arrangement, played: Played) -> None:
        """Finish a run, and hold its files against those of one that nobody ended."""
        status = self._wait(self._started(run, arranged.threads))
        harmed = any(each.then in ("cut", "flipped") for each in arranged.attempts)
        if status == REFUSED and harmed:  # what is damaged may be named instead of made again
            played.count("named, then made anew")
            status = self._wait(self._started(run, arranged.threads, overwrite=True))
        if status != DONE:
            played.faults.append(f"round {number}, {arranged}: ended with {status}: {self.said}")
            return
        found = contents(run)
        if found != self.whole:
            names = sorted(
                name
                for name in found.keys() | self.whole.keys()
                if found.get(name) != self.whole.get(name)
            )
            played.faults.append(f"round {number}, {arranged}: other bytes in {names}")


def _nothing() -> None:
    pass


class _Calls:
    """An audit hook that counts what is done to files, and ends the process before one of them."""

    def __init__(self, attempt: Attempt | None, among: int) -> None:
        self.seen = 0
        self.signal = attempt.signal if attempt else 0
        self.last = int(attempt.at * among) if attempt else -1

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in _TOUCHING or (event == "open" and not _writes(arguments)):
            return
        if self.seen == self.last:
            os.kill(os.getpid(), self.signal)
        self.seen += 1


_TOUCHING = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")


def _writes(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _may_refuse(attempt: Attempt) -> bool:
    """Whether an attempt may end in an error: a full disk, or another one is writing."""
    return attempt.how in ("full", "two")


def _is_table(path: Path) -> bool:
    return path.is_file() and path.suffix in (".parquet", ".npy")


def contents(folder: Path) -> dict[str, str]:
    """Return the digests of a folder's files, less the lock, which filelock may leave."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != LOCK
    }


@contextlib.contextmanager
def little_room(folder: Path) -> Iterator[Path | None]:
    """Give a small file system in memory, where one can be mounted."""
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "unembed-kill", str(folder)]
    mounted = False
    if shutil.which("mount") and os.geteuid() == 0:
        mounted = subprocess.run(options, check=False, capture_output=True).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)
