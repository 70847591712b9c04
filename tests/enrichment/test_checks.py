"""Checks of what the direction test takes for granted: each holds, and each can fail."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unembed import Features, Sweep, Unembedding, Vocabulary, prepare_unembedding
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment import checks as module
from unembed.enrichment.checks import CHECKS, Check, CheckName, _held_out, check_test
from unembed.enrichment.effects import effects_of
from unembed.tokensets import TokenSets

N, D, F = 2000, 32, 3000
F64 = NDArray[np.float64]


@pytest.fixture(autouse=True)
def halves_of_any_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many features there are; but for the test of that."""
    monkeypatch.setattr(module, "_ENOUGH", np.inf)


@pytest.fixture(scope="module")
def unembedding() -> Unembedding:
    """Rows with a set for each dimension of the residual stream, `axis:0` …"""
    random = np.random.default_rng(5)
    W_U = random.standard_normal((N, D))
    for axis in range(D):
        W_U[50 * axis : 50 * axis + 20, axis] += 4
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(N)])
    return prepare_unembedding(torch.from_numpy(W_U).float(), vocabulary, name="m")


@pytest.fixture(scope="module")
def sets(unembedding: Unembedding) -> TokenSets:
    random = np.random.default_rng(6)
    members = {f"axis:{axis}": range(50 * axis, 50 * axis + 20) for axis in range(D)}
    others = {f"random:{i}": np.sort(random.choice(N, 5 + 4 * i, replace=False)) for i in range(60)}
    return TokenSets.from_ids({**members, **others, "none": []}, unembedding.vocabulary)


def directions(components: F64) -> torch.Tensor:
    """Features of these independent components, some dimensions much larger than others."""
    return torch.from_numpy(components * np.geomspace(0.2, 2, D)).float()


def checked(
    unembedding: Unembedding,
    sets: TokenSets,
    W_dec: torch.Tensor,
    moment: SecondMoment | None = None,
    seed: int = 1,
) -> list[Check]:
    bank = Features.from_array(W_dec, name="bank")
    test = DirectionTest(
        Sweep(unembedding), effects_of(sets, unembedding), moment or SecondMoment.of(bank)
    )
    return check_test(test, bank, seed)


def failed(checks: list[Check]) -> set[CheckName]:
    assert all(np.isfinite(each.measured) for each in checks)
    return {each.name for each in checks if not each.holds}


def measured(checks: list[Check]) -> dict[CheckName, float]:
    return {each.name: each.measured for each in checks}


@pytest.mark.parametrize("seed", range(3))
def test_all_hold_for_normal_features(unembedding: Unembedding, sets: TokenSets, seed: int) -> None:
    normal = np.random.default_rng(seed).standard_normal((F, D))
    checks = checked(unembedding, sets, directions(normal), seed=seed)
    assert tuple(each.name for each in checks) == CHECKS
    assert not failed(checks)
    found = measured(checks)
    assert found["features"] == pytest.approx(F / D)
    assert found["normal"] == pytest.approx(3, abs=0.35)  # of unit rows
    # as many as there should be, less what sets have in common, and sampling
    assert 0.002 < found["held out"] < 0.017
    assert found["dealt"] < 0.004


def test_fewer_features_than_dimensions(unembedding: Unembedding, sets: TokenSets) -> None:
    normal = np.random.default_rng(0).standard_normal((F, D))
    for count in (D - 1, D):
        checks = checked(unembedding, sets, directions(normal[:count]))
        assert measured(checks)["features"] == pytest.approx(count / D)
        assert ("features" in failed(checks)) == (count < D)


