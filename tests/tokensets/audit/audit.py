"""What is wrong with a collection of sets: each is held against a statement of its own.

Where a set's members follow from what is said of it (its looks, its script, its letters, its word
list, the sets it is made of) they are found anew, token by token, by code that builds no sets. A
set that has no such statement is a fault too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from unembed import Vocabulary
from unembed.tokensets.assemble import Draft
from unembed.tokensets.definitions import Combination, Definition, Words

from . import made, meetings
from .closed import CLOSED, FUNCTION_WORDS, LEFT_OUT, NO_WORDS
from .code import CODE
from .continued import continued
from .lists import combined, tokens_of_list
from .post import POST
from .scripts import UNICODE
from .surface import SURFACE
from .tokens import Says, Tokens

STATED: dict[str, Says] = SURFACE | UNICODE | CODE | POST
_GENERATED = re.compile(r"(contains|begins|ends|form|lexeme|continues):")
_SHOWN = 5
_ENOUGH = 50_000
"""Tokens from which on not each is asked for its looks: what is wrong there is so of many."""


class Audit:
    """Faults of sets of one vocabulary.

    Attributes:
        vocabulary: the vocabulary.
        definitions: by name; those of word lists and combinations say what they are made of.
    """

    def __init__(self, vocabulary: Vocabulary, definitions: Iterable[Definition]) -> None:
        self.vocabulary = vocabulary
        self.tokens = Tokens(vocabulary)
        self.texts = vocabulary.texts
        self.definitions = {each.name: each for each in definitions}

    def faults(self, drafts: Sequence[Draft]) -> list[str]:
        """Return a line for each fault of each set, and none where all is well."""
        members = {draft.info.name: set(draft.ids.tolist()) for draft in drafts}
        found = [fault for draft in drafts for fault in self._form(draft)]
        for name in members:
            found += self._members(name, members)
        if any(map(_made, members)):
            found += [f"{name!r} is missing" for name in self.generated if name not in members]
        return [*found, *self._closed(members)]

    @cached_property
    def generated(self) -> dict[str, set[int]]:
        """The sets that the vocabulary makes of itself."""
        return made.generated(self.tokens) | continued(self.tokens)

    def _form(self, draft: Draft) -> Iterator[str]:
        name, ids = draft.info.name, draft.ids.tolist()
        if not name.strip() or not draft.info.description.strip() or not draft.info.family.strip():
            yield f"{name!r} has an empty name, description or family"
        if ids != sorted(set(ids)):
            yield f"{name!r} has a member twice, or out of order"
        if not set(ids) <= self.tokens.raw.keys():
            yield f"{name!r} holds a masked token"

    def _members(self, name: str, members: Mapping[str, set[int]]) -> Iterator[str]:
        if _made(name):
            yield from self._differ(name, members[name], self.generated.get(name, set()))
        elif name in STATED:
            yield from self._stated(name, members[name], STATED[name])
        else:
            expected = self._expected(name, members)
            if expected is None:
                yield f"{name!r} is stated nowhere: say in the audit what it must hold"
            else:
                yield from self._differ(name, members[name], expected)

    def _expected(self, name: str, members: Mapping[str, set[int]]) -> set[int] | None:
        told = meetings.expected(name, self.tokens, members)
        if told is not None:
            return told
        rule = self.definitions[name].rule if name in self.definitions else None
        if isinstance(rule, Words):
            return tokens_of_list(rule, self.tokens)
        if isinstance(rule, Combination) and all(part in members for part in rule.of):
            return combined(rule, members)
        return made.expected(name, self.tokens)

    def _stated(self, name: str, found: set[int], says: Says) -> Iterator[str]:
        read = self.tokens.read
        asked = read[:: 1 + len(read) // _ENOUGH]
        must: set[int] = set()
        sure = {token.id for token in asked}
        for token in asked:
            verdict = says(token)
            if verdict:
                must.add(token.id)
            elif verdict is None:
                sure.remove(token.id)
        strange = {index for index in found if self._has_no_text(index)}
        yield from self._differ(name, (found & sure) | strange, must)

    def _has_no_text(self, index: int) -> bool:
        """Whether a token is a part of a character, of which nothing can be said."""
        return bool(self.vocabulary.partial_utf8[index])

    def _differ(self, name: str, found: set[int], expected: set[int]) -> Iterator[str]:
        """Tokens of characters that this Python does not know are nobody's fault."""
        for what, ids in (("wrongly holds", found - expected), ("lacks", expected - found)):
            ids -= self.tokens.unknown
            if ids:
                some = [self.texts[index] for index in sorted(ids)[:_SHOWN]]
                yield f"{name!r} {what} {len(ids):,} tokens: {some}"

    def _closed(self, members: Mapping[str, set[int]]) -> Iterator[str]:
        for name in CLOSED.keys() & members.keys():
            stated = set(CLOSED[name].split()) - LEFT_OUT
            yield from self._class(name, members[name], stated)
        if "whole_words" in members:
            by_text = self.tokens.by_text
            for words, name in ((FUNCTION_WORDS, "whole_words"), (NO_WORDS, "word_beginnings")):
                spelled = {by_text[f" {word}"] for word in words if f" {word}" in by_text}
                yield from self._differ(name, members.get(name, spelled) & spelled, spelled)

    def _class(self, name: str, found: set[int], stated: set[str]) -> Iterator[str]:
        folded = {word.casefold() for word in stated}
        words = {index: self.texts[index].removeprefix(" ") for index in found}
        strange = {index for index, word in words.items() if word.casefold() not in folded}
        yield from self._differ(name, strange, set())
        by_text = self.tokens.by_text
        sure = {by_text[f" {word}"] for word in stated if f" {word}" in by_text}
        if name != "ordinal_endings":  # those stand after digits, never after a space
            yield from self._differ(name, found & sure, sure)


def _made(name: str) -> bool:
    return _GENERATED.match(name) is not None
