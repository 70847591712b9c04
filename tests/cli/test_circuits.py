"""`unembed annotate` and `unembed export circuit-tracer`, as they are typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.questions.circuits.transcoders import GRAPH, transcoders_run
from unembed import Run
from unembed.cli import app
from unembed.errors import QueryError, UnembedError
from unembed.questions.circuits import pair


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return transcoders_run(tmp_path_factory.mktemp("circuits") / "run")


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "planted.json"
    shutil.copy(GRAPH, path)
    return path


def typed(*words: object) -> Result:
    ended = CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "200"})
    if isinstance(ended.exception, UnembedError):
        raise ended.exception
    assert ended.exit_code == 0, ended.output
    return ended


def test_a_graph_is_labelled_beside_itself(run: Run, graph: Path) -> None:
    before = graph.read_bytes()
    said = typed("annotate", graph, run.path)
    assert "11 nodes of features" in said.stdout
    assert "9  have the label of their feature now" in said.stdout
    assert "1  are of features that the run does not have" in said.stdout
    assert "3 transcoder.3, 5 clt.5→5, clt.5→6" in said.stdout
    assert "made with me/transcoders, where the run's come from, too" in said.stdout
    assert graph.read_bytes() == before
    clerps = [each["clerp"] for each in nodes(graph.with_suffix(".labelled.json"))]
    assert sum(clerp.startswith("promotes months") for clerp in clerps) == 2


def test_other_names_are_said_to_be_other(run: Run, graph: Path) -> None:
    graph.write_text(graph.read_text().replace("me/transcoders", "gemma-2-2b"))
    said = " ".join(typed("annotate", graph, run.path).stdout.split())
    assert "made with gemma-2-2b; the run's come from me/transcoders. Whether" in said


def nodes(path: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(path.read_bytes())["nodes"]
    return found


def test_in_place_and_as_json(run: Run, graph: Path) -> None:
    with pytest.raises(UnembedError, match="is there already"):
        typed("annotate", graph, run.path, "-o", graph)
    said = typed("annotate", graph, run.path, "-o", graph, "--overwrite", "--json")
    facts = json.loads(said.stdout)
    assert (facts["out"], facts["labelled"], facts["other_layers"]) == (str(graph), 9, 1)
    assert sum(bool(each["clerp"]) for each in nodes(graph)) == 9 + 1, "and that of the logit"


def test_banks_that_are_named_are_taken(run: Run, graph: Path) -> None:
    said = typed("annotate", graph, run.path, "--bank", "3=vectors,7=mlp.3", "--json")
    facts = json.loads(said.stdout)
    assert facts["banks"] == {"3": ["vectors"], "7": ["mlp.3"]}
    with pytest.raises(QueryError, match="no bank 'mine'"):
        typed("annotate", graph, run.path, "--bank", "3=mine", "--overwrite")


def test_the_run_may_come_first(run: Run, graph: Path) -> None:
    typed("annotate", run.path, graph)
    first = graph.with_suffix(".labelled.json").read_bytes()
    typed("annotate", graph, run.path, "--overwrite")
    assert graph.with_suffix(".labelled.json").read_bytes() == first


def test_files_of_a_graph_and_of_all(run: Run, graph: Path, tmp_path: Path) -> None:
    said = typed("export", "circuit-tracer", run.path, "-o", tmp_path / "few", "--graph", graph,
                 "--tokens", 3)  # fmt: skip
    assert "Wrote 8 features in 8 files" in said.stderr
    content = json.loads((tmp_path / "few" / f"{pair(3, 2)}.json").read_bytes())
    assert len(content["top_logits"]) == len(content["bottom_logits"]) == 3
    assert "histogram" not in content
    said = typed("export", "circuit-tracer", run.path, "-o", tmp_path / "all", "--packed",
                 "--placeholders")  # fmt: skip
    assert "Wrote 600 features in 2 files and an index" in said.stderr
    assert sorted(each.name for each in (tmp_path / "all").iterdir()) == [
        "index.json.gz", "layer_3.bin", "layer_5.bin"
    ]  # fmt: skip
