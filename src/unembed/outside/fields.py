"""Fields of a document: each is read with the type and the range that it must have.

What is null says what an absent field says: real configs write every field of their class. Nothing
is converted: a number in quotes, or 1 for true, is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from unembed.errors import FormatError, listed
from unembed.outside import limits
from unembed.outside.text import quoted

T = TypeVar("T")


class Fields:
    """A table of a document.

    Args:
        content: the table.
        where: the file, and the table in it, as errors name them.

    Raises:
        FormatError: when it is no table.
    """

    def __init__(self, content: Any, where: str) -> None:
        if not isinstance(content, Mapping):
            raise FormatError(
                f"{where} should be a table of names and values, but is {told(content)}. Mend it, "
                "or download it again."
            )
        self.content: Mapping[str, Any] = content
        self.where = where

    def __contains__(self, key: str) -> bool:
        return key in self.content

    def __iter__(self) -> Iterator[str]:
        return iter(self.content)

    def says(self, key: str) -> bool:
        """Return whether a field is there, and not null."""
        return self.content.get(key) is not None

    def text(self, key: str) -> str | None:
        """Return a text of one line, such as a name; None where it is absent."""
        found = self.content.get(key)
        if found is None:
            return None
        if not isinstance(found, str):
            raise self.wrong(key, "a text")
        if len(found) > limits.LONGEST_FIELD or not found.isprintable():
            raise self.wrong(key, f"a line of at most {limits.LONGEST_FIELD:,} characters")
        return found

    def flag(self, key: str) -> bool | None:
        """Return true or false; None where it is absent."""
        found = self.content.get(key)
        if found is not None and not isinstance(found, bool):
            raise self.wrong(key, "true or false")
        return found

    def whole(self, key: str, most: int, least: int = 0) -> int | None:
        """Return a whole number in a range; None where it is absent."""
        found = self.content.get(key)
        if found is not None and not is_whole(found, most, least):
            raise self.wrong(key, f"a whole number from {least:,} to {most:,}")
        return found

    def number(self, key: str) -> float | None:
        """Return a finite number; None where it is absent."""
        found = self.content.get(key)
        if found is not None and not is_number(found):
            raise self.wrong(key, "a finite number")
        return None if found is None else float(found)

    def texts(self, key: str) -> list[str] | None:
        """Return a list of texts of one line; None where it is absent."""
        found = self.items(key)
        if found is None:
            return None
        inside = Fields({str(at): each for at, each in enumerate(found)}, f"{self.where}, {key}")
        texts = [inside.text(at) for at in inside]
        if None in texts:
            raise inside.wrong(str(texts.index(None)), "a text")
        return [str(text) for text in texts]

    def items(self, key: str) -> list[Any] | None:
        """Return a list of whatever it holds; None where it is absent."""
        found = self.content.get(key)
        if found is not None and not isinstance(found, list):
            raise self.wrong(key, "a list")
        return found

    def table(self, key: str) -> Fields:
        """Return a table; an empty one where it is absent."""
        found = self.content.get(key)
        return Fields({} if found is None else found, f"{self.where}, {key}")

    def wrong(self, key: str, expected: str) -> FormatError:
        """Return the error for a field that is not what it must be."""
        return FormatError(
            f"{self.where}: {told_name(key)} should be {expected}, but is "
            f"{told(self.content.get(key))}. Mend it, or download it again."
        )


def needed(found: T | None, fields: Fields, key: str) -> T:
    """Return a field that has to be there.

    Raises:
        FormatError: when it is not, with those that are.
    """
    if found is None:
        raise FormatError(
            f"{fields.where} has no {quoted(key)}. It has: {listed(map(told_name, fields))}."
        )
    return found


def is_whole(value: Any, most: int, least: int = 0) -> bool:
    """Return whether a value is a whole number in a range; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_number(value: Any) -> bool:
    """Return whether a value is a number that a float holds, and finite."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 10**308
    return isinstance(value, float) and math.isfinite(value)


def is_inside(path: str) -> bool:
    """Return whether a path, as a file names it, stays within the folder that it is in.

    >>> is_inside("model-00001.safetensors"), is_inside("../x"), is_inside("/x"), is_inside("C:x")
    (True, False, False, False)
    """
    parts = PurePosixPath(path).parts
    plain = path.isprintable() and "\\" not in path and not PureWindowsPath(path).drive
    return plain and bool(parts) and parts[0] != "/" and ".." not in parts and len(path) < 4096


def told_name(key: str) -> str:
    """Return a field's name, as errors show it."""
    return key if key.isprintable() and len(key) <= 100 else quoted(key[:100])


def told(value: Any) -> str:
    """Return what a value is, in few words.

    >>> told(None), told("a b"), told([1, 2]), told(True)
    ('null', "'a b'", 'a list of 2', 'true')
    """
    if isinstance(value, str):
        return quoted(value if len(value) <= 60 else f"{value[:60]}…")
    if isinstance(value, list | tuple):
        return f"a list of {len(value):,}"
    if isinstance(value, Mapping):
        return f"a table of {len(value):,}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= 30 else f"{text[:30]}…"
