"""Where the line of significance lies in a picture of p-values."""

from __future__ import annotations

from unembed.questions.run import Run


def max_q_of(run: Run) -> float:
    """Return the false discovery rate that the run calls significant."""
    return run.tested.max_q


def significant_from(run: Run, bank: str) -> float:
    """Return the least −log10 p of a bank's significant pairs; infinite where none is."""
    return -run.scores.threshold(bank)


def percent(share: float) -> str:
    """Return a share as it is said: `5 %`.

    >>> percent(0.05), percent(0.001)
    ('5 %', '0.1 %')
    """
    return f"{100 * share:g} %"
