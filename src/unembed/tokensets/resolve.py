"""Definitions meet a vocabulary: each becomes a set of its tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from unembed.errors import TokenSetError, did_you_mean
from unembed.outside.regex import Failure, Pattern, matches
from unembed.outside.text import quoted
from unembed.tokensets.assemble import Draft
from unembed.tokensets.definitions import (
    Characters,
    Combination,
    Definition,
    Predicate,
    Regex,
    Spelled,
    Words,
    bare,
    fits,
    is_exact,
)
from unembed.tokensets.first_token import FirstToken
from unembed.tokensets.reading import Reading
from unembed.tokensets.token_sets import Ids, SetInfo, combine

DEEPEST = 100
"""How deep sets may be made of sets that are made of sets, unless those stand before them."""


class Members(Protocol):
    """Sets that are known by name."""

    def __contains__(self, name: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __getitem__(self, name: str, /) -> Ids: ...


def resolve(
    definitions: Sequence[Definition],
    reading: Reading,
    *,
    library: Iterable[Definition] = (),
    known: Members | None = None,
) -> Iterator[Draft]:
    """Yield each definition's set of tokens, in the order of the definitions.

    Args:
        definitions: their names are unique.
        reading: the vocabulary, read.
        library: further definitions, whose sets combinations may name.
        known: further sets that combinations may name.

    Raises:
        TokenSetError: when a combination names a set that does not exist, or itself.
    """
    by_name = {each.name: each for each in (*library, *definitions)}
    resolver = _Resolver(by_name, reading, {} if known is None else known)
    for definition in definitions:
        yield resolver.draft(definition.name)


class _Resolver:
    def __init__(
        self, definitions: dict[str, Definition], reading: Reading, known: Members
    ) -> None:
        self.definitions = definitions
        self.reading = reading
        self.known = known
        self.first_token = FirstToken(reading.vocabulary)
        self.done: dict[str, Draft] = {}
        self.open: list[str] = []

    def draft(self, name: str) -> Draft:
        if name not in self.done:
            self.done[name] = self._resolved(self.definitions[name])
        return self.done[name]

    def _resolved(self, definition: Definition) -> Draft:
        rule = definition.rule
        words, missed = None, tuple[str, ...]()
        match rule:
            case Words():
                ids, missed = self._words(rule)
                words = len(rule.entries)
            case Regex():
                ids = self._regex(rule)
            case Characters():
                found = self.reading.with_characters(rule.class_, rule.how)
                ids = self.reading.with_space(found, rule.space)
            case Spelled():
                ids = self.reading.spelled(rule.pattern, rule.space)
            case Combination():
                ids = self._combination(definition.name, rule)
            case Predicate():
                ids = np.unique(rule.select(self.reading))
        info = SetInfo(
            definition.name,
            definition.family,
            definition.description,
            definition.source,
            str(rule),
            words=words,
            missed=None if words is None else len(missed),
        )
        return Draft(info, ids, missed)

    def _words(self, rule: Words) -> tuple[Ids, tuple[str, ...]]:
        reading = self.reading
        uncased = reading.uncased and rule.case != "exact"  # names stand there in small letters
        tokens: list[int] = []
        missed: list[str] = []
        for entry in rule.entries:
            written = bare(entry)
            near = reading.spellings.get(written.casefold())
            if near is None:  # few entries of a large lexicon are tokens at all
                missed.append(written)
                continue
            found = [
                token
                for word in near
                if word not in rule.excluded
                and (fits(word, entry, rule.case) or (uncased and not is_exact(entry)))
                for token in reading.fitting(word, rule.space)
            ]
            tokens += found
            if not found:
                missed.append(written)
        if rule.pieces == "first_token":
            tokens += [self.first_token(word, rule.space) for word in missed]
        return np.unique(np.array(tokens, np.int32)), tuple(missed)

    def _regex(self, rule: Regex) -> Ids:
        reading, pattern = self.reading, rule.pattern
        if isinstance(pattern, Pattern):
            found = self._from_outside[pattern, rule.seen]
        else:
            found = reading.matching(pattern.search, whole=rule.seen == "text")
        if rule.space == "kept":
            return found
        if rule.excluded:
            found = np.setdiff1d(found, self.reading.tokens_of(rule.excluded))
        return self.reading.with_space(found, rule.space)

    @cached_property
    def _from_outside(self) -> dict[tuple[Pattern, str], Ids]:
        """The tokens of every pattern that is not ours, all matched by one process.

        Raises:
            TokenSetError: naming the set whose pattern takes too long, or is none.
        """
        name_of: dict[tuple[Pattern, str], str] = {}
        for name, each in self.definitions.items():
            if isinstance(each.rule, Regex) and isinstance(each.rule.pattern, Pattern):
                name_of.setdefault((each.rule.pattern, each.rule.seen), name)
        words = list(self.reading.ids_of_word)
        found: dict[tuple[Pattern, str], Ids] = {}
        for which, hits in zip(
            name_of, matches([*name_of], {"word": words, "text": self.reading.texts}), strict=False
        ):
            if isinstance(hits, Failure):
                raise TokenSetError(
                    f"The regular expression of the set {name_of[which]!r}, "
                    f"{quoted(which[0].text)}, cannot be matched: {hits.why}. Write it without "
                    "repeats inside of repeats, or list words."
                )
            found[which] = (
                self.reading.ids[hits]
                if which[1] == "text"
                else self.reading.tokens_of(words[at] for at in hits)
            )
        return found

    def _combination(self, name: str, rule: Combination) -> Ids:
        self.open.append(name)
        members = [self._members(part) for part in rule.of]
        self.open.pop()
        return combine(rule.how, members)

    def _members(self, name: str) -> Ids:
        if name in self.open:
            raise TokenSetError(
                f"The set {name!r} is made of itself: {' → '.join([*self.open, name])}."
            )
        if len(self.open) > DEEPEST:
            raise TokenSetError(
                f"{self.open[0]!r} is made of sets made of sets, more than {DEEPEST} deep. "
                "Define those it rests on before it."
            )
        if name in self.definitions:
            return self.draft(name).ids
        if name in self.known:
            return self.known[name]
        raise TokenSetError(
            f"{self.open[-1]!r} is made of {name!r}, which is no token set."
            f"{did_you_mean(name, [*self.definitions, *self.known])}"
        )
