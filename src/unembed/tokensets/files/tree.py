"""YAML and TOML as one tree of strings, lists and tables that knows its lines."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from unembed.errors import TokenSetError
from unembed.outside.lines import read_text
from unembed.outside.limits import SET_FILE_DEPTH, SET_FILE_NODES, TOML_BYTES, YAML_BYTES
from unembed.outside.text import shown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# YAML's base loader takes every scalar as text, so that the words `no` and `on` stay words.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


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
        TokenSetError: when it cannot be read, is larger than any file of token sets, or is not of
            its format, with the line.
    """
    is_toml = path.suffix == ".toml"
    try:
        text = read_text(path, TOML_BYTES if is_toml else YAML_BYTES)
    except (OSError, ValueError) as error:
        raise TokenSetError(f"{shown(path)} cannot be read: {error}.") from error
    return _toml(text, path) if is_toml else _yaml(text, path)


def _yaml(text: str, path: Path) -> Tree:
    try:
        return _Events(path, yaml.parse(text, Loader=_LOADER)).content()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = f"this is no YAML: {error.problem or error.context}."
        raise Tree("", path, mark.line + 1 if mark else None).error(problem) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"this is no YAML: it may not hold the character {_code_point(error.character)}."
        raise Tree("", path, line).error(problem) from error
    except yaml.YAMLError as error:
        raise Tree("", path, None).error(f"this is no YAML: {error}.") from error


def _code_point(character: object) -> str:
    code = ord(character) if isinstance(character, str) else character
    return f"U+{code:04X}"


def _too_deep(path: Path, line: int | None) -> TokenSetError:
    return Tree("", path, line).error(
        f"lists and tables lie more than {SET_FILE_DEPTH} deep in one another; sets of tokens need "
        "four levels."
    )


def _too_many(path: Path, line: int | None) -> TokenSetError:
    return Tree("", path, line).error(
        f"here the file comes to more than {SET_FILE_NODES:,} texts, lists and tables, what its "
        "aliases repeat included. Divide it."
    )


class _Events:
    """YAML's events as a tree: bounded while it grows, and what an alias names kept once."""

    def __init__(self, path: Path, events: Iterator[yaml.Event]) -> None:
        self.path = path
        self.events = events
        self.count = 0
        self.depth = 0
        self.named: dict[str, tuple[Tree, int]] = {}
        self.open: dict[str, int] = {}

    def content(self) -> Tree:
        """Return the one document of the file; an empty table where there is none."""
        found: Tree | None = None
        for event in self.events:
            if isinstance(event, _SILENT):
                continue
            if found is not None:
                raise self._here(event).error("a second document begins here; a file has one.")
            found = self._tree(event)
        return Tree({}, self.path, 1) if found is None else found

    def _tree(self, event: yaml.Event) -> Tree:
        """Return what an event begins, with all that is in it."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before, name = self.count, event.anchor
        self._add(1, event)
        if name:
            self.open[name] = event.start_mark.line + 1
        tree = Tree(self._value(event), self.path, event.start_mark.line + 1)
        if name:
            del self.open[name]
            self.named[name] = tree, self.count - before
        return tree

    def _alias(self, event: yaml.AliasEvent) -> Tree:
        if event.anchor in self.open:
            raise Tree("", self.path, self.open[event.anchor]).error(
                "what begins here holds an alias of itself, and so has no end. Write out what it "
                "should hold."
            )
        if event.anchor not in self.named:
            raise self._here(event).error(f"nothing before it is called &{event.anchor}.")
        tree, size = self.named[event.anchor]
        self._add(size, event)
        return tree

    def _value(self, event: yaml.Event) -> str | list[Tree] | dict[str, Tree]:
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        if self.depth == SET_FILE_DEPTH:
            raise _too_deep(self.path, event.start_mark.line + 1)
        self.depth += 1
        is_list = isinstance(event, yaml.SequenceStartEvent)
        value = self._list() if is_list else self._table()
        self.depth -= 1
        return value

    def _list(self) -> list[Tree]:
        found: list[Tree] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self._tree(event))
        return found

    def _table(self) -> dict[str, Tree]:
        table: dict[str, Tree] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            here = self._here(event)
            key = self._tree(event)
            if not isinstance(key.value, str):
                raise here.error("a name should be a text.")
            if key.value in table:
                first = table[key.value].line
                raise here.error(
                    f"{key.value!r} stands here a second time (first in line {first})."
                )
            value = self._tree(next(self.events))
            table[key.value] = Tree(value.value, self.path, here.line)
        return table

    def _add(self, size: int, event: yaml.Event) -> None:
        self.count += size
        if self.count > SET_FILE_NODES:
            raise _too_many(self.path, event.start_mark.line + 1)

    def _here(self, event: yaml.Event) -> Tree:
        return Tree("", self.path, event.start_mark.line + 1)


_SILENT = (
    yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent,
)  # fmt: skip


def _toml(text: str, path: Path) -> Tree:
    lines = _Lines(text)
    deep = lines.too_dotted()
    if deep is not None:
        raise _too_deep(path, deep)
    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise _too_deep(path, None) from error
    except ValueError as error:  # its own, or Python's for a number of thousands of digits
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else None
        raise Tree("", path, line).error(f"this is no TOML: {error}.") from error
    return _from_toml(content, path, lines, ())


_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_HEADER = re.compile(rf"\s*\[\[?\s*(?P<keys>{_KEY}(?:\s*\.\s*{_KEY})*)\s*\]")
_ENTRY = re.compile(rf"\s*(?P<keys>{_KEY}(?:\s*\.\s*{_KEY})*)\s*=")
_PART = re.compile(_KEY)
_QUOTED = re.compile(r"""\"[^"\n]*"|'[^'\n]*'""")
_STOP = re.compile(r"[={}\[\],]")
_DOT = re.compile(r"\.\s*[\w-]")
_MANY_DOTS = 100


class _Lines:
    """Where the keys of a TOML file stand; the parser does not say."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._first: dict[tuple[str, ...], int] | None = None

    def too_dotted(self) -> int | None:
        """Return the first line with a key of very many parts, which the parser takes forever for.

        Its time grows with the square of the parts.
        """
        for number, line in enumerate(self.lines, start=1):
            if line.count(".") > _MANY_DOTS:
                bare = _QUOTED.sub("_", line).partition("#")[0]
                if any(len(_DOT.findall(part)) > _MANY_DOTS for part in _STOP.split(bare)):
                    return number
        return None

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
            for length in range(1, min(len(found), SET_FILE_DEPTH) + 1):
                first.setdefault(found[:length], number)
        return first


def _parts(keys: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(keys))


def _from_toml(content: Any, path: Path, lines: _Lines, keys: tuple[str, ...]) -> Tree:
    line = lines.find(keys)
    if len(keys) == SET_FILE_DEPTH:
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
