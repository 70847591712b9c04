"""Word lists and combinations: which tokens a list stands for, form by form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from unembed.tokensets.definitions import Combination, Words

from .tokens import Tokens


def tokens_of_list(rule: Words, tokens: Tokens) -> set[int]:
    """The tokens of a word list: each entry's forms are written out and looked up."""
    found: set[int] = set()
    for entry in rule.entries:
        if entry.removeprefix("=").casefold() not in tokens.by_folded and entry != "=":
            continue  # as of most words of a long list
        for form in _forms(entry, rule.case, tokens):
            if form not in rule.excluded:
                found |= _standing_for(form, rule.space, tokens)
    return found


def _forms(entry: str, case: str, tokens: Tokens) -> Iterable[str]:
    if entry[:1] == "=" and len(entry) > 1:
        return [entry[1:]]
    if case == "any":
        return {token.word for token in tokens.by_folded.get(entry.casefold(), ())}
    forms = {entry}
    if case in ("sentence", "raised"):
        forms.add(entry[0].upper() + entry[1:])
    if case == "raised":
        forms.add(entry.upper())
    return forms


def _standing_for(form: str, space: str, tokens: Tokens) -> set[int]:
    here = tokens.by_word.get(form, ())
    if not here:
        return set()
    if space == "required":
        return {token.id for token in here if token.spaced}
    if space == "forbidden":
        return {token.id for token in here if not token.spaced}
    sure = space == "any" or not form.isalpha() or form.casefold() in tokens.after_a_space
    return {token.id for token in here if sure}


def combined(rule: Combination, members: Mapping[str, set[int]]) -> set[int]:
    """The union, intersection or difference of sets that were found by themselves."""
    one, *others = (members[name] for name in rule.of)
    if rule.how == "union":
        return one.union(*others)
    return one.intersection(*others) if rule.how == "intersection" else one.difference(*others)
