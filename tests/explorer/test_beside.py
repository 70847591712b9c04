"""The explorer beside Neuronpedia: what a feature fires on, and the filter by agreement."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from tests.planted import Planted
from tests.questions.neuronpedia.explained import SAID, explained_run, fetched
from unembed import neuronpedia
from unembed.explorer import answers, report
from unembed.explorer import app as app_module
from unembed.explorer.app import create_app

ADDRESS = "http://127.0.0.1"


@pytest.fixture(autouse=True)
def _page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<head></head>")
    for module in (app_module, report):
        monkeypatch.setattr(module, "page_folder", lambda: page)


def asked(explained: Planted, *paths: str) -> list[object]:
    app = create_app(explained.run)
    with closing(app.state.desk), TestClient(app, ADDRESS) as client:
        return [client.get(f"/api/{path}") for path in paths]


def test_what_is_beside(tmp_path: Path) -> None:
    explained = explained_run(tmp_path / "run")
    before = asked(explained, "run.json", "features/a/0.json", "columns/agreement.bin")
    assert before[0].json()["agreement"] is None
    assert before[1].json()["beside"] is None
    assert before[2].status_code == 404
    fetched(explained, tmp_path)
    facts, feature, column = asked(
        explained, "run.json", "features/a/0.json", "columns/agreement.bin"
    )
    # a browser that kept the old answers is told that they hold no more
    assert feature.headers["etag"] != before[1].headers["etag"]
    known = TypeAdapter(answers.Feature).validate_python(feature.json(), strict=True)
    assert known["beside"] is not None
    assert known["beside"]["agreement"] == "agree"
    assert known["beside"]["explanations"] == [
        {"text": SAID[0], "model": "gpt-4o-mini", "type": "oai_token-act-pair"}
    ]
    states = facts.json()["agreement"]
    numbers = np.frombuffer(column.content, np.uint8)
    every = neuronpedia.agreements(explained.run)["agreement"].to_list()
    expected = [255 if state is None else states.index(state) for state in every]
    assert numbers.tolist() == expected + [255] * 20  # of bank b nothing was fetched


def test_a_report_has_it_too(tmp_path: Path) -> None:
    explained = explained_run(tmp_path / "run")
    report.write_site(explained.run, tmp_path / "without", ["a/0"])
    assert not (tmp_path / "without/api/columns/agreement.bin").exists()
    fetched(explained, tmp_path)
    report.write_site(explained.run, tmp_path / "with", ["a/0"])
    assert (tmp_path / "with/api/columns/agreement.bin").stat().st_size == 80
    assert SAID[0] in (tmp_path / "with/api/features/a/0.json").read_text()
