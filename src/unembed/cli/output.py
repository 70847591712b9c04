"""What a script reads: JSON on standard output."""

from __future__ import annotations

import json
import math


def print_json(content: object) -> None:
    """Print content as JSON, with null for infinities (a density of 0), which it cannot write."""
    print(json.dumps(_finite(content), ensure_ascii=False, indent=2, allow_nan=False))


def _finite(content: object) -> object:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
