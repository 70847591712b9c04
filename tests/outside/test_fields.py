"""Fields: what is not of its type is refused, and said in few words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from unembed.errors import FormatError
from unembed.outside.fields import Fields, is_inside, needed
from unembed.outside.layers import layer_in

LONG = "x" * 100_000
NUMBERS = (10**25, -1, 2.0, float("nan"), float("inf"))
OTHERS = ([], {}, [[[1]]], {"a": {}}, b"x")

Read = Callable[[Fields], Any]

WRONG: dict[str, tuple[Read, tuple[Any, ...]]] = {
    "text": (lambda f: f.text("a"), (5, True, LONG, "a\nb", "\x1b]0;x\x07", "\u202e", *OTHERS)),
    "flag": (lambda f: f.flag("a"), ("false", "true", 0, 1, *OTHERS)),
    "whole": (lambda f: f.whole("a", 100), (True, "5", 101, *NUMBERS, *OTHERS)),
    "number": (lambda f: f.number("a"), (True, "5", float("nan"), float("-inf"), 10**400, *OTHERS)),
    "texts": (lambda f: f.texts("a"), ("ab", 5, [5], ["a", None], ["a\n"], {}, True)),
    "items": (lambda f: f.items("a"), ("ab", 5, {}, True)),
    "table": (lambda f: f.table("a"), ("ab", 5, [], True)),
}
CASES = [(name, value) for name, (_, values) in WRONG.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES, ids=lambda value: f"{value!r:.20}")
def test_another_type(name: str, value: Any) -> None:
    with pytest.raises(FormatError, match=r"^cfg\.json.*\ba\b.* should be ") as error:
        WRONG[name][0](Fields({"a": value}, "cfg.json"))
    assert len(str(error.value)) < 300
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("name", "value"),
    [("text", ""), ("text", "é x"), ("flag", False), ("whole", 0), ("whole", 100),
     ("number", 5), ("number", -0.5), ("texts", []), ("texts", ["a"]), ("items", [1])],
)  # fmt: skip
def test_its_type(name: str, value: Any) -> None:
    assert WRONG[name][0](Fields({"a": value}, "cfg.json")) == value


@pytest.mark.parametrize("content", [{}, {"a": None}])
def test_what_is_absent(content: dict[str, Any]) -> None:
    fields = Fields(content, "cfg.json")
    assert [read(fields) for name, (read, _) in WRONG.items() if name != "table"] == [None] * 6
    assert list(fields.table("a")) == []
    assert not fields.says("a")
    with pytest.raises(FormatError, match=r"cfg\.json has no 'a'\. It has: (a|nothing)\."):
        needed(fields.text("a"), fields, "a")


@pytest.mark.parametrize("content", [[], "a", 5, None, True])
def test_no_table(content: object) -> None:
    with pytest.raises(FormatError, match=r"cfg\.json should be a table of names and values"):
        Fields(content, "cfg.json")


@pytest.mark.parametrize(
    "path",
    ["", "/x", "../x", "a/../../x", "..", "a\\b", "C:x", "a\nb", "a\x00", "a/" * 3000, "."],
)
def test_paths_that_lead_out(path: str) -> None:
    assert not is_inside(path)


@pytest.mark.parametrize("path", ["a", "a/b.safetensors", "a..b", "...", "refs/pr/1", "a b"])
def test_paths_that_stay(path: str) -> None:
    assert is_inside(path)


@pytest.mark.parametrize("digits", ["10001", "9" * 25, "9" * 10_000])
def test_a_layer_that_no_model_has(digits: str) -> None:
    with pytest.raises(FormatError, match="no model has a layer") as error:
        layer_in(digits, f"blocks.{digits}.hook_resid_pre")
    assert len(str(error.value)) < 400
