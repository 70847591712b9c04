"""Rounds on a Ray cluster of this machine, whose processes are ended at any moment."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
from pathlib import Path
from threading import Event, Thread

from tests.kill.rounds import Inputs, Played, contents

LONGEST = 2.0
"""Seconds between two ends, at most: a task is given again some times, and not for ever."""


def play_on_ray(folder: Path, kills: int, seed: int = 0) -> Played:
    """Make a run again and again while processes of its cluster are ended, so often in all.

    Args:
        folder: empty.
        kills: processes that are ended.
        seed: decides when, and which.
    """
    inputs, played = Inputs.made(), Played()
    inputs.analyze(folder / "whole")
    whole, draw = contents(folder / "whole"), random.Random(seed)
    while played.ended.get("moment", 0) < kills:
        run = folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        with _ending(draw, played):
            inputs.analyze(run, engine="ray")
        if (found := contents(run)) != whole:
            names = {name for name in found | whole if found.get(name) != whole.get(name)}
            played.faults.append(f"round {played.rounds}: other bytes in {sorted(names)}")
        played.rounds += 1
    return played


@contextlib.contextmanager
def _ending(draw: random.Random, played: Played):
    """End a process that works on a task now and then."""
    done = Event()

    def end() -> None:
        while not done.wait(draw.uniform(0, LONGEST)):
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
            if entry.name.isdigit() and (entry / "cmdline").read_bytes().startswith(
                b"ray::unembed"
            ):
                found.append(int(entry.name))
    return sorted(found)
