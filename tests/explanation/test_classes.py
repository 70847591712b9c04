"""Where classes are cut."""

from __future__ import annotations

import numpy as np
import pytest

from unembed import ExplanationSettings, UnembedError
from unembed.enrichment.simulated_null import SimulatedNull, no_scores
from unembed.explanation import CLASSES, Envelope
from unembed.explanation.classes import classify
from unembed.sweep import TailKurtosis, tail_kurtosis
from unembed.sweep.bins import bin_edges

ENVELOPE = Envelope(4.0, -0.2, 0.3, left_tail_above=4.5, right_tail_above=5.0)


@pytest.mark.parametrize(
    ("left", "right", "states", "expected"),
    [
        (3, 5.1, "", "prediction"),
        (4.6, 3, "", "suppression"),
        (4.6, 5.1, "", "two-sided"),
        (4.5, 5.0, "", "diffuse"),
        (3, 3, "splits", "partition"),
        (3, 9, "splits", "prediction"),
        (3, 9, "dead", "dead"),
        (3, 3, "splits dead", "dead"),
        (0, 0, "flat dead", "flat"),
        (3, 3, "", "diffuse"),
    ],
)
def test_class(left: float, right: float, states: str, expected: str) -> None:
    found = classify(
        TailKurtosis(np.array([left]), np.array([right])), ENVELOPE,
        **{name: np.array([name in states]) for name in ("splits", "dead", "flat")},
    )  # fmt: skip
    assert found.tolist() == [expected]
    assert expected in CLASSES


def test_the_envelope_holds_its_share() -> None:
    random = np.random.default_rng(0)
    values = {
        name: random.gamma(3, size=20_000)
        for name in ("std", "skewness", "kurtosis", "left_tail", "right_tail")
    }
    nothing = np.zeros(0)
    null = SimulatedNull(*values.values(), nothing, nothing, *no_scores())
    envelope = Envelope.of(null, 0.98)
    assert (null.kurtosis > envelope.kurtosis_above).mean() == pytest.approx(0.02, abs=1e-3)
    for values, cut in (
        (null.skewness, envelope.skewness_above),
        (null.left_tail, envelope.left_tail_above),
        (null.right_tail, envelope.right_tail_above),
    ):
        assert (values > cut).mean() == pytest.approx(0.01, abs=1e-3)
    assert (null.skewness < envelope.skewness_below).mean() == pytest.approx(0.01, abs=1e-3)


@pytest.mark.parametrize("spread", [1, 3])
def test_tails_of_a_histogram_are_those_of_the_values(spread: int) -> None:
    random = np.random.default_rng(1)
    z = np.concatenate([random.standard_normal(50_000), -spread * random.random(500) ** 2])
    z = (z - z.mean()) / z.std()
    found = tail_kurtosis(np.histogram(z, bin_edges())[0][None])
    for side, kurtosis in ((z < 0, found.left[0]), (z > 0, found.right[0])):
        assert kurtosis == pytest.approx(2 * (side * z**4).mean(), rel=5e-3)
    assert (found.left + found.right)[0] / 2 == pytest.approx((z**4).mean(), rel=5e-3)
    assert tail_kurtosis(np.zeros((1, 202), int)) == (0, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"envelope": 1.0}, "share of the random directions from 0.5 to below 1"),
        ({"split_variance": 0}, "share between 0 and 1"),
        ({"parts": 4}, "1 to 3 parts"),
        ({"max_q": 0}, "above 0 and at most 1"),
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(UnembedError, match=message):
        ExplanationSettings(**wrong)
