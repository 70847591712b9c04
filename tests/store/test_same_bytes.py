"""A run is the same bytes whatever the number of threads and the tile, stopped or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.test_resume import contents
from unembed.store import Manifest

Asked = tuple[str, int, int, int]
"""Folder, tile, threads of torch and where to stop, as `same_bytes` has them."""

ONE_THREAD: list[Asked] = [("whole", 512, 0, 0), ("stopped", 64, 0, 384)]
SEVERAL: list[Asked] = [
    ("threads", 300, 0, 0), ("stopped", 256, 0, 0), ("told", 1, 4, 0), ("tile", 64, 1, 0),
]  # fmt: skip


def made(folder: Path, threads: int, asked: list[Asked]) -> None:
    """Make runs in one process whose libraries are given so many threads."""
    environment = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"),
        str(threads),
    )
    arguments = [str(each) for name, *rest in asked for each in (folder / name, *rest)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.same_bytes", *arguments],
        env=os.environ | environment, capture_output=True, text=True, check=False, timeout=300,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_threads_and_tiles_change_no_byte(tmp_path: Path) -> None:
    made(tmp_path, 1, ONE_THREAD)
    assert contents(tmp_path / "stopped").keys() < contents(tmp_path / "whole").keys()
    made(tmp_path, 2, SEVERAL)
    expected, digest = tables(tmp_path / "whole"), Manifest.load(tmp_path / "whole").digest
    for name in {name for name, *_ in SEVERAL}:
        found = tables(tmp_path / name)
        assert found == expected, [path for path in expected if found.get(path) != expected[path]]
        assert Manifest.load(tmp_path / name).digest == digest


def tables(folder: Path) -> dict[str, str]:
    """All but the manifest, in which the tile stands for information."""
    return {path: digest for path, digest in contents(folder).items() if path != "manifest.json"}
