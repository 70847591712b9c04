"""How a run and a feature show themselves: said here, drawn by `unembed.notebook`.

The store knows nothing of pictures and pages; what draws them comes to it when `unembed` is
imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


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

    def run(self, run: Any) -> str:
        """Return a run as HTML."""

    def feature(self, row: Mapping[str, Any]) -> str:
        """Return a feature's row as HTML."""

    def explore(self, run: Any, *, port: int | None, height: int) -> Explorer:
        """Serve the page of a run."""


class _Chosen:
    display: Display


def show_with(display: Display) -> None:
    """Let this draw them from now on."""
    _Chosen.display = display


def display() -> Display:
    """Return what draws them."""
    return _Chosen.display
