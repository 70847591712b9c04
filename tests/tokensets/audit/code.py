"""Marks and shapes of programs, said once more."""

from __future__ import annotations

import re
from itertools import pairwise

from .surface import mark, of
from .tokens import Says, Verdict


def among(text: str) -> Says:
    known = set(text.split())
    return of(known.__contains__)


def parts(word: str) -> list[str]:
    """A name in pieces, each of which begins where a capital does."""
    return re.findall("[A-Z][^A-Z]*|^[^A-Z]+", word)


def camel(word: str) -> bool:
    pieces = parts(word)
    plain = word.isascii() and word.isalnum() and pieces[0].isalpha() and pieces[0].islower()
    return plain and len(pieces) > 1 and all(len(piece) > 1 for piece in pieces[1:])


def pascal(word: str) -> bool:
    pieces = parts(word)
    plain = word.isascii() and word.isalnum() and len(pieces) > 1
    return plain and all(piece[0].isupper() and len(piece) > 1 for piece in pieces)


def constant(word: str) -> bool:
    pieces = word.removeprefix("_").removesuffix("_").split("_")
    plain = all(each.isascii() and each.isalnum() and each == each.upper() for each in pieces)
    if word.startswith("_") and len(pieces) == 1 and not word.endswith("_"):
        return plain and len(word) > 2 and pieces[0].isalpha()
    return plain and len(pieces) > 1


def kebab(word: str) -> bool:
    pieces = word.split("-")
    letters = all(each.isascii() and each.isalpha() and each.islower() for each in pieces if each)
    return len(pieces) > 1 and letters and all(pieces[1:])


def marks_with(*wanted: str, also: str = "") -> Says:
    """Punctuation that holds one of some marks is open; everything else is out."""

    def test(word: str) -> Verdict:
        plain = all(mark(c) or c in also or c.isspace() for c in word)
        return None if plain and any(each in word for each in wanted) else False

    return of(test)


def statement_end(word: str) -> bool:
    head, _, tail = word.partition(";")
    closed = all(c in ")]}\"'" for c in head) and all(mark(c) or c.isspace() for c in tail)
    return ";" in word and closed and (bool(head) or word == ";")


CODE: dict[str, Says] = {
    "camel_case": of(lambda w: bool(w) and camel(w)),
    "pascal_case": of(lambda w: bool(w) and pascal(w)),
    "underscore_then_word": of(
        lambda w: w[:1] == "_" and w.strip("_").isalnum() and w.isascii() and w[-1] != "_"
        and "_" not in w.lstrip("_")
    ),
    "constant_case": of(constant),
    "kebab_case": of(kebab),
    "dot_then_word": of(
        lambda w: w[:1] == "." and w.isascii() and w[1:].replace("_", "a").isalpha()
    ),
    "assignment_operators": among("= := -= += *= /= %= &= |= ^= <<= >>= **= //= ??="),
    "comparison_operators": among("== === != !== <= >= < > <> =~ ~= <=> ≤ ≥ ≠"),
    "arithmetic_operators": among("+ - * / % ** // ++ -- × ÷ ±"),
    "logical_operators": among("&& || ! & | ^ ~ << >> !! ??"),
    "arrow_operators": of(
        lambda w: all(map(mark, w)) and any(each in w for each in ("->", "=>", "<-", "~>", "|>"))
    ),
    "statement_ends": of(statement_end),
    "block_ends": of(lambda w: "}" in w and all(c in ")]};," or c.isspace() for c in w)),
    "block_starts": marks_with("{", "):"),
    "call_punctuation": marks_with("('", '("', "')", '")', ").", "].", ")[", "](", "()"),
    "comment_marks": marks_with("/", "*", "#", "--", '"""', "'''", ";;", "%%"),
    "escape_sequences": of(
        lambda w: any(a == "\\" and b in "ntrbfv0'\"\\uUx" for a, b in pairwise(w))
    ),
    "format_specifiers": of(
        lambda w: None if "%" in w or "${" in w or (w[:1] == "{" and w[-1:] == "}") else False
    ),
    "html_tags": of(lambda w: None if ("<" in w or ">" in w) else False),
    "backslash_then_letters": of(
        lambda w: any(
            a == "\\" and b.isascii() and b.isalpha() for a, b in pairwise(w)
        )
    ),
    "markdown_marks": marks_with("#", "*", "_", "`", "~~", "](", "![", "[^", ">", "-", "|", "+"),
    "json_punctuation": marks_with('"'),
}  # fmt: skip
