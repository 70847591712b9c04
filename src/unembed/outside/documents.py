"""JSON, TOML and YAML from outside, as plain trees: lists, tables, texts, numbers, flags and null.

Size, number of values, depth and what aliases expand to are bounded, and whatever a parser throws
becomes a `FormatError` that names the file. What a value should be is checked by `fields`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unembed.errors import FormatError
from unembed.outside import limits
from unembed.outside.files import decoded, read_bytes
from unembed.outside.text import quoted
from unembed.outside.yaml_tree import Spoilt, same, yaml_tree

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_AGAIN = "Mend it, or download it again."
_ESCAPED_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(path: Path, most: int = limits.JSON_BYTES) -> Any:
    """Return what a JSON file holds.

    Args:
        path: the file.
        most: how many bytes it may have.

    Raises:
        FormatError: when it cannot be read, or is no JSON within the limits.
    """
    return parse_json(read_bytes(path, most), str(path))


def parse_json(
    raw: bytes, what: str, *, most: int = limits.JSON_BYTES, values: int = limits.JSON_VALUES
) -> Any:
    """Return what JSON says.

    A name that stands twice in a table has to say the same twice. NaN and infinities are read as
    Python writes them: real configs have them where nothing asks.

    Args:
        raw: UTF-8, or what its byte-order mark says.
        what: the file, as errors name it.
        most: bytes that it may have.
        values: that it may have.

    Raises:
        FormatError: when it is no JSON within the limits.
    """
    _check_size(raw, most, what)
    lists = raw.count(b"[") + raw.count(b"{")
    if lists + raw.count(b",") + raw.count(b":") > values:  # each precedes one
        raise _refused(what, "JSON", f"it has more than {values:,} values")
    try:
        text = decoded(raw)
        tree = json.loads(text, parse_int=_whole, object_pairs_hook=_table)
    except RecursionError as error:
        raise _too_deep(what, "JSON") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise _refused(what, "JSON", where) from error
    except ValueError as error:
        raise _refused(what, "JSON", error) from error
    if lists > limits.DEPTH:
        _check_depth(tree, what, "JSON")
    if _ESCAPED_HALF.search(text) and _ESCAPED_HALF.search(_ESCAPED_PAIR.sub("", text)):
        _check_texts(tree, what)
    return tree


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises:
        FormatError: when it cannot be read, or is no TOML within the limits, with the line where
            the parser says it.
    """
    return parse_toml(read_bytes(path, limits.TOML_BYTES), str(path))


def parse_toml(raw: bytes, what: str) -> dict[str, Any]:
    """Return what TOML says (see `read_toml`).

    Args:
        raw: UTF-8, or what its byte-order mark says.
        what: the file, as errors name it.
    """
    _check_size(raw, limits.TOML_BYTES, what)
    try:
        text = decoded(raw)
        _check_keys(text, what)
        tree = tomllib.loads(text)
    except RecursionError as error:
        raise _too_deep(what, "TOML") from error
    except ValueError as error:
        raise _refused(what, "TOML", error) from error
    _check_depth(tree, what, "TOML")
    return tree


def read_yaml(path: Path, most: int = limits.YAML_BYTES) -> Any:
    """Return what a YAML file of one document holds; None where it is empty.

    Args:
        path: the file.
        most: how many bytes it may have.

    Raises:
        FormatError: when it cannot be read, or is no YAML within the limits, with the line.
    """
    return parse_yaml(read_bytes(path, most), str(path))


def parse_yaml(raw: bytes, what: str) -> Any:
    """Return what YAML says (see `read_yaml`): null, flags and numbers as YAML 1.1 has them.

    Times stay the texts that they are written as.

    Args:
        raw: UTF-8, or what its byte-order mark says.
        what: the file, as errors name it.
    """
    _check_size(raw, limits.YAML_BYTES, what)
    try:
        return yaml_tree(decoded(raw))
    except (Spoilt, ValueError) as error:
        raise _refused(what, "YAML", error) from error


def _check_size(raw: bytes, most: int, what: str) -> None:
    if len(raw) > most:
        raise FormatError(f"{what} has more than {most >> 20} MB. {_AGAIN}")


def _refused(what: str, kind: str, why: object) -> FormatError:
    reason = str(why)
    shown = reason if len(reason) <= 300 and reason.isprintable() else quoted(reason[:300])
    return FormatError(f"{what} is not {kind} that can be read: {shown}. {_AGAIN}")


def _too_deep(what: str, kind: str) -> FormatError:
    return _refused(
        what, kind, f"its lists and tables lie more than {limits.DEPTH} deep in one another"
    )


def _whole(digits: str) -> int:
    if len(digits) > limits.DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits")
    return int(digits)


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        first: dict[str, Any] = {}
        for name, value in pairs:
            if not same(first.setdefault(name, value), value):
                raise ValueError(f"{quoted(name[:100])} stands twice in a table, and differs")
    return table


def _check_depth(tree: Any, what: str, kind: str) -> None:
    if is_deeper(tree, limits.DEPTH + 1):
        raise _too_deep(what, kind)


def is_deeper(tree: Any, most: int) -> bool:
    """Return whether lists and tables lie deeper in one another than so many levels.

    >>> is_deeper([[]], 2), is_deeper([[[]]], 2)
    (False, True)

    Args:
        tree: of a document; it is walked a level at a time, and so to its end.
        most: levels that it may have, itself among them.
    """
    level = [tree]
    for _ in range(most):
        level = [each for node in level for each in _inside(node) if isinstance(each, dict | list)]
        if not level:
            return False
    return True


def _inside(node: Any) -> Any:
    return node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def _check_texts(tree: Any, what: str) -> None:
    """Check that texts hold whole characters: half a pair (a lone surrogate) is no text."""
    for text in _texts(tree):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            reason = f"{quoted(text[max(0, error.start - 20) : error.end])} is half a character"
            raise _refused(what, "JSON", reason) from error


def _texts(tree: Any) -> Iterator[str]:
    open_ = [tree]
    while open_:
        node = open_.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            open_ += node
            open_ += node.values()
        elif isinstance(node, list):
            open_ += node


_TOML_STRING = re.compile(
    r"""
    \"{3}(?:[^"\\]+|\\.?|"(?!""))*(?:"{3,5}|\Z)  # each alternative takes all that it can, so
    |'{3}(?:[^']+|'(?!\'\'))*(?:'{3,5}|\Z)         # that nothing is tried twice
    |"(?:[^"\\\n]+|\\[^\n]?)*"?
    |'[^'\n]*'?
    |\#[^\n]*
    """,
    re.VERBOSE | re.DOTALL,
)
_LONG_KEY = re.compile(rf"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){{{limits.KEY_PARTS}}}")


def _check_keys(text: str, what: str) -> None:
    """Check that no dotted key has more parts than the parser can take in its stride."""
    if _LONG_KEY.search(_TOML_STRING.sub("s", text)):
        raise _refused(what, "TOML", f"a key has more than {limits.KEY_PARTS} parts")
