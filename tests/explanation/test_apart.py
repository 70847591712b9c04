"""What sets a feature apart from the nearest of its label, held against plain loops over sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from unembed.explanation import apart
from unembed.explanation.apart import Compared, Difference, End

V = 50_000
STANDS_OUT = stats.norm.isf(0.005 / V)
"""About 5.2."""


def end(*lists: Sequence[tuple[str, float]]) -> tuple[End, dict[str, int]]:
    """An end whose words are letters: `m`, `M` are forms of one, each a token of its own."""
    tokens = {text: at for at, text in enumerate(sorted({text for of in lists for text, _ in of}))}
    lowest: dict[str, int] = {}
    for text, at in tokens.items():
        lowest.setdefault(text.lower(), at)
    ids = np.array([[tokens[text] for text, _ in of] for of in lists])
    words = np.array([[lowest[text.lower()] for text, _ in of] for of in lists])
    z = np.array([[z for _, z in of] for of in lists], np.float32)
    return End(words, ids, z), tokens


QUIET = end(*[[("x", 4.0), ("y", 3.5)]] * 7)[0]
"""The other end, where nothing stands out."""


def differences(upper: End, own: int, near: Sequence[int]) -> list[tuple[str, int, float, float]]:
    found = apart.by_words((upper, QUIET), own, near, V).differences
    return [(each.kind, each.what, round(each.z, 4), round(each.others, 4)) for each in found]


def test_a_word_that_all_neighbours_have_and_the_feature_lacks() -> None:
    upper, tokens = end(
        [("j", 9), ("a", 8), ("o", 4)],
        [("m", 10), ("j", 9), ("o", 4)],
        [("j", 9), ("M", 8), ("o", 4)],
    )
    found = differences(upper, 0, [1, 2])
    assert found[0] == ("without", tokens["m"], 4.0, 9.0), "no more than the last that it has"
    assert ("with", tokens["a"], 8.0, 4.0) in found, "theirs are at most their last"
    assert [each[0] for each in found] == ["without", "with"]


def test_the_strongest_is_so_among_all_that_carry_the_label() -> None:
    lists = [[("j", 12), ("o", 4)], [("j", 9), ("o", 4)], [("j", 7), ("o", 4)]]
    upper, tokens = end(*lists)
    assert differences(upper, 0, [1, 2]) == [("strongest", tokens["j"], 12.0, 8.0)]
    upper, _ = end(*lists, [("j", 12), ("o", 4)])
    assert differences(upper, 0, [1, 2]) == [], "one that is no neighbour has it as far out"


def test_the_outermost_form_of_a_word_counts() -> None:
    upper, tokens = end([("M", 12), ("m", 6), ("o", 4)], [("m", 9), ("M", 8), ("o", 4)])
    assert differences(upper, 0, [1]) == [("strongest", tokens["M"], 12.0, 9.0)]
    assert differences(upper, 1, [0]) == []


def test_words_that_any_direction_reaches_are_not_compared() -> None:
    upper, _ = end([("a", STANDS_OUT - 0.01), ("o", 3)], [("b", STANDS_OUT - 0.01), ("o", 3)])
    assert apart.by_words((upper, QUIET), 0, [1], V) == Compared(0, [])
    upper, _ = end([("a", STANDS_OUT + 0.01), ("o", 3)], [("b", STANDS_OUT + 0.01), ("o", 3)])
    compared = apart.by_words((upper, QUIET), 0, [1], V)
    assert compared.number == 2
    assert {each.kind for each in compared.differences} == {"with", "without"}


def test_one_of_five_neighbours_may_be_otherwise_but_none_of_four() -> None:
    have, lack = [("m", 9), ("o", 4)], [("q", 9), ("o", 4)]
    for neighbours, exceptions, said in ((5, 1, True), (5, 2, False), (4, 0, True), (4, 1, False)):
        others = [lack] * exceptions + [have] * (neighbours - exceptions)
        upper, tokens = end(lack, *others)
        lacking = ("without", tokens["m"]) in [
            each[:2] for each in differences(upper, 0, range(1, neighbours + 1))
        ]
        upper, tokens = end(have, *(lack if each is have else have for each in others))
        having = ("with", tokens["m"]) in [
            each[:2] for each in differences(upper, 0, range(1, neighbours + 1))
        ]
        assert (lacking, having) == (said, said), (neighbours, exceptions)


def test_both_ends_are_compared_and_the_lower_one_is_said_to_be() -> None:
    lower, tokens = end([("s", 9), ("o", 4)], [("o", 4), ("p", 3)])
    found = apart.by_words((end([("x", 4)], [("x", 4)])[0], lower), 0, [1], V)
    assert found == Compared(1, [Difference("with", tokens["s"], False, 9.0, 3.0)])


def test_a_list_that_ends_further_out_than_a_word_of_theirs_says_nothing_of_it() -> None:
    upper, _ = end([("a", 12), ("b", 11)], [("m", 6), ("o", 4)])
    found = apart.by_words((upper, QUIET), 0, [1], V)
    (without,) = (each for each in found.differences if each.kind == "without")
    assert without.size < 0
    chosen = apart.apart(1, found)
    assert chosen is not None
    assert chosen.kind == "with"


@pytest.mark.parametrize("neighbours", [1, 2, 5])
@pytest.mark.parametrize("count", [1, 8])
def test_unrelated_features_seldom_differ_beyond_noise(neighbours: int, count: int) -> None:
    """By the definition: the largest of so many differences from a mean of unrelated z."""
    random = np.random.default_rng(0)
    z = random.standard_normal((40_000, count, neighbours + 1))
    largest = np.abs(z[:, :, 0] - z[:, :, 1:].mean(2)).max(1)
    beyond = (largest > apart.noise(count, neighbours)).mean()
    assert beyond == pytest.approx(0.05, abs=0.005)


def test_what_stands_out_is_what_one_random_direction_in_a_hundred_reaches() -> None:
    random = np.random.default_rng(0)
    largest = np.abs(random.standard_normal((10_000, 1500))).max(1)
    assert (largest > apart.stands_out(1500)).mean() == pytest.approx(0.01, abs=0.003)
    smallest = random.random((10_000, 300)).min(1)
    assert (smallest < 10 ** apart.least_log10_p(300)).mean() == pytest.approx(0.01, abs=0.003)


def compared(number: int, *of: tuple[str, float]) -> Compared:
    """Differences of a kind and size."""
    return Compared(number, [Difference(kind, at, True, 10 + size, 10)
                             if kind != "without" else Difference(kind, at, True, 10, 10 + size)
                             for at, (kind, size) in enumerate(of)])  # type: ignore[arg-type]  # fmt: skip


def test_the_largest_difference_beyond_noise_is_chosen() -> None:
    few, many = apart.noise(4, 5), apart.noise(400, 5)
    words = compared(3, ("with", few + 0.1), ("without", few + 0.2))
    found = apart.apart(5, words, compared(1))
    assert found is not None
    assert found.kind == "without"
    assert apart.apart(5, words, compared(397)) is None, "of more that are compared, one is larger"
    assert apart.apart(5, compared(4, ("set", few - 0.01))) is None
    found = apart.apart(5, words, compared(1, ("set", many + 1)))
    assert found is not None
    assert found.kind == "set"


def test_degree_is_spoken_of_only_where_nothing_else_is() -> None:
    both = compared(4, ("strongest", 30), ("with", 5))
    found = apart.apart(5, both)
    assert found is not None
    assert found.kind == "with"
    found = apart.apart(5, compared(4, ("strongest", 30), ("with", 1)))
    assert found is not None
    assert found.kind == "strongest"


def test_the_set_with_the_largest_difference_or_nearly_so_with_a_plain_name() -> None:
    numbers = np.array([3, 5, 8])
    z = np.array([6.0, -9.0, 8.0], np.float32)
    others = np.array([0.0, 1.0, -1.0], np.float32)
    found = apart.by_sets(numbers, z, others, np.array([False, False, False]))
    assert found == Compared(3, [Difference("set", 5, False, 9.0, -1.0)])
    assert found.differences[0].size == 10
    plain = apart.by_sets(numbers, z, others, np.array([True, False, True])).differences[0]
    assert (plain.what, plain.promotes, plain.size) == (8, True, 9.0)
    plain = apart.by_sets(numbers, z, others, np.array([True, False, False])).differences[0]
    assert plain.what == 5, "a plain name that says much less is none"
    none = np.array([], np.int64)
    assert apart.by_sets(none, z[:0], others[:0], none.astype(bool)) == Compared(0, [])


def test_who_else_is_like_it_is_counted_over_all_that_carry_the_label() -> None:
    upper, tokens = end(
        [("m", 9), ("o", 4)], [("M", 7), ("o", 4)], [("q", 9), ("o", 4)], [("q", 9), ("o", 4)],
        [("o", 4), ("m", 3)],
    )  # fmt: skip
    ends = upper, QUIET
    having = Difference("with", tokens["m"], True, 9, 4)
    assert [apart.sharing(ends, own, having) for own in (0, 1, 4)] == [2, 2, 2]
    assert apart.sharing(ends, 2, having._replace(kind="without")) == 1
    assert apart.sharing(ends, 0, having._replace(kind="strongest")) == 0


def test_what_says_the_same_by_plain_sets() -> None:
    everything = set(range(60))
    random = np.random.default_rng(5)
    seen = set()
    for _ in range(400):
        one, named = (
            set(random.choice(60, random.integers(1, 60), replace=False).tolist()) for _ in range(2)
        )
        if random.random() < 0.5:  # nearly one of the sides
            one = (named if random.random() < 0.5 else everything - named) | {0, 1, 2}
        counts = len(one & named), len(one), len(named), 60
        narrow = len(one & named) / min(len(one), len(named)) >= 0.5
        other = everything - named
        broad = any(len(one & side) / len(one | side) >= 0.5 for side in (named, other))
        assert apart.says_the_same(*counts, splits=False) == narrow
        assert apart.says_the_same(*counts, splits=True) == broad
        seen.add((narrow, broad, len(one & named) / len(one | named) >= 0.5))
    assert len(seen) == 5, "all that can be"
