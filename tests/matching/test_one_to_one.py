"""Dictionaries matched one to one: what is planted is found, and chance finds next to nothing."""

from __future__ import annotations

from inspect import unwrap

import numpy as np
import pytest
import torch
from torch import Tensor

from unembed import Unembedding, Vocabulary, prepare_unembedding
from unembed.enrichment import SecondMoment
from unembed.errors import ShapeError, UnembedError
from unembed.matching.one_to_one import OneToOne, match_one_to_one
from unembed.matching.spaces import (
    Meeting,
    Seen,
    by_directions,
    by_logit_weights,
    by_readings,
)

D = 64


def drawn(rows: int, seed: int, d: int = D) -> Tensor:
    return torch.randn(rows, d, generator=torch.Generator().manual_seed(seed))


def rotation(seed: int, d: int = D) -> Tensor:
    return torch.linalg.qr(drawn(d, seed, d))[0]


def matched(a: Tensor, b: Tensor, meeting: Meeting | None = None, **how: int) -> OneToOne:
    ours, theirs = meeting or by_directions(D)
    return match_one_to_one(
        Seen.of(a, SecondMoment.of_rows(a), ours), Seen.of(b, SecondMoment.of_rows(b), theirs),
        **how,  # type: ignore[arg-type]
    )  # fmt: skip


def model(seed: int, d: int = D, tokens: int = 900) -> Unembedding:
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(tokens)])
    return prepare_unembedding(drawn(tokens, seed, d), vocabulary, name=f"model {seed}")


def test_a_permuted_copy_is_found_again_whole() -> None:
    a, order = drawn(300, 1), torch.randperm(300, generator=torch.Generator().manual_seed(2))
    found = matched(a, 3 * a[order])
    np.testing.assert_array_equal(found.ours.fates.partner, np.argsort(order.numpy()))
    assert {*found.ours.fates.names} == {*found.theirs.fates.names} == {"again"}
    np.testing.assert_allclose(found.pairs.cosine, 1, atol=1e-6)
    assert found.assignment == "assignment"


def test_a_split_feature_a_lost_one_and_a_merged_one() -> None:
    """Of a, 0 is in two noisy halves in b, 1 in none, and 2 and 3 are one there."""
    a, noise = drawn(300, 1), drawn(300, 2)
    across = drawn(1, 3)[0]
    across -= (across @ a[0]) / (a[0] @ a[0]) * a[0]
    across *= a[0].norm() / across.norm()
    a[3] = a[2] + 0.3 * noise[3]
    b = a + 0.1 * noise
    b[0] = a[0] + across
    b[1] = drawn(1, 4)[0]
    b[3] = a[0] - across
    found = matched(a, b)
    ours, theirs = found.ours.fates, found.theirs.fates
    assert ours.names[:2].tolist() == ["split", "lost"]
    assert {ours.partner[0], *ours.piece[ours.piece_of == 0]} == {0, 3}
    assert sorted(ours.names[2:4]) == ["again", "merged"]
    assert (ours.names[4:] == "again").all()
    np.testing.assert_array_equal(ours.partner[4:], np.arange(4, 300))
    assert sorted(theirs.names[[0, 3]]) == ["again", "merged"]
    assert theirs.names[1] == "lost"
    assert theirs.names[2] == "again", "3 of the first bank adds nothing to 2 there"


def test_kin_by_way_of_the_partner_are_no_pieces() -> None:
    """A feature whose partner is its own copy has no pieces, however alike others are to it."""
    a = drawn(200, 1)
    b = torch.cat([a, a[:1] + 0.8 * drawn(1, 2)])
    found = matched(a, b)
    assert found.ours.nearest.row[0] == 0
    assert found.ours.fates.names[0] == "again"
    assert found.theirs.fates.names[200] == "merged"


def test_no_feature_is_in_two_pairs_and_none_of_zeros_in_any() -> None:
    a, b = drawn(120, 1), drawn(150, 2)
    b[:60] = a[:60] + 0.5 * b[:60]
    a[100:110] = a[:1] + 0.2 * drawn(10, 3)
    a[3] = 0
    b[4] = 0
    found = matched(a, b)
    for side in (found.pairs.ours, found.pairs.theirs):
        assert len({*side}) == len(side)
    assert 3 not in found.pairs.ours
    assert 4 not in found.pairs.theirs
    assert found.ours.nearest.row[3] == -1
    assert found.ours.live == 119
    assert found.theirs.live == 149


def test_chance_finds_one_in_a_hundred_at_most() -> None:
    """Over 8 pairs of banks, 8,000 features of either; and so do the random decoders."""
    ours, theirs, random = [], [], []
    for seed in range(8):
        found = matched(drawn(1000, 100 + seed), drawn(700, 200 + seed), seed=seed)
        ours.append(len(found.pairs.z) / 1000)
        theirs.append(len(found.pairs.z) / 700)
        random.append(found.ours.random / 1000)
        split = [found.ours.fates.names, found.theirs.fates.names]
        assert sum((names == "split").sum() for names in split) <= 1
    assert 0.003 < np.mean(ours) < 0.012
    assert np.mean(theirs) < 0.015
    assert np.mean(ours) == pytest.approx(np.mean(random), abs=0.003)


