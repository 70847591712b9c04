"""How tokens and names look in a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from unembed.outside.text import quoted, shown

LONGEST_NAME = 32
"""Characters of a token set's name that a table keeps in a narrow terminal."""


def tokens(texts: Iterable[str] | None, limit: int | None = None) -> Text:
    """Return tokens in one line, cut to fit; nothing where a flat feature has none.

    The text itself forbids wrapping, not its column: a table takes width first from columns
    that may wrap, so that numbers beside the tokens stay whole.
    """
    quotes = [quoted(text) for text in texts or []]
    return Text(" ".join(quotes[:limit]), no_wrap=True, overflow="ellipsis")


def line(text: str | None) -> Text:
    """Return text in one line, cut to fit."""
    return Text(shown(text or ""), no_wrap=True, overflow="ellipsis")


def longest(names: Iterable[str]) -> int:
    """Return the length of the longest name."""
    return max(map(len, names), default=0)
