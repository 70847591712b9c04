"""A SLURM of one node, which is this machine: real daemons and a real queue, without systemd.

    python -m scripts.slurm_node start FOLDER [--cpus N]
    export SLURM_CONF=FOLDER/slurm.conf
    sinfo
    python -m scripts.slurm_node stop FOLDER

It wants Debian and root, and installs `slurm-wlm` and `munge` where they are missing. All that the
daemons write lies in the folder, which `stop` removes with whatever was still in the queue.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PACKAGES = {"slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "munged": "munge"}
"""Debian's packages, by the programs that they bring."""
DAEMONS = ("slurmd", "slurmctld", "munged")
"""In the order in which they are ended."""
PATIENCE = 60.0
"""Seconds that a daemon has to start or to end."""

_CONF = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire={expire}
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=2
MpiDefault=none
MailProg=/bin/true
SwitchType=switch/none
ReturnToService=2
JobRequeue=1
KillWait=2
MinJobAge=3600
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={megabytes} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
_EXPIRE = 5
"""Seconds; a job that is requeued waits so long, by default two minutes, before it starts again."""


def start(folder: Path, cpus: int | None = None) -> None:
    """Start the daemons, and wait until the node takes jobs.

    Args:
        folder: new or empty; the configuration becomes `slurm.conf` in it.
        cpus: of the node; default, this machine's.

    Raises:
        SystemExit: on another system than Debian, without root, or when a daemon does not start.
    """
    folder = folder.resolve()
    if os.geteuid() != 0:
        raise SystemExit("SLURM's daemons start jobs as their users: run this as root.")
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty: give a new folder, or stop what is in it.")
    _install()
    for each in (folder, folder / "state", folder / "spool"):
        each.mkdir(parents=True, exist_ok=True)
        each.chmod(0o755)  # munge serves a socket only where all may reach it
    conf = folder / "slurm.conf"
    port, node_port = _free_ports()
    conf.write_text(
        _CONF.format(
            host=socket.gethostname().split(".")[0],
            port=port,
            node_port=node_port,
            folder=folder,
            expire=_EXPIRE,
            cpus=cpus or os.cpu_count(),
            megabytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20,
        )
    )
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    try:
        _run("munged", f"--key-file={key}", f"--socket={folder}/munge.socket",
             f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log",
             f"--seed-file={folder}/munge.seed")  # fmt: skip
        _run("slurmctld", "-f", str(conf))
        _run("slurmd", "-f", str(conf))
        _wait(lambda: ask(conf, "sinfo", "--noheader", "--format=%T") == "idle", "node is idle")
    except BaseException:
        logs = "".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.log")))
        stop(folder)
        print(logs, file=sys.stderr)
        raise


def stop(folder: Path) -> None:
    """End what is in the queue, then the daemons, and remove the folder.

    Raises:
        SystemExit: when a job or a daemon does not end; the folder is left then.
    """
    folder = folder.resolve()
    conf = folder / "slurm.conf"
    if not conf.is_file():
        raise SystemExit(f"No SLURM was started in {folder}: it has no slurm.conf.")
    if _pid(folder, "slurmctld"):
        with contextlib.suppress(subprocess.CalledProcessError):  # one that does not answer
            jobs = ask(conf, "squeue", "--noheader", "--format=%A").split()
            if jobs:
                ask(conf, "scancel", *jobs)
            _wait(lambda: not ask(conf, "squeue", "--noheader"), "queue is empty")
    for daemon in DAEMONS:
        _end(folder, daemon)
    shutil.rmtree(folder)


@contextlib.contextmanager
def started(folder: Path, cpus: int | None = None) -> Iterator[Path]:
    """Give the configuration of a SLURM that runs as long as the context."""
    start(folder, cpus)
    try:
        yield folder.resolve() / "slurm.conf"
    finally:
        stop(folder)


def ask(conf: Path, *command: str) -> str:
    """Return what one of SLURM's commands prints.

    Raises:
        CalledProcessError: when it fails.
    """
    surroundings = {**os.environ, "SLURM_CONF": str(conf)}
    done = subprocess.run(command, env=surroundings, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _install() -> None:
    missing = {package for program, package in PACKAGES.items() if not shutil.which(program)}
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise SystemExit(f"Install {' and '.join(sorted(missing))}: there is no apt-get here.")
    # in runlevel 1 no service is started with its package
    surroundings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *sorted(missing)]):
        _run("apt-get", "-qq", *words, env=surroundings)


def _run(*command: str, env: dict[str, str] | None = None) -> None:
    """Run a program, and show what it says only when it fails.

    Raises:
        SystemExit: when it fails.
    """
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, text=True)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")


def _pid(folder: Path, daemon: str) -> int | None:
    """Return the number of a daemon's process while it runs, and is this folder's."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / f"{daemon}.pid").read_text())
        if str(folder) in Path(f"/proc/{pid}/cmdline").read_text():  # which is empty once it ended
            return pid
    return None


def _end(folder: Path, daemon: str) -> None:
    if pid := _pid(folder, daemon):
        os.kill(pid, signal.SIGTERM)
        _wait(lambda: not _pid(folder, daemon), f"{daemon} has ended")


def _wait(is_so: Callable[[], bool], what: str) -> None:
    """Wait until something is so.

    Raises:
        SystemExit: when it is not in time.
    """
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(subprocess.CalledProcessError):  # a daemon that does not answer
            if is_so():
                return
        time.sleep(0.2)
    raise SystemExit(f"Not within {PATIENCE:.0f} s: {what}.")


def _free_ports() -> tuple[int, int]:
    """Return two ports that nobody listens at."""
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def main() -> None:
    """Start a node, or stop it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("start", "stop"):
        command = commands.add_parser(name)
        command.add_argument("folder", type=Path)
        if name == "start":
            command.add_argument("--cpus", type=int, help="default, this machine's")
    options = parser.parse_args()
    if options.command == "stop":
        stop(options.folder)
    else:
        start(options.folder, options.cpus)
        print(f"export SLURM_CONF={options.folder.resolve()}/slurm.conf")


if __name__ == "__main__":
    main()
