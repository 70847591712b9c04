"""z and directions of some features are those that are read of each by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.planted import Planted
from tests.questions.same_label import FLAT, same_label_run
from unembed import Run

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module", params=[0, 120], ids=["z", "directions"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """In nine shards of bank `a`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unembed.store.manifest.SHARD_FEATURES", 100)
        made = same_label_run(tmp_path_factory.mktemp("pairs") / "run", fillers=request.param)
    assert len(list(made.run.manifest.shards("a"))) == 9
    return made


def held(run: Run, bank: str, seed: int) -> None:
    """z of pairs in any order, some of them twice."""
    random = np.random.default_rng(seed)
    positions = random.integers(0, run.manifest.bank(bank).features, 300)
    numbers = random.integers(0, run.tested_sets.height, 300)
    found = run.scores.z_of_pairs(bank, positions, numbers)
    for position, number, z in zip(positions.tolist(), numbers.tolist(), found, strict=True):
        assert z == pytest.approx(run.scores.z_of_set(bank, number)[position], rel=1e-5, abs=1e-6)


def test_z_of_pairs(made: Planted) -> None:
    for bank in made.run.banks:
        held(made.run, bank, 0)
    numbers = np.arange(3)
    flat = made.run.scores.z_of_pairs("a", np.full(3, FLAT), numbers)
    np.testing.assert_array_equal(flat, [0, 0, 0])


def test_z_of_pairs_is_what_the_direction_test_gives(made: Planted) -> None:
    """As it was computed, for the pairs that were kept with all digits."""
    kept = made.run.scores.kept("a")
    assert kept.height > 8
    positions, numbers = (kept[name].to_numpy().astype(int) for name in ("feature", "token_set"))
    found = made.run.scores.z_of_pairs("a", positions, numbers)
    np.testing.assert_allclose(found, kept["z"].to_numpy(), rtol=3e-3)


@pytest.mark.parametrize("schema", [1, 2, 3, 4])
def test_z_of_pairs_of_earlier_schemas(schema: int) -> None:
    run = Run.open(GOLDEN / f"schema-{schema}")
    for bank in run.banks:
        held(run, bank, schema)


def test_directions_are_the_features_at_length_1(made: Planted) -> None:
    positions = np.array([7, 3, 3, 850])
    found = made.run.scores.directions("a", positions)
    if not made.run.manifest.z_is_factored:
        assert found is None
        return
    W_dec = made.banks["a"].W_dec.numpy()[positions]
    expected = W_dec / np.linalg.norm(W_dec, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_parts_are_those_of_each_case(made: Planted) -> None:
    stored = made.run.explanations
    assert stored is not None
    names = made.run.tested_sets["name"]
    by_row: dict[int, list[tuple[str, float]]] = {}
    for row, number, z, splits, _ in stored.parts.iter_rows():
        by_row.setdefault(row, []).append((names[number], z))
        case = stored.case(row)
        assert splits == (case["class"] == "partition" and case["partition_set"] == names[number])
    for row in range(30):
        parts = stored.case(row)["parts"]
        assert [(part["token_set"], part["z"]) for part in parts] == by_row.get(row, [])
