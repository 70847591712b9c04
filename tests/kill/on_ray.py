"""Rounds on a Ray cluster of this machine, whose processes are ended at any moment."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

from tests.kill.rounds import SHARD, Inputs, Played, contents
from unembed.errors import UnembedError
from unembed.store import manifest as manifest_module


def play_on_ray(folder: Path, kills: int, seed: int = 0) -> Played:
    """Make a run again and again while processes of its cluster are ended, so often in all.

    Args:
        folder: empty.
        kills: processes that are ended.
        seed: decides when, and which.
    """
    manifest_module.SHARD_FEATURES = SHARD
    inputs, played, draw = Inputs.made(), Played(), random.Random(seed)
    inputs.analyze(folder / "whole")
    whole = contents(folder / "whole")
    started = time.monotonic()
    inputs.analyze(folder / "first", engine="ray")
    lasts = time.monotonic() - started
    while played.kills < kills:
        run = folder / f"run-{played.rounds}"
        with _ending(draw, played, kills, lasts):
            while not _made(inputs, run, played):
                played.count("given up, then taken on")
        if (found := contents(run)) != whole:
            names = {name for name in found | whole if found.get(name) != whole.get(name)}
            played.faults.append(f"round {played.rounds}: other bytes in {sorted(names)}")
        shutil.rmtree(run)
        played.rounds += 1
    return played


def _made(inputs: Inputs, run: Path, played: Played) -> bool:
    """Return whether a run was made: Ray gives up on a task whose processes are ended too often."""
    try:
        inputs.analyze(run, engine="ray")
    except UnembedError as error:
        if "Ray gave up" not in str(error):
            raise
        return False
    return True


@contextlib.contextmanager
def _ending(draw: random.Random, played: Played, kills: int, lasts: float) -> Iterator[None]:
    """End a process that works on a task now and then, until there were so many."""
    done = Event()

    def end() -> None:
        while played.kills < kills and not done.wait(draw.uniform(0, lasts)):
            if working := _working():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(draw.choice(working), signal.SIGKILL)
                    played.count("moment")

    ender = Thread(target=end)
    ender.start()
    try:
        yield
    finally:
        done.set()
        ender.join()


def _working() -> list[int]:
    """Return the processes that Ray has named after a task of ours."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            named = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            if named.startswith(b"ray::unembed"):
                found.append(int(entry.name))
    return sorted(found)
