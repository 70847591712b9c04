"""What the explorer's server answers: exactly what the run says, and nothing to strangers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from starlette.testclient import TestClient

import unembed
from tests.planted import Planted, planted, tiny_run
from unembed import EnrichmentSettings, Run
from unembed.errors import QueryError, RunError
from unembed.explanation import CLASSES
from unembed.explorer import app as app_module
from unembed.explorer import contents as contents_module
from unembed.explorer.app import create_app
from unembed.explorer.contents import NO_CLASS, Contents

ADDRESS = "http://127.0.0.1"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A run of which many pairs are kept, with TSEA."""
    kept = EnrichmentSettings(directions=200, max_q=0.9)
    return tiny_run(tmp_path_factory.mktemp("shown") / "run", kept)


@pytest.fixture(scope="module")
def app(shown: Planted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The application, beside a page that stands for the built one."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<title>page</title>")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app_module, "page_folder", lambda: folder)
        yield create_app(shown.run)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=ADDRESS, raise_server_exceptions=False)


def array(client: TestClient, path: str, kind: str) -> np.ndarray:
    answer = client.get(f"/api/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    return np.frombuffer(answer.content, np.dtype(kind).newbyteorder("<"))


def test_the_overview_places_every_bank(client: TestClient, shown: Planted) -> None:
    facts = client.get("/api/run.json").json()
    assert facts["features"] == 360
    assert [(b["name"], b["start"], b["features"]) for b in facts["banks"]] == [
        ("a", 0, 300),
        ("b", 300, 60),
    ]
    assert facts["discoveries"] == shown.run.discoveries
    row = shown.run.scalars.row(0, named=True)
    assert facts["banks"][0]["envelope"]["kurtosis_above"] == row["kurtosis_above"]


@pytest.mark.parametrize("name", ["std", "skewness", "kurtosis", "mean", "left_tail"])
def test_columns_are_the_runs(client: TestClient, shown: Planted, name: str) -> None:
    expected = shown.run.scalars[name].fill_null(np.nan).to_numpy().astype(np.float32)
    np.testing.assert_array_equal(array(client, f"columns/{name}.bin", "f4"), expected)


def test_classes_and_indices(client: TestClient, shown: Planted) -> None:
    numbers = array(client, "columns/class.bin", "u1")
    assert [CLASSES[number] for number in numbers] == shown.run.scalars["class"].to_list()
    indices = array(client, "columns/index.bin", "i4")
    assert indices.tolist() == shown.run.scalars["index"].to_list()


def test_rows(client: TestClient, shown: Planted) -> None:
    page = client.get("/api/rows/1.json").json()
    assert page["start"] == 64
    assert page["label"] == shown.run.scalars["label"][64:128].to_list()
    assert page["top"][2] == shown.run.feature("a/66")["top_tokens"][:8]
    last = client.get("/api/rows/5.json").json()
    assert len(last["label"]) == 360 - 320
    assert client.get("/api/rows/6.json").status_code == 404


def test_a_feature_with_its_case_and_sets(client: TestClient, shown: Planted) -> None:
    found = client.get("/api/features/a/0.json").json()
    assert found["row"] == 0
    assert found["class"] == shown.run.feature("a/0")["class"]
    assert found["neuronpedia"] == "https://www.neuronpedia.org/tiny/3-a/0"
    assert "embed=true" in found["embed"]
    assert found["case"]["parts"] == client.get("/api/features/a/0.json").json()["case"]["parts"]
    pairs = shown.run.enrichment("a/0")
    names = shown.run.tested_sets["name"]
    assert [names[number] for number in found["sets"]["set"]] == pairs["token_set"].to_list()
    np.testing.assert_allclose(found["sets"]["z"], pairs["z"])
    assert found["sets"]["es"] == pairs["es"].to_list()
    assert found["sets"]["tested"] == pairs.height
    assert found["sets"]["passing"] == pairs.filter(pl.col("log10_q") <= np.log10(0.9)).height


def test_live_weights_are_the_whole_product(client: TestClient, shown: Planted) -> None:
    for address, row in (("a/7", 7), ("b/30", 3)):
        found = array(client, f"features/{address}/weights.f32", "f4")
        np.testing.assert_allclose(found, shown.logits(address[0])[row], atol=2e-6)


def test_a_flat_feature(client: TestClient) -> None:
    found = client.get("/api/features/a/5.json").json()
    assert found["skewness"] is None
    assert found["top"] == []
    assert (array(client, "features/a/5/weights.f32", "f4") == 0).all()
    assert client.get("/api/features/a/5/nearest.json").status_code == 404


def test_nearest(client: TestClient) -> None:
    found = client.get("/api/features/a/20/nearest.json").json()
    assert found["feature"][0] == "a/3"
    assert found["cosine"][0] > 0.99


def test_sets(client: TestClient, shown: Planted) -> None:
    sets = client.get("/api/sets.json").json()
    tested = shown.run.tested_sets
    assert sets["name"] == tested["name"].to_list()
    pairs = shown.run.enrichment()
    for number, name in enumerate(sets["name"]):
        of_set = pairs.filter(token_set=name)
        assert sets["promoting"][number] == of_set.filter(pl.col("z") > 0).height
        assert sets["suppressing"][number] == of_set.filter(pl.col("z") < 0).height
    assert {sets["name"][number] for number in sets["aliases"].values()} == {
        name for name, aliases in tested.select("name", "aliases").iter_rows() if aliases
    }
    assert sets["name"][sets["aliases"]["girls"]] == "names:female"
    info = client.get("/api/sets/0.json").json()
    assert (info["name"], info["size"]) == (tested["name"][0], tested["size"][0])


def test_members_are_rows_of_the_unembedding(client: TestClient, shown: Planted) -> None:
    tokens = client.get("/api/tokens.json").json()
    for number, ids in enumerate(shown.run.tested_sets["ids"]):
        rows = array(client, f"sets/{number}/members.i32", "i4")
        assert [tokens["id"][row] for row in rows] == sorted(ids)


@pytest.mark.parametrize("score", ["z", "log10_p", "log10_q"])
def test_scores_of_a_set(client: TestClient, shown: Planted, score: Any) -> None:
    found = array(client, f"sets/1/{score}.f32", "f4")
    np.testing.assert_array_equal(found, shown.run.scores_of_set(1, score))


def test_a_contrast_is_that_of_find(client: TestClient, shown: Planted) -> None:
    names = shown.run.tested_sets["name"].to_list()
    one, other = names.index("names:female"), names.index("names:male")
    z = array(client, f"sets/{one}/against/{other}.f32", "f4")
    found = unembed.find(shown.run, contrast=("names:female", "names:male"), limit=5)
    rows = [shown.run.row_of(address) for address in found["feature"]]
    np.testing.assert_allclose(z[rows], found["contrast_z"], rtol=1e-6)
    assert rows[0] == int(np.nanargmax(np.abs(z)))
    same = client.get(f"/api/sets/{one}/against/{one}.f32")
    assert same.status_code == 404
    assert "same tokens" in same.json()["error"]


def test_a_token(client: TestClient, shown: Planted) -> None:
    tokens = client.get("/api/tokens.json").json()
    row = tokens["text"].index(" Paris")
    assert tokens["id"][row] == 1
    found = client.get(f"/api/tokens/{row}.json").json()
    assert (found["id"], found["bytes"], found["sets"]) == (1, "20 50 61 72 69 73", [])
    member = client.get(f"/api/tokens/{tokens['id'].index(130)}.json").json()
    names = shown.run.tested_sets["name"]
    assert {names[number] for number in member["sets"]} == {"names:female", "both"}
    weights = array(client, f"tokens/{row}/weights.f32", "f4")
    expected = np.concatenate([shown.logits("a")[:, row], shown.logits("b")[:, row]])
    np.testing.assert_allclose(weights, expected, atol=3e-6)


def test_tokens_of_the_cosine_lens(plain: Planted) -> None:
    client = TestClient(create_app(plain.run), base_url=ADDRESS)
    found = array(client, "tokens/7/weights.f32", "f4")
    W_U = plain.unembedding.W_U + plain.unembedding.mean_row
    rows = np.concatenate([bank.W_dec for bank in plain.banks.values()])
    norms = np.linalg.norm(rows, axis=1)
    expected = rows @ W_U[7].numpy() / np.where(norms > 0, norms, 1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_layers(client: TestClient) -> None:
    found = client.get("/api/layers.json").json()
    assert [bank["bank"] for bank in found["banks"]] == ["a", "b"]
    assert "run" not in found


def test_a_run_without_token_sets(plain: Planted) -> None:
    client = TestClient(create_app(plain.run), base_url=ADDRESS)
    facts = client.get("/api/run.json").json()
    assert not facts["has_sets"]
    assert facts["banks"][0]["envelope"] is None
    assert (array(client, "columns/class.bin", "u1") == NO_CLASS).all()
    feature = client.get("/api/features/a/1.json").json()
    assert (feature["sets"], feature["case"]) == (None, None)
    assert client.get("/api/tokens/3.json").json()["sets"] == []
    assert client.get("/api/layers.json").json()["sets"] is None
    missing = client.get("/api/sets.json")
    assert missing.status_code == 404
    assert "without token sets" in missing.json()["error"]


def test_weights_that_are_gone(tmp_path: Path) -> None:
    unembedding, banks, sets = planted()
    made = unembed.analyze(unembedding, banks, tmp_path / "run", token_sets=sets)
    client = TestClient(create_app(Run.open(made.path)), base_url=ADDRESS)
    for path in ("features/a/0/weights.f32", "features/a/0/nearest.json", "tokens/3/weights.f32"):
        answer = client.get(f"/api/{path}")
        assert answer.status_code == 409
        assert "cannot be read again" in answer.json()["error"]
    assert client.get("/api/features/a/0.json").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("columns/nothing.bin", 404),
        ("columns/..%2f.bin", 404),
        ("features/c/1.json", 404),
        ("features/a/300.json", 404),
        ("features/a/-1.json", 422),
        ("features/a/x.json", 422),
        ("features/a/07.json", 422),  # an answer has one path
        ("sets/+0.0.json", 422),
        ("sets/-0.json", 422),
        ("sets/0.0/z.f32", 422),
        ("tokens/%201.json", 422),
        ("rows/1_0.json", 422),
        ("features/..%2f..%2fetc/1.json", 404),
        ("sets/99.json", 404),
        ("sets/99/members.i32", 404),
        ("sets/99/z.f32", 404),
        ("sets/1/other.f32", 422),
        ("tokens/99999.json", 404),
        ("tokens/99999/weights.f32", 404),
        ("nothing", 404),
    ],
)
def test_what_is_not_there(client: TestClient, path: str, status: int) -> None:
    answer = client.get(f"/api/{path}")
    assert answer.status_code == status
    assert "Traceback" not in answer.text
    assert "etag" not in answer.headers


