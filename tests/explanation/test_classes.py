"""Where classes are cut."""

from __future__ import annotations

import numpy as np
import pytest

from unembed import ExplanationSettings, UnembedError
from unembed.explanation import CLASSES, Envelope
from unembed.explanation.classes import classify

ENVELOPE = Envelope(kurtosis_above=4.0, skewness_below=-0.2, skewness_above=0.3)


@pytest.mark.parametrize(
    ("kurtosis", "skewness", "states", "expected"),
    [
        (5, 0.4, "", "prediction"),
        (5, -0.3, "", "suppression"),
        (5, 0.1, "", "two-sided"),
        (5, 0.3, "", "two-sided"),
        (4, 0.9, "", "diffuse"),
        (3, 0.0, "splits", "partition"),
        (5, 0.4, "splits", "prediction"),
        (5, 0.4, "dead", "dead"),
        (3, 0.0, "splits dead", "dead"),
        (0, 0.0, "flat dead", "flat"),
        (3, 0.0, "", "diffuse"),
    ],
)
def test_class(kurtosis: float, skewness: float, states: str, expected: str) -> None:
    found = classify(
        np.array([skewness]), np.array([kurtosis]), ENVELOPE,
        **{name: np.array([name in states]) for name in ("splits", "dead", "flat")},
    )  # fmt: skip
    assert found.tolist() == [expected]
    assert expected in CLASSES


def test_the_envelope_holds_its_share() -> None:
    random = np.random.default_rng(0)
    skewness, kurtosis = random.standard_normal(20_000), random.gamma(3, size=20_000)
    envelope = Envelope.of(skewness, kurtosis, 0.98)
    assert (kurtosis > envelope.kurtosis_above).mean() == pytest.approx(0.02, abs=1e-3)
    assert (skewness > envelope.skewness_above).mean() == pytest.approx(0.01, abs=1e-3)
    assert (skewness < envelope.skewness_below).mean() == pytest.approx(0.01, abs=1e-3)


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
