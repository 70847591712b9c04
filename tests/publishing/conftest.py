"""A hub on this machine, and runs that are published there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import huggingface_hub
import pytest
from typer.testing import CliRunner

from tests.load.fake_hub import FakeHub, point_at
from unembed import distant
from unembed.cli import app
from unembed.errors import UnembedError

PLACE = "hf:me/run"
OF_THE_LIBRARY = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
"""huggingface_hub's own way to send a file to Git LFS, of which its HTTP library warns it."""


class Said(NamedTuple):
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


def command(*words: object) -> Said:
    """Give a command; a user's mistake ends in its message, as on the command line."""
    try:
        result = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    except UnembedError as error:
        return Said(1, "", str(error))
    return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub() as fake:
        elsewhere(fake, tmp_path / "mine", monkeypatch)
        monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
        yield fake
    huggingface_hub.close_session()
    distant._folders.clear()


def elsewhere(hub: FakeHub, cache: Path, patch: pytest.MonkeyPatch) -> None:
    """Be on another machine: nothing is in the cache, and nothing is open."""
    point_at(hub.endpoint, cache, patch)
    distant._folders.clear()
    hub.log.clear()
