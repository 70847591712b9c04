from __future__ import annotations

import pytest

from tests.plots import runs
from unembed import Run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return runs.small(tmp_path_factory.mktemp("plots") / "run")


@pytest.fixture(scope="session")
def without_sets(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return runs.small(tmp_path_factory.mktemp("plots") / "bare", with_sets=False)


@pytest.fixture(scope="session")
def million(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return runs.large(1_000_000, tmp_path_factory.mktemp("plots"))
