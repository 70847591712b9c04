"""Linux names files with any bytes: those that are no text reach Python as halves of characters."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.planted import Planted, planted, planted_run
from unembed import Run, analyze
from unembed.errors import QueryError, RunError, UnembedError
from unembed.explorer.app import create_app
from unembed.explorer.report import write_feature
from unembed.facts import BankFacts
from unembed.questions import check_run, neuronpedia

NAME = "r\udcff"
ADDRESS = "http://127.0.0.1"


@pytest.mark.skipif(sys.platform != "linux", reason="there, names are bytes")
def test_a_run_in_a_folder_of_such_a_name(tmp_path: Path) -> None:
    run = planted_run(tmp_path / NAME, *planted()).run
    assert Run.open(tmp_path / NAME).features.equals(run.features)
    assert set(check_run(run.path)["verdict"]) == {"whole"}
    assert TestClient(create_app(run), ADDRESS).get("/api/run.json").status_code == 200
    write_feature(run, tmp_path / f"{NAME}.html", run.features["feature"][0])
    assert (tmp_path / f"{NAME}.html").stat().st_size > 1000


def test_a_model_of_such_a_name(tmp_path: Path) -> None:
    """A model folder is what its folder is called."""
    unembedding, banks, _ = planted()
    named = replace(unembedding, name=NAME)
    run = analyze(named, banks, tmp_path / "run")
    said = json.loads((tmp_path / "run" / "manifest.json").read_text("utf-8"))
    assert said["unembedding"]["name_of_model"] == NAME == run.model
    assert Run.open(tmp_path / "run").model == NAME
    client = TestClient(create_app(run), ADDRESS)
    assert client.get("/api/run.json").json()["model"] == NAME
    assert analyze(named, banks, tmp_path / "run").features.equals(run.features)  # it is that run


@pytest.mark.parametrize("field", ["hook", "neuronpedia"])
def test_what_others_are_asked_by_is_text(tiny: Planted, tmp_path: Path, field: str) -> None:
    bank = next(iter(tiny.banks.values()))
    with pytest.raises(UnembedError, match=f"{field} should be a name"):
        replace(bank, **{field: f"gpt2-small/{NAME}"})
    with pytest.raises(UnembedError, match="half of a character"):
        BankFacts(**{**vars(bank.facts), field: NAME})
    manifest = json.loads((tiny.run.path / "manifest.json").read_text("utf-8"))
    manifest.pop("seal")
    manifest["banks"][0][field] = NAME
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match=r"banks\[0\]: .*half of a character"):
        Run.open(tmp_path)


def test_links_to_neuronpedia_are_text(tiny: Planted) -> None:
    with pytest.raises(QueryError, match="half of a character"):
        neuronpedia.quick_list(NAME, [("gpt2-small/8-res-jb", 1)])
    with pytest.raises(QueryError, match="is no id of Neuronpedia"):
        neuronpedia.sources_of(tiny.run, [f"a=gpt2-small/{NAME}"])
