"""The sources of a finished run, opened again for what its tables do not keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

from unembed import demo
from unembed.errors import SourceError
from unembed.facts import BankFacts, LensFacts, ReadFacts, UnembeddingFacts
from unembed.features import Features
from unembed.layer_lens import LayerLens
from unembed.load import load_embedding, load_unembedding
from unembed.load.banks import Asked, sources_of
from unembed.load.folder import LocalFolder
from unembed.load.formats import FORMATS, Seen
from unembed.load.hub import HubFolder
from unembed.load.lenses.lens_file import KINDS, LensFile
from unembed.load.lenses.open import open_lens
from unembed.load.models.model import Model
from unembed.load.models.open import load_model
from unembed.load.names import Source
from unembed.load.own.heads import read_head
from unembed.load.own.neurons import read_neurons, read_neurons_inputs
from unembed.load.published.names import entry_named
from unembed.load.reference import Place, reference_of
from unembed.outside import limits
from unembed.outside.fields import Fields, needed
from unembed.products import in_torchs_order
from unembed.unembedding import Unembedding

_PLACES = ("path", "repo")
_TEXTS = (*_PLACES, "subfolder", "file", "commit", "format", "published", "part", "written_at")

Load = Callable[[str], Model]
"""What opens a model by its reference."""

Opened = TypeVar("Opened", Features, Unembedding)


def reopen_unembedding(facts: UnembeddingFacts, load: Load = load_model) -> Unembedding:
    """Return the unembedding that a manifest describes.

    Args:
        facts: what it says of the unembedding.
        load: what opens its model.

    Raises:
        SourceError: when it was an array, is not there any more, or is not what it was.
    """
    origin = _origin(facts.preparation.get("origin"), "The unembedding")
    tokenizer = origin.get("tokenizer")

    def opened() -> Unembedding:
        return load_unembedding(
            load(reference_of(origin)),
            lens=facts.lens,
            tokenizer=tokenizer and reference_of(tokenizer),
            fold=facts.is_folded,
        )

    return _unchanged(opened, facts.sha256, reference_of(origin))


def reopen_embedding(facts: UnembeddingFacts, load: Load = load_model) -> Unembedding:
    """Return the embedding that a manifest describes.

    Args:
        facts: what it says of the embedding.
        load: what opens its model.

    Raises:
        SourceError: when it was an array, is not there any more, or is not what it was.
    """
    origin = _origin(facts.preparation.get("origin"), "The embedding")
    tokenizer = origin.get("tokenizer")

    def opened() -> Unembedding:
        return load_embedding(
            load(reference_of(origin)),
            lens=facts.lens,
            tokenizer=tokenizer and reference_of(tokenizer),
        )

    return _unchanged(opened, facts.sha256, reference_of(origin))


def model_reference(facts: UnembeddingFacts) -> str:
    """Return a reference to the model whose unembedding a manifest describes.

    Raises:
        SourceError: when it was an array.
    """
    return reference_of(_origin(facts.preparation.get("origin"), "The unembedding"))


def reopen_features(facts: BankFacts, load: Load = load_model) -> Features:
    """Return the bank that a manifest describes.

    Args:
        facts: what it says of the bank.
        load: what opens the model that it is a part of, or goes through.

    Raises:
        SourceError: when it was an array, is not there any more, or is not what it was.
    """
    origin = _origin(facts.origin, f"The bank {facts.name}")

    def opened() -> Features:
        if facts.reads is not None:
            return _what_reads(origin, facts, facts.reads, load)
        if "model" in origin:
            found = _part_of_model(origin, facts.layer, load)
        else:
            found = _source(origin, facts, load).read()
        if facts.lens is None:
            return found
        return found.renamed(facts.lens.bank).through(_layer_lens(facts.lens))

    place = reference_of(origin.get("model", origin))
    return _unchanged(opened, facts.sha256, place).renamed(facts.name)


def reopen_lens(source: Mapping[str, Any]) -> LensFile:
    """Return the lens at the place that a manifest describes; whoever reads a matrix has its hash.

    Args:
        source: as `LensFile.source` said it.

    Raises:
        SourceError: when it is not there any more.
    """
    origin = _origin(source, "The lens")
    kind = next((each for each in KINDS if each == origin.get("lens")), None)
    place = _place(origin, "the lens was")
    return open_lens(place, kind, n_layers=origin.get("n_layers"), another_model=True)


def _layer_lens(facts: LensFacts) -> LayerLens:
    """Return the layer lens that a manifest describes.

    Raises:
        SourceError: when it is not there any more, or is not what it was.
    """
    file = reopen_lens(facts.origin)
    lens = LayerLens(
        facts.name, facts.kind, facts.layer, file.matrix(facts.layer), tuple(facts.notes),
        facts.details, facts.origin,
    )  # fmt: skip
    if lens.digest != facts.sha256:
        raise _changed(file.place)
    return lens


def _part_of_model(origin: Mapping[str, Any], layer: int | None, load: Load) -> Features:
    """Return the neurons of a layer, or of an expert, or one head's directions."""
    model = load(reference_of(origin["model"]))
    if layer is None:
        raise SourceError("A part of a model should be of one of its layers; the run names none.")
    if "head" in origin:
        return read_head(model, layer, origin["head"])
    return read_neurons(model, layer, origin.get("expert"))


