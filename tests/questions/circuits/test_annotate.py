"""Labels in a graph: in every node whose feature is in the run, and no other byte changed."""

from __future__ import annotations

import codecs
import difflib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.planted import Planted
from unembed import Run
from unembed.errors import QueryError, UnembedError
from unembed.questions.circuits import annotate, annotated, pair, place_banks, read_graph

from .transcoders import GRAPH


def nodes_of(content: bytes) -> dict[str, dict[str, Any]]:
    return {each["node_id"]: each for each in json.loads(content)["nodes"]}


def by_hand(path: Path, run: Run, **how: Any) -> tuple[bytes, Any]:
    graph = read_graph(path)
    return annotated(graph, run, place_banks(run), **how)


def test_labels_are_those_of_the_features(transcoders: Run) -> None:
    content, found = by_hand(GRAPH, transcoders)
    said = {name: each["clerp"] for name, each in nodes_of(content).items()}
    labels = dict(transcoders.features.select("feature", "label").iter_rows())
    for index in (0, 1, 2, 20, 299):
        named = [name for name in said if name.startswith(f"3_{index}_")]
        assert {said[name] for name in named} == {labels[f"transcoder.3/{index}"]}
    assert said["3_0_1"].startswith("promotes months (z +")
    assert said["3_1_1"].startswith("suppresses months (z −")
    assert said["3_20_3"].startswith("as random directions do")
    assert said["3_0_1"] == said["3_0_2"], "one feature at two positions"
    assert (found.nodes, found.labelled, found.absent, found.other_layers) == (11, 9, 1, 1)
    assert found.naming == 6
    assert found.unclear == []
    assert found.banks == {3: ["transcoder.3"], 5: ["clt.5→5", "clt.5→6"]}


def test_a_cross_layer_feature_is_said_with_where_it_writes(transcoders: Run) -> None:
    content, _ = by_hand(GRAPH, transcoders)
    nodes = nodes_of(content)
    larger = transcoders.feature("clt.5→6/0")["label"]
    assert nodes["5_0_1"]["clerp"] == f"→6, →5: {larger}"  # the same sets, by what moves more first
    assert nodes["5_5_3"]["clerp"].endswith("writes nothing")


def test_what_cross_layer_labels_differ_in_is_said_apart(transcoders: Run) -> None:
    """Feature 3 promotes months in layer 5, and digits in layer 6."""
    labels = [transcoders.feature(f"clt.5→{to}/3")["label"] for to in (6, 5)]
    assert [label.split(" (")[0] for label in labels] == [
        "promotes numbers in digits", "promotes months"
    ]  # fmt: skip
    said = nodes_of(by_hand(GRAPH, transcoders)[0])["5_3_2"]["clerp"]
    assert said == f"→6: {labels[0]} | →5: {labels[1]}"


def test_all_else_stays_byte_for_byte(transcoders: Run) -> None:
    content, found = by_hand(GRAPH, transcoders)
    old, new = (text.decode().splitlines() for text in (GRAPH.read_bytes(), content))
    changed = [line for line in difflib.ndiff(old, new) if line[0] in "+-"]
    assert len(changed) == 2 * found.labelled
    assert {line[2:].split(":")[0].strip() for line in changed} == {'"clerp"'}
    before, after = nodes_of(GRAPH.read_bytes()), nodes_of(content)
    assert all(
        {**after[name], "clerp": ""} == {**node, "clerp": ""} for name, node in before.items()
    )
    assert json.loads(content)["links"] == json.loads(GRAPH.read_bytes())["links"]


