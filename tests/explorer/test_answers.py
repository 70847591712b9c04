"""The server's answers are what `explorer.answers` says, and the page is told the same."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from starlette.testclient import TestClient

from scripts import write_api_types
from tests.planted import Planted, planted
from unembed import EnrichmentSettings, ExplanationSettings, Run, analyze, weights_of
from unembed.explorer import answers
from unembed.explorer import app as app_module
from unembed.explorer.app import create_app
from unembed.tokensets import SetInfo, TokenSets

FIRST = 7
ADDRESS = "http://127.0.0.1"
GOLDEN = Path(__file__).parents[1] / "golden" / "schema-1"


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A run in which labels name sets and leave some out, with TSEA."""
    unembedding, banks, _ = planted()
    drafts = [
        (SetInfo("girls", "names", aliases=("women",)), range(100, 140)),
        (SetInfo("nearly", "names"), range(101, 140)),
        (SetInfo("boys", "names"), range(200, 240)),
        (SetInfo("none", "names"), range(0)),
    ]
    sets = TokenSets.from_drafts(drafts, unembedding.vocabulary)
    run = analyze(
        unembedding, banks, tmp_path_factory.mktemp("tested") / "run", token_sets=sets,
        enrichment=EnrichmentSettings(directions=200, max_q=0.9),
        explanation=ExplanationSettings(max_q=0.5),
    )  # fmt: skip
    weights_of(run, unembedding=unembedding, banks=banks)
    return Planted(run, unembedding, {bank.name: bank for bank in banks}, sets)


@pytest.fixture(autouse=True)
def _page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "page_folder", lambda: tmp_path)


def addresses(run: Run) -> list[str]:
    """Of the first features of every bank: those of `a` are planted, one of them writes nothing."""
    first = run.scalars.group_by("bank", maintain_order=True).head(FIRST)
    return [f"{bank}/{index}" for bank, index in first.select("bank", "index").iter_rows()]


def paths(run: Run) -> Iterator[tuple[str, Any]]:
    """Every path that answers in JSON, and what it should be."""
    yield "run.json", answers.RunFacts
    yield "tokens.json", answers.Tokens
    yield "layers.json", answers.Layers
    yield from ((f"tokens/{row}.json", answers.Token) for row in range(20))
    yield "rows/0.json", answers.Rows
    yield from ((f"features/{address}.json", answers.Feature) for address in addresses(run))
    if run.has_enrichment:
        yield "sets.json", answers.Sets
        numbers = range(run.tested_sets.height)
        yield from ((f"sets/{number}.json", answers.SetFacts) for number in numbers)


adapter = lru_cache(TypeAdapter)


def misfits(run: Run, asked: Iterator[tuple[str, Any]]) -> dict[str, str]:
    """What is wrong with the answers to some paths."""
    client = TestClient(create_app(run), base_url=ADDRESS)
    found: dict[str, str] = {}
    for path, expected in asked:
        answer = client.get(f"/api/{path}")
        assert answer.status_code == 200, path
        try:
            adapter(expected).validate_json(answer.content, strict=True)
        except ValidationError as error:
            found[path] = str(error)
    return found


def test_every_answer_has_the_keys_and_types_that_are_said(tested: Planted) -> None:
    assert misfits(tested.run, paths(tested.run)) == {}


def test_so_it_has_without_token_sets(plain: Planted) -> None:
    assert misfits(plain.run, paths(plain.run)) == {}


def test_so_it_has_for_a_run_of_an_earlier_version() -> None:
    run = Run.open(GOLDEN)
    assert misfits(run, paths(run)) == {}


@pytest.mark.parametrize("which", ["tested", "plain"])
def test_so_it_has_of_what_is_nearest(which: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(which).run
    assert misfits(run, iter([("features/a/20/nearest.json", answers.Nearest)])) == {}


def test_a_feature_shows_all_kinds_of_answer(tested: Planted) -> None:
    """Otherwise the tests above would hold nothing against these types."""
    client = TestClient(create_app(tested.run), base_url=ADDRESS)
    found = [
        client.get(f"/api/features/{address}.json").json() for address in addresses(tested.run)
    ]
    assert any(each["case"]["parts"] for each in found)
    assert any(each["case"]["rejected"] for each in found)
    assert any(any(each["sets"]["es"]) for each in found)


def test_every_path_says_what_it_answers(tested: Planted) -> None:
    described = create_app(tested.run).openapi()["paths"]
    contents = {
        path: operations["get"]["responses"]["200"]["content"]
        for path, operations in described.items()
        if path.endswith(".json")
    }
    named = {
        content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for content in contents.values()
    }
    assert len(contents) == len(named) == 9


def test_the_page_is_written_against_these_types() -> None:
    """Where it fails, run `python scripts/write_api_types.py`, and `npm run check` in `web`."""
    assert write_api_types.PAGE_TYPES.read_text() == write_api_types.text()


def test_types_are_written_as_typescript() -> None:
    found = write_api_types.text()
    for line in (
        'export type Lens = "logit" | "cosine";',
        '  "two-sided": number;',
        "  /** The row of its first feature. */",
        "  envelope: Envelope | null;",
        "  label: (string | null)[];",
        "  top: (string[] | null)[];",
        "  nulls: Record<string, NullFacts>;",
        "  with_set?: number;",
        "  class: FeatureClass | null;",
    ):
        assert f"{line}\n" in found
    assert "_Class" not in found
