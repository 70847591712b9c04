"""The direction test of banks that are read through a lens: what random directions become, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from unembed import (
    Features,
    SecondMoment,
    Sweep,
    TokenSets,
    Unembedding,
    Vocabulary,
    direction_test,
    prepare_unembedding,
)
from unembed.enrichment import DirectionTest
from unembed.enrichment.checks import check_test
from unembed.enrichment.directions import second_moment
from unembed.enrichment.effects import effects_of
from unembed.layer_lens import LayerLens

N, D, F = 1200, 24, 2000


@pytest.fixture(scope="module")
def W_U() -> torch.Tensor:
    """Rows with a set for each dimension of the residual stream, `axis:0` …"""
    random = torch.Generator().manual_seed(3)
    W_U = torch.randn(N, D, generator=random) * torch.linspace(0.3, 2, D)
    for axis in range(D):
        W_U[50 * axis : 50 * axis + 20, axis] += 3
    return W_U


def vocabulary() -> Vocabulary:
    return Vocabulary.from_texts([f" t{i}" for i in range(N)])


@pytest.fixture(scope="module")
def unembedding(W_U: torch.Tensor) -> Unembedding:
    return prepare_unembedding(W_U, vocabulary(), name="m")


@pytest.fixture(scope="module")
def sets() -> TokenSets:
    random = np.random.default_rng(4)
    members = {f"axis:{axis}": np.arange(50 * axis, 50 * axis + 20) for axis in range(D)}
    members |= {f"s{i}": np.sort(random.choice(N, 5 + 90 * i, replace=False)) for i in range(12)}
    return TokenSets.from_ids(members, vocabulary())


@pytest.fixture(scope="module")
def lens() -> LayerLens:
    """Far from the identity, and from symmetric: some dimensions are all but lost."""
    random = torch.Generator().manual_seed(5)
    matrix = torch.randn(D, D, generator=random) * torch.logspace(-3, 0.5, D)
    return LayerLens("jacobian", "jacobian", 3, matrix)


@pytest.fixture(scope="module")
def bank() -> Features:
    random = torch.Generator().manual_seed(6)
    rows = torch.randn(F, D, generator=random) * torch.linspace(2, 0.2, D)
    return Features.from_array(rows, name="mlp.3", layer=3)


def test_it_is_the_test_of_a_model_whose_unembedding_is_W_U_A(
    W_U: torch.Tensor, unembedding: Unembedding, sets: TokenSets, bank: Features, lens: LayerLens
) -> None:
    """The same numbers by another way: nothing is taken to the last layer there."""
    here = direction_test(bank.through(lens), unembedding, sets)
    moved = prepare_unembedding((W_U.double() @ lens.matrix.double()).float(), vocabulary())
    there = direction_test(bank, moved, sets)
    np.testing.assert_allclose(here.z, there.z, atol=2e-3, rtol=1e-3)
    np.testing.assert_allclose(here.log10_p, there.log10_p, atol=5e-3, rtol=3e-3)


@pytest.mark.parametrize("null", ["bank", "identity", "other"])
def test_p_is_the_share_of_random_directions_of_the_layer(
    null: str, unembedding: Unembedding, sets: TokenSets, bank: Features, lens: LayerLens
) -> None:
    """400,000 directions drawn in the layer by M's definition, and taken to the last one."""
    random = np.random.default_rng(7)
    rows = {
        "bank": bank.W_dec.double(),
        "identity": torch.eye(D).double(),
        "other": (bank.W_dec.flip(1)).double(),
    }[null]
    unit = rows / rows.norm(dim=1, keepdim=True)
    through = bank.through(lens)
    other = Features.from_array(rows.float(), name="other")
    of_null = second_moment({"other": other}.get(null, null), through, unembedding)  # type: ignore[arg-type]
    shrunk = of_null.shrinkage
    M = ((1 - shrunk) * (unit.T @ unit / len(unit)) + shrunk * torch.eye(D) / D).numpy()
    test = DirectionTest(Sweep(unembedding), effects_of(sets, unembedding), of_null)
    w = random.multivariate_normal(np.zeros(D), M, size=400_000) @ lens.matrix.double().numpy().T
    centred = unembedding.W_U.double().numpy()
    spread = np.sqrt(((w @ (centred.T @ centred / N)) * w).sum(1))
    for number in (0, 5, D - 1, D, D + 11):
        ids = sets.ids[sets.indptr[number] : sets.indptr[number + 1]]
        t = w @ centred[ids].mean(0) / spread
        z = t / t.std()
        for level in (1e-1, 1e-2, 1e-3, 1e-4):
            critical = test.critical(np.log10(level))[number]
            share = (np.abs(z) > critical).mean()
            error = np.sqrt(level / len(z))
            assert abs(share - level) < 4.5 * error + 0.02 * level, (number, level, share)


def test_the_identity_changes_no_number(
    unembedding: Unembedding, sets: TokenSets, bank: Features
) -> None:
    same = bank.through(LayerLens("mine", "mine", 3, torch.eye(D)))
    plain, through = (direction_test(each, unembedding, sets) for each in (bank, same))
    np.testing.assert_array_equal(plain.z, through.z)
    np.testing.assert_allclose(plain.log10_p, through.log10_p, atol=1e-6)


def test_the_moment_is_A_M_A(bank: Features, lens: LayerLens) -> None:
    moment = SecondMoment.of(bank.through(lens))
    A, M = lens.matrix.double(), SecondMoment.of(bank).matrix
    expected = A @ M @ A.T
    expected /= expected.trace()
    torch.testing.assert_close(moment.matrix, expected, rtol=1e-9, atol=1e-15)
    assert torch.equal(moment.matrix, moment.matrix.T)
    assert moment.origin == "mlp.3.jacobian"
    assert moment.features == F
    assert moment.shrinkage == SecondMoment.of(bank).shrinkage


def test_another_bank_through_its_own_lens_is_taken_through_this_one(
    unembedding: Unembedding, bank: Features, lens: LayerLens
) -> None:
    other = replace(bank, name="other").through(replace(lens, matrix=torch.eye(D)))
    found = second_moment(other, bank.through(lens), unembedding)
    assert torch.equal(found.matrix, SecondMoment.of(bank).through(lens).matrix)


def test_the_checks_hold_through_a_lens_and_fail_where_it_is_forgotten(
    unembedding: Unembedding, sets: TokenSets, bank: Features, lens: LayerLens
) -> None:
    through, sweep = bank.through(lens), Sweep(unembedding)
    effects = effects_of(sets, unembedding)
    right = DirectionTest(sweep, effects, SecondMoment.of(through))
    assert all(check.holds for check in check_test(right, through, 1))
    forgotten = DirectionTest(sweep, effects, SecondMoment.of(bank))
    checks = {check.name: check for check in check_test(forgotten, through, 1)}
    assert not checks["held out"].holds
