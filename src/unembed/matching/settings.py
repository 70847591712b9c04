"""How matches are chosen, and what they are held against."""

from __future__ import annotations

from typing import Literal

By = Literal["z", "cosine"]
LEVEL = 0.01
"""The share of random directions that reach the z from which a match counts."""
DIRECTIONS = 1000
FEWEST_DIRECTIONS = 100
