"""Definitions: what a token set is, before any vocabulary is known.

A definition speaks of decoded text, never of ids, and says what it does about leading spaces,
case, and words that are more than one token. The same definition serves every tokenizer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from unembed.errors import listed
from unembed.outside.regex import Pattern
from unembed.outside.text import shown
from unembed.tokensets.reading import Reading, Space
from unembed.tokensets.token_sets import Ids

Case = Literal["exact", "sentence", "raised", "any"]
"""Which capitals an entry stands for: `exact` as written; `sentence` also with its first letter
raised; `raised` also all in capitals (so `may` reads as May and MAY, but `May` never as may);
`any` in any case."""

Pieces = Literal["skip", "first_token"]
"""What becomes of words that are not single tokens: left out, or their first token stands in."""

How = Literal["union", "intersection", "difference"]

EXACT_MARK = "="


@dataclass(frozen=True)
class Words:
    """Tokens that are a word of a list.

    Attributes:
        entries: the words; one that begins with `=` is taken exactly as written after it.
        case: which capitals they stand for.
        space: which tokens stand for them, with and without a leading space.
        pieces: what becomes of words that are not single tokens.
        excluded: words that never belong, exactly as written (`US` to the pronoun `us`).
    """

    entries: tuple[str, ...]
    case: Case = "raised"
    space: Space = "whole"
    pieces: Pieces = "skip"
    excluded: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """The rule in words."""
        exact = sum(map(is_exact, self.entries))
        parts = [
            f"{len(self.entries):,} words, {_CASES[self.case]}",
            f"{exact:,} of them exactly as written" if exact and self.case != "exact" else "",
            "pieces of words that look like them too" if self.space == "any" else "",
            _SPACES[self.space],
            _PIECES[self.pieces],
            _listed("never", self.excluded),
        ]
        return "; ".join(part for part in parts if part)


@dataclass(frozen=True)
class Regex:
    """Tokens whose word, or whole text, a Python regular expression finds a match in.

    Attributes:
        pattern: searched in the token's word: its text without one leading space. Ours are
            compiled; one from outside is matched in limited time (`unembed.outside.regex`).
        space: whether a token must, or must not, have a leading space; with `kept` the
            pattern sees the whole text.
        excluded: words that never belong.
    """

    pattern: re.Pattern[str] | Pattern
    space: Space | Literal["kept"] = "any"
    excluded: frozenset[str] = frozenset()

    @property
    def seen(self) -> Literal["word", "text"]:
        """What the pattern is searched in."""
        return "text" if self.space == "kept" else "word"

    def __str__(self) -> str:
        """The rule in words."""
        pattern = self.pattern
        text = pattern.text if isinstance(pattern, Pattern) else pattern.pattern
        parts = [
            f"{self.seen} matches {shown(text)}",
            "in any case" if self.pattern.flags & re.IGNORECASE else "",
            "" if self.space == "kept" else _SPACES[self.space],
            _listed("never", self.excluded),
        ]
        return "; ".join(part for part in parts if part)


@dataclass(frozen=True)
class Characters:
    r"""Tokens whose word has only, or any, characters of a Unicode class.

    Attributes:
        class_: a class of Unicode regular expressions, such as `\p{Greek}` or `[α-ω]`.
        how: `all` or `any` of the word's characters.
        space: whether a token must, or must not, have a leading space.
    """

    class_: str
    how: Literal["all", "any"] = "all"
    space: Space = "any"

    def __str__(self) -> str:
        """The rule in words."""
        text = f"{self.how} characters are {self.class_}"
        return "; ".join(part for part in (text, _SPACES[self.space]) if part)


@dataclass(frozen=True)
class Spelled:
    r"""Tokens whose word, from its first character to its last, fits a pattern of Unicode classes.

    Python's expressions know no `\p{Lu}`: what they call a letter or no letter is something else
    for combining marks, fractions and underscores.

    Attributes:
        pattern: a regular expression as Rust's `regex` reads it, such as `\p{Lu}\p{Ll}+`; a full
            stop stands for line breaks too.
        space: whether a token must, or must not, have a leading space; with `kept` the
            pattern sees the whole text.
    """

    pattern: str
    space: Space | Literal["kept"] = "any"

    def __str__(self) -> str:
        """The rule in words."""
        seen = "text" if self.space == "kept" else "word"
        space = "" if self.space == "kept" else _SPACES[self.space]
        return "; ".join(part for part in (f"{seen} is {shown(self.pattern)}", space) if part)


@dataclass(frozen=True)
class Combination:
    """Tokens of other sets: their union, intersection, or the first less the others."""

    how: How
    of: tuple[str, ...]

    def __str__(self) -> str:
        """The rule in words."""
        return f"{self.how} of {_some(self.of)}"


@dataclass(frozen=True)
class Predicate:
    """Tokens that a function selects, where words cannot say it (bytes, ranks, lengths)."""

    select: Callable[[Reading], Ids]
    text: str

    def __str__(self) -> str:
        """The rule in words."""
        return self.text


Rule = Words | Regex | Characters | Spelled | Combination | Predicate


@dataclass(frozen=True)
class Definition:
    """A token set's name and description, and the rule that tells its members."""

    name: str
    family: str
    description: str
    source: str
    rule: Rule


def is_exact(entry: str) -> bool:
    """Return whether an entry of a word list is to be taken exactly as written."""
    return len(entry) > 1 and entry.startswith(EXACT_MARK)


def bare(entry: str) -> str:
    """Return an entry without its mark.

    >>> bare("=May"), bare("=")
    ('May', '=')
    """
    return entry.removeprefix(EXACT_MARK) if is_exact(entry) else entry


def fits(word: str, entry: str, case: Case) -> bool:
    """Return whether an entry stands for a word that differs from it in case at most.

    >>> [word for word in ("may", "May", "MAY", "mAy") if fits(word, "may", "raised")]
    ['may', 'May', 'MAY']
    >>> fits("may", "May", "raised"), fits("May", "=may", "any")
    (False, False)
    """
    if is_exact(entry) or case == "exact":
        return word == bare(entry)
    if case == "any" or word == entry:
        return True
    if word == entry[:1].upper() + entry[1:]:
        return True
    return case == "raised" and word == entry.upper()


_CASES = {
    "exact": "exactly as written",
    "sentence": "as written or with the first letter raised",
    "raised": "as written, with the first letter raised, or in capitals",
    "any": "in any case",
}
_SPACES = {
    "any": "",
    "whole": "",
    "required": "with a leading space",
    "forbidden": "without a leading space",
}
_MOST_LISTED = 100
_PIECES = {
    "skip": "",
    "first_token": "of words that are no single token, the first token",
}


def _listed(before: str, words: frozenset[str]) -> str:
    return f"{before} {_some(sorted(words))}" if words else ""


def _some(names: Sequence[str]) -> str:
    """Return names in a row, as many as a line can hold."""
    return shown(listed(names, most=_MOST_LISTED))
