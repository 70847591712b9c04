"""The errors `unembed` raises for a user's mistake or a bad input.

Every message says what was wrong, what was found, and what to do. The command line prints
the message alone; Python users catch `UnembedError` or one of its children.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

from unembed.visible import visible

_LONGEST = 4_000
_LAST = 1_000
"""Characters of a message, and of its end where it is longer: what to do stands there."""
_LONGEST_NAME = 200
_MOST_NAMES = 50_000
"""What is looked through for near names: nobody types a longer one."""


class UnembedError(Exception):
    """Base of every error that `unembed` raises on purpose.

    Names, paths and texts of files stand in messages: whatever they hold, a message is bounded, and
    its control and escape characters are made visible.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(_told(each) if isinstance(each, str) else each for each in args))


class SourceError(UnembedError):
    """A model or feature reference cannot be understood, found or reached."""


class FormatError(UnembedError):
    """A file was found, but its content is not what its format promises."""


class VocabularyError(UnembedError):
    """A vocabulary is inconsistent in itself or with its unembedding."""


class ShapeError(UnembedError):
    """Widths do not agree, such as the d_model of features and unembedding."""


class WeightError(UnembedError):
    """Weights hold NaN or infinite values, or none that can be used."""


class TokenSetError(UnembedError):
    """Token sets, or a file of them, are not what they should be, or a set is not there."""


class RunError(UnembedError):
    """A run folder cannot be read, or holds another run than the one asked for."""


class QueryError(UnembedError):
    """A question to a run names something that is not in it."""


class MissingExtraError(UnembedError):
    """A feature needs an optional dependency that is not installed."""


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """Return `" Did you mean …?"` with the nearest names, or an empty string.

    Args:
        name: what was given.
        known: what there is.
        cutoff: how alike names must be, from 0 to 1 (the same).
    """
    if len(name) > _LONGEST_NAME:
        return ""
    looked = [each for each in islice(known, _MOST_NAMES) if len(each) <= _LONGEST_NAME]
    near = difflib.get_close_matches(name, looked, n=3, cutoff=cutoff)
    return f" Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""


def listed(names: Iterable[str], nothing: str = "nothing", most: int = 12) -> str:
    """Return names in a row, as an error lists them, with `…` for those beyond the first few.

    >>> listed(["a", "b", "c"], most=2), listed([])
    ('a, b, …', 'nothing')

    Args:
        names: in the order they are to be shown.
        nothing: what to say where there is none.
        most: how many are shown.
    """
    known = list(names)
    return ", ".join(known[:most]) + (", …" if len(known) > most else "") or nothing


def _told(message: str) -> str:
    return _bounded(visible(_bounded(message), keep="\n"))  # an escape is longer than what it shows


def _bounded(message: str) -> str:
    if len(message) <= _LONGEST:
        return message
    return f"{message[: _LONGEST - _LAST - 3]} … {message[-_LAST:]}"
