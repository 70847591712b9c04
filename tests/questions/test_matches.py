"""Banks of a run matched: weights are read again, and addresses are those of the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from tests.load import tiny_models
from unembed import (
    Features,
    Run,
    SecondMoment,
    Unembedding,
    analyze,
    load_features,
    load_unembedding,
)
from unembed.errors import QueryError, SourceError
from unembed.matching import match
from unembed.questions import follow, match_banks
from unembed.questions.weights import weights_of


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    for name, content in tiny_models.tiny_gpt2().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def unembedding(model: Path) -> Unembedding:
    return load_unembedding(model)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, model: Path, unembedding: Unembedding) -> Run:
    """Layer 1, then a noisy, reversed and sign-changed copy of it, then layer 0."""
    folder = tmp_path_factory.mktemp("run")
    (second,) = load_features("mlp:1", model=model)
    noise = np.random.default_rng(0).standard_normal(second.W_dec.shape)
    copy = -(second.W_dec.numpy()[::-1] + 0.05 * noise)
    copy[3] = 0
    np.save(folder / "copy.npy", copy)
    banks = load_features(["mlp:1", f"copy={folder / 'copy.npy'}", "mlp:0"], model=model)
    return analyze(unembedding, banks, folder / "run")


def test_pairs_are_those_of_the_banks(run: Run, model: Path, unembedding: Unembedding) -> None:
    first, second = load_features("mlp:0-1", model=model)
    expected = match(first, second, unembedding, directions=300, seed=4)
    found = match_banks(run, "mlp.0", "mlp.1", directions=300, seed=4)
    assert found.pairs["feature"].to_list() == [f"mlp.0/{i}" for i in range(64)]
    for side, name, prefix in (
        (expected.alike, "match", ""), (expected.opposite, "opposite", "opposite_"),
    ):  # fmt: skip
        assert found.pairs[name].to_list() == [f"mlp.1/{i}" for i in side.row]
        for column in ("cosine", "z", "z_back", "mutual", "passes"):
            np.testing.assert_array_equal(found.pairs[f"{prefix}{column}"], getattr(side, column))
        assert found.facts[f"{prefix}cutoff"] == side.cutoff
        assert found.facts[f"{prefix}matched"] == side.passes.sum()
        assert found.facts[f"{prefix}share"] == side.passes.mean()
        assert found.facts[f"{prefix}mutual"] == (side.passes & side.mutual).sum()


def test_a_planted_copy_is_found_with_its_sign(run: Run) -> None:
    found = match_banks(run, "mlp.1", "copy")
    planted = found.pairs.with_columns(
        expected=pl.Series([f"copy/{63 - i}" for i in range(64)])
    ).filter(pl.col("feature") != "mlp.1/60")
    assert planted["opposite"].to_list() == planted["expected"].to_list()
    assert planted["opposite_passes"].all()
    assert planted["opposite_mutual"].all()
    assert (planted["opposite_cosine"] < -0.98).all()
    assert found.facts["opposite_matched"] >= 63
    assert found.facts["matched"] < 10


def test_indices_are_those_of_the_bank(tmp_path: Path, unembedding: Unembedding) -> None:
    W_dec = torch.randn(5, 32, generator=torch.Generator().manual_seed(0))
    bank = Features.from_array(W_dec, name="few", indices=[40, 10, 30, 20, 50])
    run = analyze(unembedding, bank, tmp_path / "run")
    weights_of(run, unembedding=unembedding, banks=[bank])
    found = match_banks(run, "few", "few")
    assert found.pairs["feature"].to_list() == [f"few/{i}" for i in (40, 10, 30, 20, 50)]
    row = follow(run, "few/30").row(0, named=True)
    for column in found.pairs.columns:
        assert row[column] == found.pairs.filter(feature="few/30")[column][0]


def test_flat_features_are_null(run: Run) -> None:
    row = match_banks(run, "copy", "mlp.1").pairs.row(3, named=True)
    assert row["feature"] == "copy/3"
    assert {row[name] for name in row if name not in ("feature", "bank", "index")} == {None}
    with pytest.raises(QueryError, match="copy/3 is flat"):
        follow(run, "copy/3")


@pytest.mark.parametrize("by", ["z", "cosine"])
def test_following_a_feature_gives_what_matching_its_bank_gives(run: Run, by: str) -> None:
    frame = follow(run, "mlp.1/7", by=by, seed=2)  # type: ignore[arg-type]
    assert frame["other"].to_list() == ["mlp.0", "mlp.1", "copy"]
    assert frame["layer"].to_list() == [0, 1, None]
    for row in frame.iter_rows(named=True):
        found = match_banks(run, "mlp.1", row["other"], by=by, seed=2)  # type: ignore[arg-type]
        pair = found.pairs.row(7, named=True)
        assert row["feature"] == pair["feature"] == "mlp.1/7"
        for name in pair:
            expected = pair[name]
            if name.endswith(("cosine", "z", "z_back")):
                expected = pytest.approx(expected, rel=1e-5)
            assert row[name] == expected, (row["other"], name)
        assert row["cutoff"] == found.facts["cutoff"]
        assert row["opposite_cutoff"] == found.facts["opposite_cutoff"]


def test_only_some_banks(run: Run) -> None:
    whole = follow(run, "mlp.1/7")
    some = follow(run, "mlp.1/7", banks=["copy", "mlp.0"])
    assert some.equals(whole.filter(pl.col("other") != "mlp.1"))


def test_what_is_not_there(run: Run) -> None:
    with pytest.raises(QueryError, match=r"no bank 'mlp\.7' in this run\. Did you mean 'mlp\.\d'"):
        match_banks(run, "mlp.0", "mlp.7")
    with pytest.raises(QueryError, match=r"no bank 'mlp\.7' in this run\. Did you mean 'mlp\.\d'"):
        follow(run, "mlp.0/3", banks=["mlp.7"])
    with pytest.raises(QueryError, match=r"mlp\.0 has no feature 64"):
        follow(run, "mlp.0/64")


def test_weights_that_are_gone(tmp_path: Path, unembedding: Unembedding) -> None:
    run = analyze(unembedding, Features.from_array(torch.eye(32)), tmp_path / "run")
    with pytest.raises(SourceError, match="arrays in memory"):
        match_banks(run, "features", "features")


def test_a_pair_has_the_same_scores_whichever_way_it_is_asked_for(run: Run) -> None:
    """Both verdicts are shown; each is the other one of the way back."""
    forth, back = match_banks(run, "mlp.1", "copy"), match_banks(run, "copy", "mlp.1")
    both = forth.pairs.join(
        back.pairs, left_on=["feature", "opposite"], right_on=["opposite", "feature"], how="inner"
    )
    assert both.height > 50
    for name, other in (("z", "z_back"), ("z_back", "z")):
        np.testing.assert_allclose(
            both[f"opposite_{name}"], both[f"opposite_{other}_right"], rtol=1e-5
        )
    assert both["opposite_passes"].equals(both["opposite_passes_back_right"])
    assert both["opposite_passes_back"].equals(both["opposite_passes_right"])
    assert forth.facts["opposite_cutoff"] == back.facts["opposite_cutoff_back"]


def test_the_way_back_is_measured_against_directions_of_the_other_bank(run: Run) -> None:
    """z_back by its definition, in float64 and without this package's products."""
    weights = weights_of(run)
    W_U = weights.unembedding.W_U.double().numpy()
    sigma = W_U.T @ W_U / len(W_U)
    a, b = (weights.bank(name).W_dec.double().numpy() for name in ("mlp.1", "mlp.0"))
    moment = SecondMoment.of(weights.bank("mlp.0")).matrix.numpy()
    pair = match_banks(run, "mlp.1", "mlp.0").pairs.row(7, named=True)
    v, w = a[7], b[pair["match_index"]]
    cosine = v @ sigma @ w / np.sqrt((v @ sigma @ v) * (w @ sigma @ w))
    spread = np.sqrt(v @ sigma @ moment @ sigma @ v / (v @ sigma @ v) / np.trace(moment @ sigma))
    expected = np.sign(cosine) * np.sqrt(-np.log1p(-(cosine**2))) / spread
    assert pair["z_back"] == pytest.approx(expected, rel=1e-4)
