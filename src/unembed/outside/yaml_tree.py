"""YAML as a tree, from its parser's events: bounded in depth and in what its aliases stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from unembed.outside import limits
from unembed.outside.text import quoted

_LOADER = getattr(yaml, "CLoader", yaml.Loader)
_RESOLVERS: dict[str | None, Any] = yaml.SafeLoader.yaml_implicit_resolvers
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = ("null", "bool", "int", "float", "str", "seq", "map")
_BASES = {"0x": 16, "0b": 2}


class Spoilt(Exception):  # noqa: N818 - a reason, of which who reads the file makes an error
    """Why a text is no YAML that is read, and in which line, from 1."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why if line is None else f"line {line}: {why}")
        self.why = why
        self.line = line


@dataclass(kw_only=True)
class Node:
    """A text, a list or a table of a YAML file, as it is written.

    Attributes:
        line: its line, from 1.
        tag: the type that is written before it, if any.
        size: how many nodes it holds, with itself and with what its aliases stand for.
        height: how many lists and tables lie in one another in it.
    """

    line: int
    tag: str | None = None
    size: int = 1
    height: int = 0


@dataclass(kw_only=True)
class Text(Node):
    """A text.

    Attributes:
        text: as it is written.
        bare: whether it stands without quotes, so that it may be a number, a flag or null.
    """

    text: str
    bare: bool


@dataclass(kw_only=True)
class Items(Node):
    """A list.

    Attributes:
        items: in the order of the file.
    """

    items: list[Node] = field(default_factory=list)


@dataclass(kw_only=True)
class Table(Node):
    """A table.

    Attributes:
        pairs: each name with its value, in the order of the file.
    """

    pairs: list[tuple[Node, Node]] = field(default_factory=list)


@dataclass
class _Open:
    """A list or a table that has not ended yet."""

    node: Items | Table
    held: list[Node] = field(default_factory=list)


def yaml_nodes(text: str) -> Node | None:
    """Return the one document of a text; None where there is none.

    What several aliases name is one node.

    Raises:
        Spoilt: when it is no YAML, or outside the limits.
    """
    try:
        return _composed(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = error.problem or error.context or "it cannot be understood"
        raise Spoilt(why, mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Spoilt(str(error)) from error


def yaml_tree(text: str) -> Any:
    """Return the plain tree of a text's one document: null, flags and numbers as YAML 1.1 has them.

    Raises:
        Spoilt: when it is no YAML, outside the limits, or holds what is no plain value.
    """
    node = yaml_nodes(text)
    return None if node is None else _plain(node)


def _composed(text: str) -> Node | None:
    root: Node | None = None
    known: dict[str, Node] = {}
    open_: list[_Open] = []
    found: Node
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionEndEvent):
            found = _closed(open_.pop())
        elif isinstance(event, yaml.NodeEvent):
            found = _begun(event, line, known, open_)
        else:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                raise Spoilt("a second document begins here", line)
            continue
        if len(open_) + found.height > limits.DEPTH:
            raise Spoilt(f"lists and tables lie more than {limits.DEPTH} deep in one another", line)
        if isinstance(event, yaml.CollectionStartEvent):
            assert isinstance(found, Items | Table)
            open_.append(_Open(found))
        elif open_:
            _add(open_[-1], found)
        else:
            root = found
    return root


def _begun(event: yaml.NodeEvent, line: int, known: dict[str, Node], open_: list[_Open]) -> Node:
    """Return what an event begins or names, and remember it by its anchor."""
    if isinstance(event, yaml.AliasEvent):
        return _named(str(event.anchor), known, open_, line)
    found: Node
    if isinstance(event, yaml.ScalarEvent):
        found = Text(text=event.value, bare=bool(event.implicit[0]), line=line, tag=event.tag)
    elif isinstance(event, yaml.MappingStartEvent):
        found = Table(line=line, tag=event.tag, height=1)
    else:
        found = Items(line=line, tag=event.tag, height=1)  # type: ignore[attr-defined]
    if event.anchor:
        known[event.anchor] = found
    return found


def _named(anchor: str, known: dict[str, Node], open_: list[_Open], line: int) -> Node:
    """Return what an alias names."""
    if anchor not in known:
        raise Spoilt(f"nothing before is called {quoted(anchor[:100])}", line)
    found = known[anchor]
    for each in open_:
        if each.node is found:
            raise Spoilt("what begins here holds an alias of itself, and so has no end", found.line)
    return found


def _add(holder: _Open, found: Node) -> None:
    holder.held.append(found)
    holder.node.size += found.size
    holder.node.height = max(holder.node.height, 1 + found.height)
    if holder.node.size > limits.YAML_VALUES:
        raise Spoilt(
            f"it holds more than {limits.YAML_VALUES:,} values, aliases written out", found.line
        )


def _closed(ended: _Open) -> Node:
    node, held = ended.node, ended.held
    if isinstance(node, Table):
        node.pairs = list(zip(held[::2], held[1::2], strict=True))
    else:
        node.items = held
    return node


def _plain(node: Node) -> Any:
    tag = (node.tag or "").removeprefix(_TAG)
    if tag not in ("", "!", *_PLAIN_TAGS):
        raise Spoilt(f"the type {quoted(tag[:100])} is not read", node.line)
    if isinstance(node, Text):
        typed = node.bare or tag in _PLAIN_TAGS
        return _resolved(node.text, node.line) if typed and tag != "str" else node.text
    if isinstance(node, Items):
        return [_plain(each) for each in node.items]
    assert isinstance(node, Table)
    return _table(node)


def same(one: Any, other: Any) -> bool:
    """Return whether two values of a document say the same."""
    return one is other or (type(one) is type(other) and bool(one == other))


def _table(node: Table) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, held in node.pairs:
        if not isinstance(name, Text):
            raise Spoilt("a name should be a text", name.line)
        if name.text == "<<" and name.bare:
            raise Spoilt("<< (what another table holds) is not read; write it out", name.line)
        value = _plain(held)
        if not same(table.setdefault(name.text, value), value):
            raise Spoilt(
                f"{quoted(name.text[:100])} stands here a second time, and differs", name.line
            )
    return table


def _resolved(text: str, line: int) -> Any:
    """Return a text without quotes as the number, flag or null that YAML 1.1 takes it for."""
    if len(text) > limits.DIGITS:
        return text
    for tag, pattern in [*_RESOLVERS.get(text[:1], ()), *_RESOLVERS.get(None, ())]:
        if pattern.match(text):
            return _converted(tag.removeprefix(_TAG), text, line)
    return text


def _converted(tag: str, text: str, line: int) -> Any:
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() in ("yes", "true", "on")
    plain = text.replace("_", "").lower()
    if tag not in ("int", "float") or ":" in plain:  # times, and numbers to the base of 60
        return text
    try:
        if tag == "float":
            return float(plain.replace(".inf", "inf").replace(".nan", "nan"))
        unsigned = plain.lstrip("+-")
        octal = 8 if unsigned.startswith("0") and unsigned != "0" else 10
        base = _BASES.get(unsigned[:2], octal)
        return int(plain, base)
    except ValueError as error:
        raise Spoilt(f"{quoted(text)} is no number", line) from error
