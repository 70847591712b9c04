"""What a run says that it found, against tests of its banks made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.stats
import torch

from tests.planted import FEW, Planted, Planting, bank_of, planted_run
from unembed import Features, Run, TokenSets, direction_test
from unembed.enrichment import permutation
from unembed.enrichment.checks import CHECKS
from unembed.enrichment.discovery_rate import LEVELS, DiscoveryRate, threshold
from unembed.store import enrichment as store
from unembed.store.shards import read_table

N, D, SETS = 1200, 24, 30
GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A bank of which a fifth writes a set or a single token, one that does nothing, a tiny one."""
    random = torch.Generator().manual_seed(0)
    planting = Planting(torch.randn(N, D, generator=random), special=[0], name="found")
    draw = np.random.default_rng(1)
    names = [f"s{i}" for i in range(SETS)]
    for i, name in enumerate(names):
        members = 1 + np.sort(draw.choice(N - 1, 1 + 2 * i, replace=False))
        planting.token_set(name, members, along=torch.randn(D, generator=random))
    planting.token_set("none", ())
    W_U = planting.unembedding.W_U
    rows = torch.randn(800, D, generator=random)
    doing = {5 * i: 4 * W_U[i] for i in range(80)}
    doing |= {5 * i + 1: (-1) ** i * 8 * planting.mean(names[i % SETS]) for i in range(80)}
    banks = [
        bank_of("some", rows, doing | {3: torch.zeros(D)}, layer=1),
        bank_of("nothing", torch.randn(300, D, generator=random), layer=2),
        bank_of("tiny", torch.randn(5, D, generator=random), layer=3),
    ]
    out = tmp_path_factory.mktemp("found") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(permutation, "_SAMPLED", 2048)  # every feature, and not a sample
        return planted_run(out, planting.unembedding, banks, planting.sets, enrichment=FEW)


def log10_p_of(made: Planted, bank: Features, sets: TokenSets) -> np.ndarray:
    """Of every pair of features that write something, and of sets with members."""
    found = direction_test(bank, made.unembedding, sets).log10_p
    alive = bank.W_dec.any(dim=1).numpy()
    own: np.ndarray = found[alive][:, sets.sizes > 0]
    return own


def sets_of(made: Planted) -> TokenSets:
    assert made.sets is not None
    return made.sets


def features_found(made: Planted, bank: Features) -> list[int]:
    """How many pass, by the smallest p of each and the null of it that the run keeps."""
    smallest = log10_p_of(made, bank, sets_of(made)).min(1).astype(np.float64)
    null = store.read_smallest_null(made.run.path / store.smallest_null_path(bank.name))
    share = np.interp(-smallest, -null.log10_p, null.share)
    q = scipy.stats.false_discovery_control(np.minimum(SETS * share * 10**smallest, 1))
    return [int((q <= level).sum()) for level in LEVELS]


def thresholds_of(made: Planted, bank: Features) -> tuple[list[float], list[float]]:
    """The largest log10 p of pairs, and of features, that pass at each level."""
    log10_p, rate = log10_p_of(made, bank, sets_of(made)), DiscoveryRate()
    rate.add(log10_p, np.ones(SETS, bool))
    smallest = np.sort(log10_p.min(1))
    of_features = [
        smallest[count - 1] if count else -np.inf for count in features_found(made, bank)
    ]
    return [threshold(rate.curve(), level) for level in LEVELS], of_features


def permuted(sets: TokenSets, seed: int) -> TokenSets:
    """Sets of the tokens whose places the members take: row r of W_U is token r + 1."""
    order = 1 + np.random.default_rng(seed).permutation(N - 1)
    members = {
        name: np.sort(order[sets.ids[start:stop] - 1])
        for name, start, stop in zip(sets.names, sets.indptr[:-1], sets.indptr[1:], strict=True)
    }
    return TokenSets.from_ids(members, sets.vocabulary)


def by_level(counts: np.ndarray) -> dict[str, int]:
    return {str(level): int(count) for level, count in zip(LEVELS, counts, strict=True)}


def test_features_are_those_that_pass_in_their_bank(made: Planted) -> None:
    counts = np.array([features_found(made, bank) for bank in made.banks.values()])
    assert made.run.discoveries["features"] == by_level(counts.sum(0))
    assert 60 < counts[0, 0] <= counts[0, 1] < 250
    assert (counts[1:] <= 1).all()
    table = made.run.features
    for level in LEVELS:
        passing = table.filter(pl.col("log10_q") <= np.log10(level))
        assert passing.height == made.run.discoveries["features"][str(level)]
    assert table.filter(bank="some")["log10_q"].is_null().arg_true().to_list() == [3]
    assert table["log10_p"].is_null().sum() == 1


