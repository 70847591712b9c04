"""Numbers and probabilities as they are shown to people."""

from __future__ import annotations

import math


def number(value: float | None, digits: int = 2) -> str:
    """Return a number of a table; `–` where it has no value.

    >>> number(3.14159), number(None)
    ('3.14', '–')
    """
    if value is None:
        return "–"
    rounded = round(value, digits) + 0.0  # no minus before a zero
    return f"{rounded:,.{digits}f}"


def power(log10: float | None) -> str:
    """Return a probability from its logarithm, which may be below what a float can hold.

    >>> power(-0.5), power(-2.0), power(-421.5), power(None)
    ('0.316', '0.010', '3.2e-422', '–')
    """
    if log10 is None:
        return "–"
    if log10 > -3:
        return f"{10**log10:.3f}"
    exponent = math.floor(log10)
    mantissa = f"{10 ** (log10 - exponent):.1f}"
    return f"1.0e{exponent + 1}" if mantissa == "10.0" else f"{mantissa}e{exponent}"


def megabytes(size: int) -> str:
    """Return a number of bytes as people say it.

    >>> megabytes(1_260_000), megabytes(13_400_000_000)
    ('1.3 MB', '13.4 GB')
    """
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