def test_halves_of_many_features_are_not_tested(
    unembedding: Unembedding, sets: TokenSets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They hardly differ, and another test takes its time; directions of others cost little."""
    monkeypatch.setattr(module, "_ENOUGH", 4)
    normal = directions(np.random.default_rng(0).standard_normal((4 * D, D)))
    assert "held out" not in measured(checked(unembedding, sets, normal))
    assert "held out" in measured(checked(unembedding, sets, normal[1:]))
    assert "held out" in measured(checked(unembedding, sets, normal, SecondMoment.identity(D)))


@pytest.mark.parametrize("seed", range(3))
def test_components_with_heavy_tails(unembedding: Unembedding, sets: TokenSets, seed: int) -> None:
    student = np.random.default_rng(seed).standard_t(3, (F, D))
    checks = checked(unembedding, sets, directions(student), seed=seed)
    assert "normal" in failed(checks)
    assert "held out" not in failed(checks)  # M is what it is measured to be


def test_random_directions_that_are_not_like_the_features(
    unembedding: Unembedding, sets: TokenSets
) -> None:
    W_dec = directions(np.random.default_rng(2).standard_normal((F, D)))
    checks = checked(unembedding, sets, W_dec, SecondMoment.identity(D))
    assert [each.name for each in checks] == ["held out", "normal", "dealt"]
    assert "held out" in failed(checks)
    like = checked(unembedding, sets, W_dec, SecondMoment.of_rows(W_dec.flip(0), "another"))
    assert [each.name for each in like] == ["held out", "normal", "dealt"]
    assert not failed(like)


@pytest.mark.parametrize("kind", ["normal", "of four kinds"])
def test_the_share_that_is_held_out_is_what_a_test_of_one_half_finds(
    unembedding: Unembedding, sets: TokenSets, kind: str
) -> None:
    """Of directions like the other half, by a test that knows that half alone."""
    random = np.random.default_rng(1)
    W_dec = directions(random.standard_normal((90, D)))
    if kind == "of four kinds":
        rows = random.standard_normal((4, 1, D)) + 0.1 * random.standard_normal((4, 10, D))
        W_dec = torch.from_numpy(rows.reshape(-1, D)).float()
    sweep, effects = Sweep(unembedding), effects_of(sets, unembedding)
    passing, told = [], []
    for seed in range(6):
        one, other = W_dec[random.permutation(len(W_dec))].split(len(W_dec) // 2)
        test = DirectionTest(sweep, effects, SecondMoment.of_rows(one))
        drawn = SecondMoment.of_rows(other).draw(2048, seed)
        log10_p = test.log10_p(test.z(sweep.standardised(drawn).scaled))
        passing.append((log10_p <= np.log10(0.01 / test.testable.sum())).any(1).mean())
        told.append(measured(checked(unembedding, sets, W_dec, seed=seed))["held out"])
    assert np.mean(told) == pytest.approx(np.mean(passing), rel=0.25)
    assert 0.008 < np.mean(told) < 0.02


def test_halves_that_are_not_alike_are_found(unembedding: Unembedding, sets: TokenSets) -> None:
    """Of a bank whose features are dealt to halves by where they stand, and at random."""
    random = np.random.default_rng(1)
    normal = directions(random.standard_normal((400, D)))
    W_dec = torch.cat([normal, normal.flip(1)])
    test = DirectionTest(
        Sweep(unembedding), effects_of(sets, unembedding), SecondMoment.of_rows(W_dec)
    )
    assert _held_out(test, W_dec, True, random) > 0.1
    assert _held_out(test, W_dec[random.permutation(800)], True, random) < 0.02


def test_few_components_that_are_extreme(unembedding: Unembedding, sets: TokenSets) -> None:
    """Which the median kurtosis does not see, and dealt out anew they make sets pass."""
    random = np.random.default_rng(3)
    components = random.standard_normal((F, D))
    components[:, -4:] = random.standard_normal((F, 4)) * 0.2
    extreme = random.random((F, 4)) < 0.004
    components[:, -4:][extreme] = 30
    checks = checked(unembedding, sets, directions(components))
    assert failed(checks) == {"dealt"}


def test_the_share_that_is_dealt_is_what_passes(unembedding: Unembedding, sets: TokenSets) -> None:
    """Of directions made by hand, each component from another feature, against every set."""
    random = np.random.default_rng(3)
    components = random.standard_normal((F, D))
    components[random.random((F, D)) < 0.003] = 25
    W_dec = directions(components)
    found = measured(checked(unembedding, sets, W_dec))["dealt"]
    moment = SecondMoment.of_rows(W_dec)
    units = W_dec.double().numpy()
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    root = np.linalg.cholesky(moment.matrix.numpy())
    own = np.linalg.solve(root, units.T).T
    dealt = np.stack([random.permutation(column) for column in own.T], 1)
    dealt *= random.choice((-1, 1), dealt.shape)
    test = DirectionTest(Sweep(unembedding), effects_of(sets, unembedding), moment)
    rows = torch.from_numpy(np.matmul(dealt, root.T)).float()
    log10_p = test.log10_p(test.z(test.sweep.standardised(rows).scaled))
    passing = (log10_p <= np.log10(0.001 / test.testable.sum())).any(1).mean()
    assert found == pytest.approx(passing, abs=4 * (passing / 2048) ** 0.5)
    assert found > 0.01


@pytest.mark.parametrize("moment", [None, SecondMoment.identity(D)], ids=["own", "identity"])
def test_of_many_sets_some_are_taken(
    unembedding: Unembedding,
    sets: TokenSets,
    moment: SecondMoment | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Evenly: every fifth of those that can be tested, as if there were no others."""
    W_dec = directions(np.random.default_rng(2).standard_normal((F, D)))
    fifth = checked(unembedding, sets.select(sets.names[:-1:5]), W_dec, moment)
    monkeypatch.setattr(module, "_SETS", 20)
    monkeypatch.setattr(module, "_SETS_OF_HALVES", 20)
    assert checked(unembedding, sets, W_dec, moment) == fifth


def test_components_are_dealt_with_either_sign(unembedding: Unembedding, sets: TokenSets) -> None:
    """Else what all features write would be in every direction that is dealt."""
    effects = effects_of(sets, unembedding)
    shared = effects.delta[sets.names.index("random:0")]
    noise = np.random.default_rng(4).standard_normal((F, D))
    W_dec = torch.from_numpy(shared / np.linalg.norm(shared) * 20 + noise).float()
    found = checked(unembedding, sets, W_dec, SecondMoment.identity(D))
    assert measured(found)["held out"] > 0.5
    assert measured(found)["dealt"] < 0.05


def test_the_same_seed_says_the_same(unembedding: Unembedding, sets: TokenSets) -> None:
    W_dec = directions(np.random.default_rng(2).standard_normal((F, D)))
    one, same, other = (checked(unembedding, sets, W_dec, seed=seed) for seed in (4, 4, 5))
    assert one == same
    assert [each.measured for each in one[1:]] != [each.measured for each in other[1:]]


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9])
@pytest.mark.parametrize("zeros", [0, 3])
def test_tiny_banks_and_rows_of_zeros(
    unembedding: Unembedding, sets: TokenSets, count: int, zeros: int
) -> None:
    W_dec = torch.zeros(count + zeros, D)
    W_dec[zeros:] = directions(np.random.default_rng(count).standard_normal((count, D)))
    checks = checked(unembedding, sets, W_dec)
    names = [each.name for each in checks]
    assert names == (["features"] if count < 8 else list(CHECKS))
    assert measured(checks)["features"] == pytest.approx(count / D)
    assert "features" in failed(checks)


@pytest.mark.parametrize("moment", [None, SecondMoment.identity(D)], ids=["own", "identity"])
def test_dimensions_that_no_feature_uses(
    unembedding: Unembedding, sets: TokenSets, moment: SecondMoment | None
) -> None:
    """Also most of them: there are no components of them to look at."""
    normal = np.random.default_rng(2).standard_normal((F, D))
    for unused in (3, D - 3):
        normal[:, :unused] = 0
        checks = checked(unembedding, sets, directions(normal), moment)
        assert measured(checks)["normal"] < 4
        failed(checks)


def test_features_that_are_all_alike(unembedding: Unembedding, sets: TokenSets) -> None:
    checks = checked(unembedding, sets, torch.ones(40, D))
    assert measured(checks)["features"] > 1
    failed(checks)


def test_where_no_set_can_be_tested(unembedding: Unembedding) -> None:
    nothing = TokenSets.from_ids({"none": [], "all": range(N)}, unembedding.vocabulary)
    normal = np.random.default_rng(0).standard_normal((F, D))
    assert [each.name for each in checked(unembedding, nothing, directions(normal))] == ["features"]
