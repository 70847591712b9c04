"""Inputs that several tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import torch
import typer.testing
from filelock import FileLock

from unembed import Features, Run, Unembedding, Vocabulary, prepare_unembedding

from .everything import import_everything
from .planted import Planted, plain_run, tiny_run

os.environ["CUDA_VISIBLE_DEVICES"] = ""
"""What tests hold is what the CPU makes, also where there is a GPU to be chosen."""
INPUTS = Path(__file__).parents[1] / ".inputs"

NEEDS = {
    "demo": "demo",
    "smollm2": "inputs",
    "browser": "browser",
    "images": "browser",
    "million": "slow",
}
"""Fixture → the marker of each test that needs it, so that `make quick` leaves it out."""


def pytest_sessionstart() -> None:
    """Import all of the package.

    Python 3.11 cannot parse in two threads at once, and the hook that checks shapes parses.
    A command line is built once, not for each command that a test types: half of what they took.
    """
    import_everything()
    typer.testing._get_command = cache(typer.testing._get_command)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs more than this folder and a moment.

    What needs the demo comes first: one process makes it, and the other, which begins with the
    second half, does not wait for it.
    """
    for item in items:
        for fixture in NEEDS.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(NEEDS[fixture])
    items.sort(key=lambda item: item.get_closest_marker("demo") is None)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tests keep in the cache folder is theirs alone."""
    monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def vocabulary() -> Vocabulary:
    """Two hundred words, of which token 0 is special."""
    return Vocabulary.from_texts(["<s>", *(f" word{i}" for i in range(199))], special=[0])


@pytest.fixture
def unembedding(vocabulary: Vocabulary, random: torch.Generator) -> Unembedding:
    return prepare_unembedding(torch.randn(200, 16, generator=random), vocabulary, name="tiny")


@pytest.fixture
def bank(random: torch.Generator) -> Features:
    return Features.from_array(torch.randn(50, 16, generator=random), name="bank", layer=3)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A small run with token sets and classes, its weights in memory."""
    return tiny_run(tmp_path_factory.mktemp("tiny") / "run")


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A small run without token sets."""
    return plain_run(tmp_path_factory.mktemp("plain") / "run")


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Path:
    """A cache folder of all processes of one test run: the demo's token sets are built once."""
    return tmp_path_factory.getbasetemp().parent / f"cache-{testrun_uid}"


@pytest.fixture
def in_shared_cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of other things than what is kept in the cache."""
    monkeypatch.setenv("UNEMBED_CACHE", str(shared_cache))


@pytest.fixture(scope="session")
def demo(
    tmp_path_factory: pytest.TempPathFactory, testrun_uid: str, shared_cache: Path
) -> tuple[Path, str]:
    """`unembed demo` without a network: the run's folder, and what was printed.

    The processes of one test run share it.

    8,192 features of an SAE and 6,144 neurons of a real model, against the default token sets.
    """
    folder = tmp_path_factory.getbasetemp().parent / f"demo-{testrun_uid}"
    with FileLock(f"{folder}.lock"):
        if not (folder / "printed").is_file():
            (folder / "printed").write_text(_run_demo(folder, shared_cache))
    return folder / "run", (folder / "printed").read_text()


def _run_demo(folder: Path, cache: Path) -> str:
    offline = {"HF_HUB_OFFLINE": "1", "HTTPS_PROXY": "http://127.0.0.1:9"}
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "unembed", "demo", "-o", folder / "run"],
        capture_output=True, text=True, check=False, timeout=1800,
        env={**os.environ, **offline, "UNEMBED_CACHE": str(cache), "COLUMNS": "160"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def demo_run(demo: tuple[Path, str]) -> Run:
    """The run of the whole demo."""
    return Run.open(demo[0])


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The GGUF file that the demo was made from."""
    path = INPUTS / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not path.is_file():
        pytest.skip("SmolLM2's GGUF is not here: run scripts/fetch_inputs.py")
    return path
