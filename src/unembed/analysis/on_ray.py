"""The units of a run as tasks of a Ray cluster, on this machine or on others (extra `ray`).

This program holds the run's folder, and alone writes to it. A task is sent the files that its unit
reads, makes the unit in a folder of its own, and sends back the files that it made, which carry
their hashes. So no other machine need see the folder, and a task that is lost is given again.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unembed.analysis.engine import RAY
from unembed.analysis.job import Job
from unembed.analysis.scratch import scratch
from unembed.analysis.units import Bench, Units
from unembed.errors import UnembedError
from unembed.progress import Progress
from unembed.recent import Recent
from unembed.store.atomic import write_atomically
from unembed.store.enrichment import count_paths
from unembed.store.files import RunFiles
from unembed.store.folder import claim
from unembed.store.kept import is_whole
from unembed.store.manifest import Shard
from unembed.store.missing import Missing
from unembed.sweep.device import enough_memory
from unembed.version import __version__

RETRIES = 5
"""Times that a task is given again whose process or machine was lost."""
_AHEAD = 2
"""Tasks for each processor that Ray is given at a time, so that none waits for us."""


_MOST_SENT = 8
"""Sets of files that are held for tasks to come: those of the last few banks."""
_SAID = {"count": "Direction test", "prepare": "Banks prepared", "sweep": "Features"}


class Unit(NamedTuple):
    """A unit of a run (`analysis.units`).

    Attributes:
        step: what of a bank is made.
        bank: the bank's place in the run.
        shard: that is counted or swept; None for what all shards share.
    """

    step: Literal["count", "prepare", "sweep"]
    bank: int
    shard: Shard | None = None

    def made(self, files: RunFiles) -> tuple[str, ...]:
        """Return the files that the unit makes."""
        if self.shard is None:
            of_bank = files.of_bank(files.manifest.names[self.bank])
            return of_bank.all[len(of_bank.counts) :]
        return count_paths(self.shard.path) if self.step == "count" else files.of_shard(self.shard)

    def read(self, files: RunFiles) -> tuple[str, ...]:
        """Return the files that it reads, of the units before it."""
        if self.step == "count":
            return ()
        of_bank = files.of_bank(files.manifest.names[self.bank])
        if self.step == "prepare":
            return of_bank.counts
        return (*of_bank.counts, *of_bank.smallest, *of_bank.null)

    def make(self, units: Units) -> None:
        """Make its files."""
        if self.shard is None:
            units.prepare(self.bank, _unheard)
        elif self.step == "count":
            units.count(self.bank, [self.shard], [], _unheard)
        else:
            units.sweep(self.shard, _unheard)


def make_on_ray(job: Job, folder: Path, address: str, progress: Progress) -> None:
    """Make what is missing of a run, by tasks of a Ray cluster.

    Args:
        job: what the run is made from.
        folder: of the run, which this program holds.
        address: `ray` for the cluster that RAY_ADDRESS names or that runs on this machine, or else
            for one that is started; a cluster's own, such as `ray://head:10001`.
        progress: told what is done, unit by unit.

    Raises:
        UnembedError: when Ray is not installed, no cluster is at the address, its machines have
            another version of this package, or it gives up.
    """
    Units(Bench(job), folder).write_shared()
    if missing := Missing.of(folder, job.manifest, list(job.manifest.shards())):
        with _cluster(address) as ray:
            _Driver(ray, job, folder, progress).make(missing)


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Give Ray, connected to a cluster, and leave that again unless somebody else had joined it."""
    try:
        import ray
    except ImportError as error:
        raise UnembedError(
            "Ray is not installed. Install it on every machine: pip install 'unembed[ray]'"
        ) from error
    if joined := ray.is_initialized():
        if address != RAY:
            raise UnembedError(
                f"This program has joined a Ray cluster already: say {RAY!r} for that one, or "
                f"leave it (ray.shutdown()) before {address!r} is joined."
            )
    else:
        _join(ray, address)
    try:
        with redirect_stdout(sys.stderr):  # Ray prints what became of processes
            yield ray
    finally:
        if not joined:
            ray.shutdown()


