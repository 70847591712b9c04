"""Feature files: what circuit-tracer's own page, server and classes make of them."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import polars as pl
import pytest

from tests.conftest import INPUTS
from tests.planted import Planted
from unembed import Run
from unembed.errors import QueryError, UnembedError
from unembed.questions.circuits import (
    feature_files,
    features_of,
    pair,
    place_banks,
    read_graph,
    write_feature_files,
)

from .transcoders import GRAPH

TRACER = INPUTS / "circuit-tracer"
"""The part of its package that reads and serves these files (`scripts/fetch_inputs.py`)."""
ASSETS = TRACER / "circuit_tracer/frontend/assets"
ABOUT_ACTIVATIONS = {"act_min", "act_max", "quantile_values", "histogram", "activation_frequency"}


@pytest.fixture(scope="module")
def apart(transcoders: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of graphs, in it the graph's features one by one."""
    folder = tmp_path_factory.mktemp("graphs")
    shutil.copy(GRAPH, folder)
    only = features_of(read_graph(GRAPH))
    count = write_feature_files(
        transcoders, folder / "features", place_banks(transcoders), only=only
    )
    assert count == 8
    return folder


@pytest.fixture(scope="module")
def packed(transcoders: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of transcoders with all features."""
    folder = tmp_path_factory.mktemp("repository")
    told: list[tuple[str, int, int]] = []
    count = write_feature_files(
        transcoders, folder / "features", place_banks(transcoders), packed=True,
        progress=lambda *each: told.append(each),
    )  # fmt: skip
    assert (count, told[-1]) == (600, ("Writing feature files", 600, 600))
    return folder


def test_a_file_says_what_the_run_knows(apart: Path, transcoders: Run) -> None:
    content = json.loads((apart / "features" / f"{pair(3, 2)}.json").read_bytes())
    row = transcoders.feature("transcoder.3/2")
    assert content == {
        "transcoder_id": "transcoder.3", "index": 2,
        "examples_quantiles": [
            {"quantile_name": f"{row['label']} (by unembed, from weights alone: no activations)",
             "examples": []}
        ],
        "top_logits": row["top_tokens"][:10], "bottom_logits": row["bottom_tokens"][:10],
    }  # fmt: skip
    wanted = {pair(3, index) for index in (0, 1, 2, 20, 299)} | {pair(5, i) for i in (0, 3, 5)}
    assert {int(each.stem) for each in (apart / "features").iterdir()} == wanted


def test_of_a_cross_layer_feature_the_layer_is_said(apart: Path, transcoders: Run) -> None:
    content = json.loads((apart / "features" / f"{pair(5, 3)}.json").read_bytes())
    assert content["transcoder_id"] == "clt.5→6", "where it moves logits most"
    assert content["top_logits"] == transcoders.feature("clt.5→6/3")["top_tokens"][:10]
    assert content["examples_quantiles"][0]["quantile_name"].endswith("tokens as written →6)")


def test_without_token_sets_there_are_tokens_alone(plain: Planted) -> None:
    placing = place_banks(plain.run, chosen=["a"])
    ((_, _, content),) = feature_files(plain.run, placing, only={3: [2]})
    assert content["top_logits"] == plain.run.feature("a/2")["top_tokens"][:10]
    (title,) = content["examples_quantiles"]
    assert title["quantile_name"] == "(by unembed, from weights alone: no activations)"


def test_line_breaks_can_be_seen(transcoders: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = transcoders.tokens["text"].to_list()
    row = transcoders.feature("transcoder.3/2")
    texts[row["top_ids"][0]] = "\r\n\t"
    known = transcoders.tokens.with_columns(text=pl.Series(texts))
    monkeypatch.setitem(transcoders.__dict__, "tokens", known)
    files = feature_files(transcoders, place_banks(transcoders), only={3: [2]})
    assert [content["top_logits"][0] for _, _, content in files] == ["↵⏎→"]


def test_a_packed_layer_is_where_the_index_says(packed: Path, transcoders: Run) -> None:
    folder = packed / "features"
    index = json.loads(gzip.decompress((folder / "index.json.gz").read_bytes()))
    assert {name: each["filename"] for name, each in index.items()} == {
        "3": "layer_3.bin", "5": "layer_5.bin"
    }  # fmt: skip
    files = feature_files(transcoders, place_banks(transcoders))
    for layer, number, content in files:
        raw = (folder / f"layer_{layer}.bin").read_bytes()
        start, stop = index[str(layer)]["offsets"][number : number + 2]
        assert int.from_bytes(raw[start : start + 4], "little") == stop - start - 4
        assert json.loads(gzip.decompress(raw[start + 4 : stop])) == content


def test_what_is_packed_twice_is_the_same(packed: Path, transcoders: Run, tmp_path: Path) -> None:
    write_feature_files(transcoders, tmp_path / "again", place_banks(transcoders), packed=True)
    for file in (packed / "features").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_features_that_are_not_there_have_no_bytes(transcoders: Run, tmp_path: Path) -> None:
    placing = place_banks(transcoders)
    write_feature_files(transcoders, tmp_path / "some", placing, packed=True, only={3: [2, 5]})
    index = json.loads(gzip.decompress((tmp_path / "some" / "index.json.gz").read_bytes()))
    offsets = index["3"]["offsets"]
    lengths = [stop - start for start, stop in pairwise(offsets)]
    assert [length > 0 for length in lengths] == [False, False, True, False, False, True]
    assert offsets[-1] == (tmp_path / "some" / "layer_3.bin").stat().st_size


def test_a_folder_that_has_something_stays(transcoders: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    placing = place_banks(transcoders)
    with pytest.raises(UnembedError, match="is there already"):
        write_feature_files(transcoders, tmp_path, placing)
    with pytest.raises(QueryError, match="none of the features"):
        write_feature_files(transcoders, tmp_path / "new", placing, only={9: [1]})

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_feature_files(transcoders, tmp_path / "new", placing, progress=stopped)
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Its modules can be imported, and are no longer afterwards."""
    if not ASSETS.is_dir():
        pytest.skip("circuit-tracer is not here: run scripts/fetch_inputs.py")
    monkeypatch.syspath_prepend(TRACER)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "circuit_tracer"]:
        del sys.modules[name]


