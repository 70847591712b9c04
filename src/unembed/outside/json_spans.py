"""Where the values of a JSON document stand in its text, so that one is replaced and no other byte.

A document is parsed within the limits first (`documents.parse_json`); what is walked here is known
to be JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_SPACE = re.compile(r"[ \t\n\r]*")
_decoded = json.JSONDecoder().raw_decode


class Span(NamedTuple):
    """A stretch of a text, from the first character to the one behind the last."""

    start: int
    stop: int


class Member(NamedTuple):
    """A name and a value of a table.

    Attributes:
        name: as it is read.
        key: where the name stands, with its quotes.
        value: where the value stands.
    """

    name: str
    key: Span
    value: Span


def first(text: str, at: int = 0) -> int:
    """Return where the next character stands that is no space."""
    found = _SPACE.match(text, at)
    assert found is not None  # it matches nothing, too
    return found.end()


def members(text: str, at: int) -> Iterator[Member]:
    """Yield the names and values of the table that begins at a place, in their order.

    >>> text = '{"a": [1, 2], "b":{}}'
    >>> [(each.name, text[slice(*each.value)]) for each in members(text, 0)]
    [('a', '[1, 2]'), ('b', '{}')]

    Args:
        text: of a document.
        at: where the table's opening bracket stands.
    """
    at = first(text, at + 1)
    while text[at] != "}":
        name, stop = _decoded(text, at)
        key = Span(at, stop)
        value = _span(text, first(text, first(text, stop) + 1))  # behind the colon
        yield Member(name, key, value)
        at = _next(text, value.stop)


def items(text: str, at: int) -> Iterator[Span]:
    """Yield where the items of the list that begins at a place stand.

    >>> text = '[1, "a,]", {}]'
    >>> [text[slice(*each)] for each in items(text, 0)]
    ['1', '"a,]"', '{}']
    """
    at = first(text, at + 1)
    while text[at] != "]":
        span = _span(text, at)
        yield span
        at = _next(text, span.stop)


def replaced(text: str, edits: Iterable[tuple[Span, str]]) -> str:
    """Return a text with other words in some places, and every other character as it was.

    Args:
        text: of a document.
        edits: what stands where, in the order of places, none of which overlap.
    """
    parts, at = [], 0
    for span, new in edits:
        parts += [text[at : span.start], new]
        at = span.stop
    return "".join([*parts, text[at:]])


def _span(text: str, at: int) -> Span:
    _: Any
    _, stop = _decoded(text, at)
    return Span(at, stop)


def _next(text: str, stop: int) -> int:
    """Return where the next member or item begins, or the closing bracket stands."""
    at = first(text, stop)
    return first(text, at + 1) if text[at] == "," else at
