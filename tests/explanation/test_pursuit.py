"""Which sets are chosen, and why others are not."""

from __future__ import annotations

import numpy as np

from unembed.explanation.pursuit import Candidates, Pursuit

THRESHOLD = -4.0


def normal_log10_p(token_sets: np.ndarray, z: np.ndarray) -> np.ndarray:
    """About what a normal deviate's is, for any set."""
    return (-(z**2) / 2 / np.log(10)).astype(np.float32)


def candidates(
    z: list[float], gram: list[list[float]], plain: list[bool] | None = None,
    slight: list[bool] | None = None,
) -> Candidates:  # fmt: skip
    count = len(z)
    return Candidates(
        np.arange(count) + 100, np.array(z), np.array(gram, float),
        np.array(plain or [True] * count), np.array(slight or [False] * count),
    )  # fmt: skip


def chosen(found: Candidates, most: int = 3) -> Pursuit:
    pursuit = Pursuit(found)
    pursuit.choose(normal_log10_p, THRESHOLD, most)
    return pursuit


def reasons(pursuit: Pursuit) -> dict[int, str]:
    found = pursuit.rejected(normal_log10_p, THRESHOLD, 10)
    return {each.candidate: each.reason for each in found}


def test_a_set_that_another_drags_with_it_is_explained() -> None:
    pursuit = chosen(candidates([12, 7], [[1, 0.6], [0.6, 1]]))
    assert pursuit.chosen == [0]
    assert reasons(pursuit) == {1: "explained"}


def test_what_adds_something_is_named_too() -> None:
    pursuit = chosen(candidates([12, -9], [[1, 0.1], [0.1, 1]]))
    assert pursuit.chosen == [0, 1]
    assert pursuit.token_sets.tolist() == [100, 101]


def test_a_set_whose_sign_turns_is_not_named() -> None:
    # given the first, 12 · 0.75 = 9 was to be expected: what is left is negative
    pursuit = chosen(candidates([12, 5], [[1, 0.75], [0.75, 1]]))
    assert pursuit.chosen == [0]
    assert reasons(pursuit) == {1: "explained"}


def test_near_duplicates_are_named_once_by_the_plainer_name() -> None:
    gram = [[1, 0.95], [0.95, 1]]
    spelled_first = candidates([12, 11.5], gram, plain=[False, True])
    assert chosen(spelled_first).chosen == [1]
    assert reasons(chosen(spelled_first)) == {0: "near-duplicate"}
    much_weaker = candidates([12, 9], gram, plain=[False, True])
    assert chosen(much_weaker).chosen == [0]
    unlike = candidates([12, 11.5], [[1, 0.5], [0.5, 1]], plain=[False, True])
    assert chosen(unlike).chosen[0] == 0


def test_a_near_duplicate_is_not_named_even_if_it_adds_something() -> None:
    # given the first, (19.9 − 0.85 · 20) / 0.53 = 5.5 is left
    pursuit = chosen(candidates([20, 19.9], [[1, 0.85], [0.85, 1]]))
    assert pursuit.chosen == [0]
    (rejected,) = pursuit.rejected(normal_log10_p, THRESHOLD, 10)
    assert rejected.reason == "near-duplicate"
    assert 5 < rejected.z < 6


def test_opposite_sets_are_near_duplicates_too() -> None:
    pursuit = chosen(candidates([12, -11], [[1, -0.95], [-0.95, 1]]))
    assert pursuit.chosen == [0]
    assert reasons(pursuit) == {1: "near-duplicate"}


def test_slight_sets_are_never_named_and_keep_their_z() -> None:
    found = candidates([12, 9], np.eye(2).tolist(), slight=[True, False])
    pursuit = chosen(found)
    assert pursuit.chosen == [1]
    assert reasons(pursuit) == {0: "slight"}
    assert found.z.tolist() == [12, 9]


def test_a_label_ends_after_its_last_part() -> None:
    pursuit = chosen(candidates([12, 11, 10, 9], np.eye(4).tolist()), most=2)
    assert pursuit.chosen == [0, 1]
    assert reasons(pursuit) == {2: "beyond the parts", 3: "beyond the parts"}


def test_a_part_that_no_longer_stands_is_dropped_and_not_chosen_again() -> None:
    # the first is the sum of the other two, which together leave nothing of it
    root = 0.5**0.5
    found = candidates([9.9, 7.1, 6.9], [[1, root, root], [root, 1, 0], [root, 0, 1]])
    pursuit = Pursuit(found)
    pursuit.chosen = [0, 1, 2]
    left, _ = pursuit.given_the_others()
    pursuit.log10_p = normal_log10_p(pursuit.token_sets, left)
    assert pursuit.drop_weakest(THRESHOLD)
    assert len(pursuit.chosen) == 2
    dropped = next(iter(pursuit.out))
    pursuit.choose(normal_log10_p, THRESHOLD, 3)
    assert dropped not in pursuit.chosen


def test_a_fixed_part_comes_first_and_stays() -> None:
    pursuit = Pursuit(candidates([5, 12], [[1, 0.5], [0.5, 1]]))
    pursuit.fixed(0)
    pursuit.choose(normal_log10_p, THRESHOLD, 3)
    assert pursuit.chosen[0] == 0
    pursuit.log10_p = np.array([0.0, -20.0], np.float32)
    assert not pursuit.drop_weakest(THRESHOLD)
