"""The errors `unembed` raises for a user's mistake or a bad input.

Every message says what was wrong, what was found, and what to do. The command line prints
the message alone; Python users catch `UnembedError` or one of its children.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UnembedError(Exception):
    """Base of every error that `unembed` raises on purpose."""


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
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=cutoff)
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