LAYOUTS = {
    "in one line": lambda text: json.dumps(json.loads(text), separators=(",", ":")),
    "tabs, and lines as on Windows": lambda text: json.dumps(
        json.loads(text), indent="\t", ensure_ascii=False
    ).replace("\n", "\r\n"),
    "spaces before colons": lambda text: json.dumps(json.loads(text), separators=(" , ", " : ")),
    "a byte-order mark": lambda text: "\ufeff" + text,
    "numbers as others write them": lambda text: text.replace("1e-05", "0.10E-4").replace(
        "190.0", "190.000"
    ),
    "an end without a line break, and spaces": lambda text: text + " \n\t ",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_however_it_is_set_out(layout: str, transcoders: Run, tmp_path: Path) -> None:
    """Without what stands in `clerp`s, both files are the same bytes."""
    path = tmp_path / "graph.json"
    raw = LAYOUTS[layout](GRAPH.read_text()).encode()
    path.write_bytes(raw)
    content, _ = by_hand(path, transcoders)
    assert content != raw
    assert emptied(content) == raw
    assert content.startswith(codecs.BOM_UTF8) == (layout == "a byte-order mark")


def emptied(content: bytes) -> bytes:
    """A graph without the labels that are in it."""
    text = content.decode("utf-8")
    nodes = json.loads(text.removeprefix("\ufeff"))["nodes"]
    for clerp in {each["clerp"] for each in nodes if "cross" in each["feature_type"]} - {""}:
        for spelt in (json.dumps(clerp), json.dumps(clerp, ensure_ascii=False)):
            text = text.replace(spelt, '""')
    return text.encode()


def test_a_node_without_words_gets_some(transcoders: Run, tmp_path: Path) -> None:
    content = json.loads(GRAPH.read_text())
    for each in content["nodes"]:
        del each["clerp"]
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(content, indent=2))
    new, found = by_hand(path, transcoders)
    before, after = (text.splitlines() for text in (path.read_text(), new.decode()))
    lines = difflib.ndiff(before, after)
    added = [line for line in lines if line.startswith("+ ") and "clerp" in line]
    assert len(added) == found.labelled == 9
    assert all(line.startswith('+       "clerp": "') for line in added), "set out as its neighbours"
    assert sum("clerp" in each for each in json.loads(new)["nodes"]) == 9


def test_words_that_are_there_are_replaced_or_kept(transcoders: Run, tmp_path: Path) -> None:
    content = json.loads(GRAPH.read_text())
    content["nodes"][0]["clerp"] = "mine"
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(content))
    new, found = by_hand(path, transcoders)
    assert (found.labelled, found.replaced, found.kept) == (9, 1, 0)
    kept, found = by_hand(path, transcoders, keep=True)
    assert (found.labelled, found.replaced, found.kept) == (8, 0, 1)
    assert nodes_of(kept)["3_0_1"]["clerp"] == "mine" != nodes_of(new)["3_0_1"]["clerp"]
    path.write_bytes(new)
    again, found = by_hand(path, transcoders)
    assert (again, found.replaced) == (new, 0), "a second time changes nothing"


def test_a_node_that_contradicts_itself_stays(transcoders: Run, tmp_path: Path) -> None:
    content = json.loads(GRAPH.read_text())
    content["nodes"][0]["feature"] += 1
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(content))
    new, found = by_hand(path, transcoders)
    assert (found.unclear, found.labelled) == (["3_0_1"], 8)
    assert nodes_of(new)["3_0_1"]["clerp"] == ""


def test_a_file_is_written_whole_and_over_no_other(transcoders: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    found = annotate(GRAPH, transcoders, out)
    assert out.read_bytes() == by_hand(GRAPH, transcoders)[0]
    assert found.labelled == 9
    with pytest.raises(UnembedError, match="is there already"):
        annotate(GRAPH, transcoders, out)
    copy = tmp_path / "graph.json"
    copy.write_bytes(GRAPH.read_bytes())
    annotate(copy, transcoders, copy, overwrite=True)
    assert copy.read_bytes() == out.read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["graph.json", "out.json"]


def test_of_another_model_nothing_is_written(transcoders: Run, tmp_path: Path) -> None:
    content = json.loads(GRAPH.read_text())
    content["nodes"] = [each for each in content["nodes"] if each["layer"] == "7"]
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(content))
    with pytest.raises(QueryError, match=r"None of the 1 nodes.*made with me/transcoders"):
        annotate(path, transcoders, tmp_path / "out.json")
    content["nodes"] = []
    path.write_text(json.dumps(content))
    with pytest.raises(QueryError, match="no node of a feature"):
        annotate(path, transcoders, tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_of_a_bank_with_some_features_those_are_found(tiny: Planted, tmp_path: Path) -> None:
    """b has every tenth one: 20 is its third."""
    content = json.loads(GRAPH.read_text())
    content["nodes"] = [
        {"node_id": f"9_{index}_1", "feature": pair(9, index), "layer": "9", "clerp": "",
         "feature_type": "cross layer transcoder"}
        for index in (0, 2, 20, 590, 600)
    ]  # fmt: skip
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(content))
    found = annotate(path, tiny.run, tmp_path / "out.json", bank=["b"])
    assert (found.labelled, found.absent) == (3, 2)
    said = nodes_of((tmp_path / "out.json").read_bytes())
    for index in (0, 20, 590):
        assert said[f"9_{index}_1"]["clerp"] == tiny.run.feature(f"b/{index}")["label"]


def test_a_run_without_labels_is_refused(plain: Planted, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="have no classes"):
        annotate(GRAPH, plain.run, tmp_path / "out.json", bank=["3=a"])
