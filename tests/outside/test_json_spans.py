"""Spans of JSON: what a parser reads is where the spans say, however the text is set out."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from unembed.outside.json_spans import first, items, members, replaced

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=12,
)
LAYOUTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 0, 1, "\t"]),
        "separators": st.sampled_from([(",", ":"), (", ", " : "), (" ,\n", ":\r\n")]),
        "ensure_ascii": st.booleans(),
    }
)


@given(st.dictionaries(st.text(), VALUES, max_size=6), LAYOUTS)
def test_members_are_where_they_are_said_to_be(table: dict[str, Any], layout: Any) -> None:
    text = "\n " + json.dumps(table, **layout)
    found = [*members(text, first(text))]
    assert [(each.name, json.loads(text[slice(*each.value)])) for each in found] == [*table.items()]
    assert [json.loads(text[slice(*each.key)]) for each in found] == [*table]


@given(st.lists(VALUES, max_size=6), LAYOUTS)
def test_items_are_where_they_are_said_to_be(values: list[Any], layout: Any) -> None:
    text = json.dumps(values, **layout)
    assert [json.loads(text[slice(*each)]) for each in items(text, 0)] == values


@given(st.dictionaries(st.text(), VALUES, min_size=1, max_size=6), LAYOUTS, st.data())
def test_what_is_replaced_is_one_value_and_nothing_else(
    table: dict[str, Any], layout: Any, data: st.DataObject
) -> None:
    text = json.dumps(table, **layout)
    found = [*members(text, 0)]
    member = data.draw(st.sampled_from(found))
    new = replaced(text, [(member.value, '"new"')])
    assert json.loads(new) == {**table, member.name: "new"}
    start, stop = member.value
    assert (new[:start], new[start + 5 :]) == (text[:start], text[stop:])
