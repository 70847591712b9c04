"""YAML and TOML as one tree of strings, lists and tables that knows its lines."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from unembed.errors import TokenSetError
from unembed.text_file import read_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEEPEST = 30
"""How deep lists and tables may lie in one another; sets need no more than four levels."""

# YAML's base loader takes every scalar as text, so that the words `no` and `on` stay words.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True)
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
        where = f"{self.file}, line {self.line}" if self.line else str(self.file)
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
        TokenSetError: when it cannot be read, or is not of its format, with the line.
    """
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise TokenSetError(f"{path} cannot be read: {error}.") from error
    return _toml(text, path) if path.suffix == ".toml" else _yaml(text, path)


def _yaml(text: str, path: Path) -> Tree:
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = f"this is no YAML: {error.problem or error.context}."
        raise Tree("", path, mark.line + 1 if mark else None).error(problem) from error
    except yaml.YAMLError as error:
        raise Tree("", path, None).error(f"this is no YAML: {error}") from error
    except RecursionError as error:
        raise _too_deep(path, None) from error
    return Tree({}, path, 1) if node is None else _Nodes(path).tree(node)


def _too_deep(path: Path, line: int | None) -> TokenSetError:
    return Tree("", path, line).error(
        f"lists and tables lie more than {DEEPEST} deep in one another; sets of tokens need four "
        "levels."
    )


class _Nodes:
    """YAML's nodes as trees: what several aliases name is read once, however many they are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[int, Tree] = {}
        self.open: list[int] = []

    def tree(self, node: yaml.Node) -> Tree:
        """Return a node with all that is in it."""
        line = node.start_mark.line + 1
        if id(node) in self.known:
            return self.known[id(node)]
        if id(node) in self.open:
            raise Tree("", self.path, line).error(
                "what begins here holds an alias of itself, and so has no end. Write out what it "
                "should hold."
            )
        if len(self.open) == DEEPEST:
            raise _too_deep(self.path, line)
        self.open.append(id(node))
        self.known[id(node)] = Tree(self._value(node), self.path, line)
        self.open.pop()
        return self.known[id(node)]

    def _value(self, node: yaml.Node) -> str | list[Tree] | dict[str, Tree]:
        if isinstance(node, yaml.SequenceNode):
            return [self.tree(each) for each in node.value]
        if not isinstance(node, yaml.MappingNode):
            return str(node.value)
        table: dict[str, Tree] = {}
        for key, value in node.value:
            here = Tree("", self.path, key.start_mark.line + 1)
            if not isinstance(key, yaml.ScalarNode):
                raise here.error("a name should be a text.")
            if key.value in table:
                raise here.error(
                    f"{key.value!r} stands here a second time (first in line "
                    f"{table[key.value].line})."
                )
            table[key.value] = Tree(self.tree(value).value, self.path, here.line)
        return table


def _toml(text: str, path: Path) -> Tree:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else None
        raise Tree("", path, line).error(f"this is no TOML: {error}.") from error
    except RecursionError as error:
        raise _too_deep(path, None) from error
    return _from_toml(content, path, _Lines(text), ())


class _Lines:
    """Where the keys of a TOML file stand; the parser does not say."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()

    def find(self, keys: tuple[str, ...]) -> int | None:
        """Return the line of the table or key, looked for below its table's header."""
        header = re.compile(rf"\s*\[\s*{_dotted(keys)}\s*\]")
        at = self._first(header, 0)
        if at is not None or not keys:
            return at
        start = self._first(re.compile(rf"\s*\[\s*{_dotted(keys[:-1])}\s*\]"), 0) or 0
        return self._first(re.compile(rf"\s*{_dotted(keys[-1:])}\s*[.=]"), start)

    def _first(self, pattern: re.Pattern[str], start: int) -> int | None:
        rows = range(start, len(self.lines))
        return next((row + 1 for row in rows if pattern.match(self.lines[row])), None)


def _dotted(keys: tuple[str, ...]) -> str:
    return r"\s*\.\s*".join(rf"[\"']?{re.escape(key)}[\"']?" for key in keys)


def _from_toml(content: Any, path: Path, lines: _Lines, keys: tuple[str, ...]) -> Tree:
    line = lines.find(keys)
    if len(keys) == DEEPEST:
        raise _too_deep(path, line)
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
