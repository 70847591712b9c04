"""Sets that are made of others, from their names: where two meet, and what stands for several."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from unembed.tokensets.collections.languages import definitions
from unembed.tokensets.definitions import Words

from .lists import tokens_of_list
from .surface import bare, capital, every, first, lower, sized, spaced, start, upper
from .tokens import Says, Tokens

FORMS: dict[str, Says] = {
    "after_space": lambda token: token.spaced,
    "lower_after_space": spaced(every(lower)),
    "bare": bare(first(start)),
    "capital": first(capital),
    "upper": sized(every(upper), 2),
}
"""How the words of a class, or of a first letter, are written."""

_CALLED = {"function_words": "language:english"}
_TOGETHER = "_in_other_languages"


def expected(name: str, tokens: Tokens, members: Mapping[str, set[int]]) -> set[int] | None:
    """Return the members of a set that its name tells, or None where it tells none."""
    form, _, rest = name.partition(":")
    if form in FORMS and rest:
        return _written(FORMS[form], rest, tokens, members)
    if form == "suffixes":
        return _ended(rest.split("_"), tokens)
    if name.endswith(_TOGETHER):
        return _together(name.removesuffix(_TOGETHER), tokens)
    return None


def _written(
    looks: Says, rest: str, tokens: Tokens, members: Mapping[str, set[int]]
) -> set[int] | None:
    if len(rest) == 1:
        of = {token.id for token, word in tokens.spelled if word[0] == rest}
    elif _CALLED.get(rest, rest) in members:
        of = members[_CALLED.get(rest, rest)]
    else:
        return None
    return {token.id for token in tokens.read if token.id in of and looks(token)}


def _ended(endings: Collection[str], tokens: Tokens) -> set[int]:
    """Letters that end so, after two or more, or alone."""
    return {
        token.id
        for token, word in tokens.spelled
        for ending in endings
        if word.endswith(ending) and len(word) != len(ending) + 1
    }


def _together(kind: str, tokens: Tokens) -> set[int]:
    """The words of all languages of which the vocabulary has half of the words or more."""
    found: set[int] = set()
    for each in definitions():
        rule = each.rule
        if each.name.startswith(f"{kind}:") and isinstance(rule, Words):
            alone = [
                tokens_of_list(replace(rule, entries=(word,)), tokens) for word in rule.entries
            ]
            if 2 * sum(map(bool, alone)) >= len(alone):
                found.update(*alone)
    return found
