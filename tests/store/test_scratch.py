"""Folders of tasks: gone when a task is done, and soon after one that was ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from unembed.analysis.scratch import scratch

ENDED = """
import os, signal
from unembed.analysis.scratch import scratch

with scratch() as folder:
    (folder / "run").mkdir()
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_it_is_there_until_the_task_is_done(temporary: Path) -> None:
    with scratch() as one:
        (one / "file").write_text("kept")
        with scratch() as other:
            assert one != other
            assert list(other.iterdir()) == []
        assert not other.exists()
        assert (one / "file").read_text() == "kept", "it is held"
        with pytest.raises(ValueError, match="told"), scratch():
            raise ValueError("told")
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no process can be ended so")
def test_what_an_ended_task_left_is_cleared(temporary: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDED], stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert (Path(done.stdout.strip()) / "run").is_dir()
    (temporary / "unembed-task-plain").write_text("somebody's file")
    with scratch():
        assert not Path(done.stdout.strip()).exists()
    assert [path.name for path in temporary.iterdir()] == ["unembed-task-plain"]
