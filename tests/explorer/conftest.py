"""The real command on the demo's run, and a browser that looks at it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright

from unembed.explorer.app import page_folder

STARTS_WITHIN, STOPS_WITHIN = 120, 30
ANSWERS_WITHIN = 45_000
"""Milliseconds: the first question that needs the weights waits until the model is read."""


@contextmanager
def exploring(run: Path, cache: Path) -> Iterator[str]:
    """Run `unembed explore` on a folder; gives its address, and stops it with Ctrl-C."""
    assert page_folder()
    command = [sys.executable, "-m", "unembed", "explore", run, "--no-browser", "--port", "0"]
    offline = {"HF_HUB_OFFLINE": "1", "UNEMBED_CACHE": str(cache)}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, **offline}
    ) as process:
        assert process.stderr is not None
        try:
            too_late = Timer(STARTS_WITHIN, process.kill)
            too_late.start()
            said = process.stderr.readline()
            too_late.cancel()
            address = re.search(r"http://127\.0\.0\.1:\d+/", said)
            assert address, f"It did not start: {said}{process.stderr.read()}"
            yield address.group()
        finally:
            process.send_signal(signal.SIGINT)
            try:
                status = process.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert status == 0, f"It stopped with {status}: {process.stderr.read()}"


@pytest.fixture(scope="session")
def address(demo: tuple[Path, str], shared_cache: Path) -> Iterator[str]:
    """The explorer's of the demo's run."""
    run, _ = demo
    with exploring(run, shared_cache) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Not of the session: Playwright's event loop would run beside other modules'."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        missing = f"There is no browser to look with: none of {', '.join(names)}."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Troubles:
    """What should not happen while a page is looked at.

    Attributes:
        expected: patterns of paths that a test knows not to be there; the browser tells of them.
    """

    def __init__(self) -> None:
        self.expected: list[str] = []
        self._found: list[tuple[str, str]] = []

    def add(self, what: str, url: str = "") -> None:
        self._found.append((what, url))

    def of_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.add(f"{message.type}: {message.text}", message.location["url"])

    def elsewhere(self, route: Route) -> None:
        self.add("It asked another host.", route.request.url)
        route.abort()

    @property
    def unexpected(self) -> list[tuple[str, str]]:
        return [
            (what, url)
            for what, url in self._found
            if not any(re.search(pattern, url) for pattern in self.expected)
        ]


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


Look = Callable[[str], Page]


@pytest.fixture
def page(browser: Browser, address: str, troubles: Troubles) -> Iterator[Page]:
    """A fresh page that may ask only the explorer, and may have nothing to complain of."""
    expect.set_options(timeout=ANSWERS_WITHIN)
    context = browser.new_context(
        base_url=address, viewport={"width": 1280, "height": 900}, color_scheme="light"
    )
    context.set_default_timeout(ANSWERS_WITHIN)
    context.route(re.compile(rf"^(?!{re.escape(address)})https?:"), troubles.elsewhere)
    page = context.new_page()
    page.on("console", troubles.of_console)
    page.on("pageerror", lambda error: troubles.add(f"It threw {error}"))
    yield page
    context.close()
    assert troubles.unexpected == []


@pytest.fixture
def look(page: Page) -> Look:
    """Open a place by its fragment, such as `feature/mlp.20/1036`."""

    def open_place(fragment: str) -> Page:
        page.goto(f"#/{fragment}")
        return page

    return open_place
