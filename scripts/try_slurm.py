"""Try the recipe of docs/machines.md on a real SLURM, end its tasks at random, compare the bytes.

    python -m scripts.try_slurm --tasks 4 --ends 10

As root, on Debian: `scripts/slurm_node.py` starts SLURM on this machine. The demo's model is
analysed by one process, then by a job array whose tasks are killed, cancelled, requeued, and lose
their node; those that SLURM does not requeue are submitted again, as the page says. The run must
end with the same bytes.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from scripts.slurm_node import ask, started
from tests.kill.rounds import contents
from unembed.demo import MODEL, SAE

PAGE = Path(__file__).parents[1] / "docs" / "machines.md"
RECIPE = re.compile(r"```bash\n(#!/bin/bash\n.*?)```", re.DOTALL)
WORDS = [str(MODEL), str(SAE), "mlp:20,29", "--sets", "post", "--directions", "200"]
"""What is analysed: three banks, one of them of two shards."""

HOWS = {
    "killed": "by SIGKILL",
    "cancelled": "by scancel",
    "requeued": "by scontrol requeue",
    "lost": "by the loss of the node",
}
"""How a task is ended. SLURM puts it back into the queue after the latter two."""
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE"}
BY_SIGKILL = (128 + signal.SIGKILL) << 8
"""The status of a script whose last program was ended by SIGKILL."""


class Task(NamedTuple):
    """How a task of an array stands.

    Attributes:
        name: `ARRAY_TASK`.
        number: in the array.
        job: its own number.
        state: SLURM's word.
        status: that its script ended with, as `wait` gives it.
    """

    name: str
    number: str
    job: str
    state: str
    status: int

    @property
    def failed_by_itself(self) -> bool:
        """Whether it ended badly though nobody ended it."""
        good = self.state in ("COMPLETED", "CANCELLED")
        return not good and (self.state, self.status) != ("FAILED", BY_SIGKILL)


@dataclass
class Trial:
    """A run that an array makes.

    Attributes:
        conf: SLURM's configuration.
        folder: for the script, logs and the run.
        tasks: in the array.
        arrays: numbers of the arrays that were submitted, the first one whole.
        ended: how many tasks were ended, by how.
        faults: tasks that ended badly though nobody ended them.
    """

    conf: Path
    folder: Path
    tasks: int
    arrays: list[str] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def submit(self, tasks: str) -> str:
        """Submit tasks of the array and a check behind them, as the page says; return its job."""
        if self.arrays:
            os.environ["SHARDS"] = str(self.tasks)
        array = self._sbatch(f"--array={tasks}", "--cpus-per-task=1", "--mem=2G",
                             f"--output={self.folder}/%x-%A_%a.log",
                             str(self.folder / "run.sbatch"), *WORDS,
                             "-o", str(self.folder / "run"))  # fmt: skip
        self.arrays.append(array)
        return self._sbatch(f"--dependency=afterany:{array}",
                            f"--output={self.folder}/unembed-check-%j.log",
                            "--wrap", f"unembed check {self.folder}/run")  # fmt: skip

    def _sbatch(self, *words: str) -> str:
        return ask(self.conf, "sbatch", "--parsable", f"--chdir={self.folder}", *words)

    def states(self) -> list[Task]:
        """Return how each task stands; of one that was submitted again, only the last."""
        last = {}
        for array in self.arrays:
            for line in self._listed(
                "JobArrayID:|,ArrayTaskID:|,JobID:|,State:|,exit_code:|", array
            ):
                name, number, job, state, status, _ = line.split("|")
                last[number] = Task(name, number, job, state, int(status))
        return list(last.values())

    def state_of(self, job: str) -> str:
        """Return how a job stands that is no array."""
        (state,) = self._listed("State:|", job)
        return state.rstrip("|")

    def _listed(self, what: str, job: str) -> list[str]:
        return ask(self.conf, "squeue", "--states=all", "--array", "--noheader",
                   f"--Format={what}", f"--jobs={job}").splitlines()  # fmt: skip

    def end_one(self, how: str, task: Task) -> None:
        """End a task that runs; the loss of the node ends all."""
        try:
            if how == "killed":
                self._kill(task)
            elif how == "cancelled":
                ask(self.conf, "scancel", task.name)
            elif how == "requeued":
                ask(self.conf, "scontrol", "requeue", task.name)
            else:
                node = ask(self.conf, "sinfo", "--noheader", "--format=%n")
                lost = (f"NodeName={node}", "State=DOWN", "Reason=tried")
                ask(self.conf, "scontrol", "update", *lost)
        except (subprocess.CalledProcessError, ProcessLookupError):
            return  # it ended by itself meanwhile
        self.ended[how] += 1

    def _kill(self, task: Task) -> None:
        """End what a task's script has started, as a system does that runs out of memory."""
        _, (script, *_), *others = map(
            str.split, ask(self.conf, "scontrol", "listpids", task.job).splitlines()
        )
        if not others:
            raise ProcessLookupError(script)
        for pid, *_ in others:
            os.kill(int(pid), signal.SIGKILL)


def play(trial: Trial, ends: int, lasts: float, chance: random.Random) -> str:
    """Submit the array, end tasks until enough were, and return how the last check ended."""
    check = trial.submit(f"1-{trial.tasks}")
    left = ends
    while True:
        time.sleep(chance.uniform(0, lasts / 2) if left else 1)
        tasks = trial.states()
        if ENDED.issuperset([*(task.state for task in tasks), trial.state_of(check)]):
            again = [task for task in tasks if task.state != "COMPLETED"]
            if not again:
                return trial.state_of(check)
            trial.faults += [f"{task.name} {task.state}" for task in again if task.failed_by_itself]
            check = trial.submit(",".join(task.number for task in again))
        running = [task for task in tasks if task.state == "RUNNING"]
        if left and running:
            trial.end_one(list(HOWS)[left % len(HOWS)], chance.choice(running))
            left -= 1


def main() -> int:
    """Return the exit status."""
    options = _options()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    (recipe,) = RECIPE.findall(PAGE.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="unembed-slurm-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "run.sbatch").write_text(recipe, encoding="utf-8")
        begun = time.monotonic()
        subprocess.run(["unembed", "run", *WORDS, "-o", str(folder / "whole")], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        lasts = time.monotonic() - begun
        with started(folder / "slurm", options.cpus) as conf:
            trial = Trial(conf, folder, options.tasks)
            checked = play(trial, options.ends, lasts, random.Random(options.seed))
        found, whole = contents(folder / "run"), contents(folder / "whole")
        other = sorted(n for n in found.keys() | whole.keys() if found.get(n) != whole.get(n))
        ended = ", ".join(f"{trial.ended[how]} {what}" for how, what in HOWS.items())
        print(f"{options.tasks} tasks, ended {ended}; {len(trial.arrays)} times submitted")
        print(f"the last check {checked}; {len(whole)} files, {len(other)} of them different")
        if other or trial.faults or checked != "COMPLETED":
            logs = [log.read_text() for log in sorted(folder.glob("*.log"))]
            print(*other, *trial.faults, *logs, sep="\n")
            return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--tasks", type=int, default=4, help="in the array")
    parser.add_argument("--ends", type=int, default=10, help="times that a task is ended")
    parser.add_argument("--cpus", type=int, help="of the node; default, this machine's")
    parser.add_argument("--seed", type=int, default=0, help="decides when, which and how")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
