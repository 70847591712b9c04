"""Loading: a reference becomes an `Unembedding`, or banks of `Features`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from unembed.errors import FormatError, SourceError
from unembed.features import Features
from unembed.load.banks import Asked, sources_of
from unembed.load.formats import Seen, format_of_loader
from unembed.load.models.gguf_model import GGUFModel
from unembed.load.models.heads import HEADS, heads_of
from unembed.load.models.huggingface import HuggingFaceModel
from unembed.load.models.model import Model
from unembed.load.models.neurons import NEURONS, neurons_of
from unembed.load.names import Source, named
from unembed.load.published.models import repository_of
from unembed.load.published.names import find_published, near_published
from unembed.load.published.place import places_of_published
from unembed.load.published.table import Published
from unembed.load.reference import resolve
from unembed.load.several import is_pattern, places_of
from unembed.load.vocabularies import read_vocabulary
from unembed.unembedding import Lens, Unembedding, prepare_unembedding
from unembed.vocabulary import Vocabulary

__all__ = [
    "is_published",
    "load_features",
    "load_model",
    "load_unembedding",
    "load_vocabulary",
    "model_of",
]

_NAMED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._→-]*)=(?P<rest>.+)")
_PART = re.compile(r"(?P<reference>.+):(?P<part>sum|\d+|\d+(?:→|->)(?:\d+|sum))")


def load_model(reference: str | Path) -> Model:
    """Return the model a reference names: a Hugging Face style folder or a GGUF file.

    Args:
        reference: a folder, a `.gguf` file, a hub repository, or a short name (`gemma-2-2b`).

    Raises:
        SourceError: when there is nothing there.
        FormatError: when it is no model.
    """
    place = resolve(_model_name(reference))
    if place.file is None:
        return HuggingFaceModel(place.folder)
    if place.file.endswith(".gguf"):
        return GGUFModel(place.path(), place.folder.fetch)
    raise FormatError(
        f"{place.name} is no model. Give a folder with config.json and safetensors, a .gguf "
        "file, or a hub repository."
    )


def load_vocabulary(reference: str | Path) -> Vocabulary:
    """Return the vocabulary of a model, a tokenizer's folder or a tokenizer's file.

    Raises:
        VocabularyError: when none is found there.
    """
    return read_vocabulary(resolve(_model_name(reference)))


def load_unembedding(
    reference: str | Path | Model,
    *,
    lens: Lens = "logit",
    tokenizer: str | Path | None = None,
) -> Unembedding:
    """Return a model's unembedding, prepared (see `prepare_unembedding`).

    Only the unembedding, the final norm and the tokenizer are read, never the whole model.

    Args:
        reference: a folder, a `.gguf` file, a hub repository (`gpt2`, `hf:org/repo@revision`), or
            a short name (`gpt2-small`).
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
    prepared = prepare_unembedding(
        raw.W_U,
        vocabulary,
        norm=raw.norm,
        lens=lens,
        name=model.name,
        origin={
            **model.origin,
            **elsewhere,
            "tied_to_embedding": raw.tied,
            **({"tied_because": raw.tied_because} if raw.tied_because else {}),
            "vocabulary": vocabulary.kind,
        },
    )
    if not raw.constants:
        return prepared
    return replace(prepared, preparation={**prepared.preparation, "constants": raw.constants})


def load_features(
    reference: str | Path | Sequence[str | Path],
    *,
    model: str | Path | Model | None = None,
    hook: str | None = None,
) -> list[Features]:
    """Return the banks of features that one reference, or several, name.

    | reference | banks |
    |---|---|
    | `gemma-scope-2b-pt-res-canonical/layer_20/width_16k/canonical` | a published SAE by name |
    | `gpt2-small/8-res-jb`, or its page's address | the same by Neuronpedia's |
    | a folder, or a file, of a published format, here or on the hub | what is in it |
    | `vectors.npy`, `.npz`, `.safetensors`, `.pt` | the rows of the matrix, or the one vector |
    | `mlp:26`, `mlp:10,20`, `mlp:0-11`, `mlp:all` | MLP neurons of `model`, a bank a layer |
    | `mlp:12:e3`, `mlp:12:all`, `mlp:12:shared` | neurons of experts, a bank an expert |
    | `head:8.3`, `head:8`, `head:0-11`, `head:all` | output directions of heads, a bank a head |
    | `saes/blocks.{0-11}.hook`, `saes/blocks.*.hook` | all of these, here or on the hub |
    | `REFERENCE:sum`, `REFERENCE:9` | of a cross-layer transcoder: summed, or into layer 9 alone |

    Directions are taken to the residual stream from where their hook is: attention outputs before
    W_O through W_O, and so on; a bank's `origin["steps"]` says how.

    `NAME=REFERENCE` names the bank (`NAME.LAYER` where there are several); by default its source
    does (`sae.8`, `mlp.26`). Where two would have one name, what tells their paths apart is added
    (`sae.8.width_16k`).

    Args:
        reference: as above; a name that is a file or folder here is that.
        model: the model whose neurons `mlp:` means, and whose matrices directions may have to go
            through; for a published SAE the one it was made for, if not given.
        hook: where directions are written, if their files do not say it.

    Raises:
        SourceError, FormatError, ShapeError, WeightError: saying what is wrong with the
            input and what to do.
    """
    references = [reference] if isinstance(reference, str | Path) else reference
    opened = None if model is None else _opener(model)
    asked = Asked(opened, hook, opened and (lambda: opened().d_model))
    return named([source for each in references for source in _sources(str(each), asked)])


