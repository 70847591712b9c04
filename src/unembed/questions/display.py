"""How a run and a feature show themselves in a notebook.

What draws them stands above the questions (`unembed.notebook`), and is only known by name here.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, cast


class Explorer(Protocol):
    """A page that is being served.

    Attributes:
        address: of the page.
    """

    address: str

    def stop(self) -> None:
        """Stop serving it."""


class Display(Protocol):
    """What draws runs and features."""

    def run_html(self, run: Any) -> str:
        """Return a run as HTML."""

    def feature_html(self, row: Mapping[str, Any]) -> str:
        """Return a feature's row as HTML."""

    def explore(self, run: Any, *, port: int | None, height: int) -> Explorer:
        """Serve the page of a run."""


def display() -> Display:
    """Return what draws them."""
    return cast("Display", import_module("unembed.notebook"))
