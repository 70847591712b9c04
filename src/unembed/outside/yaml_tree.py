"""YAML as a plain tree, from its parser's events: bounded while it grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from unembed.outside import limits
from unembed.quoted import quoted

_LOADER = getattr(yaml, "CLoader", yaml.Loader)
_RESOLVERS: dict[str | None, Any] = yaml.SafeLoader.yaml_implicit_resolvers
_TAG = "tag:yaml.org,2002:"
_TAGS = ("", "!", "null", "bool", "int", "float", "str", "seq", "map")
_BASES = {"0x": 16, "0b": 2}
_SILENT = (
    yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent,
)  # fmt: skip


def yaml_tree(text: str) -> Any:
    """Return what the one document of a text holds, None where there is none.

    Numbers, flags and null are what YAML 1.1 takes them for; times stay texts. What an alias names
    is kept once, and counted each time.

    Raises:
        ValueError: when it is no YAML, outside the limits, or holds what is no plain value.
    """
    try:
        return _Events(yaml.parse(text, Loader=_LOADER)).content()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{where}{error.problem or error.context}") from error
    except (yaml.YAMLError, TypeError, AttributeError) as error:
        raise ValueError(" ".join(str(error).split())) from error


class _Events:
    """A parser's events as a tree."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self.events = events
        self.count = 0
        self.depth = 0
        self.named: dict[str, tuple[Any, int, int]] = {}

    def content(self) -> Any:
        found, there = None, False
        for event in self.events:
            if not isinstance(event, _SILENT):
                if there:
                    raise _spoilt(event, "a second document begins here")
                found, there = self._tree(event)[0], True
        return found

    def _tree(self, event: yaml.Event) -> tuple[Any, int]:
        """Return what an event begins, and how many lists and tables lie in one another in it."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        assert isinstance(event, yaml.NodeEvent)
        before, name = self.count, event.anchor
        self._add(event, 1, 0)
        if isinstance(event, yaml.ScalarEvent):
            tree, height = _value(event), 0
        else:
            self._add(event, 0, 1)
            _check_tag(event)
            self.depth += 1
            is_list = isinstance(event, yaml.SequenceStartEvent)
            tree, height = self._list() if is_list else self._table()
            self.depth -= 1
        if name:
            self.named[name] = tree, height, self.count - before
        return tree, height

    def _alias(self, event: yaml.AliasEvent) -> tuple[Any, int]:
        name = str(event.anchor)
        if name not in self.named:
            raise _spoilt(event, f"nothing that ended before is called &{quoted(name[:100])}")
        tree, height, size = self.named[name]
        self._add(event, size, height)
        return tree, height

    def _list(self) -> tuple[list[Any], int]:
        found, height = [], 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            tree, inside = self._tree(event)
            found.append(tree)
            height = max(height, inside)
        return found, height + 1

    def _table(self) -> tuple[dict[str, Any], int]:
        table: dict[str, Any] = {}
        height = 0
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _spoilt(event, "a name should be a text")
            if event.value == "<<" and event.implicit[0]:
                raise _spoilt(event, "<< (what another table holds) is not read: write it out")
            self._add(event, 1, 0)
            value, inside = self._tree(next(self.events))
            if not same(table.setdefault(event.value, value), value):
                name = quoted(event.value[:100])
                raise _spoilt(event, f"{name} stands here a second time, and differs")
            height = max(height, inside)
        return table, height + 1

    def _add(self, event: yaml.Event, size: int, height: int) -> None:
        self.count += size
        if self.count > limits.YAML_VALUES:
            raise _spoilt(
                event, f"more than {limits.YAML_VALUES:,} values, what aliases repeat included"
            )
        if self.depth + height > limits.DEPTH:
            raise _spoilt(event, f"more than {limits.DEPTH} lists and tables in one another")


def same(one: Any, other: Any) -> bool:
    """Return whether two values of a document say the same."""
    return one is other or (type(one) is type(other) and bool(one == other))


def _value(event: yaml.ScalarEvent) -> Any:
    """Return a text, or what one without quotes stands for."""
    tag = _check_tag(event)
    text = str(event.value)
    if tag == "str" or not (event.implicit[0] or tag in _TAGS[2:]) or len(text) > limits.DIGITS:
        return text
    for kind, pattern in [*_RESOLVERS.get(text[:1], ()), *_RESOLVERS.get(None, ())]:
        if pattern.match(text):
            return _converted(kind.removeprefix(_TAG), text, event)
    return text


def _converted(kind: str, text: str, event: yaml.Event) -> Any:
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("yes", "true", "on")
    plain = text.replace("_", "").lower()
    if kind not in ("int", "float") or ":" in plain:  # times, and numbers to the base of 60
        return text
    unsigned = plain.lstrip("+-")
    octal = 8 if unsigned.startswith("0") and unsigned != "0" else 10
    try:
        if kind == "float":
            return float(plain.replace(".inf", "inf").replace(".nan", "nan"))
        return int(plain, _BASES.get(unsigned[:2], octal))
    except ValueError as error:
        raise _spoilt(event, f"{quoted(text)} is no number") from error


def _check_tag(event: yaml.NodeEvent) -> str:
    tag = (getattr(event, "tag", None) or "").removeprefix(_TAG)
    if tag not in _TAGS:
        raise _spoilt(event, f"the type {quoted(tag[:100])} is not read")
    return str(tag)


def _spoilt(event: yaml.Event, why: str) -> ValueError:
    line = event.start_mark.line + 1 if event.start_mark else 1
    return ValueError(f"line {line}: {why}")
