"""Texts that stand for several: ranges and choices in braces, globs, and the order of what fits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import product
from math import prod

from unembed.errors import SourceError
from unembed.outside import limits

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)(?:-|\.\.)(\d+)")
_MOST_DIGITS = 18


def expand_braces(text: str) -> list[str]:
    """Return the texts that choices in braces stand for, the last brace running fastest.

    >>> expand_braces("b.{8-10}.{x,y}")
    ['b.8.x', 'b.8.y', 'b.9.x', 'b.9.y', 'b.10.x', 'b.10.y']

    Raises:
        SourceError: when a brace is empty or not closed, or a range counts down.
    """
    parts = _BRACES.split(text)
    if re.search(r"[{}]", "".join(parts[::2])):
        raise SourceError(
            f"{text!r} has a brace that is not closed, or one inside another. Write a range as "
            "{0-11}, a choice as {0,4,8}."
        )
    options = [_choices(part, text) if at % 2 else [part] for at, part in enumerate(parts)]
    count = prod(map(len, options))
    if count > limits.PLACES or count * len(text) > limits.PLACES * limits.LONGEST_FIELD:
        raise _too_many(text, count)
    return ["".join(choice) for choice in product(*options)]


def _choices(inside: str, text: str) -> Sequence[str]:
    choices: list[str] = []
    for part in inside.split(","):
        if not part.strip():
            raise SourceError(
                f"{{{inside}}} in {text!r} leaves a choice empty. Write a range as {{0-11}}, a "
                "choice as {0,4,8}."
            )
        choices += _numbers(part.strip(), text)
        if len(choices) > limits.PLACES:
            raise _too_many(text, len(choices))
    return choices


def _numbers(part: str, text: str) -> list[str]:
    """Return the numbers of a range, as wide as they are written; other text as it is."""
    found = _RANGE.fullmatch(part)
    if found is None:
        return [part]
    first, last = found[1], found[2]
    if max(len(first), len(last)) > _MOST_DIGITS:
        raise SourceError(f"The range {{{part}}} in {text!r} has no end in sight. Write {{0-11}}.")
    if int(last) < int(first):
        raise SourceError(
            f"The range {{{part}}} in {text!r} counts down. Write {{{last}-{first}}}."
        )
    count = int(last) - int(first) + 1
    if count > limits.PLACES:
        raise _too_many(text, count)
    width = len(first) if first.startswith("0") else 0
    return [f"{number:0{width}d}" for number in range(int(first), int(last) + 1)]


def _too_many(text: str, count: int) -> SourceError:
    return SourceError(
        f"{text!r} stands for {count:,} places, and one reference may stand for {limits.PLACES:,}. "
        "Name fewer, or several references."
    )


def fits(path: str, pattern: str) -> bool:
    """Return whether a path of a repository fits a glob, folder by folder.

    >>> fits("a/b.1/c", "a/b.*/c"), fits("a/b.1/c", "a/*"), fits("a/b/c", "**/c")
    (True, False, True)
    """
    return _parts_fit(path.split("/"), pattern.split("/"))


def _parts_fit(path: list[str], pattern: list[str]) -> bool:
    """Return whether each folder fits; `**` is any number of them."""
    reached = {0}  # how many folders of the path the pattern's parts so far may have taken
    for part in pattern:
        if part == "**":
            reached = set(range(min(reached, default=len(path) + 1), len(path) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(path) and fnmatchcase(path[at], part)}
    return len(path) in reached


def natural(text: str) -> tuple[tuple[bool, int, str, str], ...]:
    """Return a key that sorts numbers inside text by their value.

    >>> sorted(["b.10", "b.2"], key=natural)
    ['b.2', 'b.10']
    """
    parts = re.findall(r"\d+|\D+", text)
    values = (part.lstrip("0") if part.isdecimal() else "" for part in parts)
    return tuple(
        (part.isdecimal(), len(value), value, part)
        for part, value in zip(parts, values, strict=True)
    )
