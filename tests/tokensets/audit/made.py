"""Sets that are counted, spelled or made of the vocabulary itself, from their names alone."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable

from unembed.tokensets.collections.lexicon import dictionary, lexemes

from .surface import mark
from .tokens import Token, Tokens


def expected(name: str, tokens: Tokens) -> set[int] | None:
    """The members that a set's name tells, or None where it tells none."""
    family, _, rest = name.partition(":")
    if family in _BY_FAMILY:
        return _BY_FAMILY[family](rest, tokens)
    if name in _BY_NAME:
        return _BY_NAME[name](tokens)
    return None


def _ids(tokens: Tokens, says: Callable[[Token], object]) -> set[int]:
    return {token.id for token in tokens.read if says(token)}


def _length(rest: str, tokens: Tokens) -> set[int]:
    least = int(rest.split("_")[0])
    return _ids(tokens, lambda t: len(t.word) == least or ("more" in rest and len(t.word) > least))


def _bytes(rest: str, tokens: Tokens) -> set[int]:
    return _ids(tokens, lambda t: len(tokens.raw[t.id]) == int(rest))


def _rank(rest: str, tokens: Tokens) -> set[int]:
    start, stop = map(int, rest.split("-"))
    return set(sorted(tokens.raw)[start:stop])


def _decade(rest: str, tokens: Tokens) -> set[int]:
    return _ids(tokens, lambda t: t.word in {f"{rest[:3]}{digit}" for digit in range(10)} | {rest})


def _begun(rest: str, tokens: Tokens) -> set[int]:
    return {token.id for token in tokens.begun(rest)}


def _ended(rest: str, tokens: Tokens) -> set[int]:
    return {token.id for token in tokens.ended(rest)}


def _with_letter(tokens: Tokens, at: int, letters: str) -> set[int]:
    return {token.id for token, word in tokens.spelled if word[at] in letters}


def _suffix(rest: str, tokens: Tokens) -> set[int]:
    """After two letters or more, or alone: not after one."""
    return {token.id for token in tokens.ended(rest) if len(token.word) != len(rest) + 1}


def _prefix(rest: str, tokens: Tokens) -> set[int]:
    def known(word: str) -> bool:
        return len(word) >= 4 and word.lower() in dictionary()

    return {token.id for token in tokens.begun(rest) if known(token.word[len(rest) :])}


def _pieces(known: bool, spaced: bool) -> Callable[[Tokens], set[int]]:
    def found(tokens: Tokens) -> set[int]:
        return _ids(
            tokens,
            lambda t: (
                bool(t.word)
                and all("a" <= c <= "z" for c in t.word)
                and t.spaced == spaced
                and (t.word in dictionary()) == known
            ),
        )

    return found


def _parts(tokens: Tokens, says: Callable[[bytes], object]) -> set[int]:
    return {index for index, raw in tokens.raw.items() if says(raw)}


def _decodes(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unfinished(raw: bytes) -> bool:
    """Whether the last character has begun and lacks bytes: its first byte says how many it has."""
    tail = 0
    while tail < len(raw) and 0x80 <= raw[-1 - tail] < 0xC0:
        tail += 1
    if tail == len(raw) or tail > 3:
        return False
    head = raw[-1 - tail]
    size = 1 if head < 0x80 else 2 if head < 0xE0 else 3 if head < 0xF0 else 4
    return tail + 1 < size


_BY_FAMILY = {
    "length": _length,
    "bytes": _bytes,
    "rank": _rank,
    "years": lambda rest, tokens: None if "century" in rest else _decade(rest, tokens),
    "first_letter": _begun,
    "first_letters": _begun,
    "last_letter": _ended,
    "last_letters": _ended,
    "suffix": _suffix,
    "prefix": _prefix,
}
_BY_NAME = {
    "begins_with_vowel": lambda tokens: _with_letter(tokens, 0, "aeiou"),
    "begins_with_consonant": lambda tokens: _with_letter(tokens, 0, "bcdfghjklmnpqrstvwxyz"),
    "ends_with_vowel": lambda tokens: _with_letter(tokens, -1, "aeiou"),
    "whole_words": _pieces(True, True),
    "words_without_space": _pieces(True, False),
    "word_beginnings": _pieces(False, True),
    "word_endings": _pieces(False, False),
    "byte_tokens": lambda tokens: _parts(tokens, lambda raw: len(raw) == 1),
    "partial_utf8": lambda tokens: _parts(tokens, lambda raw: not _decodes(raw)),
    "utf8_lead_bytes": lambda tokens: _parts(tokens, _unfinished),
    "utf8_continuation_bytes": lambda tokens: _parts(tokens, lambda raw: 0x80 <= raw[0] < 0xC0),
}


def core(word: str) -> str:
    """A word in folded case without the marks around it; empty where others are inside."""
    inside = word
    while inside and (mark(inside[0]) or inside[0].isspace()):
        inside = inside[1:]
    while inside and (mark(inside[-1]) or inside[-1].isspace()):
        inside = inside[:-1]
    fit = all(unicodedata.category(c)[0] in "LMN" for c in inside)
    return inside.casefold() if fit else ""


def generated(tokens: Tokens) -> dict[str, set[int]]:
    """Every set that the vocabulary makes of itself, by name."""
    found: dict[str, set[int]] = defaultdict(set)
    for token in tokens.read:
        marks = {c for c in token.word if mark(c)}
        for c in marks:
            found[f"contains:{c}"].add(token.id)
        if token.word and mark(token.word[0]):
            found[f"begins:{token.word[0]}"].add(token.id)
        if token.word and mark(token.word[-1]):
            found[f"ends:{token.word[-1]}"].add(token.id)
        if core(token.word):
            found[f"form:{core(token.word)}"].add(token.id)
    forms = {name: set(ids) for name, ids in found.items()}
    lemmas: dict[str, set[str]] = defaultdict(set)
    for row in lexemes().iter_rows(named=True):
        lemmas[row["lemma"].casefold()].update(form.casefold() for form in row["forms"])
    for lemma, words in lemmas.items():
        present = [forms[f"form:{word}"] for word in words if f"form:{word}" in forms]
        if len(present) > 1:
            found[f"lexeme:{lemma}"] = set().union(*present)
    return {name: ids for name, ids in found.items() if len(ids) >= 3}
