"""Texts that stand for several: ranges and choices in braces, globs, and the order of what fits."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import product

from unembed.errors import SourceError

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)(?:-|\.\.)(\d+)")


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
    return ["".join(choice) for choice in product(*options)]


def _choices(inside: str, text: str) -> list[str]:
    choices: list[str] = []
    for part in inside.split(","):
        if not part.strip():
            raise SourceError(
                f"{{{inside}}} in {text!r} leaves a choice empty. Write a range as {{0-11}}, a "
                "choice as {0,4,8}."
            )
        choices += _numbers(part.strip(), text)
    return choices


def _numbers(part: str, text: str) -> list[str]:
    """Return the numbers of a range, as wide as they are written; other text as it is."""
    found = _RANGE.fullmatch(part)
    if found is None:
        return [part]
    first, last = found[1], found[2]
    if int(last) < int(first):
        raise SourceError(
            f"The range {{{part}}} in {text!r} counts down. Write {{{last}-{first}}}."
        )
    width = len(first) if first.startswith("0") else 0
    return [f"{number:0{width}d}" for number in range(int(first), int(last) + 1)]


def fits(path: str, pattern: str) -> bool:
    """Return whether a path of a repository fits a glob, folder by folder.

    >>> fits("a/b.1/c", "a/b.*/c"), fits("a/b.1/c", "a/*"), fits("a/b/c", "**/c")
    (True, False, True)
    """
    return _parts_fit(path.split("/"), pattern.split("/"))


def _parts_fit(path: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_parts_fit(path[at:], pattern[1:]) for at in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _parts_fit(path[1:], pattern[1:])


def natural(text: str) -> tuple[tuple[bool, int, str], ...]:
    """Return a key that sorts numbers inside text by their value.

    >>> sorted(["b.10", "b.2"], key=natural)
    ['b.2', 'b.10']
    """
    parts = re.findall(r"\d+|\D+", text)
    return tuple(
        (True, int(part), part) if part.isdecimal() else (False, 0, part) for part in parts
    )
