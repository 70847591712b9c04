"""Lenses: ways to look from the residual stream at the vocabulary."""

from __future__ import annotations

from typing import Literal

Lens = Literal["logit", "cosine"]
"""`logit`, or `cosine`: every row of W_U of unit length, and every feature too."""
LENSES: tuple[Lens, ...] = ("logit", "cosine")
EMBEDDING = "embedding"
"""What stands for a lens where features are read by what they read: the embedding's rows."""
