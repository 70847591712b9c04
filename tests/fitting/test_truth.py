"""How well logit weights tell changes: by NumPy's correlation of every pair, one at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed.errors import UnembedError
from unembed.fitting.check_settings import CheckSettings
from unembed.fitting.neutral import SENTENCES, by_length
from unembed.fitting.truth import Truth, correlations


def some(rows: int, seed: int) -> torch.Tensor:
    return torch.randn(rows, 50, generator=torch.Generator().manual_seed(seed))


def test_correlations_are_numpys_of_every_pair() -> None:
    changes, weights = 3 * some(4, 1) + 7, some(6, 2) - 2
    found = correlations(changes, weights)
    assert found.shape == (4, 6)
    for at, of in np.ndindex(4, 6):
        expected = np.corrcoef(changes[at].double(), weights[of].double())[0, 1]
        assert float(found[at, of]) == pytest.approx(expected, abs=1e-12)


def test_what_is_the_same_for_all_tokens_tells_nothing() -> None:
    changes, weights = some(2, 1), some(2, 2)
    changes[0], weights[1] = 0.1, 0
    found = correlations(changes, weights)
    assert (found != 0).tolist() == [[False, False], [True, False]]


def test_truth_is_of_the_directions_that_are_meant() -> None:
    """Own pairs are apart from all others, of either kind."""
    found = correlations(some(7, 1), some(7, 2)).numpy()
    truth = Truth.of(found, 2, 4)
    own = [found[i, i] for i in range(2, 6)]
    others = [found[i, j] for i in range(2, 6) for j in range(7) if i != j]
    assert truth.count == 4
    assert truth.correlation == pytest.approx(np.median(own))
    assert (truth.quarter, truth.three_quarters) == pytest.approx(
        (np.percentile(own, 25), np.percentile(own, 75))
    )
    assert truth.chance == pytest.approx(np.median(others))
    assert truth.chance_high == pytest.approx(np.percentile(others, 95))


def test_prompts_of_one_length_stand_together_and_none_is_lost() -> None:
    lengths = [3, 5, 3, 4, 3, 5]
    prompts = [torch.full((n,), at) for at, n in enumerate(lengths)]
    found = by_length(prompts, most=2)
    assert [tuple(each.shape) for each in found] == [(2, 3), (1, 3), (1, 4), (2, 5)]
    assert sorted(int(row[0]) for each in found for row in each) == list(range(6))


def test_the_neutral_sentences_are_a_hundred() -> None:
    assert len(set(SENTENCES)) == 100


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"features": 0}, "one feature or more"),
        ({"random": 2}, "3 random directions or more, not 24 and 2"),
        ({"prompts": 0}, "one prompt or more"),
        ({"strength": 0.0}, "strength above 0, such as 0.1, not 0.0"),
        ({"strength": float("nan")}, "strength above 0"),
        ({"dtype": "int8"}, "'int8' is no dtype"),
    ],
)
def test_settings_that_tell_nothing_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UnembedError, match=said):
        CheckSettings(**wrong)  # type: ignore[arg-type]
