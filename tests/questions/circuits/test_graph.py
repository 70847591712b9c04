"""Graphs: which feature each node is of, by any of the ways in which they are numbered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unembed.errors import FormatError
from unembed.questions.circuits import pair, read_graph, unpair
from unembed.questions.circuits.pairing import readings

from .transcoders import GRAPH


def test_pairing_walks_the_diagonals() -> None:
    """Cantor's own picture: numbers in turn, diagonal after diagonal."""
    walked = [(diagonal - i, i) for diagonal in range(60) for i in range(diagonal + 1)]
    assert [pair(*each) for each in walked] == [*range(len(walked))]
    assert [unpair(number) for number in range(len(walked))] == walked


@given(st.integers(0, 10_000), st.integers(0, 2**62))
def test_pairing_is_undone_at_any_size(layer: int, index: int) -> None:
    """Where a square root in floating point would be one off."""
    assert unpair(pair(layer, index)) == (layer, index)


@given(st.integers(0, 200), st.integers(0, 999_999), st.integers(1, 7))
def test_every_way_of_numbering_is_among_the_readings(layer: int, index: int, k: int) -> None:
    digits = 10 ** max(k, len(str(index)))
    for number in (pair(layer, index), index + layer * digits, index):
        assert index in readings(number, layer)


def test_nodes_of_a_graph_by_its_own_program() -> None:
    graph = read_graph(GRAPH)
    told = [(each.layer, each.index) for each in graph.nodes if each.is_feature]
    named = [each.name.split("_") for each in graph.nodes if each.is_feature]
    assert told == [(int(layer), int(index)) for layer, index, _ in named]
    assert len(told) == 11
    assert [each.name for each in graph.nodes if not each.is_feature] == [
        "0_3_2",
        "E_38_2",
        "10_38_4",
    ]
    assert (graph.schema_version, graph.made_with) == (1, ["me/transcoders"])


def node(**fields: Any) -> dict[str, Any]:
    return {
        "node_id": "23_5458_1", "feature": pair(23, 5458), "layer": "23", "clerp": "",
        "feature_type": "cross layer transcoder", **fields,
    }  # fmt: skip


def read(tmp_path: Path, content: Any) -> Any:
    path = tmp_path / "graph.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_graph(path)


@pytest.mark.parametrize(
    ("fields", "schema", "told"),
    [
        ({}, 1, (23, 5458)),
        ({"feature": 2305458}, None, (23, 5458)),  # as in graphs of before
        ({"feature": 5458}, None, (23, 5458)),
        ({"feature": 2305458}, 1, (23, 5458)),
        ({"layer": 23}, 1, (23, 5458)),
        ({"feature_type": "unexplored node"}, 1, (23, 5458)),
        ({"node_id": "x"}, 1, (23, 5458)),  # the number alone says it, by the schema
        ({"node_id": "x"}, None, (23, None)),  # and without, may be read in several ways
        ({"feature": 5459}, 1, (23, None)),  # contradicts the id
        ({"feature": pair(22, 5458)}, 1, (23, None)),
        ({"node_id": "22_5458_1"}, 1, (23, None)),
        ({"layer": "E"}, 1, (None, None)),
        ({"layer": None}, 1, (None, None)),
        ({"feature": None}, 1, (23, None)),
        ({"feature": -1}, 1, (23, None)),
        ({"feature": True}, 1, (23, None)),
        ({"feature": 1.5}, 1, (23, None)),
        ({"feature_type": "logit"}, 1, (None, None)),
        ({"feature_type": None}, 1, (None, None)),
    ],
)  # fmt: skip
def test_which_feature_a_node_is_of(
    tmp_path: Path, fields: dict[str, Any], schema: int | None, told: tuple[int | None, int | None]
) -> None:
    metadata = {} if schema is None else {"schema_version": schema}
    graph = read(tmp_path, {"metadata": metadata, "nodes": [node(**fields)]})
    assert [(each.layer, each.index) for each in graph.nodes] == [told]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[1]", "no attribution graph"),
        ({"graphs": []}, "not graph-metadata.json"),
        ({"nodes": {"a": 1}}, "no attribution graph"),
    ],
)
def test_what_is_no_graph_is_said_to_be_none(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([3], r"nodes\[0\] should be a table"),
        ([node(), node(clerp=["a"])], r"nodes\[1\]: clerp should be a text, but is a list of 1"),
        ([node(feature_type=3)], r"nodes\[0\]: feature_type should be a text"),
    ],
)
def test_a_bad_node_is_named(tmp_path: Path, nodes: list[Any], said: str) -> None:
    with pytest.raises(FormatError, match=said):
        print(read(tmp_path, {"nodes": nodes}).nodes)


def test_of_two_lists_of_nodes_readers_take_the_last(tmp_path: Path) -> None:
    nodes = json.dumps([node()])
    graph = read(tmp_path, f'{{"nodes": {nodes}, "links": [], "nodes": {nodes}}}')
    (found,) = graph.nodes
    assert found.members[0].key.start > graph.text.index("links")


def test_a_graph_is_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(json.dumps({"nodes": []}).encode("utf-16"))
    with pytest.raises(FormatError, match="not in UTF-8"):
        read_graph(path)
