"""Which sets are chosen, and why others are not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from unembed.explanation.correlations import correlations
from unembed.explanation.pursuit import ALIKE, Candidates, Pursuit

THRESHOLD = -4.0
ONLY = np.array([0])
"""The one feature."""


def normal_log10_p(token_sets: np.ndarray, z: np.ndarray) -> np.ndarray:
    """About what a normal deviate's is, for any set."""
    return (-(z**2) / 2 / np.log(10)).astype(np.float32)


def of_combinations(token_sets: np.ndarray, weights: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Likewise, for any combination."""
    return normal_log10_p(token_sets[:, 0], z)


def candidates(
    z: list[float], gram: list[list[float]], plain: list[bool] | None = None,
    slight: list[bool] | None = None, chance: list[bool] | None = None,
) -> Candidates:  # fmt: skip
    """Those of one feature, whose sets have numbers from 100."""
    count = len(z)

    def correlations(sets: np.ndarray, others: np.ndarray) -> np.ndarray:
        with_none = np.pad(np.array(gram, float), [(0, 0), (0, 1)])
        return with_none[sets[:, None] - 100, np.where(others < 0, -1, others - 100)]

    return Candidates(
        1, np.zeros(count, int), np.arange(count) + 100, np.array(z, float),
        np.array(plain or [True] * count), np.array(slight or [False] * count),
        np.array(chance or [False] * count), correlations,
    )  # fmt: skip


def begun(found: Candidates, of_any: Callable[..., np.ndarray] = of_combinations) -> Pursuit:
    """A pursuit in which nothing is chosen yet."""
    threshold = np.full(found.n_features, THRESHOLD)
    return Pursuit(found, threshold, normal_log10_p, of_any)


def chosen(found: Candidates, most: int = 3) -> Pursuit:
    pursuit = begun(found)
    pursuit.choose(ONLY, most)
    return pursuit


def parts(pursuit: Pursuit, feature: int = 0) -> list[int]:
    return [at for at in pursuit.chosen[feature].tolist() if at >= 0]


def reasons(pursuit: Pursuit) -> dict[int, str]:
    found = pursuit.rejected(10)
    return dict(zip(found.candidate.tolist(), found.reason.tolist(), strict=True))


def test_a_set_that_another_drags_with_it_is_explained() -> None:
    pursuit = chosen(candidates([12, 7], [[1, 0.6], [0.6, 1]]))
    assert parts(pursuit) == [0]
    assert reasons(pursuit) == {1: "explained"}


def test_what_adds_something_is_named_too() -> None:
    pursuit = chosen(candidates([12, -9], [[1, 0.1], [0.1, 1]]))
    assert parts(pursuit) == [0, 1]
    assert pursuit.token_sets.tolist() == [[100, 101, -1]]


def test_a_set_whose_sign_turns_is_not_named() -> None:
    # given the first, 12 · 0.75 = 9 was to be expected: what is left is negative
    pursuit = chosen(candidates([12, 5], [[1, 0.75], [0.75, 1]]))
    assert parts(pursuit) == [0]
    assert reasons(pursuit) == {1: "explained"}


def test_near_duplicates_are_named_once_by_the_plainer_name() -> None:
    gram = [[1, 0.95], [0.95, 1]]
    spelled_first = candidates([12, 11.5], gram, plain=[False, True])
    assert parts(chosen(spelled_first)) == [1]
    assert reasons(chosen(spelled_first)) == {0: "near-duplicate"}
    much_weaker = candidates([12, 9], gram, plain=[False, True])
    assert parts(chosen(much_weaker)) == [0]
    unlike = candidates([12, 11.5], [[1, 0.5], [0.5, 1]], plain=[False, True])
    assert parts(chosen(unlike))[0] == 0


def test_a_near_duplicate_is_not_named_even_if_it_adds_something() -> None:
    # given the first, (19.9 − 0.85 · 20) / 0.53 = 5.5 is left
    pursuit = chosen(candidates([20, 19.9], [[1, 0.85], [0.85, 1]]))
    assert parts(pursuit) == [0]
    rejected = pursuit.rejected(10)
    assert rejected.reason.tolist() == ["near-duplicate"]
    assert 5 < rejected.z[0] < 6


def test_opposite_sets_are_near_duplicates_too() -> None:
    pursuit = chosen(candidates([12, -11], [[1, -0.95], [-0.95, 1]]))
    assert parts(pursuit) == [0]
    assert reasons(pursuit) == {1: "near-duplicate"}


def test_slight_sets_are_never_named_and_keep_their_z() -> None:
    found = candidates([12, 9], np.eye(2).tolist(), slight=[True, False])
    pursuit = chosen(found)
    assert parts(pursuit) == [1]
    assert reasons(pursuit) == {0: "slight"}
    assert found.z.tolist() == [12, 9]


def test_what_passes_by_chance_is_never_named() -> None:
    pursuit = chosen(candidates([12, 9], np.eye(2).tolist(), chance=[True, False]))
    assert parts(pursuit) == [1]
    assert reasons(pursuit) == {0: "chance"}


def test_what_is_left_is_judged_by_the_combination_that_it_is() -> None:
    """A set's own table says nothing of its partial effect."""

    def of_any(token_sets: np.ndarray, weights: np.ndarray, z: np.ndarray) -> np.ndarray:
        assert weights[:, 0].tolist() == [1.0] * len(z)
        assert token_sets.shape == weights.shape
        return np.full(len(z), THRESHOLD + 1, np.float32)

    pursuit = begun(candidates([12, -9], [[1, 0.1], [0.1, 1]]), of_any)
    pursuit.choose(ONLY, 3)
    assert parts(pursuit) == [0]
    assert reasons(pursuit) == {1: "explained"}


def test_a_label_ends_after_its_last_part() -> None:
    pursuit = chosen(candidates([12, 11, 10, 9], np.eye(4).tolist()), most=2)
    assert parts(pursuit) == [0, 1]
    assert reasons(pursuit) == {2: "beyond the parts", 3: "beyond the parts"}


def test_a_part_that_no_longer_stands_is_dropped_and_not_chosen_again() -> None:
    # the first is the strongest, but the other two leave 18.1 − 0.6 · 30 of it
    found = candidates([18.1, 15, 15], [[1, 0.6, 0.6], [0.6, 1, 0], [0.6, 0, 1]])
    pursuit = chosen(found)
    assert set(parts(pursuit)) == {0, 1, 2}
    pursuit.test(ONLY)
    assert pursuit.drop_weakest(ONLY).tolist() == [0]
    assert set(parts(pursuit)) == {1, 2}
    settled = begun(found)
    settled.settle(3)
    assert settled.chosen.tolist() == pursuit.chosen.tolist()
    assert reasons(settled) == {0: "explained"}


def test_a_fixed_part_comes_first_and_stays() -> None:
    pursuit = begun(candidates([5, 12], [[1, 0.5], [0.5, 1]]))
    pursuit.fix(np.array([0]))
    pursuit.choose(ONLY, 3)
    assert parts(pursuit) == [0, 1]
    pursuit.log10_p[0] = 0.0, -20.0, 0.0
    assert not len(pursuit.drop_weakest(ONLY))
    assert parts(pursuit) == [0, 1]


def test_what_fell_once_is_not_chosen_again_even_if_it_adds_something() -> None:
    pursuit = chosen(candidates([12, -9], [[1, 0.1], [0.1, 1]]))
    pursuit.log10_p[0] = -20.0, -1.0, 0.0
    assert pursuit.drop_weakest(ONLY).tolist() == [0]
    pursuit.choose(ONLY, 3)
    assert parts(pursuit) == [0]
    assert reasons(pursuit) == {1: "explained"}


def test_what_nothing_is_left_of_is_not_looked_up() -> None:
    # the third is the second, twice found, but for what is measured of it
    def asked(token_sets: np.ndarray, weights: np.ndarray, z: np.ndarray) -> np.ndarray:
        assert token_sets.tolist() == [[100, 101, 102]]
        assert weights.tolist() == [[1, 0, 0]]
        return normal_log10_p(token_sets[:, 0], z)

    found = candidates([12, 9, 9], [[1, 0, 0], [0, 1, 1], [0, 1, 1]])
    pursuit = begun(found, asked)
    for at in range(3):
        pursuit.fix(np.array([at]))
    pursuit.test(ONLY)
    assert pursuit.log10_p[0, 0] < -20
    assert pursuit.log10_p[0, 1:].tolist() == [0, 0]


def many(features: int, dimensions: int, seed: int) -> tuple[Candidates, np.ndarray]:
    """Features with up to twelve candidates each, some none, of sets that are often alike.

    The vectors of all sets beside them.
    """
    random = np.random.default_rng(seed)
    sets = 40
    vectors = random.standard_normal((sets, dimensions))
    vectors[::4] = vectors[1::4] + 0.5 * vectors[::4]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    counts = random.integers(0, 13, features)
    token_set = np.concatenate([np.sort(random.permutation(sets)[:count]) for count in counts])
    feature = np.repeat(np.arange(features), counts)
    towards = 8 * random.standard_normal((features, dimensions))
    z = (towards[feature] * vectors[token_set]).sum(1) + random.standard_normal(len(feature))
    plain, slight, chance = random.random((3, len(feature))) < [[0.5], [0.1], [0.05]]
    known = partial(correlations, vectors)
    return Candidates(features, feature, token_set, z, plain, slight, chance, known), vectors


def chosen_one_by_one(found: Candidates, of_sets: np.ndarray, feature: int) -> list[int]:
    """The parts of one feature, by regression on the vectors themselves."""
    own = np.flatnonzero(found.feature == feature).tolist()
    vectors = of_sets.astype(np.float64)[found.token_set]
    z, chosen, out = found.z, list[int](), set[int]()

    def left(at: int, given: list[int]) -> float:
        fit = np.linalg.lstsq(vectors[given].T, vectors[at])[0]
        length = np.linalg.norm(vectors[at] - vectors[given].T @ fit)
        return float((z[at] - fit @ z[given]) / length) if length**2 > 1e-3 else 0.0

    def passes(score: float) -> bool:
        return bool(normal_log10_p(np.array([0]), np.array([score]))[0] <= THRESHOLD)

    def best() -> int | None:
        scores = {
            at: left(at, chosen)
            for at in own
            if not found.unfit[at] and at not in out
            and all(abs(vectors[at] @ vectors[other]) < ALIKE for other in chosen)
        }  # fmt: skip
        scores = {at: score for at, score in scores.items() if score * z[at] > 0}
        strongest = max(scores, key=lambda at: abs(scores[at]), default=None)
        if strongest is None or not passes(scores[strongest]) or found.plain[strongest]:
            return strongest if strongest is not None and passes(scores[strongest]) else None
        plainer = [
            at for at, score in scores.items()
            if found.plain[at] and vectors[at] @ vectors[strongest] >= ALIKE
            and score / scores[strongest] >= 0.9
        ]  # fmt: skip
        return max(plainer, key=lambda at: abs(scores[at]), default=strongest)

    while True:
        while len(chosen) < 3 and (at := best()) is not None:
            chosen.append(at)
        scores = [abs(left(at, [other for other in chosen if other != at])) for at in chosen]
        if len(chosen) < 2 or passes(min(scores)):
            return chosen
        out.add(chosen.pop(scores.index(min(scores))))


def test_all_features_at_once_are_chosen_for_as_one_by_one() -> None:
    found, vectors = many(300, 5, 1)
    pursuit = begun(found)
    pursuit.settle(3)
    expected = [chosen_one_by_one(found, vectors, feature) for feature in range(300)]
    assert [parts(pursuit, feature) for feature in range(300)] == expected
    assert {len(each) for each in expected} == {0, 1, 2, 3}
    assert pursuit._out.any()


def test_a_feature_does_not_depend_on_the_others() -> None:
    found, _ = many(60, 7, 2)
    together = begun(found)
    together.settle(3)
    rejected = together.rejected(4)
    for feature in range(60):
        own = np.flatnonzero(found.feature == feature)
        columns = (found.token_set, found.z, found.plain, found.slight, found.chance)
        alone = begun(
            Candidates(1, np.zeros(len(own), int), *(c[own] for c in columns), found.correlations)
        )
        alone.settle(3)
        np.testing.assert_array_equal(alone.token_sets[0], together.token_sets[feature])
        np.testing.assert_array_equal(alone.log10_p[0], together.log10_p[feature])
        by_itself = alone.rejected(4)
        mine = found.feature[rejected.candidate] == feature
        np.testing.assert_array_equal(own[by_itself.candidate], rejected.candidate[mine])
        np.testing.assert_array_equal(by_itself.reason, rejected.reason[mine])
        np.testing.assert_array_equal(own[by_itself.by], rejected.by[mine])
        np.testing.assert_array_equal(by_itself.z, rejected.z[mine])


def test_the_strongest_that_are_not_named_are_listed_first() -> None:
    found, _ = many(60, 7, 3)
    pursuit = begun(found)
    pursuit.settle(3)
    listed = pursuit.rejected(4).candidate
    for feature in range(60):
        own = np.flatnonzero(found.feature == feature)
        others = [at for at in own if at not in parts(pursuit, feature)]
        expected = sorted(others, key=lambda at: -abs(found.z[at]))[:4]
        assert listed[found.feature[listed] == feature].tolist() == expected
