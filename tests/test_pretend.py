"""The whole job on a device that is not the CPU: nothing is mixed, and the numbers are the same."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
import torch
from rich.console import Console

from tests.explanation.clusters import Clusters
from tests.pretend import DEVICE, Pretended, pretended
from tests.store.test_resume import contents
from unembed import (
    EnrichmentSettings,
    Features,
    Run,
    Sweep,
    SweepSettings,
    TokenSets,
    Unembedding,
    analyze,
)
from unembed.cli.progress import say_device
from unembed.discovery.graph import mutual_neighbours
from unembed.enrichment import Scores, direction_test
from unembed.enrichment.settings import TseaOf
from unembed.sweep.settings import Weight

FEATURES = 600
"""On a device, where a tile has four times as many as asked for, two tiles of 128."""


class Model(NamedTuple):
    """What is analysed."""

    unembedding: Unembedding
    sets: TokenSets
    bank: Features


class Both(NamedTuple):
    """The same run on the CPU and on the device, and how often the host waited."""

    cpu: Run
    device: Run
    seen: Pretended


@pytest.fixture(scope="module")
def model() -> Model:
    """Features some of which write a set, and two nothing."""
    clusters = Clusters(3)
    bank, truth = clusters.bank()
    doing = np.array([kind.name != "diffuse" for kind in truth])
    rows = bank.W_dec[np.argsort(~doing, kind="stable")[:FEATURES]]
    rows[[500, 550]] = 0
    return Model(clusters.unembedding, clusters.sets, Features.from_array(rows, name="bank"))


def run_of(model: Model, out: Path, tsea: TseaOf, weight: Weight, device: str) -> Run:
    return analyze(
        replace(model.unembedding), model.bank, out, token_sets=model.sets, null="identity",
        settings=SweepSettings(tile=128, top_k=10, device=device),
        enrichment=EnrichmentSettings(directions=400, tsea=tsea, weight=weight),
    )  # fmt: skip


JOBS: tuple[tuple[TseaOf, Weight], ...] = (("kept", "none"), ("all", "magnitude"))


@pytest.fixture(scope="module", params=JOBS, ids="-".join)
def runs(
    request: pytest.FixtureRequest, model: Model, tmp_path_factory: pytest.TempPathFactory
) -> Both:
    folder = tmp_path_factory.mktemp("device")
    cpu = run_of(model, folder / "cpu", *request.param, "cpu")
    with pretended() as seen:
        return Both(cpu, run_of(model, folder / "device", *request.param, DEVICE), seen)


def close(one: pl.DataFrame, other: pl.DataFrame, name: str, *, atol: float, rtol: float) -> None:
    pairs = (frame[name].to_numpy() for frame in (one, other))
    np.testing.assert_allclose(*pairs, atol=atol, rtol=rtol, err_msg=name)


def test_statistics_are_the_same(runs: Both) -> None:
    one, other = (run.features.filter(pl.col("class") != "flat") for run in runs[:2])
    assert len(one) == len(other) == FEATURES - 2
    for name, atol in (("std", 0), ("norm", 0), ("skewness", 1e-5), ("kurtosis", 0)):
        close(one, other, name, atol=atol, rtol=1e-5)
    for name in ("min", "max"):
        close(one, other, name, atol=0, rtol=2e-5)
    for end in ("top", "bottom"):
        weights = (np.stack(frame[f"{end}_weights"].to_list()) for frame in (one, other))
        np.testing.assert_allclose(*weights, atol=1e-5, rtol=1e-5)
        ids = [np.stack(frame[f"{end}_ids"].to_list()) for frame in (one, other)]
        assert (ids[0] == ids[1]).mean() > 0.999, "only weights that float32 cannot tell change"
    counts = [np.stack(frame["histogram"].to_list()).astype(int) for frame in (one, other)]
    assert np.abs(np.cumsum(counts[0], 1) - np.cumsum(counts[1], 1)).max() <= 2


def test_pairs_and_their_scores_are_the_same(runs: Both) -> None:
    keys = ["feature", "token_set"]
    one, other = (run.enrichment().sort(keys) for run in (runs.cpu, runs.device))
    assert one[keys].equals(other[keys])
    assert len(one) > 100
    for name in ("z", "log10_p", "log10_q"):
        close(one, other, name, atol=1e-4, rtol=1e-5)
    for name, atol in (("es", 1e-4), ("auroc", 1e-5), ("nes", 2e-3), ("log10_p_directions", 2e-3)):
        close(one, other, name, atol=atol, rtol=1e-3)
    assert (one["peak"] == other["peak"]).mean() > 0.99


def test_classes_and_labels_are_the_same(runs: Both) -> None:
    one, other = runs.cpu.features, runs.device.features
    assert one["class"].equals(other["class"])
    assert one["label"].equals(other["label"])
    assert one["label"].str.contains("narrow").sum() > 50
    for feature in one.filter(pl.col("label").str.contains("narrow"))["feature"].to_list()[:40]:
        left, right = (run.explain(feature) for run in (runs.cpu, runs.device))
        for name in ("variance_explained", "kurtosis_left", "covered_top", "covered_bottom"):
            assert right[name] == (left[name] and pytest.approx(left[name], rel=1e-4)), name


def test_the_manifest_holds_the_device(runs: Both) -> None:
    assert runs.device.manifest.settings.device == DEVICE
    assert runs.cpu.manifest.digest != runs.device.manifest.digest


def test_the_host_waits_a_few_times_a_tile(runs: Both) -> None:
    """Never once a feature, or once a pair."""
    tiles = 2 + 1 + 1 + 1  # of the bank, of random directions, of the test, and of the sample
    assert runs.seen.fetched <= 30 * tiles
    assert runs.seen.waited <= 2 * tiles


def test_the_same_bytes_again(model: Model, tmp_path: Path) -> None:
    with pretended():
        runs = [run_of(model, tmp_path / name, "kept", "normal-scores", DEVICE) for name in "ab"]
    assert contents(runs[0].path) == contents(runs[1].path)


def test_scores_without_a_run(model: Model) -> None:
    def scores(device: str) -> Scores:
        return direction_test(
            model.bank, model.unembedding, model.sets, null="identity", device=device
        )

    with pretended():
        there = scores(DEVICE)
    np.testing.assert_allclose(there.z, scores("cpu").z, atol=1e-4)


def test_the_covariance_is_made_on_the_device(model: Model) -> None:
    """Always: what the cache folder holds was made by a processor, and differs in its last digits.

    Elsewhere it is the unembedding's own, which is kept.
    """
    with pretended():
        there = replace(model.unembedding)
        found = Sweep(there, SweepSettings(device=DEVICE)).covariance
    assert "covariance" not in vars(there)
    here = replace(model.unembedding)
    np.testing.assert_allclose(found, here.covariance, atol=1e-15)
    assert Sweep(here, SweepSettings(device="cpu")).covariance is here.covariance


def test_neighbours_of_words(model: Model) -> None:
    points = torch.nn.functional.normalize(model.unembedding.W_U[:700])
    with pretended():
        there = mutual_neighbours(points, 5, DEVICE, lambda done, total: None)
    here = mutual_neighbours(points, 5, "cpu", lambda done, total: None)
    assert there.edges == here.edges
    assert len(here.edges) > 100


def test_a_run_says_where_it_is_done() -> None:
    told = io.StringIO()
    with pretended():
        for device in ("cpu", DEVICE):
            say_device(device, Console(file=told))
    assert told.getvalue() == f"On {DEVICE}.\n"


def test_what_the_device_would_refuse_is_refused() -> None:
    with pretended() as seen:
        there = torch.arange(6, device=DEVICE)
        with pytest.raises(RuntimeError, match="numpy"):
            there.numpy()
        with pytest.raises(AssertionError, match="of the CPU and one of the device"):
            there + torch.arange(6)
        assert (there * 2 + 1).cpu().tolist() == [1, 3, 5, 7, 9, 11]
        assert (seen.fetched, seen.waited) == (1, 0)
        assert there[there > 3].cpu().tolist() == [4, 5]
        assert int(there.sum()) == 15
        assert (seen.fetched, seen.waited) == (2, 2)
