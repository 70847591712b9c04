"""The weights behind a run: opened once, checked, or given."""

from __future__ import annotations

import gc
import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.load import tiny_models
from unembed import (
    EnrichmentSettings,
    Features,
    Run,
    SecondMoment,
    TokenSets,
    Unembedding,
    Vocabulary,
    analyze,
    find,
    load_features,
    load_unembedding,
    prepare_unembedding,
    weights_of,
)
from unembed.errors import QueryError, SourceError
from unembed.load import load_model
from unembed.load.models.model import Model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    for name, content in tiny_models.tiny_gpt2().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def run(tmp_path: Path, model: Path) -> Run:
    """A run of a model's file and a matrix in another."""
    alike = np.random.default_rng(0).standard_normal((9, 32)) + np.arange(32) / 4
    np.save(tmp_path / "v.npy", alike)
    unembedding = load_unembedding(model)
    banks = [*load_features("mlp:1", model=model), *load_features(f"mine={tmp_path / 'v.npy'}")]
    sets = TokenSets.from_ids({"some": [3, 50, 60, 70]}, unembedding.vocabulary)
    settings = EnrichmentSettings(tsea="none", directions=200)
    return analyze(unembedding, banks, tmp_path / "run", token_sets=sets, enrichment=settings)


def test_opened_once_and_kept(run: Run, model: Path) -> None:
    weights = weights_of(run)
    unembedding = weights.unembedding
    assert unembedding.digest == load_unembedding(model).digest
    bank = weights.bank("mine")
    assert (bank.name, len(bank)) == ("mine", 9)
    shutil.rmtree(model)
    assert weights_of(run) is weights
    assert weights_of(run).unembedding is unembedding
    assert weights_of(run).bank("mine") is bank
    assert run.leading_edge("mine/3", "some").size == 4
    assert find(run, like="mine/3", bank="mine").height == 8
    with pytest.raises(SourceError, match="cannot be read again"):
        weights_of(Run.open(run.path)).unembedding  # noqa: B018


def test_its_model_is_opened_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = list[str]()

    def noted(reference: str) -> Model:
        opened.append(reference)
        return load_model(reference)

    monkeypatch.setattr("unembed.questions.weights.load_model", noted)
    weights = weights_of(Run.open(run.path))
    assert (len(weights.bank("mlp.1")), weights.unembedding.d_model) == (64, 32)
    assert len(opened) == 1


def test_only_what_is_needed_is_opened(run: Run, tmp_path: Path) -> None:
    (tmp_path / "v.npy").unlink()
    assert find(run, token=token_id(run), bank="mlp.1").height == 20
    with pytest.raises(SourceError, match="No file or folder at"):
        find(run, token=token_id(run), bank="mine")


def token_id(run: Run) -> int:
    """The first token that takes part."""
    return int(run.tokens.filter(~run.tokens["masked"])["id"][0])


def test_let_go_with_the_run(run: Run) -> None:
    opened = Run.open(run.path)
    kept = weakref.ref(weights_of(opened))
    assert kept() is not None
    del opened
    gc.collect()
    assert kept() is None


def test_changed_weights(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.load(tmp_path / "v.npy") * 2)
    with pytest.raises(SourceError, match=r"is not what it was.*weights_of\(run, banks="):
        weights_of(run).bank("mine")


def test_what_a_run_does_not_have(run: Run) -> None:
    with pytest.raises(QueryError, match="Did you mean 'mine'"):
        weights_of(run).bank("mines")
    with pytest.raises(QueryError, match=r"Its banks: mlp\.1, mine"):
        weights_of(run).null_of("x")


def test_the_null_is_the_banks_own(run: Run) -> None:
    weights = weights_of(run)
    moment = SecondMoment.of(weights.bank("mine"))
    delta = np.random.default_rng(1).standard_normal((1, 32))
    drawn = moment.draw(200_000, seed=0).double()
    sigma = weights.unembedding.covariance
    t = (drawn @ torch.from_numpy(delta[0])) / ((drawn @ sigma) * drawn).sum(1).sqrt()

    def sd_of(name: str) -> float:
        null = weights.null_of(name)
        return float(null.sd(null.seen_part(delta))[0])

    sd = sd_of("mine")
    assert sd == pytest.approx(float(t.std()), rel=0.02)
    assert weights.null_of("mine") is weights.null_of("mine")
    assert sd_of("mlp.1") != pytest.approx(sd, rel=1e-3)


class TestGiven:
    """Weights in memory, for a run that was made of arrays."""

    @pytest.fixture
    def made(self, tmp_path: Path, unembedding: Unembedding, bank: Features) -> Run:
        return analyze(unembedding, [bank, bank.renamed("twin")], tmp_path / "run")

    def test_they_are_used(self, made: Run, unembedding: Unembedding, bank: Features) -> None:
        with pytest.raises(SourceError, match=r"made of arrays in memory.*weights_of\(run, unemb"):
            weights_of(made).unembedding  # noqa: B018
        weights_of(made, unembedding=unembedding)
        with pytest.raises(SourceError, match=r"made of arrays in memory.*weights_of\(run, banks"):
            made.logit_weights("bank/3")
        weights = weights_of(made, banks=[bank.renamed("another")])
        assert weights.unembedding is unembedding
        assert [weights.bank(name).name for name in ("bank", "twin")] == ["bank", "twin"]
        expected = (unembedding.W_U @ bank.W_dec[3]).numpy()
        np.testing.assert_allclose(
            made.logit_weights("bank/3").weights, expected, rtol=1e-4, atol=1e-5
        )
        assert find(made, like="twin/3", limit=1)["feature"][0] == "bank/3"

    def test_only_if_they_are_the_runs(self, made: Run, unembedding: Unembedding) -> None:
        other = Features.from_array(torch.ones(2, 16), name="bank")
        with pytest.raises(SourceError, match=r"no bank of the run.*Its banks: bank, twin"):
            weights_of(made, banks=[other])
        rows = unembedding.W_U.clone()
        rows[5, 5] += 1e-3
        words = Vocabulary.from_texts([f" word{i}" for i in range(len(rows))])
        changed = prepare_unembedding(rows, words, name="tiny")
        with pytest.raises(SourceError, match="is not the unembedding of the run, tiny with 199"):
            weights_of(made, unembedding=changed)

    def test_without_token_sets_there_is_no_null(self, made: Run) -> None:
        with pytest.raises(QueryError, match="made without token sets"):
            weights_of(made).null_of("bank")
