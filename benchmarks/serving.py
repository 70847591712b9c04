"""The explorer as benchmarks have it: the real command in a process of its own, and its memory."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stats import machine

__all__ = ["machine", "resident", "serving"]


@contextmanager
def serving(run: Path, source: Path | None = None) -> Iterator[tuple[str, int, float]]:
    """Run the real command; gives its address, its process and the seconds until it answered.

    Args:
        run: a finished run.
        source: the `src` folder of the checkout whose command it is, unless the one installed.
    """
    begin = time.perf_counter()
    command = [sys.executable, "-m", "unembed", "explore", run, "--no-browser", "--port", "0"]
    environment = {**os.environ, **({"PYTHONPATH": str(source)} if source else {})}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stderr
        found = re.search(r"http://[\d.:]+/", server.stderr.readline())
        assert found, server.stderr.read()
        try:
            yield found.group(), server.pid, time.perf_counter() - begin
        finally:
            server.send_signal(signal.SIGINT)


def resident(pid: int) -> float:
    """Return the memory that a process and its children hold, in GB, shared pages divided."""
    total, waiting = 0, [pid]
    while waiting:
        process = waiting.pop()
        try:
            pss = re.search(
                r"^Pss:\s+(\d+)", Path(f"/proc/{process}/smaps_rollup").read_text(), re.M
            )
            total += int(pss.group(1)) if pss else 0
            for task in Path(f"/proc/{process}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / 1e6
