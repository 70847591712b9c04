"""The model that a run's W_U is of, as `transformers` can run it."""

from __future__ import annotations

from pathlib import Path

from unembed import demo
from unembed.errors import SourceError
from unembed.facts import UnembeddingFacts
from unembed.load.models.open import model_place
from unembed.load.reference import Place
from unembed.load.reopen import model_reference

_BUNDLE = demo.MODEL.parts[-3:]
"""How the path of the demo's bundle ends, in whatever installation a run was made."""


def whole_model(facts: UnembeddingFacts, model: str | Path | None = None) -> Place:
    """Return where a run's model lies.

    Args:
        facts: what the run says of its unembedding.
        model: a reference to it; None for where W_U was read. The demo's bundle has W_U and little
            more of the model, which is looked for where it was taken from.

    Raises:
        SourceError: when there is none, or it has to be said.
    """
    if model is not None:
        return model_place(model)
    try:
        reference = model_reference(facts)
    except SourceError as error:
        raise SourceError(f"{error} Say which model is to be run: --model MODEL.") from error
    if Path(reference).parts[-len(_BUNDLE) :] != _BUNDLE:
        return model_place(reference)
    found = demo.whole_model()
    if found is None:
        raise SourceError(
            "The demo holds parts of SmolLM2-135M-Instruct, and this runs all of it. Fetch, once, "
            f"the file that they were taken from (98 MB): {demo.FETCH}. Or name the model: --model "
            "HuggingFaceTB/SmolLM2-135M-Instruct, or a .gguf file of it."
        )
    return model_place(found)
