"""The direction test on features: scores, signs, calibration, nulls and odd input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import false_discovery_control, kstest, pearsonr

from tests.tokensets.vocabularies import default_sets
from unembed import Features, Unembedding, Vocabulary, prepare_unembedding
from unembed.demo import MODEL as DEMO_MODEL
from unembed.enrichment import Contrast, DirectionTest, SecondMoment, direction_test
from unembed.enrichment.discovery_rate import DiscoveryRate, log10_q, threshold
from unembed.enrichment.effects import effects_of
from unembed.errors import ShapeError, TokenSetError, UnembedError, WeightError
from unembed.load import load_unembedding
from unembed.sweep import Sweep
from unembed.tokensets import TokenSets


@pytest.fixture(scope="module")
def smollm2() -> Unembedding:
    return load_unembedding(DEMO_MODEL)


@pytest.fixture
def sets(vocabulary: Vocabulary) -> TokenSets:
    members = {"few": [1, 2, 3], "some": range(10, 40), "half": range(1, 101), "nested": [2, 3]}
    return TokenSets.from_ids(members, vocabulary)


def exact_t(bank: Features, unembedding: Unembedding, sets: TokenSets) -> np.ndarray:
    """[F, S] from whole logit weights in float64."""
    weights = (bank.W_dec.double() @ unembedding.W_U.double().T).numpy()
    row_of = {int(token): row for row, token in enumerate(unembedding.token_ids)}
    columns = [weights[:, [row_of[i] for i in sets[name]]].mean(1) for name in sets]
    return (np.stack(columns, 1) - weights.mean(1, keepdims=True)) / weights.std(1, keepdims=True)


def prepared(
    bank: Features, unembedding: Unembedding, sets: TokenSets, moment: SecondMoment | None = None
) -> DirectionTest:
    effects = effects_of(sets, unembedding)
    return DirectionTest(Sweep(unembedding), effects, moment or SecondMoment.of(bank))


def test_z_is_the_standardised_shift(
    bank: Features, unembedding: Unembedding, sets: TokenSets
) -> None:
    test = prepared(bank, unembedding, sets)
    scores = direction_test(bank, unembedding, sets)
    expected = exact_t(bank, unembedding, sets) / test.sd
    np.testing.assert_allclose(scores.z, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(scores.log10_p, test.log10_p(scores.z))


def test_variance_inflation(bank: Features, unembedding: Unembedding, sets: TokenSets) -> None:
    """Of a W_U without structure, tokens are independent, and the classical variance is right."""
    random = torch.Generator().manual_seed(5)
    flat = prepare_unembedding(
        torch.randn(200, 160, generator=random), unembedding.vocabulary, name="flat"
    )
    wide = Features.from_array(torch.randn(2000, 160, generator=random))
    found = prepared(wide, flat, sets).variance_inflation
    np.testing.assert_allclose(found, 1, atol=0.2)


def test_blocks_do_not_matter(unembedding: Unembedding, sets: TokenSets) -> None:
    random = torch.Generator().manual_seed(1)
    many = Features.from_array(torch.randn(5000, 16, generator=random), name="many")
    seen: list[tuple[str, int, int]] = []
    told = lambda *said: seen.append(said)  # noqa: E731
    whole = direction_test(many, unembedding, sets, progress=told)
    assert seen[-1] == ("Direction test", 5000, 5000)
    assert len(seen) > 1
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    moment = SecondMoment.of(many)
    last = Features.from_array(many.W_dec[4990:], name="last")
    part = direction_test(last, unembedding, sets, null=moment)
    np.testing.assert_allclose(whole.z[4990:], part.z, rtol=1e-5, atol=1e-6)


def test_q_is_benjamini_hochberg(bank: Features, unembedding: Unembedding, sets: TokenSets) -> None:
    """Never below the exact q, and at most a 512th of a decade above."""
    towards = torch.from_numpy(effects_of(sets, unembedding).delta).float()
    strong = Features.from_array(torch.cat([bank.W_dec, 10 * towards + bank.W_dec[:4] / 10]))
    scores = direction_test(strong, unembedding, sets, null="identity")
    exact = false_discovery_control(10.0 ** scores.log10_p.astype(np.float64), axis=None)
    assert (exact < 0.05).sum() >= 5
    ratio = scores.q / exact.reshape(scores.q.shape)
    assert ratio.min() > 1 - 1e-5
    assert ratio.max() < 10 ** (1 / 512) * (1 + 1e-5)


def test_counts_of_parts_add_up() -> None:
    random = np.random.default_rng(0)
    log10_p = np.log10(random.random((300, 7))).astype(np.float32) * random.choice([1, 50], 7)
    whole, parts = DiscoveryRate(), DiscoveryRate()
    tested = np.array([True] * 6 + [False])
    whole.add(log10_p, tested)
    for part in np.array_split(log10_p, 4):
        parts.add(part, tested)
    np.testing.assert_array_equal(whole.curve(), parts.curve())
    assert whole.pairs == 1800
    passing = log10_q(log10_p, whole.curve()) <= np.log10(0.05)
    np.testing.assert_array_equal(passing, log10_p <= threshold(whole.curve(), 0.05))


def test_no_pair_passes_where_none_can() -> None:
    rate = DiscoveryRate()
    rate.add(np.zeros((5, 5), np.float32), np.ones(5, np.bool_))
    assert rate.curve()[0] == 0
    assert threshold(rate.curve(), 0.05) < np.log10(0.05 / 25) + 0.01


@pytest.mark.parametrize("dimensions", [8, 64, 576])
def test_random_directions_have_uniform_p(smollm2: Unembedding, dimensions: int) -> None:
    """On a real unembedding, for tight, broad and random sets, in few and many dimensions.

    The classical null, over tokens, is too liberal there by far.
    """
    random = torch.Generator().manual_seed(7)
    basis, _ = torch.linalg.qr(torch.randn(576, dimensions, generator=random, dtype=torch.float64))
    falling = torch.arange(1, dimensions + 1).double() ** -0.5
    matrix = basis @ torch.diag(falling / falling.sum()) @ basis.T
    moment = SecondMoment(matrix, "planted", 0.0, 10**6)
    library = default_sets("smollm2").select(["months", "pronouns_second_person", "leading_space"])
    anyone = np.random.default_rng(1).choice(smollm2.token_ids, 300, replace=False)
    mine = TokenSets.from_ids({"random": anyone}, library.vocabulary)
    for sets in (library, mine):
        test = prepared(Features.from_array(torch.ones(1, 576)), smollm2, sets, moment)
        rows = test.sweep.standardised(moment.draw(4000, 11))
        z = test.z(rows.scaled)
        p = 10.0 ** test.log10_p(z)
        for at, name in enumerate(sets):
            assert kstest(p[:, at], "uniform").pvalue > 1e-3, name
        classical = np.abs(z * np.sqrt(test.variance_inflation))
        np.testing.assert_allclose(z.std(0), 1, atol=0.05)
        if "random" not in sets:
            assert ((classical > 2.576).mean(0) > 0.1).all(), "not 1 %"


def test_planted_features_are_found_with_their_sign(smollm2: Unembedding) -> None:
    sets = default_sets("smollm2").filter(family="time,grammar/pronouns".split(","))
    effects = effects_of(sets, smollm2)
    moment = SecondMoment.identity(576)
    noise = moment.draw(2, 3).double()
    at = [effects.names.index("months"), effects.names.index("pronouns_reflexive")]
    planted = torch.from_numpy(effects.delta[at])
    rows = 3 * planted / planted.norm(dim=1, keepdim=True) * torch.tensor([[1.0], [-1.0]])
    bank = Features.from_array(rows + noise * 2)
    scores = direction_test(bank, smollm2, sets, null=moment)
    months, reflexive = scores.z[0], scores.z[1]
    assert effects.names[int(months.argmax())] == "months"
    assert effects.names[int(reflexive.argmin())] == "pronouns_reflexive"
    assert scores.q[0, at[0]] < 1e-4
    assert scores.q[1, at[1]] < 1e-4


def test_contrasts(bank: Features, unembedding: Unembedding, sets: TokenSets) -> None:
    pair = [Contrast(sets, "few", "some"), Contrast(sets, "some", "few")]
    scores = direction_test(bank, unembedding, pair)
    np.testing.assert_allclose(scores.z[:, 0], -scores.z[:, 1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scores.log10_p[:, 0], scores.log10_p[:, 1], rtol=1e-3, atol=1e-4)
    effects = effects_of(pair, unembedding)
    assert effects.names == ("few − some", "some − few")
    t = exact_t(bank, unembedding, sets)
    test = DirectionTest(Sweep(unembedding), effects, SecondMoment.of(bank))
    np.testing.assert_allclose(scores.z[:, 0] * test.sd[0], t[:, 0] - t[:, 1], atol=1e-4)


def test_t_of_a_property_is_its_correlation(bank: Features, unembedding: Unembedding) -> None:
    lengths = np.array([len(text) for text in unembedding.vocabulary.texts], float)
    lengths += np.arange(200) ** 0.5
    effects = effects_of({"length": lengths}, unembedding)
    test = DirectionTest(Sweep(unembedding), effects, SecondMoment.of(bank))
    scores = direction_test(bank, unembedding, {"length": lengths})
    weights = (bank.W_dec.double() @ unembedding.W_U.double().T).numpy()
    for row in range(5):
        expected = pearsonr(weights[row], lengths[unembedding.token_ids]).statistic
        assert scores.z[row, 0] * test.sd[0] == pytest.approx(expected, abs=1e-5)


class TestMoment:
    def test_one_feature_is_no_measure_of_directions(self) -> None:
        moment = SecondMoment.of(Features.from_array(torch.randn(1, 12)))
        torch.testing.assert_close(moment.matrix, SecondMoment.identity(12).matrix)

    def test_many_features_are(self) -> None:
        scales = torch.linspace(0.1, 3, 12)
        rows = torch.randn(20_000, 12, generator=torch.Generator().manual_seed(0)) * scales
        moment = SecondMoment.of(Features.from_array(rows * torch.rand(20_000, 1)))
        unit = torch.nn.functional.normalize(rows).double()
        assert moment.shrinkage < 0.01
        torch.testing.assert_close(moment.matrix, unit.T @ unit / len(unit), rtol=0, atol=1e-3)
        assert float(moment.matrix.trace()) == pytest.approx(1)

    def test_shrinking_comes_nearer_to_the_truth(self) -> None:
        """With fewer features than dimensions."""
        scales = torch.linspace(0.2, 1, 40)
        truth = torch.diag(scales**2 / (scales**2).sum()).double()
        rows = torch.randn(20, 40, generator=torch.Generator().manual_seed(0)) * scales
        bank = Features.from_array(rows)
        unit = torch.nn.functional.normalize(rows).double()
        moment = SecondMoment.of(bank)
        assert 0 < moment.shrinkage <= 1
        raw = (unit.T @ unit / 20 - truth).norm()
        assert (moment.matrix - truth).norm() < 0.5 * raw

    def test_zero_rows_do_not_count(self) -> None:
        rows = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
        padded = torch.cat([torch.zeros(30, 6), rows])
        one, other = (SecondMoment.of(Features.from_array(each)) for each in (rows, padded))
        torch.testing.assert_close(one.matrix, other.matrix)

    def test_a_dead_bank(self) -> None:
        with pytest.raises(WeightError, match="identity"):
            SecondMoment.of(Features.from_array(torch.zeros(3, 6)))

    def test_draws(self) -> None:
        moment = SecondMoment.of(Features.from_array(torch.randn(500, 6) * torch.arange(1, 7)))
        draws = moment.draw(200_000, 1).double()
        torch.testing.assert_close(draws.T @ draws / 200_000, moment.matrix, atol=3e-3, rtol=0)
        assert torch.equal(moment.draw(5, 1), moment.draw(5, 1))
        assert not torch.equal(moment.draw(5, 1), moment.draw(5, 2))

    def test_another_banks_null(
        self, bank: Features, unembedding: Unembedding, sets: TokenSets
    ) -> None:
        other = Features.from_array(torch.randn(300, 16) * torch.arange(1, 17))
        by_bank = direction_test(bank, unembedding, sets, null=other)
        by_moment = direction_test(bank, unembedding, sets, null=SecondMoment.of(other))
        np.testing.assert_array_equal(by_bank.z, by_moment.z)
        assert not np.allclose(by_bank.z, direction_test(bank, unembedding, sets).z)


class TestOddInput:
    def test_sets_that_cannot_be_tested(self, bank: Features, unembedding: Unembedding) -> None:
        """None, one, all but one, and all tokens."""
        members = {"none": [], "one": [7], "all but one": range(2, 200), "all": range(1, 200)}
        sets = TokenSets.from_ids(members, unembedding.vocabulary)
        scores = direction_test(bank, unembedding, sets)
        for column in (0, 3):
            assert not scores.z[:, column].any()
            assert not scores.log10_p[:, column].any()
            assert (scores.q[:, column] == 1).all()
        for column in (1, 2):
            assert np.isfinite(scores.z[:, column]).all()
            assert (scores.log10_p[:, column] < 0).all()
            assert np.isfinite(scores.log10_p).all()

    def test_one_set_and_the_rest_are_opposite(
        self, bank: Features, unembedding: Unembedding
    ) -> None:
        members = {"half": range(1, 100), "rest": range(100, 200)}
        sets = TokenSets.from_ids(members, unembedding.vocabulary)
        scores = direction_test(bank, unembedding, sets)
        np.testing.assert_allclose(scores.z[:, 0], -scores.z[:, 1], rtol=1e-3, atol=1e-4)

    def test_the_same_twice(self, bank: Features, unembedding: Unembedding) -> None:
        members = {"one": [4, 5, 6], "again": [6, 5, 4]}
        sets = TokenSets.from_ids(members, unembedding.vocabulary)
        scores = direction_test(bank, unembedding, sets)
        np.testing.assert_array_equal(scores.z[:, 0], scores.z[:, 1])
        same = direction_test(bank, unembedding, [Contrast(sets, "one", "again")])
        assert not same.z.any()
        assert (same.q == 1).all()

    def test_dead_features(self, unembedding: Unembedding, sets: TokenSets) -> None:
        rows = torch.randn(6, 16, generator=torch.Generator().manual_seed(0))
        rows[2] = 0
        scores = direction_test(Features.from_array(rows), unembedding, sets)
        assert not scores.z[2].any()
        assert (scores.q[2] == 1).all()
        alive = Features.from_array(rows[[0, 1, 3, 4, 5]])
        np.testing.assert_allclose(
            np.delete(scores.q, 2, 0), direction_test(alive, unembedding, sets).q, rtol=1e-4
        )

    def test_tiny_and_huge_features(
        self, bank: Features, unembedding: Unembedding, sets: TokenSets
    ) -> None:
        scaled = Features.from_array(bank.W_dec * torch.logspace(-12, 12, 50)[:, None])
        np.testing.assert_allclose(
            direction_test(scaled, unembedding, sets).z,
            direction_test(bank, unembedding, sets).z,
            rtol=1e-4, atol=1e-5,
        )  # fmt: skip

    def test_an_unembedding_row_of_equal_tokens(self, vocabulary: Vocabulary) -> None:
        """Two tokens with one row: a contrast of them is nothing."""
        W_U = torch.randn(200, 16, generator=torch.Generator().manual_seed(0))
        W_U[4] = W_U[5]
        unembedding = prepare_unembedding(W_U, vocabulary)
        sets = TokenSets.from_ids({"a": [4], "b": [5]}, vocabulary)
        bank = Features.from_array(torch.randn(4, 16))
        assert (direction_test(bank, unembedding, [Contrast(sets, "a", "b")]).q == 1).all()

    def test_no_sets(self, bank: Features, unembedding: Unembedding) -> None:
        none = TokenSets.from_ids({}, unembedding.vocabulary)
        with pytest.raises(UnembedError, match="at least one"):
            direction_test(bank, unembedding, none)

    def test_sets_of_another_vocabulary(self, bank: Features, unembedding: Unembedding) -> None:
        other = Vocabulary.from_texts([f" other{i}" for i in range(200)])
        sets = TokenSets.from_ids({"a": [1, 2]}, other)
        with pytest.raises(TokenSetError, match="their tokens differ"):
            direction_test(bank, unembedding, sets)

    def test_sets_of_the_vocabulary_before_padding(self, vocabulary: Vocabulary) -> None:
        W_U = torch.randn(256, 16, generator=torch.Generator().manual_seed(0))
        unembedding = prepare_unembedding(W_U, vocabulary)
        bank = Features.from_array(torch.randn(4, 16))
        sets = TokenSets.from_ids({"a": [1, 2]}, vocabulary)
        padded = TokenSets.from_ids({"a": [1, 2]}, unembedding.vocabulary)
        np.testing.assert_array_equal(
            direction_test(bank, unembedding, sets).z, direction_test(bank, unembedding, padded).z
        )

    def test_masked_tokens(self, bank: Features, unembedding: Unembedding) -> None:
        texts = unembedding.vocabulary.texts
        unmasked = Vocabulary.from_texts(texts)
        sets = TokenSets.from_ids({"a": [0, 2]}, unmasked)
        with pytest.raises(TokenSetError, match="masked"):
            direction_test(bank, unembedding, sets)

    def test_widths(self, unembedding: Unembedding, sets: TokenSets) -> None:
        narrow = Features.from_array(torch.randn(4, 8))
        with pytest.raises(ShapeError, match="wide"):
            direction_test(narrow, unembedding, sets)
        bank = Features.from_array(torch.randn(4, 16))
        with pytest.raises(ShapeError, match="wide"):
            direction_test(bank, unembedding, sets, null=narrow)

    @pytest.mark.parametrize(
        ("values", "error", "message"),
        [
            (np.ones(7), ShapeError, "one value for each"),
            (np.full(200, np.nan), WeightError, "NaN"),
        ],
    )
    def test_properties(
        self, bank: Features, unembedding: Unembedding, values: np.ndarray,
        error: type[Exception], message: str,
    ) -> None:  # fmt: skip
        with pytest.raises(error, match=message):
            direction_test(bank, unembedding, {"x": values})

    def test_a_constant_property(self, bank: Features, unembedding: Unembedding) -> None:
        assert (direction_test(bank, unembedding, {"x": np.ones(200)}).q == 1).all()