def test_an_etag_saves_the_answer(client: TestClient) -> None:
    first = client.get("/api/sets.json")
    tag = first.headers["etag"]
    again = client.get("/api/sets.json", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/sets/0.json", headers={"If-None-Match": tag}).status_code == 200


def test_etags_differ_between_runs(client: TestClient, plain: Planted) -> None:
    other = TestClient(create_app(plain.run), base_url=ADDRESS)
    assert client.get("/api/run.json").headers["etag"] != other.get("/api/run.json").headers["etag"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.1"])
def test_other_hosts_are_refused(client: TestClient, host: str) -> None:
    answer = client.get("/api/run.json", headers={"Host": host})
    assert answer.status_code == 400
    assert "features" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8377", "localhost:9", "localhost"])
def test_this_machine_is_not(client: TestClient, host: str) -> None:
    assert client.get("/api/run.json", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "//etc/passwd"])
def test_no_path_reaches_the_disk(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (400, 404, 405)
    assert "FastAPI" not in answer.text
    assert "root:" not in answer.text


def test_the_page_may_load_nothing_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.text == "<title>page</title>"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_changed(client: TestClient, method: str) -> None:
    assert getattr(client, method)("/api/run.json").status_code == 405


def test_the_page_after_the_last_is_none(shown: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents_module, "PAGE", 60)
    assert Contents(shown.run).rows(5)["start"] == 300
    with pytest.raises(QueryError, match="no page 6: there are 6"):
        Contents(shown.run).rows(6)


def test_numbers_end_where_the_things_do(client: TestClient, shown: Planted) -> None:
    tokens = client.get("/api/tokens.json").json()
    for path, count in (("sets", shown.run.tested_sets.height), ("tokens", len(tokens["id"]))):
        assert client.get(f"/api/{path}/{count - 1}.json").status_code == 200
        assert client.get(f"/api/{path}/{count}.json").status_code == 404


def test_bottom_tokens_and_bins(client: TestClient, shown: Planted) -> None:
    page = client.get("/api/rows/1.json").json()
    assert page["bottom"][2] == shown.run.feature("a/66")["bottom_tokens"][:8]
    edges = client.get("/api/run.json").json()["bin_edges"]
    assert len(edges) == len(shown.run.feature("a/0")["histogram"]) - 1


@pytest.mark.parametrize(("id", "named"), [(99, False), (100, True), (139, True), (140, False)])
def test_a_set_ends_where_its_tokens_do(
    client: TestClient, shown: Planted, id: int, named: bool
) -> None:
    tokens = client.get("/api/tokens.json").json()
    found = client.get(f"/api/tokens/{tokens['id'].index(id)}.json").json()
    names = shown.run.tested_sets["name"]
    assert ("names:female" in {names[number] for number in found["sets"]}) is named


def test_headers(client: TestClient) -> None:
    said = client.get("/").headers["content-security-policy"]
    policy = dict(part.split(" ", 1) for part in said.split("; "))
    assert policy["default-src"] == "'self'"
    assert "script-src" not in policy
    assert policy["object-src"] == policy["base-uri"] == "'none'"
    assert client.get("/api/run.json").headers["cache-control"] == "no-cache"


def test_other_sites_may_not_ask(client: TestClient) -> None:
    asked = {"Sec-Fetch-Site": "cross-site"}
    assert client.get("/api/run.json", headers=asked).status_code == 403
    assert client.get("/", headers=asked).status_code == 200


def test_only_a_get_is_answered_from_memory(client: TestClient) -> None:
    tag = {"If-None-Match": client.get("/api/run.json").headers["etag"]}
    assert client.post("/api/run.json", headers=tag).status_code == 405


def test_another_version_or_name_is_read_anew(
    shown: Planted, app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tag(run: Run) -> str:
        client = TestClient(create_app(run), base_url=ADDRESS)
        return client.get("/api/run.json").headers["etag"]

    before = tag(shown.run)
    shutil.copytree(shown.run.path, tmp_path / "copy")
    assert tag(Run.open(tmp_path / "copy")) != before
    monkeypatch.setattr(app_module, "__version__", "0")
    assert tag(shown.run) != before


def test_a_run_made_anew_is_not_mixed_with_the_old(
    shown: Planted, app: FastAPI, tmp_path: Path
) -> None:
    shutil.copytree(shown.run.path, tmp_path / "run")
    client = TestClient(create_app(Run.open(tmp_path / "run")), base_url=ADDRESS)
    assert client.get("/api/run.json").status_code == 200
    os.utime(tmp_path / "run" / "manifest.json", ns=(1, 1))
    answer = client.get("/api/run.json")
    assert answer.status_code == 410
    assert "made anew. Start the explorer again" in answer.json()["error"]
    shutil.rmtree(tmp_path / "run")
    answer = client.get("/api/run.json")
    assert answer.status_code == 410
    assert "not there any more" in answer.json()["error"]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RunError("It is damaged."), 410, "It is damaged."),
        (IndexError("7"), 500, "may be damaged"),
    ],
)
def test_a_table_damaged_later(
    shown: Planted, app: FastAPI, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int,
    said: str,
) -> None:  # fmt: skip
    made = create_app(shown.run)

    def broken(page: int) -> None:
        raise error

    monkeypatch.setattr(made.state.contents, "rows", broken)
    client = TestClient(made, base_url=ADDRESS, raise_server_exceptions=False)
    answer = client.get("/api/rows/0.json")
    assert answer.status_code == status
    assert said in answer.json()["error"]


def test_any_request_gets_an_answer_that_is_described(shown: Planted) -> None:
    """Requests made up from the OpenAPI description, good and bad, each kind many times."""
    schemathesis = pytest.importorskip("schemathesis")  # it forbids the lowest version of rich
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(shown.run, hosts=("*",)))
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 17
    good = [schemathesis.GenerationMode.POSITIVE]
    for operation in operations:
        modes = schemathesis.GenerationMode if "{" in operation.path else good
        for mode in modes:

            @settings(max_examples=20, deadline=None, derandomize=True,
                      suppress_health_check=list(HealthCheck))  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: Any) -> None:
                case.call_and_validate()

            check()
