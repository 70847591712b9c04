"""Where the line of significance lies in a picture of p-values."""

from __future__ import annotations

from unembed.enrichment.discovery_rate import threshold
from unembed.store import Run
from unembed.store.enrichment import rate_path, read_rate


def max_q_of(run: Run) -> float:
    """Return the false discovery rate that the run calls significant."""
    return float(run.manifest["enrichment"]["max_q"])


def significant_from(run: Run, bank: str) -> float:
    """Return the least −log10 p of a bank's significant pairs; infinite where none is."""
    return -threshold(read_rate([run.path / rate_path(bank)]).curve(), max_q_of(run))


def percent(share: float) -> str:
    """Return a share as it is said: `5 %`.

    >>> percent(0.05), percent(0.001)
    ('5 %', '0.1 %')
    """
    return f"{100 * share:g} %"
