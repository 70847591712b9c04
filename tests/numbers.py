"""Numbers in a text, held against the numbers that something gives."""

from __future__ import annotations

import re
from collections.abc import Iterator

NUMBER = re.compile(r"(?<![\w.,])[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?![\w]|\.\d)")
SLACK = 1e-3
"""Relative: the last digits of float32 products differ from machine to machine."""


def numbers(text: str) -> Iterator[tuple[float, float]]:
    """Each number of a text, and half a unit of its last digit."""
    for found in NUMBER.findall(text):
        number = found.replace("−", "-").replace(",", "")
        mantissa, _, exponent = number.partition("e")
        decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
        yield float(number), 0.5 * 10.0**-decimals


def misses(said: str, given: str) -> list[float]:
    """The numbers that are said and not given, to as many digits as are said."""
    values = [value for value, _ in numbers(given)]
    return [
        number
        for number, half in numbers(said)
        if not any(abs(number - value) <= half * 1.001 + SLACK * abs(value) for value in values)
    ]
