"""JSON that every reader takes: what is no number is null."""

from __future__ import annotations

import json
import math


def dumps(content: object, *, indent: int | None = None) -> str:
    """Return content as JSON, with null for NaN and infinities (a density of 0), which it has not.

    >>> dumps({"kurtosis": float("nan"), "token": " é"})
    '{"kurtosis": null, "token": " é"}'
    """
    try:
        return json.dumps(content, ensure_ascii=False, indent=indent, allow_nan=False)
    except ValueError:  # a number that JSON has not, which is rare: looking for it costs as much
        return json.dumps(_finite(content), ensure_ascii=False, indent=indent, allow_nan=False)


def _finite(content: object) -> object:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