@pytest.mark.inputs
@pytest.mark.usefixtures("tracer")
def test_its_classes_read_our_files_and_graphs(transcoders: Run) -> None:
    """All that they ask of a file is there, or is about activations and said to be unknown."""
    pydantic = pytest.importorskip("pydantic")
    features = import_module("circuit_tracer.frontend.feature_models")
    graphs = import_module("circuit_tracer.frontend.graph_models")
    placing = place_banks(transcoders)
    for _, _, content in feature_files(transcoders, placing, only={3: [2], 5: [3, 5]}):
        with pytest.raises(pydantic.ValidationError) as refused:
            features.Model.model_validate(content)
        missing = {str(each["loc"][0]): each["type"] for each in refused.value.errors()}
        assert missing == dict.fromkeys(ABOUT_ACTIVATIONS, "missing")
    for _, _, content in feature_files(transcoders, placing, only={3: [2]}, placeholders=True):
        assert features.Model.model_validate(content, strict=True).model_dump() == content
    assert graphs._cantor_pairing(3, 234) == pair(3, 234)
    graphs.Model.model_validate_json(GRAPH.read_bytes())


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    local_server = import_module("circuit_tracer.frontend.local_server")
    server = local_server.serve(folder, frontend_dir=ASSETS, port=0)
    try:
        yield f"http://127.0.0.1:{server.httpd.server_address[1]}"
    finally:
        server.httpd.shutdown()
        server.httpd.server_close()
        server.stop()


@pytest.mark.inputs
@pytest.mark.usefixtures("tracer")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_its_server_serves_our_files(apart: Path) -> None:
    number = pair(3, 2)
    with serving(apart) as site:
        with urlopen(f"{site}/data/features/{number}.json", timeout=10) as answer:
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.read() == (apart / "features" / f"{number}.json").read_bytes()
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{site}/data/features/{pair(3, 3)}.json", timeout=10)


def read_by_the_page(site: Path, scan: str, *numbers: int) -> list[dict[str, Any]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not here")
    script = Path(__file__).with_name("page.js")
    done = subprocess.run(
        [node, script, ASSETS, site, scan, *map(str, numbers)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.inputs
@pytest.mark.usefixtures("tracer")
@pytest.mark.parametrize(
    ("layout", "scan"),
    [("apart", "./data/features"), ("packed", "me/transcoders"), ("packed", "me/transcoders@main")],
)
def test_its_page_finds_each_feature(
    layout: str, scan: str, request: pytest.FixtureRequest, transcoders: Run
) -> None:
    """Its own script looks them up by number, in a folder of files or at the hub."""
    site = request.getfixturevalue(layout)
    wanted = {3: [0, 1, 2, 20, 299], 5: [0, 3, 5]}
    numbers = [pair(layer, index) for layer, indices in wanted.items() for index in indices]
    found = read_by_the_page(site, scan, *numbers)
    ours = [
        content for *_, content in feature_files(transcoders, place_banks(transcoders), only=wanted)
    ]
    assert len(found) == len(ours) == 8
    for seen, content, number in zip(found, ours, numbers, strict=True):
        assert {name: seen[name] for name in content} == content
        assert seen["featureIndex"] == number
        assert not {"histogram", "quantile_values", "activation_frequency"} & seen.keys()
