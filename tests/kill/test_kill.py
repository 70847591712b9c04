"""A run that is ended at any moment, or loses a file, goes on and ends with the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLS = 20


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_rounds(tmp_path: Path) -> None:
    """In a process of its own, which has no threads that a fork would lose."""
    command = [sys.executable, "-m", "scripts.kill", "--kills", str(KILLS), "--json"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout, done.stderr
    played = json.loads(done.stdout)
    assert played["faults"] == []
    assert played["kills"] >= KILLS
    ended = played["ended"]
    assert {"moment", "call", "byte", "full", "two", "shares"} <= ended.keys()
    assert done.returncode == 0, done.stderr
