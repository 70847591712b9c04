"""What a reference to features names: published SAEs, places, a model's own neurons and heads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from unembed.errors import FormatError, SourceError
from unembed.load.banks import Asked, opener, sources_of
from unembed.load.formats import Seen, format_of_loader
from unembed.load.names import Source
from unembed.load.own.heads import HEADS, heads_of
from unembed.load.own.neurons import NEURONS, neurons_of
from unembed.load.places import fits_here, given_name, is_pattern, places_of
from unembed.load.published.names import find_published, near_published
from unembed.load.published.place import places_of_published
from unembed.load.published.table import Published
from unembed.load.reference import check_length, on_disk, resolve

_PART = re.compile(r"(?P<reference>.+):(?P<part>sum|\d+|\d+(?:→|->)(?:\d+|sum))")
_OWN = {NEURONS: ("MLP neurons", neurons_of), HEADS: ("attention heads", heads_of)}


def sources_named(text: str, asked: Asked) -> list[Source]:
    """Return the banks that a reference names, none of them read yet.

    A name that is a file or folder here is that.

    Args:
        text: any form of reference, see `load_features`.
        asked: what is known beside it.

    Raises:
        SourceError, FormatError: when there is nothing there, or nothing that is understood.
    """
    check_length(text)
    name, reference = given_name(text)
    found = _sources(reference, asked)
    return found if name is None else [replace(each, given=name) for each in found]


def _sources(text: str, asked: Asked) -> list[Source]:
    """Return the banks that a reference without a NAME= names."""
    here = on_disk(text)
    if here is not None:
        return sources_of(Seen(here), asked)
    for kind in _OWN:
        if text.startswith(kind):
            return _own(text, kind, asked)
    split = _PART.fullmatch(text)
    if split is None:
        return _elsewhere(text, asked, None)
    return _elsewhere(split["reference"], asked, split["part"].replace("->", "→"))


def is_published(text: str) -> bool:
    """Return whether a reference is the name of published SAEs, and of nothing that is here.

    Raises:
        SourceError: when it can be nothing else, and there is no such SAE.
    """
    _, reference = given_name(text)
    split = _PART.fullmatch(reference)
    name = split["reference"] if split else reference
    is_here = on_disk(reference) is not None or fits_here(reference)
    return not is_here and bool(find_published(name))


def _own(text: str, kind: str, asked: Asked) -> list[Source]:
    """Return the banks of a model's own neurons or heads."""
    what, banks_of = _OWN[kind]
    if asked.model is None:
        raise FormatError(f"{text} means the {what} of a model: say which, with model=…")
    return banks_of(text.removeprefix(kind), asked.model())


def _elsewhere(text: str, asked: Asked, part: str | None) -> list[Source]:
    """Return the banks of published SAEs, of a pattern's places, or of one place."""
    here = on_disk(text)
    entries = [] if here is not None or fits_here(text) else find_published(text)
    if entries:
        return _published(entries, asked, part)
    if here is None and is_pattern(text):
        return _several(text, asked, part)
    try:
        return sources_of(Seen(here or resolve(text)), asked, part)
    except SourceError as error:
        near = near_published(text)
        if not near:
            raise
        raise type(error)(f"{error}{near}") from error


def _several(text: str, asked: Asked, part: str | None) -> list[Source]:
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
        told = asked if asked.model is not None else replace(asked, model=opener(entry.model))
        found += sources_of(Seen(place, entry), told, part)
    return found
