"""JSON that every reader takes: what is no number is null."""

from __future__ import annotations

import json
import math

from unembed.visible import ACTING


def dumps(content: object, *, indent: int | None = None) -> str:
    r"""Return content as JSON, with null for NaN and infinities (a density of 0), which it has not.

    What acts on a terminal, reorders a line or is half a character is escaped: any stream can
    write it, and every reader has the same text back.

    >>> dumps({"kurtosis": float("nan"), "token": " é"})
    '{"kurtosis": null, "token": " é"}'
    >>> print(dumps("\u202e\U000e0001\ud800"))
    "\u202e\udb40\udc01\ud800"
    """
    try:
        found = _dumps(content, indent)
    except ValueError:  # a number that JSON has not, which is rare: looking for it costs as much
        found = _dumps(_finite(content), indent)
    return ACTING.sub(lambda character: json.dumps(character[0])[1:-1], found)


def _dumps(content: object, indent: int | None) -> str:
    return json.dumps(content, ensure_ascii=False, indent=indent, allow_nan=False)


def _finite(content: object) -> object:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
