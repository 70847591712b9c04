"""Tokens of identical rows of W_U in a run: all that is asked of it reads them alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient

from tests.planted import Planted, Planting, bank_of, planted_run
from unembed import EnrichmentSettings, Run
from unembed.explorer.app import create_app
from unembed.explorer.report import feature_page
from unembed.store.manifest import Manifest
from unembed.sweep import Weight

N, D = 900, 20
TIED = range(300, 380)
"""80 tokens that were never trained, after one that is masked."""
PAIRS = {("low", "high"): 20, ("low and more", "high and more"): 30}
"""Sets that differ in which of these they hold."""


def planted(folder: Path, weight: Weight) -> Planted:
    random = torch.Generator().manual_seed(1)
    W_U = torch.randn(N, D, generator=random)
    W_U[TIED] = W_U[300].clone()
    planting = Planting(W_U, special=[0])
    planting.token_set("low", [*TIED[:20], *range(500, 520)])
    planting.token_set("high", [*TIED[-20:], *range(500, 520)])
    planting.token_set("low and more", [*TIED[:30], *range(600, 800)])
    planting.token_set("high and more", [*TIED[-30:], *range(600, 800)])
    planting.token_set("others", range(500, 560))
    rows = torch.randn(40, D, generator=random)
    doing = {0: planting.mean("low"), 1: -planting.mean("low"), 2: planting.unembedding.W_U[300]}
    bank = bank_of("a", rows, doing)
    settings = EnrichmentSettings(directions=200, tsea="all", weight=weight)
    return planted_run(folder, planting.unembedding, [bank], planting.sets, enrichment=settings)


@pytest.fixture(scope="module", params=["none", "normal-scores"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return planted(tmp_path_factory.mktemp("ties"), request.param)


def test_sets_with_as_many_of_them_have_the_same_scores(made: Planted) -> None:
    for feature in ("a/0", "a/1", "a/2", "a/17"):
        for one, other in PAIRS:
            for tsea in (False, True):
                scores, same = (
                    made.run.enrichment(feature, token_set=name, tsea=tsea).row(0, named=True)
                    for name in (one, other)
                )
                for column in ("es", "auroc", "log10_p_tokens"):
                    assert scores[column] == same[column], column
                assert scores["z"] == pytest.approx(same["z"], rel=1e-6)
                assert scores["peak"] == same["peak"] or None in (scores["peak"], same["peak"])
            assert scores["peak"] == same["peak"]
            curve, twin = (made.run.running_sum(feature, name) for name in (one, other))
            np.testing.assert_array_equal(curve.heights, twin.heights)
            np.testing.assert_array_equal(curve.places, twin.places)


def test_what_is_drawn_and_listed_is_what_was_read(made: Planted) -> None:
    for feature in ("a/0", "a/1", "a/2", "a/17"):
        for (name, _), tied in PAIRS.items():
            pair = made.run.enrichment(feature, token_set=name).row(0, named=True)
            curve = made.run.running_sum(feature, name)
            edge = made.run.leading_edge(feature, name)
            assert pair["es"] == pytest.approx(curve.es, abs=1e-3)  # kept in 16 bits
            assert (edge.es, edge.peak) == (curve.es, curve.peak)
            assert np.isin(edge.ids, TIED).sum() in (0, tied)
            order = np.sort(made.run.logit_weights(feature).weights)[::-1]
            block = order == made.run.logit_weights(feature).weights[TIED.start - 1]
            assert block.sum() == len(TIED)  # the first row is that of token 1
            start = int(block.argmax())
            assert not ((curve.places > start) & (curve.places < start + len(TIED))).any()


def test_the_manifest_says_how_many(made: Planted) -> None:
    manifest = Manifest.load(made.run.path)
    assert manifest.unembedding.preparation["identical_rows"] == len(TIED)


def test_the_explorer_is_told_which(made: Planted) -> None:
    client = TestClient(create_app(made.run), base_url="http://127.0.0.1")
    pairs = np.frombuffer(client.get("/api/ties.i32").content, "<i4").reshape(-1, 2)
    ids = np.array(client.get("/api/tokens.json").json()["id"])
    assert ids[pairs[:, 0]].tolist() == list(TIED)
    assert set(ids[pairs[:, 1]].tolist()) == {TIED.start}
    page = feature_page(made.run, "a/0")
    assert '"ties.i32"' in page


def test_the_explorer_of_a_run_without_them(tiny: Planted) -> None:
    client = TestClient(create_app(tiny.run), base_url="http://127.0.0.1")
    answer = client.get("/api/ties.i32")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "identical_rows" not in Run.open(tiny.run.path).manifest.unembedding.preparation


def test_weights_that_are_gone(made: Planted) -> None:
    client = TestClient(create_app(Run.open(made.run.path)), base_url="http://127.0.0.1")
    assert client.get("/api/ties.i32").status_code == 409
