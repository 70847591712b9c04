"""Where classes are cut."""

from __future__ import annotations

import numpy as np
import pytest

from unembed import ExplanationSettings, UnembedError
from unembed.enrichment.simulated_null import SimulatedNull, no_scores
from unembed.explanation import CLASSES, Envelope
from unembed.explanation.classes import classify
from unembed.sweep import FeatureStatistics

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
    tails = {"left_tail": np.array([left]), "right_tail": np.array([right])}
    nothing = dict.fromkeys(FeatureStatistics._fields, np.zeros(1))
    statistics = FeatureStatistics(**{**nothing, **tails, "flat": np.array(["flat" in states])})
    found = classify(
        statistics, ENVELOPE,
        **{name: np.array([name in states]) for name in ("splits", "dead")},
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
    assert envelope.left_tail_above == envelope.right_tail_above
    assert envelope.skewness_below == -envelope.skewness_above
    both_tails = np.concatenate([null.left_tail, null.right_tail])
    either_way = np.concatenate([null.skewness, -null.skewness])
    assert (both_tails > envelope.right_tail_above).mean() == pytest.approx(0.01, abs=1e-3)
    assert (either_way > envelope.skewness_above).mean() == pytest.approx(0.01, abs=1e-3)


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
