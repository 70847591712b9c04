"""Which sets are chosen, and why others are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from unembed.explanation.candidates import Candidates
from unembed.explanation.chosen import ALIKE, Chosen
from unembed.explanation.correlations import correlations
from unembed.explanation.outermost import Outermost
from unembed.explanation.pursuit import Pursuit
from unembed.explanation.rejected import Rejected, rejected
from unembed.explanation.settings import ExplanationSettings
from unembed.explanation.telling import Telling

THRESHOLD = -4.0
TOKENS, SETS = 1000, 64
"""Of the vocabulary, and sets that may be meant: six bits."""
SIZE = 10


def normal_log10_p(token_sets: np.ndarray, z: np.ndarray) -> np.ndarray:
    """About what a normal deviate's is, for any set."""
    return (-(z**2) / 2 / np.log(10)).astype(np.float32)


def of_combinations(token_sets: np.ndarray, weights: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Likewise, for any combination."""
    return normal_log10_p(token_sets[:, 0], z)


def bits(tokens: list[int]) -> int:
    return sum(1 << token for token in tokens)


def candidates(
    z: list[float], gram: list[list[float]], held: list[list[int]] | None = None,
    size: list[int] | None = None, name: list[float] | None = None,
    slight: list[bool] | None = None, chance: list[bool] | None = None,
    last: list[bool] | None = None, variance: list[float] | None = None,
    squares: list[float] | None = None, within: list[tuple[int, int]] | None = None,
) -> Candidates:  # fmt: skip
    """Those of one feature, whose sets have numbers from 100.

    Each holds the less of the outermost tokens, none of another's, the further back it stands.
    """
    count = len(z)
    if held is None:
        held = [list(range(12 * at, 12 * at + 12 - at)) for at in range(count)]
    weights = np.array(squares or [1.0] * 60)
    outermost = Outermost(np.tile(np.arange(60, dtype=np.int32), (2, 1)), np.tile(weights, (2, 1)))
    telling = Telling(
        outermost, (np.array(z) < 0).astype(int), np.array([bits(of) for of in held], np.uint64),
        np.array(size or [SIZE] * count), np.array(name or [1.0] * count), TOKENS, SETS,
    )  # fmt: skip

    def along(sets: np.ndarray, others: np.ndarray) -> np.ndarray:
        with_none = np.pad(np.array(gram, float), [(0, 0), (0, 1)])
        return with_none[sets[:, None] - 100, np.where(others < 0, -1, others - 100)]

    def lies_within(sets: np.ndarray, others: np.ndarray) -> np.ndarray:
        pairs = zip(sets - 100, others - 100, strict=True)
        return np.array([pair in (within or []) for pair in pairs], bool)

    return Candidates(
        1, np.zeros(count, int), np.arange(count) + 100, np.array(z, float),
        np.array(variance or [0.0] * count), np.array(slight or [False] * count),
        np.array(chance or [False] * count), np.array(last or [False] * count), telling, along,
        lies_within,
    )  # fmt: skip


def settled(
    found: Candidates, most: int = 3, of_any: Callable[..., np.ndarray] = of_combinations,
    fixed: list[int] | None = None,
) -> Pursuit:  # fmt: skip
    threshold = np.full(found.n_features, THRESHOLD)
    chosen = Chosen(found, threshold, normal_log10_p, of_any)
    pursuit = Pursuit(found, chosen, ExplanationSettings(parts=most))
    pursuit.fix(np.array(fixed or [], int))
    pursuit.settle()
    return pursuit


def parts(pursuit: Pursuit, feature: int = 0) -> list[int]:
    return [at for at in pursuit.chosen.places[feature].tolist() if at >= 0]


def left_out(pursuit: Pursuit, limit: int = 10) -> Rejected:
    return rejected(pursuit.chosen.candidates, pursuit, limit)


def reasons(pursuit: Pursuit) -> dict[int, str]:
    found = left_out(pursuit)
    return dict(zip(found.candidate.tolist(), found.reason.tolist(), strict=True))


NONE_ALIKE = np.eye(5).tolist()


def test_a_set_that_another_drags_with_it_is_explained() -> None:
    pursuit = settled(candidates([12, 7], [[1, 0.6], [0.6, 1]]))
    assert parts(pursuit) == [0]
    assert reasons(pursuit) == {1: "explained"}


def test_what_adds_something_is_named_too() -> None:
    pursuit = settled(candidates([12, -9], [[1, 0.1], [0.1, 1]]))
    assert parts(pursuit) == [0, 1]
    assert pursuit.chosen.token_sets.tolist() == [[100, 101, -1]]
    assert (pursuit.chosen.log10_p[0, :2] < THRESHOLD).all()


def test_what_covers_more_is_named_though_its_p_is_larger() -> None:
    # a word's forms, and the field with ten more of the outermost tokens
    held = [[0, 1, 2, 3], list(range(4, 16))]
    pursuit = settled(candidates([14, 9], [[1, 0.1], [0.1, 1]], held, size=[4, 10]))
    assert parts(pursuit) == [1, 0]


def test_a_set_that_is_wide_for_what_it_covers_is_not_first() -> None:
    held = [list(range(30)), list(range(20))]
    wide = candidates([9, 9], NONE_ALIKE, held, size=[600, 40])
    assert parts(settled(wide))[0] == 1
    narrow = candidates([9, 9], NONE_ALIKE, held, size=[60, 40])
    assert parts(settled(narrow))[0] == 0


def test_a_name_that_spells_tokens_is_worth_less() -> None:
    held, gram = [list(range(20)), list(range(18))], [[1, 0.95], [0.95, 1]]
    alike = candidates([12, 11], gram, held, name=[1, 1])
    assert parts(settled(alike)) == [0]
    spelled = candidates([12, 11], gram, held, name=[0.7, 1])
    assert parts(settled(spelled)) == [1]
    assert reasons(settled(spelled)) == {0: "near-duplicate"}
    far_less = candidates([12, 11], gram, [list(range(20)), list(range(8))], name=[0.7, 1])
    assert parts(settled(far_less)) == [0]


def test_what_is_a_last_resort_is_named_only_where_nothing_else_is() -> None:
    found = candidates([12, 9], NONE_ALIKE, last=[True, False])
    assert parts(settled(found)) == [1]
    assert reasons(settled(found)) == {0: "covered"}
    alone = candidates([12, 9], NONE_ALIKE, last=[True, False], slight=[False, True])
    assert parts(settled(alone)) == [0]


def test_a_set_whose_sign_turns_is_not_named() -> None:
    # given the first, 12 · 0.75 = 9 was to be expected: what is left is negative
    pursuit = settled(candidates([12, 5], [[1, 0.75], [0.75, 1]]))
    assert parts(pursuit) == [0]
    assert reasons(pursuit) == {1: "explained"}


def test_a_near_duplicate_is_not_named_even_if_it_adds_something() -> None:
    # given the first, (19.9 − 0.85 · 20) / 0.53 = 5.5 is left
    pursuit = settled(candidates([20, 19.9], [[1, 0.85], [0.85, 1]]))
    assert parts(pursuit) == [0]
    others = left_out(pursuit)
    assert others.reason.tolist() == ["near-duplicate"]
    assert 5 < others.z[0] < 6


def test_opposite_sets_are_near_duplicates_too() -> None:
    pursuit = settled(candidates([12, -11], [[1, -0.95], [-0.95, 1]]))
    assert parts(pursuit) == [0]
    assert reasons(pursuit) == {1: "near-duplicate"}


def test_slight_sets_are_never_named_and_keep_their_z() -> None:
    found = candidates([12, 9], NONE_ALIKE, slight=[True, False])
    pursuit = settled(found)
    assert parts(pursuit) == [1]
    assert reasons(pursuit) == {0: "slight"}
    assert found.z.tolist() == [12, 9]


def test_what_passes_by_chance_is_never_named() -> None:
    pursuit = settled(candidates([12, 9], NONE_ALIKE, chance=[True, False]))
    assert parts(pursuit) == [1]
    assert reasons(pursuit) == {0: "chance"}


def test_what_tells_no_more_of_the_outermost_tokens_is_covered() -> None:
    held = [list(range(20)), [*range(15), 30]]
    assert parts(settled(candidates([12, 9], NONE_ALIKE, held))) == [0]
    assert reasons(settled(candidates([12, 9], NONE_ALIKE, held))) == {1: "covered"}
    wide = candidates([12, 9], NONE_ALIKE, held, variance=[0.1, 0.1])
    assert parts(settled(wide)) == [0, 1]
    other_side = candidates([12, -9], NONE_ALIKE, held)
    assert parts(settled(other_side)) == [0, 1]


def test_what_is_left_is_judged_by_the_combination_that_it_is() -> None:
    """A set's own table says nothing of its partial effect."""

    def of_any(token_sets: np.ndarray, weights: np.ndarray, z: np.ndarray) -> np.ndarray:
        assert token_sets.shape == weights.shape
        assert (weights == 1).any(1).all()
        return np.full(len(z), THRESHOLD + 1, np.float32)

    pursuit = settled(candidates([12, -9], [[1, 0.1], [0.1, 1]]), of_any=of_any)
    assert parts(pursuit) == [0]
    assert reasons(pursuit) == {1: "explained"}


def test_a_label_ends_after_its_last_part() -> None:
    pursuit = settled(candidates([12, 11, 10, 9], NONE_ALIKE), most=2)
    assert parts(pursuit) == [0, 1]
    assert reasons(pursuit) == {2: "beyond the parts", 3: "beyond the parts"}


def test_after_five_that_do_not_stand_the_rest_is_not_tried() -> None:
    falling = range(101, 106)

    def of_any(token_sets: np.ndarray, weights: np.ndarray, z: np.ndarray) -> np.ndarray:
        tested = token_sets[np.arange(len(z)), (weights == 1).argmax(1)]
        return np.where(np.isin(tested, falling), THRESHOLD + 1, THRESHOLD - 1).astype(np.float32)

    held = [list(range(12)), *(list(range(8 * at + 4, 8 * at + 12)) for at in range(1, 7))]
    found = candidates([12, 11, 10, 9, 8, 7, 6], np.eye(7).tolist(), held)
    pursuit = settled(found, of_any=of_any)
    assert parts(pursuit) == [0]
    expected = dict.fromkeys(range(1, 6), "explained") | {6: "beyond the parts"}
    assert reasons(pursuit) == expected


def test_what_tells_more_is_not_given_up_for_what_tells_less() -> None:
    # the second would leave 9 − 0.7 · 12 of the first
    pursuit = settled(candidates([9, 12], [[1, 0.7], [0.7, 1]]))
    assert parts(pursuit) == [0]
    assert reasons(pursuit) == {1: "rival"}
    assert left_out(pursuit).z[0] > 5


def core(z: list[float], along: float = 0.3, **how: list[float]) -> Pursuit:
    """A field, with twelve of the outermost tokens, and one word of it, with four of them."""
    squares = [14.0] * 4 + [5.0] * 8 + [1.0] * 48
    held = [list(range(12)), list(range(4))]
    gram = [[1, along], [along, 1]]
    more: dict[str, list[float]] = {"size": [30, 5], "name": [1, 0.85]} | how
    return settled(candidates(z, gram, held, squares=squares, within=[(1, 0)], **more))  # type: ignore[arg-type]


def test_a_field_and_the_word_that_has_most_of_its_weight_are_both_named() -> None:
    pursuit = core([12, 12])
    assert parts(pursuit) == [0, 1]
    assert pursuit.wholes().tolist() == [[-1, 100, -1]]


def test_a_word_stands_in_the_place_of_a_field_that_no_longer_stands_given_it() -> None:
    pursuit = core([6, 12], along=0.5)
    assert parts(pursuit) == [1]
    assert reasons(pursuit) == {0: "explained"}


def test_a_core_that_does_not_stand_is_not_named() -> None:
    assert parts(core([12, 6], along=0.5)) == [0]


@pytest.mark.parametrize("how", [{"size": [30, 20]}, {"name": [1, 0.7]}])
def test_a_core_is_small_and_no_way_of_spelling(how: dict[str, list[float]]) -> None:
    pursuit = core([12, 12], **how)
    assert parts(pursuit) == [0]
    assert reasons(pursuit) == {1: "covered"}


def test_a_core_has_nearly_all_the_weight_of_its_field() -> None:
    even = candidates(
        [12, 12], NONE_ALIKE, [list(range(12)), list(range(4))], size=[30, 5], within=[(1, 0)]
    )
    assert parts(settled(even)) == [0]


def test_a_field_that_tells_nothing_beyond_its_core_is_not_named() -> None:
    # the field has the word's four tokens and a fifth, of no weight
    held, squares = [[0, 1, 2, 3, 20], [0, 1, 2, 3]], [40.0] * 4 + [1.0] * 56
    found = candidates(
        [12, 12], NONE_ALIKE, held, [12, 5], [1, 0.8], squares=squares, within=[(1, 0)]
    )
    assert found.telling.tell(np.array([0, 1]), np.full((2, 1), -1)).worth.argmax() == 0
    assert parts(settled(found)) == [1]
    assert reasons(settled(found)) == {0: "covered"}


def test_what_a_field_tells_beyond_its_core_is_asked_beside_what_is_named_of_its_feature() -> None:
    # of two features; in the second, the rest of the field is in the set that is named first
    squares = [60.0] * 4 + [1.0] * 26 + [40.0] * 12 + [1.0] * 18
    of_both = {"squares": squares, "within": [(2, 1)]}
    other = candidates([5, 5, 12], np.eye(3).tolist(), slight=[True, True, False], **of_both)  # type: ignore[arg-type]
    held = [list(range(30, 42)), [0, 1, 2, 3, 30, 31], [0, 1, 2, 3]]
    own = candidates([12, 12, 12], np.eye(3).tolist(), held, [10, 12, 5], [1, 1, 0.8], **of_both)  # type: ignore[arg-type]
    assert parts(settled(own)) == [0, 2]
    pursuit = settled(beside(other, own))
    assert [parts(pursuit, feature) for feature in (0, 1)] == [[2], [3, 5]]


def beside(one: Candidates, other: Candidates) -> Candidates:
    """Those of two features, whose sets are the same, and promoted."""
    of = ("token_set", "z", "variance", "slight", "chance", "last")
    both = {name: np.append(getattr(one, name), getattr(other, name)) for name in of}
    of = ("held", "size", "name")
    tell = {
        name: np.append(getattr(one.telling, name), getattr(other.telling, name)) for name in of
    }
    squares = np.tile(
        np.stack([each.telling.outermost.squares[0] for each in (one, other)]), (2, 1)
    )
    feature = np.repeat([0, 1], [len(one.z), len(other.z)])
    outermost = Outermost(np.tile(one.telling.outermost.ids, (2, 1)), squares)
    telling = replace(one.telling, outermost=outermost, row=feature, **tell)
    return replace(one, n_features=2, feature=feature, telling=telling, **both)


def test_a_fixed_part_comes_first_and_stays() -> None:
    found = candidates([5, 12], [[1, 0.5], [0.5, 1]])
    pursuit = settled(found, fixed=[0])
    assert parts(pursuit) == [0, 1]
    assert pursuit.chosen.log10_p[0, 0] > THRESHOLD
    assert pursuit.wholes().max() == -1


def test_what_nothing_is_left_of_is_not_looked_up() -> None:
    # the second is the first, twice found, but for what is measured of it
    def asked(token_sets: np.ndarray, weights: np.ndarray, z: np.ndarray) -> np.ndarray:
        assert not len(z)
        return np.zeros(0, np.float32)

    found = candidates([9, 9], [[1, 1], [1, 1]])
    pursuit = settled(found, of_any=asked, fixed=[0])
    pursuit._join(np.array([1]))
    assert parts(pursuit) == [0]


def many(features: int, dimensions: int, seed: int) -> tuple[Candidates, np.ndarray]:
    """Features with up to twelve candidates each, some none, of sets that are often alike.

    The vectors of all sets beside them. Every second set lies within the next one.
    """
    random = np.random.default_rng(seed)
    sets, k = 40, 20
    vectors = random.standard_normal((sets, dimensions))
    vectors[::4] = vectors[1::4] + 0.5 * vectors[::4]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    counts = random.integers(0, 13, features)
    token_set = np.concatenate([np.sort(random.permutation(sets)[:count]) for count in counts])
    feature = np.repeat(np.arange(features), counts)
    towards = 8 * random.standard_normal((features, dimensions))
    z = (towards[feature] * vectors[token_set]).sum(1) + random.standard_normal(len(feature))

    members = random.random((sets, TOKENS)) < random.uniform(0.01, 0.3, (sets, 1))
    members[1::2] |= members[::2]
    ids = np.array([random.permutation(TOKENS)[:k] for _ in range(2 * features)], np.int32)
    outermost = Outermost(ids, np.sort(random.exponential(1, ids.shape) ** 2)[:, ::-1])
    indptr = np.append(0, np.cumsum(members.sum(1)))
    inside = np.nonzero(members)[1].astype(np.int32)
    row = outermost.row(feature, z > 0)
    telling = Telling(
        outermost, row, outermost.held(row, token_set, indptr, inside), members.sum(1)[token_set],
        random.choice([0.7, 0.85, 1.0], sets)[token_set], TOKENS, SETS,
    )  # fmt: skip
    slight, chance, last = random.random((3, len(feature))) < [[0.1], [0.05], [0.1]]
    variance = random.random(len(feature)) ** 4

    def within(of: np.ndarray, others: np.ndarray) -> np.ndarray:
        return ~(members[of] & ~members[others]).any(1)

    known = partial(correlations, vectors)
    return Candidates(
        features, feature, token_set, z, variance, slight, chance, last, telling, known, within
    ), vectors


class OneByOne:
    """The parts of one feature, by regression on the vectors themselves, and tokens as sets."""

    def __init__(self, found: Candidates, of_sets: np.ndarray, feature: int) -> None:
        self.found, self.chosen, self.out = found, list[int](), set[int]()
        self.own = np.flatnonzero(found.feature == feature).tolist()
        self.vectors = of_sets.astype(np.float64)[found.token_set]
        telling = found.telling
        self.ids = telling.outermost.ids[telling.row]
        self.squares = telling.outermost.squares[telling.row]
        self.held = {
            at: {i for i in range(self.ids.shape[1]) if int(telling.held[at]) >> i & 1}
            for at in self.own
        }

    def left(self, at: int, given: list[int]) -> float:
        vectors, z = self.vectors, self.found.z
        fit = np.linalg.lstsq(vectors[given].T, vectors[at])[0]
        length = np.linalg.norm(vectors[at] - vectors[given].T @ fit)
        return float((z[at] - fit @ z[given]) / length) if length**2 > 1e-3 else 0.0

    def falls(self, chosen: list[int]) -> list[bool]:
        if len(chosen) < 2:
            return [False] * len(chosen)
        left = [self.left(at, [other for other in chosen if other != at]) for at in chosen]
        return [bool(-(z**2) / 2 / np.log(10) > THRESHOLD) for z in left]

    def same_side(self, at: int, given: list[int]) -> set[int]:
        """The tokens that some sets hold of those of one's side."""
        row = self.found.telling.row
        return set[int]().union(*(self.held[each] for each in given if row[each] == row[at]))

    def worth(self, at: int, given: list[int]) -> float:
        telling, covered = self.found.telling, self.same_side(at, given)
        total = self.squares[at].sum()
        left = total - self.squares[at][sorted(covered)].sum()
        new = self.squares[at][sorted(self.held[at] - covered)].sum()
        share = min(max(new / left, 0), 1) if left > 0 else 0.0
        chance = telling.size[at] / TOKENS
        if share < chance:
            return 0.0
        saved = share * np.log2(share / chance) if share else 0.0
        saved += (1 - share) * np.log2((1 - share) / (1 - chance)) if share < 1 else 0.0
        of = self.ids.shape[1] - len(covered)
        return max(float(of * saved - np.log2(SETS)), 0.0) * float(telling.name[at])

    def is_core(self, at: int, of: int) -> bool:
        telling, held, whole = self.found.telling, self.held[at], self.held[of]
        if telling.row[at] != telling.row[of] or not held <= whole or at == of:
            return False
        fourth = self.squares[at] ** 2
        heavy = fourth[sorted(held)].sum() >= 0.75 * fourth[sorted(whole)].sum()
        small = telling.size[at] <= 0.5 * telling.size[of]
        sets = self.found.token_set[[at]], self.found.token_set[[of]]
        return bool(
            heavy and small and len(held) >= 2 and telling.name[at] >= 0.8
            and self.found.within(*sets)[0]
        )  # fmt: skip

    def able(self) -> list[int]:
        found = self.found
        return [
            at for at in self.own
            if not found.unfit[at] and at not in self.out
            and all(abs(self.vectors[at] @ self.vectors[other]) < ALIKE for other in self.chosen)
            and self.left(at, self.chosen) * found.z[at] > 0
        ]  # fmt: skip

    def adds(self, at: int) -> bool:
        found = self.found
        few = len(self.held[at] - self.same_side(at, self.chosen)) < 2
        thin = (few or self.worth(at, self.chosen) == 0) and found.variance[at] < 0.01
        return not self.chosen or not (thin or found.last[at])

    def can_stand(self, at: int) -> bool:
        """By its own table, which may be off by three decades."""
        own = -(self.left(at, self.chosen) ** 2) / 2 / np.log(10)
        return not self.chosen or bool(own <= THRESHOLD + 3)

    def best(self) -> int | None:
        found = self.found
        able = [at for at in self.able() if self.adds(at) and self.can_stand(at)]
        best = min(
            able, default=None,
            key=lambda at: (
                found.last[at], -self.worth(at, self.chosen), -found.variance[at],
                -abs(self.left(at, self.chosen)),
            ),
        )  # fmt: skip
        if best is None:
            return None
        enough = [
            at for at in able
            if self.is_core(at, best) and self.worth(best, [*self.chosen, at]) == 0
        ]  # fmt: skip
        return max(enough, key=lambda at: self.worth(at, self.chosen), default=best)

    def settle(self) -> list[int]:
        while len(self.chosen) < 3 and len(self.out) < 5 and (best := self.best()) is not None:
            if any(self.falls([*self.chosen, best])):
                self.out.add(best)
                continue
            self.chosen.append(best)
            if len(self.chosen) < 3:
                self.add_core(best)
        return self.chosen

    def add_core(self, of: int) -> None:
        cores = [at for at in self.able() if self.is_core(at, of)]
        if not cores:
            return
        core = max(cores, key=lambda at: (self.worth(at, []), abs(self.left(at, self.chosen))))
        *others, whole_falls, core_falls = self.falls([*self.chosen, core])
        if not any([*others, whole_falls, core_falls]):
            self.chosen.append(core)
        elif whole_falls and not core_falls and not any(self.falls([*self.chosen[:-1], core])):
            self.chosen[-1] = core


def test_all_features_at_once_are_chosen_for_as_one_by_one() -> None:
    found, vectors = many(400, 5, 1)
    pursuit = settled(found)
    expected = [OneByOne(found, vectors, feature).settle() for feature in range(400)]
    assert [parts(pursuit, feature) for feature in range(400)] == expected
    assert {len(each) for each in expected} == {0, 1, 2, 3}
    assert (pursuit.out & ~found.unfit).any()
    assert (pursuit.wholes() >= 0).any()


def test_what_is_named_stands_given_the_others() -> None:
    found, vectors = many(100, 7, 2)
    pursuit = settled(found)
    several = np.flatnonzero(pursuit.chosen.counts > 1)
    assert len(several) > 20
    for feature in several:
        one = OneByOne(found, vectors, feature)
        chosen = parts(pursuit, feature)
        left = [one.left(at, [other for other in chosen if other != at]) for at in chosen]
        expected = normal_log10_p(np.zeros(1), np.array(left))
        own = slice(len(chosen))
        np.testing.assert_allclose(pursuit.chosen.left[feature, own], left, rtol=1e-5)
        np.testing.assert_allclose(pursuit.chosen.log10_p[feature, own], expected, rtol=1e-3)
        assert (expected <= THRESHOLD + 1e-3).all()


def test_a_feature_does_not_depend_on_the_others() -> None:
    found, _ = many(60, 7, 2)
    together = settled(found)
    others = left_out(together, 4)
    for feature in range(60):
        own = np.flatnonzero(found.feature == feature)
        of = ("token_set", "z", "variance", "slight", "chance", "last")
        columns = {name: getattr(found, name)[own] for name in of}
        columns["feature"] = np.zeros(len(own), int)
        telling = only(found.telling, own)
        alone = settled(replace(found, n_features=1, telling=telling, **columns))
        np.testing.assert_array_equal(
            alone.chosen.token_sets[0], together.chosen.token_sets[feature]
        )
        np.testing.assert_array_equal(alone.chosen.log10_p[0], together.chosen.log10_p[feature])
        by_itself = left_out(alone, 4)
        mine = found.feature[others.candidate] == feature
        np.testing.assert_array_equal(own[by_itself.candidate], others.candidate[mine])
        np.testing.assert_array_equal(by_itself.reason, others.reason[mine])
        np.testing.assert_array_equal(own[by_itself.by], others.by[mine])
        np.testing.assert_array_equal(by_itself.z, others.z[mine])


def only(telling: Telling, own: np.ndarray) -> Telling:
    """What some candidates tell."""
    of = ("row", "held", "size", "name")
    return replace(telling, **{name: getattr(telling, name)[own] for name in of})


def test_the_strongest_that_are_not_named_are_listed_first() -> None:
    found, _ = many(60, 7, 3)
    pursuit = settled(found)
    listed = left_out(pursuit, 4).candidate
    for feature in range(60):
        own = np.flatnonzero(found.feature == feature)
        others = [at for at in own if at not in parts(pursuit, feature)]
        expected = sorted(others, key=lambda at: -abs(found.z[at]))[:4]
        assert listed[found.feature[listed] == feature].tolist() == expected
