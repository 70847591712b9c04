"""YAML and TOML as one tree of strings, lists and tables that knows its lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from unembed.errors import FormatError, TokenSetError
from unembed.outside.documents import parse_toml
from unembed.outside.limits import TOML_BYTES, YAML_BYTES
from unembed.outside.lines import read_text
from unembed.outside.text import shown
from unembed.outside.yaml_tree import Items, Node, Spoilt, Table, Text, yaml_nodes


@dataclass(frozen=True, slots=True)
class Tree:
    """A text, a list or a table of a file, and where it stands.

    Attributes:
        value: a text, a list of trees, or a table of trees.
        file: the file's path.
        line: its line, from 1; None where only the file is known.
    """

    value: str | list[Tree] | dict[str, Tree]
    file: Path
    line: int | None

    def error(self, message: str) -> TokenSetError:
        """Return an error that says where it is."""
        file = shown(self.file)
        where = f"{file}, line {self.line}" if self.line else file
        return TokenSetError(f"{where}: {message}")

    def table(self) -> dict[str, Tree]:
        """Return the table.

        Raises:
            TokenSetError: when it is none.
        """
        if not isinstance(self.value, dict):
            raise self.error("expected a table of names and what they hold.")
        return self.value

    def text(self) -> str:
        """Return the text.

        Raises:
            TokenSetError: when it is none.
        """
        if not isinstance(self.value, str):
            raise self.error("expected a text.")
        return self.value


def read_tree(path: Path) -> Tree:
    """Return a YAML or TOML file's content.

    Raises:
        TokenSetError: when it cannot be read, is larger than a file of token sets may be, or is not
            of its format, with the line.
    """
    is_toml = path.suffix == ".toml"
    try:
        text = read_text(path, TOML_BYTES if is_toml else YAML_BYTES)
        return _toml(text, path) if is_toml else _yaml(text, path)
    except FormatError as error:
        raise TokenSetError(str(error)) from error


def _yaml(text: str, path: Path) -> Tree:
    try:
        node = yaml_nodes(text)
    except Spoilt as error:
        parsed = isinstance(error.__cause__, yaml.YAMLError)
        problem = f"this is no YAML: {error.why}." if parsed else f"{error.why}."
        raise Tree("", path, error.line).error(problem) from error
    return Tree({}, path, 1) if node is None else _Nodes(path).tree(node)


class _Nodes:
    """YAML's nodes as trees: what several aliases name is read once, however many they are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[int, Tree] = {}

    def tree(self, node: Node) -> Tree:
        """Return a node with all that is in it."""
        if id(node) not in self.known:
            self.known[id(node)] = Tree(self._value(node), self.path, node.line)
        return self.known[id(node)]

    def _value(self, node: Node) -> str | list[Tree] | dict[str, Tree]:
        if isinstance(node, Items):
            return [self.tree(each) for each in node.items]
        if isinstance(node, Text):
            return node.text
        assert isinstance(node, Table)
        table: dict[str, Tree] = {}
        for key, value in node.pairs:
            here = Tree("", self.path, key.line)
            if not isinstance(key, Text):
                raise here.error("a name should be a text.")
            if key.text in table:
                raise here.error(
                    f"{key.text!r} stands here a second time (first in line "
                    f"{table[key.text].line})."
                )
            table[key.text] = Tree(self.tree(value).value, self.path, here.line)
        return table


def _toml(text: str, path: Path) -> Tree:
    try:
        content = parse_toml(text.encode(), str(path))
    except FormatError as error:
        why = error.__cause__
        if not isinstance(why, ValueError):
            raise
        found = re.search(r"at line (\d+)", str(why))
        line = int(found[1]) if found else None
        raise Tree("", path, line).error(f"this is no TOML: {why}.") from error
    return _from_toml(content, path, _Lines(text), ())


_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_HEADER = re.compile(rf"\s*\[\[?\s*(?P<keys>{_KEY}(?:\s*\.\s*{_KEY})*)\s*\]")
_ENTRY = re.compile(rf"\s*(?P<keys>{_KEY}(?:\s*\.\s*{_KEY})*)\s*=")
_PART = re.compile(_KEY)


class _Lines:
    """Where the keys of a TOML file stand; the parser does not say."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._first: dict[tuple[str, ...], int] | None = None

    def find(self, keys: tuple[str, ...]) -> int | None:
        """Return the line of a table or key, None where it is not told by how the line begins."""
        if self._first is None:
            self._first = self._read()
        return self._first.get(keys)

    def _read(self) -> dict[tuple[str, ...], int]:
        """Return the first line of every table and key, those on the way to it included."""
        first: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        for number, line in enumerate(self.lines, start=1):
            header = _HEADER.match(line)
            if header:
                table = _parts(header["keys"])
                found = table
            else:
                entry = _ENTRY.match(line)
                if not entry:
                    continue
                found = (*table, *_parts(entry["keys"]))
            for length in range(1, len(found) + 1):
                first.setdefault(found[:length], number)
        return first


def _parts(keys: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(keys))


def _from_toml(content: Any, path: Path, lines: _Lines, keys: tuple[str, ...]) -> Tree:
    line = lines.find(keys)
    if isinstance(content, dict):
        table = {
            name: _from_toml(value, path, lines, (*keys, name)) for name, value in content.items()
        }
        return Tree(table, path, line)
    if isinstance(content, list):
        return Tree([_in_list(each, path, line) for each in content], path, line)
    return Tree(_as_text(content), path, line)


def _in_list(content: Any, path: Path, line: int | None) -> Tree:
    """Return an item of a list; what is no text stays what it is, so that its reader refuses it."""
    if isinstance(content, dict | list):
        return Tree([], path, line)
    return Tree(_as_text(content), path, line)


def _as_text(content: Any) -> str:
    return str(content).lower() if isinstance(content, bool) else str(content)