def model_of(references: Sequence[str | Path]) -> str:
    """Return the one model that features were made for, as their releases or their configs say.

    Args:
        references: as for `load_features`.

    Raises:
        SourceError: when none of them says it, or they say different things.
    """
    named = [source.model for each in references for source in _sources(str(each), Asked())]
    models = list(dict.fromkeys(repository_of(model) for model in named if model))
    if len(models) == 1:
        return models[0]
    if models:
        raise SourceError(
            f"The features are of several models: {', '.join(models)}. Run each alone."
        )
    raise SourceError(
        f"Nothing says which model {' '.join(map(str, references))} was made for. Name it, with "
        "--model (in Python model=…)."
    )


def is_published(reference: str) -> bool:
    """Return whether a reference is the name of published SAEs, and of nothing that is here.

    Raises:
        SourceError: when it can be nothing else, and there is no such SAE.
    """
    given = _NAMED.fullmatch(reference)
    text = given["rest"] if given else reference
    return not _is_here(reference) and not _is_here(text) and bool(find_published(text))


def _opener(model: str | Path | Model) -> Callable[[], Model]:
    """Return what opens a model, once, when it is first needed."""
    return cache(lambda: load_model(model) if isinstance(model, str | Path) else model)


def _model_name(reference: str | Path) -> str | Path:
    """Return what a model's reference is to be resolved as: a short name's hub repository."""
    if isinstance(reference, Path) or _is_here(reference):
        return reference
    repository = repository_of(reference)
    return reference if repository == reference else f"hf:{repository}"


def _sources(text: str, asked: Asked) -> list[Source]:
    """Return what a reference names, none of it read yet."""
    given = _NAMED.fullmatch(text)
    if given and not _is_here(text.partition("/")[0]):
        return [replace(each, given=given["name"]) for each in _sources(given["rest"], asked)]
    for kind in _PARTS:
        if text.startswith(kind):
            return _parts(text, kind, asked)
    if _is_here(text):
        return sources_of(Seen(resolve(text)), asked)
    split = _PART.fullmatch(text)
    if split is None:
        return _elsewhere(text, asked, None)
    return _elsewhere(split["reference"], asked, split["part"].replace("->", "→"))


def _elsewhere(text: str, asked: Asked, part: str | None) -> list[Source]:
    """Return the banks of published SAEs, of a place, or of a pattern's places."""
    here = _is_here(text)
    entries = [] if here else find_published(text)
    if entries:
        return _published(entries, asked, part)
    if here or not is_pattern(text):
        try:
            return sources_of(Seen(resolve(text)), asked, part)
        except SourceError as error:
            near = near_published(text)
            raise SourceError(f"{error}{near}") from error
    places = places_of(text)
    try:
        return [source for place in places for source in sources_of(Seen(place), asked, part)]
    except FormatError as error:
        raise FormatError(
            f"{text!r} names {len(places):,} places, and not all of them hold features. {error}"
        ) from error


def _published(entries: Sequence[Published], asked: Asked, part: str | None) -> list[Source]:
    """Return the banks of published SAEs, which say themselves what model they were made for."""
    places = places_of_published(entries, lambda entry: format_of_loader(entry).path_of(entry))
    found: list[Source] = []
    for entry, place in zip(entries, places, strict=True):
        told = asked if asked.model is not None else replace(asked, model=_opener(entry.model))
        found += sources_of(Seen(place, entry), told, part)
    return found


_PARTS = {NEURONS: ("MLP neurons", neurons_of), HEADS: ("attention heads", heads_of)}


def _parts(text: str, kind: str, asked: Asked) -> list[Source]:
    """Return the banks of a model's own neurons or heads."""
    what, banks_of = _PARTS[kind]
    if asked.model is None:
        raise FormatError(f"{text} means the {what} of a model: say which, with model=…")
    return banks_of(text.removeprefix(kind), asked.model())


def _is_here(text: str) -> bool:
    """Return whether a file or folder of this disk has that name."""
    try:
        return bool(text) and Path(text).expanduser().exists()
    except (OSError, RuntimeError):  # a name too long, or the home of nobody
        return False
