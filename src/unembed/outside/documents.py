"""JSON, YAML and TOML from outside as plain trees: lists, tables, texts, numbers, flags and null.

Size, number of values, depth and what aliases expand to are bounded, and whatever a parser throws
becomes a `FormatError` that names the file. What each value should be is checked by `fields`.
(Token sets, whose errors name lines, are read by `tokensets.files`.)
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
from unembed.outside.yaml_tree import same, yaml_tree

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

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
_ESCAPED_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(path: Path, most: int = limits.JSON_BYTES) -> Any:
    """Return what a JSON file holds (see `parse_json`).

    Args:
        path: the file.
        most: bytes that it may have.

    Raises:
        FormatError: when it cannot be read, or is no JSON within the limits.
    """
    return parse_json(read_bytes(path, most), str(path))


def read_yaml(path: Path, most: int = limits.CONFIG_BYTES) -> Any:
    """Return what a YAML file of one document holds (see `parse_yaml`).

    Args:
        path: the file.
        most: bytes that it may have.

    Raises:
        FormatError: when it cannot be read, or is no YAML within the limits, with the line.
    """
    return parse_yaml(read_bytes(path, most), str(path))


def parse_json(raw: bytes, what: str) -> Any:
    """Return what JSON says.

    A name that stands twice in a table has to say the same twice. NaN and infinities are read as
    Python writes them, since real configs have them in fields that nothing asks for.

    Args:
        raw: UTF-8, or what its byte-order mark says.
        what: the file, as errors name it.

    Raises:
        FormatError: when it is no JSON within the limits.
    """
    if len(raw) > limits.JSON_BYTES:
        raise _refused(what, "JSON", f"it has more than {limits.JSON_BYTES >> 20} MB")
    lists = raw.count(b"[") + raw.count(b"{")
    if lists + raw.count(b",") + raw.count(b":") > limits.JSON_VALUES:  # one stands before each
        raise _refused(what, "JSON", f"it has more than {limits.JSON_VALUES:,} values")
    try:
        text = decoded(raw)
        tree = json.loads(text, parse_int=_whole, object_pairs_hook=_table)
        if lists > limits.DEPTH:
            _check_depth(tree)
        if _ESCAPED_HALF.search(text) and _ESCAPED_HALF.search(_ESCAPED_PAIR.sub("", text)):
            _check_texts(tree)
    except RecursionError as error:
        raise _refused(what, "JSON", _TOO_DEEP) from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise _refused(what, "JSON", where) from error
    except ValueError as error:
        raise _refused(what, "JSON", error) from error
    return tree


def parse_yaml(raw: bytes, what: str) -> Any:
    """Return what YAML of one document says; None where it is empty.

    Null, flags and numbers are what YAML 1.1 takes them for; times stay texts.

    Args:
        raw: UTF-8, or what its byte-order mark says.
        what: the file, as errors name it.

    Raises:
        FormatError: when it is no YAML within the limits, with the line.
    """
    try:
        return yaml_tree(decoded(raw))
    except ValueError as error:
        raise _refused(what, "YAML", error) from error


def parse_toml(raw: bytes, what: str) -> dict[str, Any]:
    """Return what TOML says.

    Args:
        raw: UTF-8, or what its byte-order mark says.
        what: the file, as errors name it.

    Raises:
        FormatError: when it is no TOML within the limits, with the line where the parser says it.
    """
    try:
        text = decoded(raw)
        if _LONG_KEY.search(_TOML_STRING.sub("s", text)):
            raise ValueError(f"a key has more than {limits.KEY_PARTS} parts")
        tree = tomllib.loads(text)
        _check_depth(tree)
    except RecursionError as error:
        raise _refused(what, "TOML", _TOO_DEEP) from error
    except ValueError as error:
        raise _refused(what, "TOML", error) from error
    return tree


_TOO_DEEP = f"more than {limits.DEPTH} lists and tables lie in one another"


def _refused(what: str, kind: str, why: object) -> FormatError:
    return FormatError(f"{what} is not {kind}: {why}. Mend it, or download it again.")


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


def _check_depth(tree: Any) -> None:
    """Check how deep a tree is, a level at a time."""
    level = [tree]
    for _ in range(limits.DEPTH + 1):
        level = [each for node in level for each in _inside(node) if isinstance(each, dict | list)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def _inside(node: Any) -> Any:
    return node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def _check_texts(tree: Any) -> None:
    """Check that texts hold whole characters: half of a pair (a lone surrogate) is none."""
    for text in _texts(tree):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            near = quoted(text[max(0, error.start - 20) : error.end])
            raise ValueError(f"{near} ends in half a character") from error


def _texts(tree: Any) -> Iterator[str]:
    open_ = [tree]
    while open_:
        node = open_.pop()
        if isinstance(node, str):
            yield node
        else:
            open_ += node if isinstance(node, dict) else ()
            open_ += _inside(node)
