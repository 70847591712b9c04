"""`unembed explore` and `report` as commands, and the explorer beside a program."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.planted import Planted
from unembed.cli import main
from unembed.errors import RunError, UnembedError
from unembed.explorer import report, server
from unembed.explorer.desk import Desk
from unembed.explorer.server import Background


class Done(NamedTuple):
    """How a command ended, and what it said."""

    status: object
    said: str


@pytest.fixture
def unembed(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Calls the command line; lines are joined, since they are cut at the terminal's width."""

    def call(*arguments: object) -> Done:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["unembed", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
        return Done(ended.value.code, " ".join(capsys.readouterr().err.split()))

    return call


@pytest.fixture
def taken() -> int:
    """A port that another program listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def damaged(run: Path, copy: Path, name: str, content: bytes) -> Path:
    """A copy of a run with one file that is not what it was."""
    for path in run.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(run)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (copy / name).write_bytes(content)
    return copy


def test_beside_a_program(tiny: Planted) -> None:
    explorer = tiny.run.explore(height=500)
    try:
        with urllib.request.urlopen(f"{explorer.address}api/run.json") as answer:
            assert json.load(answer)["features"] == 360
        shown = explorer._repr_html_()
        assert f'src="{explorer.address}"' in shown
        assert 'height="500"' in shown
    finally:
        explorer.stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(explorer.address)


def test_a_port_in_use(tiny: Planted, taken: int, unembed: Callable[..., Done]) -> None:
    with pytest.raises(UnembedError, match=f"Port {taken} cannot be had"):
        Background(tiny.run, port=taken)
    done = unembed("explore", tiny.run.path, "--no-browser", "--port", taken)
    assert done.status == 1
    assert "Give another one, or none" in done.said


def test_a_folder_that_is_no_run(tmp_path: Path, unembed: Callable[..., Done]) -> None:
    done = unembed("explore", tmp_path, "--no-browser")
    assert done.status == 1
    assert "manifest.json" in done.said


def test_a_run_of_a_newer_schema(
    tiny: Planted, tmp_path: Path, unembed: Callable[..., Done]
) -> None:
    manifest = json.loads((tiny.run.path / "manifest.json").read_text())
    newer = json.dumps(manifest | {"schema_version": 99}).encode()
    done = unembed(
        "explore", damaged(tiny.run.path, tmp_path, "manifest.json", newer), "--no-browser"
    )
    assert done.status == 1
    assert "99" in done.said


@pytest.mark.parametrize("name", ["features/a-00000.parquet", "tokens.parquet"])
def test_a_damaged_table(
    tiny: Planted, tmp_path: Path, name: str, unembed: Callable[..., Done]
) -> None:
    broken = damaged(tiny.run.path, tmp_path, name, b"PAR1 no table PAR1")
    done = unembed("explore", broken, "--no-browser")
    assert done.status == 1
    assert "damaged" in done.said


def test_report_needs_to_know_the_feature(
    tiny: Planted, tmp_path: Path, unembed: Callable[..., Done]
) -> None:
    done = unembed("report", tiny.run.path, "-o", tmp_path / "one.html")
    assert done.status == 1
    assert "name it, as bank/index" in done.said
    assert not list(tmp_path.iterdir())


def test_ctrl_c_in_a_report(
    tiny: Planted, tmp_path: Path, unembed: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "_answers", stopped)
    done = unembed("report", tiny.run.path, "-o", tmp_path / "site")
    assert done.status == 130
    assert "nothing was written" in done.said
    assert not list(tmp_path.iterdir())


def test_reading_ahead_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    def gone() -> None:
        raise RunError("damaged")

    desk = Desk()
    desk.begin(gone)
    while desk.busy:
        time.sleep(0.01)
    desk.close()
    assert capfd.readouterr() == ("", "")


def test_reading_ahead_takes_no_desk() -> None:
    go_on = threading.Event()

    def wait() -> None:
        go_on.wait(60)

    desk = Desk(workers=1)
    desk.begin(wait)
    try:
        assert asyncio.run(desk.answer("/", lambda: b"said")) == b"said"
        assert desk.busy
    finally:
        go_on.set()
        desk.close()


def test_a_failed_start_gives_back_the_port(tiny: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object) -> None:
        raise UnembedError("no page")

    monkeypatch.setattr(server, "create_app", no)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(UnembedError, match="no page") as kept:
        Background(tiny.run, port=port)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
    assert kept
