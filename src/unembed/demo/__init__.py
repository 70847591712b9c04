"""The embedded demo: a language model's unembedding, an SAE of it, and some of its neurons."""

from pathlib import Path

MODEL = Path(__file__).parent / "SmolLM2-135M-Instruct"
"""A model folder as any other; see its NOTICE.md for the source and licence."""

SAE = Path(__file__).parent / "SmolLM2-135M-Instruct-SAE"
"""A SAELens folder as any other, less its encoder; see its README.md, the model card."""

FEATURES = (str(SAE), "mlp:10,20,26,29")
"""What `unembed demo` analyses: 8,192 SAE features and 6,144 MLP neurons."""
