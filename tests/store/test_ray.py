"""A run made by tasks of a Ray cluster: the same bytes as one program's."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kill.on_ray import play_on_ray
from tests.kill.rounds import contents
from tests.store.test_share import Work
from unembed.analysis import on_ray
from unembed.analysis.engine import check_engine
from unembed.errors import UnembedError
from unembed.store import manifest as manifest_module

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of two processors, which `analyze` joins."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "src"))
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield ray
        ray.shutdown()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setattr(manifest_module, "SHARD_FEATURES", 16)
    return Work()


@pytest.mark.parametrize("engine", ["dask", "ray:", "http://ray", "", "RAY"])
def test_what_is_no_engine(engine: str) -> None:
    with pytest.raises(UnembedError, match="no engine"):
        check_engine(engine)


def test_what_ends_a_program_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray would have SIGTERM end it in another way than the command line does."""

    class Cluster:
        @staticmethod
        def init(*given: object, **more: object) -> None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    before = signal.getsignal(signal.SIGTERM)
    on_ray._join(Cluster, "ray")
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_same_bytes(cluster: Any, work: Work, tmp_path: Path) -> None:
    """The cluster stays joined, as it was; a run that lacks files is finished, by their units."""
    told: list[tuple[str, int, int]] = []
    work.whole(tmp_path / "whole")
    run = tmp_path / "run"
    work.whole(run, engine="ray", progress=lambda *said: told.append(said))
    assert contents(run) == contents(tmp_path / "whole")
    assert told[0] == ("Features", 0, 60)
    assert told[-1] == ("Features", 60, 60)
    assert {("Direction test", 60, 60), ("Banks prepared", 2, 2)} <= set(told)
    for lost in ("features/b-00001", "null/a", "enrichment/rate/a-00002"):
        (run / f"{lost}.parquet").unlink()
    told.clear()
    work.whole(run, engine="ray", progress=lambda *said: told.append(said))
    assert contents(run) == contents(tmp_path / "whole")
    assert told[0] == ("Features", 56, 60)
    assert cluster.is_initialized()


def test_statistics_alone(cluster: Any, work: Work, tmp_path: Path) -> None:
    work.options.clear()
    for name, more in (("whole", {}), ("run", {"engine": "ray"})):
        work.whole(tmp_path / name, **more)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_an_error_of_a_task_is_told(
    cluster: Any, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unembed.analysis.on_ray.__version__", "9.9")
    with pytest.raises(UnembedError, match=r"has unembed .*, and this one 9\.9\. Install one"):
        work.whole(tmp_path, engine="ray")


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_processes_that_are_killed(
    cluster: Any, work: Work, tmp_path: Path
) -> None:  # `work` sets the size of shards, and puts it back
    played = play_on_ray(tmp_path, 2)
    assert played.kills == 2
    assert played.faults == []
