"""Try the recipe of docs/machines.md on a real SLURM, end its tasks at random, compare the bytes.

    python -m scripts.try_slurm --tasks 4 --ends 10

As root, on Debian: `scripts/slurm_node.py` starts SLURM on this machine. The demo's model is
analysed by one process, then by a job array whose tasks are killed, requeued, and lose their node;
those that SLURM does not requeue are submitted again, as the page says. The run must end with the
same bytes.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from scripts.slurm_node import ask, started
from tests.kill.rounds import contents
from unembed.demo import MODEL, SAE

PAGE = Path(__file__).parents[1] / "docs" / "machines.md"
RECIPE = re.compile(r"```bash\n(#!/bin/bash\n.*?)```", re.DOTALL)
WORDS = [str(MODEL), str(SAE), "mlp:20,29", "--sets", "post", "--directions", "200"]
"""What is analysed: three banks, one of them of two shards."""

HOWS = {
    "killed": "ended by `scancel --signal=KILL`, and submitted again",
    "requeued": "ended by `scontrol requeue`",
    "lost": "ended by the loss of the node, and requeued by SLURM",
}
KILLED = "CANCELLED"
"""How a task that was killed stands, until it is submitted again."""
ENDED = {"COMPLETED", "FAILED", KILLED, "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE"}


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

    def states(self) -> dict[str, str]:
        """Return how each task stands, by `ARRAY_TASK`; of one submitted again, only the last."""
        last = {}
        for array in self.arrays:
            for line in self._listed("%K %i %T", array):
                number, name, state = line.split()
                last[number] = name, state
        return dict(last.values())

    def state_of(self, job: str) -> str:
        """Return how a job stands that is no array."""
        (state,) = self._listed("%T", job)
        return state

    def _listed(self, what: str, job: str) -> list[str]:
        return ask(self.conf, "squeue", "--states=all", "--array", "--noheader",
                   f"--format={what}", f"--jobs={job}").splitlines()  # fmt: skip

    def end_one(self, how: str, task: str) -> None:
        """End a task that runs; the loss of the node ends all."""
        command: tuple[str, ...]
        if how == "killed":
            command = ("scancel", "--signal=KILL", "--full", task)
        elif how == "requeued":
            command = ("scontrol", "requeue", task)
        else:
            (node,) = set(ask(self.conf, "sinfo", "--noheader", "--format=%n").split())
            command = ("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=tried")
        try:
            ask(self.conf, *command)
        except subprocess.CalledProcessError:
            return  # it ended by itself meanwhile
        self.ended[how] += 1


def play(trial: Trial, ends: int, lasts: float, chance: random.Random) -> str:
    """Submit the array, end tasks until enough were, and return how the last check ended."""
    check = trial.submit(f"1-{trial.tasks}")
    left = ends
    while True:
        time.sleep(chance.uniform(0, lasts / 4) if left else 1)
        states = trial.states()
        if ENDED.issuperset([*states.values(), trial.state_of(check)]):
            failed = {name: state for name, state in states.items() if state != "COMPLETED"}
            if not failed:
                return trial.state_of(check)
            trial.faults += [f"{name} {failed[name]}" for name in failed if failed[name] != KILLED]
            check = trial.submit(",".join(name.partition("_")[2] for name in failed))
        running = [name for name, state in states.items() if state == "RUNNING"]
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
        print(f"{options.tasks} tasks, {len(trial.arrays)} times submitted;",
              *(f"{trial.ended[how]} {what};" for how, what in HOWS.items()))  # fmt: skip
        print(f"the last check {checked}; {len(whole)} files, {len(other)} of them different")
        if other or trial.faults or checked != "COMPLETED":
            print(
                *other,
                *trial.faults,
                *(log.read_text() for log in sorted(folder.glob("*.log"))),
                sep="\n",
            )
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
