"""Loading: a reference becomes an `Unembedding`, or banks of `Features`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unembed.errors import SourceError
from unembed.facts import Side
from unembed.features import Features
from unembed.lens import Lens
from unembed.load.banks import Asked, opener
from unembed.load.embedding import embedding_of
from unembed.load.models.model import Model
from unembed.load.models.open import load_model, model_place
from unembed.load.models.short_names import repository_of
from unembed.load.reference import resolve
from unembed.load.sides import banks_of
from unembed.load.sources import is_published, sources_named
from unembed.load.vocabularies import read_vocabulary
from unembed.unembedding import Unembedding, prepare_unembedding
from unembed.vocabulary import Vocabulary

__all__ = [
    "is_published",
    "load_embedding",
    "load_features",
    "load_model",
    "load_unembedding",
    "load_vocabulary",
    "model_of",
]


def load_vocabulary(reference: str | Path) -> Vocabulary:
    """Return the vocabulary of a model, a tokenizer's folder or a tokenizer's file.

    Raises:
        VocabularyError: when none is found there.
    """
    return read_vocabulary(model_place(reference))


def load_unembedding(
    reference: str | Path | Model,
    *,
    lens: Lens = "logit",
    tokenizer: str | Path | None = None,
    embedding: bool = False,
    fold: bool = True,
) -> Unembedding:
    """Return a model's unembedding, prepared (see `prepare_unembedding`).

    Only the unembedding, the final norm and the tokenizer are read, never the whole model.

    Args:
        reference: a folder, a `.gguf` file, a hub repository (`gpt2`, `hf:org/repo@revision`), or
            a short name (`gpt2-small`).
        lens: `logit` (logit weights) or `cosine`.
        tokenizer: where the vocabulary is, if not beside the model.
        embedding: whether the embedding is read too, for banks of what features read.
        fold: take the final norm into W_U; without, W_U is read as the model has it.

    Raises:
        SourceError, FormatError, VocabularyError, ShapeError, WeightError: saying what is
            wrong with the input and what to do.
    """
    model = load_model(reference) if isinstance(reference, str | Path) else reference
    vocabulary = model.vocabulary() if tokenizer is None else load_vocabulary(tokenizer)
    written = _unembedding(model, vocabulary, lens, tokenizer, fold=fold)
    if not embedding:
        return written
    return written.with_embedding(_embedding(model, vocabulary, lens, tokenizer))


def load_embedding(
    reference: str | Path | Model, *, lens: Lens = "logit", tokenizer: str | Path | None = None
) -> Unembedding:
    """Return a model's embedding, prepared alike, against which what features read is held.

    The rows of W_E, of tokens that are not masked, as they enter the first block, less their mean
    (see `unembed.load.embedding`).

    Args:
        reference: as for `load_unembedding`.
        lens: `logit`, or `cosine` (rows of length 1).
        tokenizer: where the vocabulary is, if not beside the model.

    Raises:
        SourceError, FormatError, VocabularyError, ShapeError, WeightError: saying what is
            wrong with the input and what to do.
    """
    model = load_model(reference) if isinstance(reference, str | Path) else reference
    vocabulary = model.vocabulary() if tokenizer is None else load_vocabulary(tokenizer)
    return _embedding(model, vocabulary, lens, tokenizer)


def _embedding(
    model: Model, vocabulary: Vocabulary, lens: Lens, tokenizer: str | Path | None
) -> Unembedding:
    elsewhere = {} if tokenizer is None else {"tokenizer": resolve(tokenizer).origin}
    origin = {**model.origin, **elsewhere, "vocabulary": vocabulary.kind}
    return embedding_of(model, vocabulary, lens, origin)


def _unembedding(
    model: Model, vocabulary: Vocabulary, lens: Lens, tokenizer: str | Path | None, *, fold: bool
) -> Unembedding:
    raw = model.unembedding()
    elsewhere = {} if tokenizer is None else {"tokenizer": resolve(tokenizer).origin}
    prepared = prepare_unembedding(
        raw.W_U,
        vocabulary,
        norm=raw.norm,
        lens=lens,
        fold=fold,
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
    side: Side = "write",
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
        side: what features write, what they `read` (encoders; gates and up projections of
            neurons), or `both`, one after the other (see `unembed.load.sides`).

    Raises:
        SourceError, FormatError, ShapeError, WeightError: saying what is wrong with the
            input and what to do.
    """
    references = [reference] if isinstance(reference, str | Path) else reference
    opened = None if model is None else opener(model)
    asked = Asked(opened, hook, opened and (lambda: opened().d_model))
    sources = [source for each in references for source in sources_named(str(each), asked)]
    return banks_of(sources, side)


def model_of(references: Sequence[str | Path]) -> str:
    """Return the one model that features were made for, as their releases or their configs say.

    Args:
        references: as for `load_features`.

    Raises:
        SourceError: when none of them says it, or they say different things.
    """
    named = [source.model for each in references for source in sources_named(str(each), Asked())]
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
