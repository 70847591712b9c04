"""What a person sees: tokens, numbers, histograms, summaries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch

from unembed import Features, Run, Unembedding, analyze
from unembed.numerals import number
from unembed.outside.text import quoted
from unembed.questions import overview
from unembed.questions.summary import banks_at_a_glance
from unembed.sweep.bins import N_BINS
from unembed.terminal import histogram


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" your", "' your'"),
        ("\n\n", "'\\n\\n'"),
        (" '", '" \'"'),
        ("\u200b", "'\\u200b'"),
        ("\x1b[31m", "'\\x1b[31m'"),
        ("é", "'é'"),
    ],
)
def test_tokens_can_be_seen_and_cannot_harm_a_terminal(text: str, shown: str) -> None:
    assert quoted(text) == shown


def test_a_number_that_rounds_to_zero_has_no_sign() -> None:
    assert number(-0.0001) == "0.00"
    assert number(1234.5, 1) == "1,234.5"


def lines(counts: np.ndarray) -> list[str]:
    return str(histogram.draw(counts.tolist())).splitlines()


def test_histogram_draws_every_token_somewhere() -> None:
    counts = np.zeros(N_BINS, int)
    counts[101] = 50_000
    counts[0] = counts[N_BINS - 1] = 1
    bottom = lines(counts)[-2]
    assert [index for index, cell in enumerate(bottom) if cell != " "] == [0, 40, 79]


def test_histogram_is_symmetric_for_symmetric_counts() -> None:
    counts = np.zeros(N_BINS, int)
    for z in (1, 2, 3, 4):
        counts[101 - 10 * z : 101 - 10 * z + 2] = 10**z
        counts[101 + 10 * z - 2 : 101 + 10 * z] = 10**z
    for line in lines(counts)[:-1]:
        padded = line.ljust(80)
        assert padded == padded[::-1]


def test_summary_by_bank(demo_run: Run) -> None:
    row = banks_at_a_glance(demo_run).filter(bank="mlp.20").row(0, named=True)
    frame = demo_run.features.filter(bank="mlp.20")
    assert row["features"] == 1536
    assert row["flat"] == 0
    assert row["kurtosis_median"] == pytest.approx(np.median(frame["kurtosis"]))
    assert row["skewness_p1"] == pytest.approx(
        scipy.stats.mstats.mquantiles(frame["skewness"], 0.01, 1, 1)[0], abs=0.02
    )


def test_summary_lists_each_banks_heaviest_tails(demo_run: Run) -> None:
    facts, share = overview(demo_run), 10 // len(demo_run.banks)
    for side, sign in (("prediction", 1), ("suppression", -1)):
        for bank in demo_run.banks:
            shown = [row for row in facts[side] if row["bank"] == bank]
            frame = demo_run.features.filter(bank=bank)
            one_sided = frame.filter(sign * frame["skewness"] > 0)["kurtosis"]
            assert [row["kurtosis"] for row in shown] == one_sided.top_k(share).to_list()


def test_summary_of_many_banks_shows_one_of_each(
    tmp_path: Path, unembedding: Unembedding, random: torch.Generator
) -> None:
    banks = [
        Features.from_array(torch.randn(40, 16, generator=random), name=f"b{i}") for i in range(12)
    ]
    facts = overview(analyze(unembedding, banks, tmp_path / "run"))
    for side in ("prediction", "suppression"):
        assert [row["bank"] for row in facts[side]] == [bank.name for bank in banks]
