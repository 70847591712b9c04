"""The embedded demo: a model's unembedding, an SAE of it, some of its neurons, and a lens."""

from pathlib import Path

MODEL = Path(__file__).parent / "SmolLM2-135M-Instruct"
"""A model folder as any other; see its NOTICE.md for the source and licence."""

SAE = Path(__file__).parent / "SmolLM2-135M-Instruct-SAE"
"""A SAELens folder as any other, less its encoder; see its README.md, the model card."""

LENS = Path(__file__).parent / "SmolLM2-135M-Instruct-lens" / "jacobian.safetensors"
"""A Jacobian lens of layers 10, 20 and 26; see the README.md beside it."""

FEATURES = (str(SAE), "mlp:10,20,26,29")
"""What `unembed demo` analyses: 8,192 SAE features and 6,144 MLP neurons."""

READ = "mlp:29"
"""Of these the neurons whose gate and up projections are there: `unembed demo --side both`."""

THROUGH_LENS = ("mlp.10", "mlp.20", "mlp.26")
"""Of these the banks that it reads through the lens, too; behind layer 29 nothing follows."""