def _join(ray: Any, address: str) -> None:
    """Join a cluster, or start one; what a signal to this program does stays as it is.

    Raises:
        UnembedError: when there is none at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would call home
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # those of units that nobody awaits
    ends = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            None if address == RAY else address, include_dashboard=False, log_to_driver=False,
            logging_level=logging.ERROR,
        )  # fmt: skip
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise UnembedError(
            f"No Ray cluster can be reached at {address!r}: {_line_of(error, 0)} "
            "Start one (`ray start --head`), or say `ray` for one on this machine."
        ) from error
    finally:
        if ends is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ends)


class _Driver:
    """Gives units to a cluster, each when those before it are done, and keeps what comes back."""

    def __init__(self, ray: Any, job: Job, folder: Path, progress: Progress) -> None:
        self._ray = ray
        self._job = job
        self._folder = folder
        self._files = RunFiles(job.manifest)
        self._progress = progress
        self._sent_job = _put(ray, job)
        self._sent = Recent[tuple[str, ...], Any](_MOST_SENT, lambda sent: 1)
        self._done: dict[str, list[int]] = {}
        gpus = int(job.settings.device.startswith("cuda"))
        if ray.cluster_resources().get("GPU", 0) < gpus:
            raise UnembedError(
                "The Ray cluster has no GPU. Say --device cpu, or give Ray those that there are "
                "(`ray start --num-gpus`)."
            )
        self._make = ray.remote(_made).options(
            name="unembed", max_retries=RETRIES, num_cpus=1, num_gpus=gpus
        )

    def make(self, missing: Missing) -> None:
        """Make what is missing."""
        self._begin_to_tell(missing)
        order = TopologicalSorter(self._graph(missing))
        order.prepare()
        waiting, given = deque[Unit](), dict[Any, Unit]()
        most = _AHEAD * max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        try:
            while order.is_active():
                waiting += order.get_ready()
                while waiting and len(given) < most:
                    unit = waiting.popleft()
                    if self._is_made(unit):
                        self._tell(unit)
                        order.done(unit)
                    else:
                        given[self._give(unit)] = unit
                if given:
                    [ready], _ = self._ray.wait(list(given))
                    unit = given.pop(ready)
                    self._keep(self._got(ready))
                    self._tell(unit)
                    order.done(unit)
        finally:
            for task in given:
                self._ray.cancel(task)

    def _graph(self, missing: Missing) -> dict[Unit, list[Unit]]:
        """Return the units of what is missing, each with those that come before it."""
        graph = dict[Unit, list[Unit]]()
        for bank in missing.banks:
            before = []
            if self._job.sets:
                shards = self._job.manifest.shards(self._job.manifest.names[bank])
                counts = [Unit("count", bank, shard) for shard in shards]
                before = [Unit("prepare", bank)]
                graph |= {**{unit: [] for unit in counts}, before[0]: counts}
            graph |= {Unit("sweep", bank, shard): before for shard in missing.of_bank(bank)}
        return graph

    def _is_made(self, unit: Unit) -> bool:
        return all(is_whole(self._folder / path) for path in unit.made(self._files))

    def _give(self, unit: Unit) -> Any:
        read = unit.read(self._files)
        files = self._sent.get(
            read,
            lambda: self._ray.put({path: (self._folder / path).read_bytes() for path in read}),
        )
        return self._make.remote([self._sent_job], unit, files, __version__)

    def _got(self, task: Any) -> dict[str, bytes]:
        try:
            found: dict[str, bytes] = self._ray.get(task)
        except self._ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, UnembedError):
                raise cause from error
            raise UnembedError(
                f"Ray gave up on a part of the run ({_line_of(error, -1)}). "
                "What is finished stays; the same command goes on from there."
            ) from error
        return found

    def _keep(self, found: dict[str, bytes]) -> None:
        for path, content in found.items():
            write_atomically(self._folder / path, partial(Path.write_bytes, data=content))

    def _begin_to_tell(self, missing: Missing) -> None:
        """Say how much is to be done, and how much of it is."""
        sizes = [len(self._job.banks[at]) for at in missing.banks]
        done = self._job.manifest.features - sum(shard.features for shard in missing.shards)
        if self._job.sets:
            self._done = {"count": [0, sum(sizes)], "prepare": [0, len(sizes)]}
        self._done["sweep"] = [done, self._job.manifest.features]
        self._progress(_SAID["sweep"], done, self._job.manifest.features)

    def _tell(self, unit: Unit) -> None:
        """Say that a unit is done."""
        self._done[unit.step][0] += unit.shard.features if unit.shard else 1
        self._progress(_SAID[unit.step], *self._done[unit.step])


def _put(ray: Any, job: Job) -> Any:
    """Return a job as Ray has it: the processes of a machine share one copy of its tensors."""
    ray.util.register_serializer(Tensor, serializer=_array_of, deserializer=_tensor_of)
    try:
        return ray.put(job)
    finally:
        ray.util.deregister_serializer(Tensor)


def _array_of(tensor: Tensor) -> npt.NDArray[np.generic]:
    array: npt.NDArray[np.generic] = tensor.detach().numpy()
    return array


def _tensor_of(array: npt.NDArray[np.generic]) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may not be written to, and is not
        return torch.from_numpy(array)


def _line_of(error: Exception, at: int) -> str:
    """Return a line of what an error says, cut."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[at][:200]


def _unheard(done: int, total: int) -> None:
    """Say nothing: what is done is told unit by unit."""


def _made(job: list[Any], unit: Unit, files: dict[str, bytes], version: str) -> dict[str, bytes]:
    """Return the files of a unit: a task, in a process of the cluster."""
    if version != __version__:
        raise UnembedError(
            f"A machine of the cluster has unembed {__version__}, and this one {version}. Install "
            "one version on all of them."
        )
    bench = _bench(job[0])
    manifest = bench.job.manifest
    with scratch() as own:
        folder = own / "run"
        with claim(folder, manifest):
            for path, content in files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
            with enough_memory(bench.job.settings.device):
                unit.make(Units(bench, folder))
        return {path: (folder / path).read_bytes() for path in unit.made(RunFiles(manifest))}


_benches: dict[Any, Bench] = {}
"""Of this process of a cluster, for the job that it last worked on."""


def _bench(sent: Any) -> Bench:
    import ray

    if sent not in _benches:
        _benches.clear()
        torch.set_num_threads(1)
        _benches[sent] = Bench(ray.get(sent))
    return _benches[sent]
