"""The run that tests of graphs share."""

from __future__ import annotations

import pytest

from unembed import Run

from .transcoders import transcoders_run


@pytest.fixture(scope="session")
def transcoders(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a transcoder and a cross-layer transcoder."""
    return transcoders_run(tmp_path_factory.mktemp("transcoders") / "run")
