"""A collection of one's own: token sets defined in a YAML or TOML file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, cast, get_args

import polars as pl
from polars.exceptions import PolarsError

from unembed.errors import did_you_mean
from unembed.outside.limits import LONGEST_PATTERN, LONGEST_WORD
from unembed.outside.regex import Pattern, problems
from unembed.outside.text import quoted
from unembed.tokensets.definitions import (
    Case,
    Characters,
    Combination,
    Definition,
    How,
    Pieces,
    Regex,
    Rule,
    Spelled,
    Words,
)
from unembed.tokensets.files.tree import Tree, read_tree
from unembed.tokensets.names import problem_of
from unembed.tokensets.reading import Space

_FILE_KEYS = ("family", "source", "case", "space", "sets")
_RULE_KEYS = {
    "words": ("case", "space", "pieces", "except"),
    "regex": ("case", "space", "except"),
    "characters": ("how", "space"),
    "union": (),
    "intersection": (),
    "difference": (),
}
_OUR_KEYS = {"spelled": ("space",)}
"""Not for files from outside: nobody limits how long such a pattern takes."""
_SET_KEYS = ("description", "family", "source")


def read_definitions(path: Path, *, ours: bool = False) -> list[Definition]:
    """Return the token sets that a YAML or TOML file defines.

    The file's form is described in `docs/token-sets.md`.

    Args:
        path: of the file.
        ours: whether its regular expressions may be matched without a limit of time.

    Raises:
        TokenSetError: naming the file and line of what is wrong.
    """
    content = read_tree(path)
    table = content.table()
    _check_keys(table, _FILE_KEYS, "of a file of token sets", content)
    if "sets" not in table:
        raise content.error("there is no 'sets', the table of names and what they hold.")
    defaults = _Defaults(
        table["family"].text() if "family" in table else path.stem,
        table["source"].text() if "source" in table else path.name,
        cast(Case, _choice(table, "case", get_args(Case), "raised")),
        cast(Space, _choice(table, "space", get_args(Space))),
        ours,
    )
    sets = table["sets"].table()
    definitions = [_definition(name, tree, defaults) for name, tree in sets.items()]
    _check_patterns(definitions, sets)
    return definitions


class _Defaults(NamedTuple):
    """What a file says of all its sets; case and space are those of its word lists."""

    family: str
    source: str
    case: Case
    space: Space
    ours: bool


def _definition(name: str, tree: Tree, defaults: _Defaults) -> Definition:
    found = _defined(name, tree, defaults)
    problem = problem_of(found.name, found.family, found.description, found.source)
    if problem is not None:
        raise tree.error(problem)
    return found


def _defined(name: str, tree: Tree, defaults: _Defaults) -> Definition:
    if not isinstance(tree.value, dict):  # the short form: a name and its words
        words = Words(_entries(tree), defaults.case, defaults.space)
        return Definition(name, defaults.family, "", defaults.source, words)
    table = tree.value
    rules = _RULE_KEYS | _OUR_KEYS if defaults.ours else _RULE_KEYS
    _check_keys(table, (*_SET_KEYS, *rules, *_options()), f"of the set {name!r}", tree)
    kinds = [kind for kind in rules if kind in table]
    if len(kinds) != 1:
        found = " and ".join(kinds) if kinds else "none of them"
        raise tree.error(f"the set {name!r} should have one of {', '.join(rules)}; it has {found}.")
    kind = kinds[0]
    for option in _options():
        if option in table and option not in rules[kind]:
            raise table[option].error(f"{option!r} says nothing about {kind!r}; leave it out.")
    facts = {key: table[key].text() for key in _SET_KEYS if key in table}
    return Definition(
        name,
        facts.get("family", defaults.family),
        " ".join(facts.get("description", "").split()),
        facts.get("source", defaults.source),
        _rule(kind, table, defaults),
    )


def _rule(kind: str, table: dict[str, Tree], defaults: _Defaults) -> Rule:
    excluded = frozenset(_entries(table["except"])) if "except" in table else frozenset()
    if kind == "words":
        return Words(
            _entries(table["words"]),
            case=cast(Case, _choice(table, "case", get_args(Case), defaults.case)),
            space=cast(Space, _choice(table, "space", get_args(Space), defaults.space)),
            pieces=cast(Pieces, _choice(table, "pieces", get_args(Pieces))),
            excluded=excluded,
        )
    if kind == "regex":
        case = _choice(table, "case", ("exact", "any"))
        pattern = Pattern(table["regex"].text(), case == "any")
        space = _choice(table, "space", (*get_args(Space), "kept"), "any")
        return Regex(
            re.compile(pattern.text, pattern.flags) if defaults.ours else pattern,
            cast(Space, space),
            excluded,
        )
    if kind == "spelled":
        space = _choice(table, "space", (*get_args(Space), "kept"), "any")
        return Spelled(table["spelled"].text(), cast(Space, space))
    if kind == "characters":
        how = _choice(table, "how", ("all", "any"))
        class_ = _character_class(table["characters"])
        space = _choice(table, "space", get_args(Space), "any")
        return Characters(class_, "any" if how == "any" else "all", cast(Space, space))
    return Combination(cast(How, kind), _entries(table[kind]))


def _entries(tree: Tree) -> tuple[str, ...]:
    """Return the words of a list, or of a text that is split at white space, each once."""
    if isinstance(tree.value, str):
        words = tree.value.split()
    elif isinstance(tree.value, list):
        words = [each.text() for each in tree.value]
    else:
        raise tree.error("expected words: a list of them, or a text with spaces between them.")
    if not words:
        raise tree.error("there are no words.")
    if not all(words):
        raise tree.error("a word is empty; quote words of white space or punctuation.")
    long = next((each for each in words if len(each) > LONGEST_WORD), None)
    if long is not None:
        raise tree.error(
            f"the word {quoted(long, most=40)} has {len(long):,} characters; no token that is a "
            f"word has more than {LONGEST_WORD:,}."
        )
    return tuple(dict.fromkeys(words))


def _check_patterns(definitions: Sequence[Definition], sets: dict[str, Tree]) -> None:
    """Check that Python reads every regular expression that is not ours.

    Raises:
        TokenSetError: naming the line of one that it does not.
    """
    outside = {
        each.name: each.rule.pattern
        for each in definitions
        if isinstance(each.rule, Regex) and isinstance(each.rule.pattern, Pattern)
    }
    for name, problem in zip(outside, problems([*outside.values()]), strict=False):
        if problem is not None:
            where = sets[name].table()["regex"]
            raise where.error(
                f"{quoted(outside[name].text)} is no regular expression that Python understands: "
                f"{problem}."
            )


def _character_class(tree: Tree) -> str:
    text = tree.text()
    problem = f"{quoted(text)} is no class of characters; write it as \\p{{Greek}} or [a-z]."
    if len(text) > LONGEST_PATTERN:
        raise tree.error(problem)
    try:
        pl.Series(["a"]).str.contains(rf"\A(?:{text})\z")
    except PolarsError as error:
        raise tree.error(problem) from error
    return text


def _choice(table: dict[str, Tree], key: str, known: Iterable[str], default: str = "") -> str:
    """Return a key's value, which is one of those known; the first is the default."""
    known = list(known)
    if key not in table:
        return default or known[0]
    text = table[key].text()
    if text not in known:
        raise table[key].error(
            f"{key!r} is {text!r}, but should be one of {', '.join(known)}."
            f"{did_you_mean(text, known)}"
        )
    return text


def _check_keys(table: dict[str, Tree], known: Iterable[str], whose: str, tree: Tree) -> None:
    for key, value in table.items():
        if key not in known:
            raise value.error(
                f"{key!r} is no key {whose}.{did_you_mean(key, known)} Known: {', '.join(known)}."
            )


def _options() -> tuple[str, ...]:
    return tuple(dict.fromkeys(option for options in _RULE_KEYS.values() for option in options))
