"""How dictionaries are compared: nothing heavy is imported here, for the command line."""

from __future__ import annotations

from typing import Literal, get_args

By = Literal["decoder", "logits", "sets"]
"""What is compared: directions, logit weights, or z over shared token sets."""
BY: tuple[By, ...] = get_args(By)
FEWEST_SETS = 20
"""Token sets over which z is compared, at least."""
CLOSE = 0.7
"""The cosine from which others call two features the same (Paulo & Belrose 2025)."""
