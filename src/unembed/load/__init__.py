"""Loading: a reference becomes an `Unembedding`, or banks of `Features`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from unembed.errors import FormatError
from unembed.features import Features
from unembed.load.formats.matrix import read_matrix
from unembed.load.formats.saelens import WEIGHTS, is_saelens, read_saelens
from unembed.load.models.gguf_model import GGUFModel
from unembed.load.models.huggingface import HuggingFaceModel
from unembed.load.models.model import Model
from unembed.load.models.neurons import parse_layers, read_neurons
from unembed.load.names import Source, named
from unembed.load.reference import Place, resolve
from unembed.load.several import is_pattern, places_of
from unembed.load.vocabularies import read_vocabulary
from unembed.unembedding import Lens, Unembedding, prepare_unembedding
from unembed.vocabulary import Vocabulary

__all__ = ["load_features", "load_model", "load_unembedding", "load_vocabulary"]

NEURONS = "mlp:"


def load_model(reference: str | Path) -> Model:
    """Return the model a reference names: a Hugging Face style folder or a GGUF file.

    Raises:
        SourceError: when there is nothing there.
        FormatError: when it is no model.
    """
    place = resolve(reference)
    if place.file is None:
        return HuggingFaceModel(place.folder)
    if place.file.endswith(".gguf"):
        return GGUFModel(place.path())
    raise FormatError(
        f"{place.name} is no model. Give a folder with config.json and safetensors, a .gguf "
        "file, or a hub repository."
    )


def load_vocabulary(reference: str | Path) -> Vocabulary:
    """Return the vocabulary of a model, a tokenizer's folder or a tokenizer's file.

    Raises:
        VocabularyError: when none is found there.
    """
    return read_vocabulary(resolve(reference))


def load_unembedding(
    reference: str | Path | Model,
    *,
    lens: Lens = "logit",
    tokenizer: str | Path | None = None,
) -> Unembedding:
    """Return a model's unembedding, prepared (see `prepare_unembedding`).

    Only the unembedding, the final norm and the tokenizer are read, never the whole model.

    Args:
        reference: a folder, a `.gguf` file, or a hub repository (`gpt2`,
            `hf:org/repo@revision`).
        lens: `logit` (logit weights) or `cosine`.
        tokenizer: where the vocabulary is, if not beside the model.

    Raises:
        SourceError, FormatError, VocabularyError, ShapeError, WeightError: saying what is
            wrong with the input and what to do.
    """
    model = load_model(reference) if isinstance(reference, str | Path) else reference
    vocabulary = model.vocabulary() if tokenizer is None else load_vocabulary(tokenizer)
    raw = model.unembedding()
    elsewhere = {} if tokenizer is None else {"tokenizer": resolve(tokenizer).origin}
    return prepare_unembedding(
        raw.W_U,
        vocabulary,
        norm=raw.norm,
        lens=lens,
        name=model.name,
        origin={
            **model.origin,
            **elsewhere,
            "tied_to_embedding": raw.tied,
            "vocabulary": vocabulary.kind,
        },
    )


def load_features(
    reference: str | Path | Sequence[str | Path], *, model: str | Path | Model | None = None
) -> list[Features]:
    """Return the banks of features that one reference, or several, name.

    | reference | banks |
    |---|---|
    | a folder with `cfg.json` and `sae_weights.safetensors` | that SAE |
    | `vectors.npy`, `vectors.safetensors` | the rows of the matrix |
    | `mlp:26`, `mlp:10,20`, `mlp:0-11`, `mlp:all` | MLP neurons of `model`, a bank a layer |
    | `saes/blocks.{0-11}.hook`, `saes/blocks.*.hook` | all of these, here or on the hub |

    `NAME=REFERENCE` names the bank (`NAME.LAYER` where there are several); by default its source
    does (`sae.8`, `mlp.26`). Where two would have one name, what tells their paths apart is added
    (`sae.8.width_16k`).

    Args:
        reference: as above; a path or a hub repository.
        model: the model whose neurons `mlp:` means.

    Raises:
        SourceError, FormatError, ShapeError, WeightError: saying what is wrong with the
            input and what to do.
    """
    references = [reference] if isinstance(reference, str | Path) else reference
    return named([source for each in references for source in _sources(str(each), model)])


def _sources(text: str, model: str | Path | Model | None) -> list[Source]:
    """Return what a reference names, none of it read yet."""
    name, equals, rest = text.partition("=")
    if equals and not Path(text).exists():
        return [replace(source, given=name) for source in _sources(rest, model)]
    if text.startswith(NEURONS):
        return _neurons(text.removeprefix(NEURONS), model)
    if not is_pattern(text):
        place = resolve(text)
        return [Source(place.name, _reader(place))]
    places = places_of(text)
    try:
        return [Source(place.name, _reader(place)) for place in places]
    except FormatError as error:
        raise FormatError(
            f"{text!r} names {len(places):,} places, and not all of them hold features. {error}"
        ) from error


def _neurons(layers: str, model: str | Path | Model | None) -> list[Source]:
    if model is None:
        raise FormatError(
            f"{NEURONS}{layers} means the MLP neurons of a model: say which, with model=…"
        )
    opened = load_model(model) if isinstance(model, str | Path) else model
    return [
        Source(f"{NEURONS}{layer}", partial(read_neurons, opened, layer))
        for layer in parse_layers(layers, opened.n_layers)
    ]


def _reader(place: Place) -> Callable[[], Features]:
    """Return what reads the features of a place, once it is clear that there are some."""
    if place.file is None:
        if is_saelens(place.folder):
            return partial(read_saelens, place.folder)
        raise FormatError(
            f"{place.name} holds no SAE that can be read: expected cfg.json and {WEIGHTS} "
            f"(SAELens' layout). It holds: {', '.join(place.folder.names()[:12]) or 'no files'}. "
            f"For the MLP neurons of the model, write {NEURONS}LAYER."
        )
    if place.file == WEIGHTS and is_saelens(place.folder):
        return partial(read_saelens, place.folder)
    if place.file.endswith((".npy", ".safetensors")):
        return partial(read_matrix, place)
    raise FormatError(
        f"{place.name} holds no features that can be read. Known: a SAELens folder, .npy, "
        f".safetensors, and {NEURONS}LAYER for the model's MLP neurons."
    )