def _what_reads(
    origin: Mapping[str, Any], facts: BankFacts, reads: ReadFacts, load: Load
) -> Features:
    """Return the bank of what features read that was a part of them."""
    if "model" in origin and facts.layer is not None:
        model = load(reference_of(origin["model"]))
        banks = read_neurons_inputs(model, facts.layer, origin.get("expert"))
    else:
        source = _source(origin, replace(facts, hook=origin.get("written_at")), load)
        banks = source.reads() if source.reads else []
    for bank in banks:
        if bank.reads is not None and bank.reads.part == reads.part:
            return bank
    raise _changed(reference_of(origin.get("model", origin)))


def _source(origin: Mapping[str, Any], facts: BankFacts, load: Load) -> Source:
    """Return the one bank that was read, by the same format, from the same commit.

    Raises:
        SourceError: when the place does not hold it any more.
    """
    place = _place(origin)
    published = origin.get("published")
    seen = Seen(place, published and entry_named(published))
    kind = next((each for each in FORMATS if each.name == origin.get("format")), None)
    if kind is None:
        raise SourceError(
            f"{place.name} is of the format {origin.get('format')!r}, which this unembed does not "
            "know."
        )
    through = origin.get("through")
    asked = Asked(
        model=cache(lambda: load(reference_of(through))) if through else None,
        hook=facts.hook,
        d_model=(lambda: int(origin["d_model"])) if "d_model" in origin else None,
    )
    found = sources_of(seen, asked, origin.get("part"), kind)
    if len(found) != 1:
        raise _changed(place.name)
    return found[0]


def _place(origin: Mapping[str, Any], what: str = "the directions were") -> Place:
    """Return the very place that a manifest names; on a hub, at its commit.

    Args:
        origin: as the manifest has it.
        what: lay there, as errors say it.
    """
    if "repo" in origin:
        folder = HubFolder(origin["repo"], origin.get("subfolder", ""), origin["commit"])
        return Place(folder, origin.get("file"))
    path, file = demo.path_of(origin["path"]), origin.get("file")
    whole = path / file if file else path
    if not whole.exists():
        raise SourceError(f"No file or folder at {whole}, where {what}.")
    return Place(LocalFolder(path), file)


def _origin(origin: object, what: str) -> Mapping[str, Any]:
    """Return the origin of a bank or an unembedding, whose fields are of their types.

    Raises:
        SourceError: when it was made of arrays.
        FormatError: when a field is of another type.
    """
    fields = Fields({} if origin is None else origin, f"The origin of {what}")
    if not any(place in each for each in (fields, fields.table("model")) for place in _PLACES):
        raise SourceError(f"{what} was made of arrays in memory, which a run does not keep.")
    for each in (fields, *(fields.table(key) for key in ("model", "through", "tokenizer"))):
        for key in filter(each.says, _TEXTS):
            if not isinstance(each.content[key], str):
                raise each.wrong(key, "a text")
        if "repo" in each:
            needed(each.content.get("commit"), each, "commit")
        elif each.content and "model" not in each:
            needed(each.content.get("path"), each, "path")
    fields.whole("head", limits.LAYERS)
    fields.whole("d_model", limits.WIDTH, 1)
    fields.whole("n_layers", limits.LAYERS, 1)
    if fields.content.get("expert") != "shared":
        fields.whole("expert", limits.EXPERTS)
    return fields.content


def _unchanged(opened: Callable[[], Opened], sha256: str, place: str) -> Opened:
    """Return what was opened, if it is what the run was made of.

    Raises:
        SourceError: when it is not.
    """
    found = opened()
    if found.digest == sha256:
        return found
    with in_torchs_order():
        found = opened()
    if found.digest == sha256:
        return found
    raise _changed(place)


def _changed(place: str) -> SourceError:
    return SourceError(
        f"{place} is not what it was when the run was made: its weights differ. Make the run "
        "again, in another folder."
    )