def test_a_lopsided_bank_is_found_by_chance_no_more_often() -> None:
    """Both banks write what every direction writes a little of: large cosines say nothing."""
    scale = torch.logspace(1, -0.5, D)
    shares = []
    for seed in range(6):
        found = matched(drawn(800, 10 + seed) * scale, drawn(600, 50 + seed) * scale, seed=seed)
        assert np.quantile(found.ours.nearest.cosine, 0.5) > 0.6
        shares.append(len(found.pairs.z) / 800)
    assert np.mean(shares) < 0.012


def test_a_reversed_feature_is_lost_and_its_reverse_is_told() -> None:
    a, b = drawn(200, 1), drawn(200, 2)
    b[7] = -a[5]
    found = matched(a, b)
    assert found.ours.fates.names[5] == "lost"
    assert found.ours.opposite.row[5] == 7
    assert found.ours.opposite.cosine[5] == pytest.approx(-1, abs=1e-5)
    assert found.ours.opposite.z[5] < -found.cutoff


def test_where_too_many_are_alike_they_are_each_others_best() -> None:
    a = drawn(150, 1)
    b = torch.cat([a + 0.2 * drawn(150, 2), drawn(50, 3)])
    whole, few = matched(a, b), matched(a, b, most=3)
    assert few.assignment == "mutual best"
    np.testing.assert_array_equal(few.ours.fates.partner, whole.ours.fates.partner)
    assert few.ours.random <= 3


def test_the_same_seed_gives_the_same() -> None:
    a, b = drawn(100, 1), drawn(120, 2)
    first, again, other = (matched(a, b, seed=seed).cutoff for seed in (3, 3, 4))
    assert first == again != other


def test_too_few_directions() -> None:
    with pytest.raises(UnembedError, match="at least 100 random directions, not 99"):
        matched(drawn(3, 1), drawn(3, 2), directions=99)


# ---- where two banks meet


def correlations(a: Tensor, W_a: Tensor, b: Tensor, W_b: Tensor) -> np.ndarray:
    """Of what is read of each, formed whole."""
    ours, theirs = ((x.double() @ W.double().T).numpy() for x, W in ((a, W_a), (b, W_b)))
    whole: np.ndarray = np.corrcoef(ours, theirs)
    return whole[: len(a), len(a) :]


@pytest.mark.parametrize("width", [D, 40])
def test_cosines_of_two_models_are_correlations_over_their_tokens(width: int) -> None:
    """Other matrices and another width: as if all logit weights were formed."""
    one, other = model(1).W_U + 0.7, model(2, width).W_U - 0.4  # no longer centred
    a, b = drawn(20, 3), drawn(30, 4, width)
    ours, theirs = by_readings(one, other, centred=True)
    seen = [Seen.of(x, SecondMoment.of_rows(x), half) for x, half in ((a, ours), (b, theirs))]
    cosines = (seen[0].rows.double() @ seen[1].rows.double().T).numpy()
    np.testing.assert_allclose(cosines, correlations(a, one, b, other), atol=3e-6)
    for bank, W_U, side in zip((a, b), (one, other), seen, strict=True):
        within = (side.rows.double() @ side.rows.double().T).numpy()
        np.testing.assert_allclose(within, correlations(bank, W_U, bank, W_U), atol=3e-6)


def test_one_model_is_met_as_two_of_the_same_rows_are() -> None:
    one = model(1)
    a, b = drawn(20, 3), drawn(30, 4)
    cosines = []
    for ours, theirs in (by_logit_weights(one), by_readings(one.W_U, one.W_U)):
        seen = [Seen.of(x, SecondMoment.of_rows(x), half) for x, half in ((a, ours), (b, theirs))]
        cosines.append(seen[0].rows.double() @ seen[1].rows.double().T)
    torch.testing.assert_close(cosines[0], cosines[1], atol=1e-5, rtol=0)


def test_chance_is_what_random_directions_of_the_other_bank_do() -> None:
    """Its spread, against 20,000 of them."""
    one, other = model(1), model(2, 40)
    a, b = drawn(400, 3) * torch.logspace(0.5, -0.5, D), drawn(30, 4, 40)
    ours, theirs = by_readings(one.W_U, other.W_U, centred=True)
    seen_a = Seen.of(a, SecondMoment.of_rows(a), ours)
    seen_b = Seen.of(b, SecondMoment.of_rows(b), theirs)
    sampled = seen_b.rows.double() @ seen_a.drawn(20_000, 5).double().T
    measured = sampled.square().mean(1).sqrt()
    torch.testing.assert_close(
        seen_a.chance_with(seen_b.rows).double(), measured, rtol=0.06, atol=0
    )


def test_a_rotated_copy_is_found_by_what_it_writes_and_not_by_its_directions() -> None:
    """Another basis of the stream: W_U and the decoder turned alike, as in another model."""
    one, turn = model(1), rotation(9)
    a = drawn(250, 3)
    order = torch.randperm(250, generator=torch.Generator().manual_seed(1))
    b, W_U = a[order] @ turn, one.W_U @ turn
    by_tokens = matched(a, b, by_readings(one.W_U, W_U))
    np.testing.assert_array_equal(by_tokens.ours.fates.partner, np.argsort(order.numpy()))
    assert matched(a, b).ours.fates.partner.max() < 250
    assert len(matched(a, b).pairs.z) <= 6, "directions of two bases are alike by chance alone"


def test_rows_that_do_not_belong_together() -> None:
    with pytest.raises(ShapeError, match="9 of the one and 8 of the other"):
        unwrap(by_readings)(drawn(9, 1), drawn(8, 1))  # the tests check shapes
