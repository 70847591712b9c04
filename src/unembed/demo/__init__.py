"""The embedded demo: SmolLM2-135M-Instruct's unembedding and four layers of its neurons."""

from pathlib import Path

MODEL = Path(__file__).parent / "SmolLM2-135M-Instruct"
"""A model folder as any other; see its NOTICE.md for the source and licence."""

FEATURES = ("mlp:10,20,26,29",)
