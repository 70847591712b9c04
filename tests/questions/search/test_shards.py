"""A run in many shards answers as one in a single shard does, whichever bank is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from tests.planted import FEW, planted, planted_run
from unembed import Features, Run, find
from unembed.questions import layers, list_features, list_pairs

CRITERIA: dict[str, dict[str, Any]] = {
    "set": {"token_set": "both"},
    "contrast": {"contrast": ("names:female", "names:male")},
    "token": {"token": " Paris"},
    "like": {"like": "a/20"},
    "class": {"feature_class": "diffuse"},
    "label": {"where": "label like '%word1%'"},
    "several": {"token_set": "girls", "token": " London", "like": "c→4/7"},
}
BANKS: dict[str, dict[str, Any]] = {
    "all": {},
    "first": {"bank": "a"},
    "second": {"bank": "b"},
    "last": {"bank": "c->4"},
    "two": {"bank": ["c→4", "b"]},
    "layer": {"layer": 9},
    "last layer": {"layer": [4]},
}


def made(folder: Path) -> Run:
    """A run of three banks."""
    unembedding, (a, b), sets = planted()
    arrow = Features.from_array(b.W_dec.flip(0) + a.W_dec[:60], name="c→4", layer=4)
    return planted_run(folder, unembedding, [a, b, arrow], sets, enrichment=FEW).run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = made(tmp_path_factory.mktemp("whole") / "run")
    assert [shard.features for shard in run.manifest.shards()] == [300, 60, 60]
    return run


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unembed.store.manifest.SHARD_FEATURES", 13)
        run = made(tmp_path_factory.mktemp("parts") / "run")
    assert len(list(run.manifest.shards())) == 24 + 5 + 5
    return run


def reopened(run: Run) -> Run:
    """The same run, of which nothing has been read yet; its weights are not needed."""
    return Run.open(run.path)


def assert_alike(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Equal, but for the last digits of sums that were taken in another order, and z's float16."""
    key = [name for name in ("feature", "token_set") if name in expected.columns]
    assert found.height == expected.height
    assert_frame_equal(found.sort(key), expected.sort(key), rel_tol=2e-3, abs_tol=1e-3)


@pytest.mark.parametrize("banks", BANKS)
@pytest.mark.parametrize("criterion", CRITERIA)
def test_find(whole: Run, parts: Run, criterion: str, banks: str) -> None:
    asked = {**CRITERIA[criterion], **BANKS[banks], "limit": None}
    found, expected = find(parts, **asked), find(whole, **asked)
    assert found.height > 0
    assert found["feature"][0] == expected["feature"][0]
    assert_alike(found.drop("token_rank", strict=False),
                 expected.drop("token_rank", strict=False))  # fmt: skip


@pytest.mark.parametrize("banks", ["all", "first", "second", "last", "two"])
def test_lists(whole: Run, parts: Run, banks: str) -> None:
    """Each of a run that was only now opened, so that its tables are read for this bank alone."""
    asked = BANKS[banks]
    for ask in (list_features, list_pairs):
        assert_alike(ask(reopened(parts), **asked, limit=None), ask(whole, **asked, limit=None))
    of_set = {**asked, "token_set": "both"}
    assert_alike(list_pairs(reopened(parts), **of_set), list_pairs(whole, **of_set))


def test_features_in_the_last_shards(whole: Run, parts: Run) -> None:
    run = reopened(parts)
    for feature in ("a/299", "b/590", "c→4/59", "c→4/0"):
        assert_alike(list_pairs(run, feature), list_pairs(whole, feature))
        assert run.explain(feature)["label"] == whole.explain(feature)["label"]
        assert run.feature(feature)["top_tokens"] == whole.feature(feature)["top_tokens"]


def test_layers(whole: Run, parts: Run) -> None:
    found, expected = (layers(run) for run in (reopened(parts), whole))
    assert found["sets"] == expected["sets"]
    assert found["classes"] == expected["classes"]
    for name in ("bank", "features", "flat", "with_set"):
        assert [bank[name] for bank in found["banks"]] == [bank[name] for bank in expected["banks"]]


def test_weights_are_those_of_the_feature(parts: Run, whole: Run) -> None:
    for feature in ("a/13", "b/130", "c→4/59"):
        found, expected = parts.logit_weights(feature), whole.logit_weights(feature)
        torch.testing.assert_close(
            torch.from_numpy(found.weights), torch.from_numpy(expected.weights)
        )
