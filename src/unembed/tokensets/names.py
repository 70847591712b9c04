"""What may name and describe a token set: one place, for every way in which sets come."""

from __future__ import annotations

from unembed.outside.limits import LONGEST_SET_NAME, LONGEST_SET_TEXT
from unembed.outside.text import quoted, shown
from unembed.visible import ACTING


def problem_of(name: object, family: object, description: object, source: object) -> str | None:
    """Return what is wrong with what is said of a set, as a sentence; None for nothing.

    Names and families are shown in tables and lists, and asked for by what is typed: they are one
    line, without spaces at their ends. Descriptions may have several. None may hold characters that
    act on a terminal or reorder a line, or halves of characters, which no table can keep.
    """
    problem = name_problem(name)
    if problem is None and family != "":
        problem = _line_problem("be the family of", family)
    for what, text in (("description", description), ("source", source)):
        problem = problem or _text_problem(what, name, text)
    return problem


def name_problem(name: object) -> str | None:
    """Return what is wrong with a name, as a sentence; None for nothing."""
    return _line_problem("name", name)


def _line_problem(what: str, text: object) -> str | None:
    if not isinstance(text, str):
        return f"{_short(text)} cannot {what} a token set: it is no text."
    if len(text) > LONGEST_SET_NAME:
        return (
            f"{_short(text)} cannot {what} a token set: it has {len(text):,} characters, "
            f"more than {LONGEST_SET_NAME:,}."
        )
    if not text or text != text.strip() or "\n" in text or ACTING.search(text):
        return (
            f"{_short(text)} cannot {what} a token set: give one without tabs, line breaks, "
            "control characters, or spaces at its ends."
        )
    return None


def _text_problem(what: str, name: object, text: object) -> str | None:
    if not isinstance(text, str):
        return f"The {what} of {_short(name)} is {_short(text)}, which is no text."
    if len(text) > LONGEST_SET_TEXT:
        return (
            f"The {what} of {_short(name)} has {len(text):,} characters, more than "
            f"{LONGEST_SET_TEXT:,}."
        )
    found = ACTING.search(text.replace("\t", " "))
    if found:
        return (
            f"The {what} of {_short(name)} holds the character U+{ord(found[0]):04X}, which acts "
            "on what shows it. Leave it out."
        )
    return None


def _short(text: object) -> str:
    return quoted(text, most=60) if isinstance(text, str) else shown(repr(text), most=60)
