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

THROUGH_LENS = ("mlp.10", "mlp.20", "mlp.26")
"""Of these the banks that it reads through the lens, too; behind layer 29 nothing follows."""

REFERENCE = "demo:"
"""What a path within the demo begins with where a run is published: it is on every machine."""


def reference_to(path: Path) -> str:
    """Return how a path within the demo is named on any machine.

    >>> reference_to(MODEL)
    'demo:SmolLM2-135M-Instruct'

    Raises:
        ValueError: when it lies elsewhere.
    """
    return f"{REFERENCE}{path.relative_to(Path(__file__).parent).as_posix()}"


def path_of(reference: str) -> Path:
    """Return the path here that `reference_to` named; any other text as it is.

    >>> path_of("demo:SmolLM2-135M-Instruct") == MODEL
    True
    """
    inside = reference.removeprefix(REFERENCE)
    if inside == reference or ".." in Path(inside).parts or Path(inside).is_absolute():
        return Path(reference)
    return Path(__file__).parent / inside
