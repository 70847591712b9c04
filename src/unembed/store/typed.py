"""Values of a file that somebody may hand us, held against the types of the record they go into."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from unembed.errors import UnembedError
from unembed.outside.documents import is_deeper

Facts = TypeVar("Facts")
Ranges = Mapping[str, tuple[float, float]]

_NAMES = {
    str: "text", int: "a whole number", float: "a number", bool: "true or false",
    dict: "a table of names", type(None): "null", list: "a list",
}  # fmt: skip
_SHOWN = 60
_DEEPEST = 100


def facts_of(
    kind: type[Facts], content: Any, at: str, ranges: Ranges | None = None, **known: Any
) -> Facts:
    """Return the record of a part of a file; what is not known of it is passed over.

    Args:
        kind: the record's class, a dataclass.
        content: what the file says.
        at: where in the file, for the error.
        ranges: the least and the most of each number, by the field's name.
        known: fields that were read already.

    Raises:
        ValueError: naming the field that is missing, of another type, or beyond its range.
    """
    given, found = table(content, at), dict(known)
    hints = get_type_hints(kind)
    for each in fields(kind):  # type: ignore[arg-type]
        if each.name in found:
            continue
        if each.name in given:
            where = f"{at}.{each.name}"
            found[each.name] = _typed(given[each.name], hints[each.name], where)
            _check_range(found[each.name], (ranges or {}).get(each.name), where)
        elif each.default is MISSING:
            raise ValueError(f"{at} has no {each.name!r}")
    try:
        return kind(**found)
    except UnembedError as error:  # a record that looks after itself
        raise ValueError(f"{at}: {error}") from error


def table(content: Any, at: str) -> dict[str, Any]:
    """Return a table of names to values.

    Raises:
        ValueError: when it is something else.
    """
    if not isinstance(content, dict):
        raise ValueError(_not(content, "a table of names", at))
    return content


def check_depth(content: Any) -> None:
    """Check that tables and lists are not nested so deep that a walk through them cannot end.

    Raises:
        ValueError: when they are.
    """
    if is_deeper(content, _DEEPEST):
        raise ValueError(f"its lists and tables are nested more than {_DEEPEST} deep")


def rows(content: Any, at: str) -> list[Any]:
    """Return a list.

    Raises:
        ValueError: when it is something else.
    """
    if not isinstance(content, list):
        raise ValueError(_not(content, "a list", at))
    return content


def _typed(value: Any, hint: Any, at: str) -> Any:
    """Return a value that is of a type, as the type has it: 1 is a number with a fraction, too."""
    origin = get_origin(hint)
    if origin is Literal:
        if not isinstance(value, str) or value not in get_args(hint):
            raise ValueError(_not(value, f"one of {', '.join(map(str, get_args(hint)))}", at))
        return value
    if origin in (Union, types.UnionType):
        kinds = [each for each in get_args(hint) if each is not type(None)]
        return None if value is None else _typed(value, kinds[0], at)
    plain = origin or hint
    if plain is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 2**53 else math.inf
    is_it = type(value) is plain and not (plain is float and not math.isfinite(value))
    if not is_it:
        raise ValueError(_not(value, _NAMES[plain], at))
    return value


def _check_range(value: Any, within: tuple[float, float] | None, at: str) -> None:
    if within is None or value is None:
        return
    least, most = within
    if not least <= value <= most:
        raise ValueError(f"{at} is {_shown(value)}, and may be {least:,} to {most:,}")


def _not(value: Any, wanted: str, at: str) -> str:
    found = _NAMES.get(type(value), "something else")
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        found = f"{found}, {_shown(value)}"
    return f"{at} should be {wanted}, and is {found}"


def _shown(value: Any) -> str:
    """Return a value as it may be printed: short, and without signs that steer a terminal."""
    if isinstance(value, int) and abs(value) >= 10**_SHOWN:
        return "one of very many digits"
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
