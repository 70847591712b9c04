"""What the system does to a command: each ends in an answer or one error, never in a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from unembed import cache
from unembed.cli.system import guarded, refused
from unembed.errors import UnembedError

from ..planted import Planted

pytestmark = pytest.mark.skipif(os.name == "nt", reason="these are a POSIX shell's")


def ended(
    redirected: str, *arguments: object, folder: Path | None = None, **variables: str
) -> tuple[int, str]:
    """The status of a command whose streams a shell redirected, and what it said of errors."""
    words = " ".join(f"'{each}'" for each in (sys.executable, "-m", "unembed", *arguments))
    done = subprocess.run(
        ["/bin/sh", "-c", f"{words} {redirected}"], capture_output=True, check=False, timeout=300,
        cwd=folder, env={**os.environ, **variables},
    )  # fmt: skip
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    ("redirected", "status", "said"),
    [
        (">&-", 0, ""),
        ("<&-", 0, ""),
        (">&- 2>&- <&-", 0, ""),
        ("| true", 0, ""),
        (">/dev/full", 1, "No space left on device"),
        (">/dev/full 2>/dev/full", 1, ""),
    ],
)
def test_streams_that_are_closed_or_full(
    redirected: str, status: int, said: str, tiny: Planted
) -> None:
    found, errors = ended(redirected, "features", tiny.run.path, "--json")
    assert found == status, errors
    assert said in errors
    assert len(errors.splitlines()) == bool(said)


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    status, errors = ended("", "features", tmp_path / ("x" * 300))
    assert status == 1
    assert errors.startswith("Error: ")
    assert "File name too long" in errors


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    script = f"cd '{tmp_path}/gone' && rmdir ../gone && exec '{sys.executable}' -m unembed saes x"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=False, timeout=300)
    assert done.returncode == 1
    assert b"Error: The working directory is gone" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_a_command_as_ctrl_c_does(number: int, request: pytest.FixtureRequest) -> None:
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    found = signal.signal(number, usual)  # ignored, where the tests were started with nohup
    request.addfinalizer(lambda: signal.signal(number, found))
    before = signal.getsignal(number)
    put_away = []

    def work() -> None:
        with guarded():
            try:
                signal.raise_signal(number)
            finally:
                put_away.append(number)

    with pytest.raises(SystemExit) as status:
        work()
    assert status.value.code == 128 + number
    assert put_away == [number]
    assert signal.getsignal(number) == before


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with guarded():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (MemoryError(), "not enough memory"),
        (PermissionError(13, "Permission denied", "a.json"), r"refuses a\.json: Permission denied"),
        (OSError(24, "Too many open files"), r"refuses: Too many open files\. .*ulimit -n"),
        (OSError(36, "File name too long", "x" * 999), r"refuses x{300}…: .* Give a shorter name"),
    ],
)
def test_what_the_system_refuses(raised: Exception, said: str) -> None:
    with pytest.raises(UnembedError, match=said), guarded():
        raise raised
    if isinstance(raised, OSError):
        assert str(refused(raised)).endswith(".")


# --- where the cache lies ---


def homeless() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_a_user_without_a_home_has_a_cache_that_goes_with_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("UNEMBED_CACHE")
    monkeypatch.setattr(Path, "home", homeless)
    folder = cache.cache_folder()
    assert folder.is_dir()
    assert folder == cache.cache_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    script = (
        "import pathlib\ndef home(): raise RuntimeError\npathlib.Path.home = home\n"
        "from unembed.cache import cache_folder; print(cache_folder())"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert not Path(found.stdout.strip()).exists()


@pytest.mark.parametrize("named", ["~", "~/c"])
def test_a_cache_in_the_home(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UNEMBED_CACHE", named)
    assert cache.cache_folder() == Path(str(tmp_path) + named[1:])
