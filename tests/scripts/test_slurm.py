"""The SLURM recipe of the page, as the shell runs it; `make slurm` tries it on SLURM itself."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

from scripts.try_slurm import PAGE, RECIPE
from unembed.cli import app


def called(folder: Path, **variables: str) -> list[str]:
    """The words that the recipe gives `unembed`, in a task with these variables."""
    (recipe,) = RECIPE.findall(PAGE.read_text(encoding="utf-8"))
    (folder / "run.sbatch").write_text(recipe)
    (folder / "unembed").write_text('#!/bin/bash\nprintf "%q " "$@" "$OMP_NUM_THREADS"\n')
    (folder / "unembed").chmod(0o755)
    task = {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "SLURM_CPUS_PER_TASK": "4",
        "SLURM_ARRAY_TASK_ID": "3",
        "SLURM_ARRAY_TASK_COUNT": "8",
    }
    command = ["bash", "-u", folder / "run.sbatch", "gpt2", "a b.npy", "-o", "out"]
    done = subprocess.run(command, env=task | variables, check=True, capture_output=True, text=True)
    return shlex.split(done.stdout)


def test_a_task_makes_its_share(tmp_path: Path) -> None:
    command, *words, threads = called(tmp_path)
    assert (command, threads) == ("run", "4")
    run: Any = typer.main.get_command(app)
    context = run.commands["run"].make_context("run", list(words))
    assert words[-1] == context.params["shard"] == "3/8"
    assert words[:2] == ["gpt2", "a b.npy"]


@pytest.mark.parametrize("count", ["1", "2"])
def test_one_that_is_submitted_again_alone_makes_the_same_share(tmp_path: Path, count: str) -> None:
    assert called(tmp_path, SLURM_ARRAY_TASK_COUNT=count, SHARDS="8")[-2] == "3/8"
