"""A reference to a model becomes the model, of which nothing is read yet."""

from __future__ import annotations

from pathlib import Path

from unembed.errors import FormatError
from unembed.load.models.gguf_model import GGUFModel
from unembed.load.models.huggingface import HuggingFaceModel
from unembed.load.models.model import Model
from unembed.load.models.short_names import repository_of
from unembed.load.reference import Place, on_disk, resolve


def load_model(reference: str | Path) -> Model:
    """Return the model a reference names: a Hugging Face style folder or a GGUF file.

    Args:
        reference: a folder, a `.gguf` file, a hub repository, or a short name (`gemma-2-2b`).

    Raises:
        SourceError: when there is nothing there.
        FormatError: when it is no model.
    """
    place = model_place(reference)
    if place.file is None:
        return HuggingFaceModel(place.folder)
    if place.file.endswith(".gguf"):
        return GGUFModel(place.path(), place.folder.fetch)
    raise FormatError(
        f"{place.name} is no model. Give a folder with config.json and safetensors, a .gguf "
        "file, or a hub repository."
    )


def model_place(reference: str | Path) -> Place:
    """Return where a model lies; its short name stands for its hub repository.

    Raises:
        SourceError: when there is no such path and it cannot be a repository either.
    """
    text = str(reference)
    if isinstance(reference, Path) or on_disk(text) is not None:
        return resolve(reference)
    repository = repository_of(text)
    return resolve(text if repository == text else f"hf:{repository}")