def test_q_of_features_are_those_of_their_smallest_p(made: Planted) -> None:
    bank = made.banks["some"]
    smallest = log10_p_of(made, bank, sets_of(made)).min(1)
    found = made.run.features.filter(bank="some")["log10_p"].drop_nulls().to_numpy()
    known = smallest < np.log10(FEW.max_q)  # of the others p is said to be 1
    null = store.read_smallest_null(made.run.path / store.smallest_null_path("some"))
    np.testing.assert_allclose(found[known], null.log10_p_of(smallest[known]), atol=1e-4)
    assert (found[~known] == 0).all()
    assert null.sets == SETS


def test_permuted_is_what_passes_with_permuted_tokens(made: Planted) -> None:
    other = permuted(sets_of(made), FEW.seed)
    pairs, features = np.zeros(2, int), np.zeros(2, int)
    for bank in made.banks.values():
        log10_p = log10_p_of(made, bank, other)
        for at, (of_pair, of_feature) in enumerate(zip(*thresholds_of(made, bank), strict=True)):
            pairs[at] += (log10_p <= of_pair).sum()
            features[at] += (log10_p <= of_feature).any(1).sum()
    found = made.run.discoveries["permuted"]
    assert found["pairs"] == by_level(pairs)
    assert found["features"] == by_level(features)
    assert found["error"] == by_level(np.zeros(2))  # all features were asked
    assert 0 < found["pairs"]["0.01"] < 0.2 * made.run.discoveries["passing"]["0.01"]


def test_checks_are_those_of_each_bank(made: Planted) -> None:
    found = made.run.discoveries["checks"]
    assert list(found) == ["some", "nothing", "tiny"]
    for bank, checks in found.items():
        table = read_table(made.run.path / store.checks_path(bank))
        assert table.schema == store.CHECK_COLUMNS
        assert checks == table.to_dicts()
        assert checks[0] == {
            "name": "features",
            "measured": pytest.approx(np.count_nonzero(made.banks[bank].W_dec.any(dim=1)) / D),
            "limit": 1.0,
            "holds": bank != "tiny",
        }
        names = ["features"] if bank == "tiny" else [name for name in CHECKS if name != "held out"]
        assert [check["name"] for check in checks] == names
        for check in checks[1:]:
            assert check["holds"] == (check["measured"] <= check["limit"])
    assert all(check["holds"] for check in found["nothing"])


def test_pairs_say_what_is_left_of_them(made: Planted) -> None:
    """By tests of the sets that are built without the one, or two, tokens that they rest on."""
    kept = made.run.enrichment(bank="some").filter(pl.col("log10_q") <= np.log10(FEW.max_q))
    assert set(kept["rests_on"].unique()) == {None, 1, 2}
    alone = kept.filter(size=1)
    assert alone.height > 2
    assert alone["rests_on"].to_list() == [1] * alone.height
    assert (alone["z_without_one"] == 0).all()

    some = kept.filter(pl.col("size") > 2)[:120]
    assert set(some["z"].sign()) == {-1, 1}
    bank, sets = made.banks["some"], sets_of(made)
    ids = dict(zip(made.run.token_sets["name"], made.run.token_sets["ids"], strict=True))
    logits = np.matmul(bank.W_dec.numpy(), made.unembedding.W_U.numpy().T)
    for out, column in ((1, "z_without_one"), (2, "z_without_two")):
        without = {}
        for at, pair in enumerate(some.iter_rows(named=True)):
            members = np.array(ids[pair["token_set"]])
            order = np.argsort(-np.sign(pair["z"]) * logits[pair["index"], members - 1])
            without[str(at)] = np.sort(members[order[out:]])
        built = TokenSets.from_ids(without, sets.vocabulary)
        z = direction_test(bank, made.unembedding, built).z
        expected = z[some["index"].to_numpy(), np.arange(some.height)]
        np.testing.assert_allclose(some[column].to_numpy(), expected, rtol=1e-3, atol=1e-4)


def test_runs_of_schema_3_have_none_of_it() -> None:
    run = Run.open(GOLDEN / "schema-3")
    found = run.discoveries
    assert (found["features"], found["permuted"], found["checks"]) == (None, None, {})
    assert found["pairs"] == 14
    pairs = run.enrichment()
    assert pairs.height > 10
    for name, kind in (
        ("z_without_one", pl.Float32),
        ("z_without_two", pl.Float32),
        ("rests_on", pl.Int8),
    ):
        assert pairs.schema[name] == kind
        assert pairs[name].is_null().all()
    assert pairs["z"].is_not_null().all()
    for name in ("log10_p", "log10_q"):
        assert run.features[name].is_null().all()
        assert run.explain("sae.3/20")[name] is None
