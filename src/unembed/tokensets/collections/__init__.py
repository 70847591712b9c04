"""The built-in collections: what is defined, and what a vocabulary makes of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from unembed.tokensets.assemble import Draft
from unembed.tokensets.collections import (
    affixes,
    characters,
    continuations,
    crossings,
    forms,
    languages,
    lexicon,
    surface,
    tokenizer,
)
from unembed.tokensets.definitions import Definition
from unembed.tokensets.files.definitions import read_definitions
from unembed.tokensets.reading import Reading

_HERE = Path(__file__).parent
_DEFAULT = _HERE / "default"
_GENERATED = (languages.drafts, forms.drafts, characters.drafts, continuations.drafts)


@cache
def default() -> tuple[Definition, ...]:
    """Return the definitions of `default`, from a token's looks to its meaning."""
    return (
        *read_definitions(_DEFAULT / "surface.yaml", ours=True),
        *surface.definitions(),
        *read_definitions(_DEFAULT / "scripts.yaml", ours=True),
        *affixes.definitions(),
        *read_definitions(_DEFAULT / "grammar.yaml", ours=True),
        *read_definitions(_DEFAULT / "meaning.yaml", ours=True),
        *lexicon.definitions(),
        *read_definitions(_DEFAULT / "proper.yaml", ours=True),
        *read_definitions(_DEFAULT / "code.yaml", ours=True),
        *read_definitions(_DEFAULT / "everyday.yaml", ours=True),
        *read_definitions(_DEFAULT / "fields.yaml", ours=True),
        *read_definitions(_DEFAULT / "unions.yaml", ours=True),
        *tokenizer.definitions(),
    )


@cache
def crossed() -> tuple[Definition, ...]:
    """Return the definitions of `default` that stand only where they say something of their own."""
    return tuple(crossings.definitions())


@cache
def post() -> tuple[Definition, ...]:
    """Return the definitions of `post`: the sets of Bloom & Lin (2024) and its notebook."""
    return tuple(read_definitions(_HERE / "post.yaml", ours=True))


DEFINED: dict[str, Callable[[], tuple[Definition, ...]]] = {"default": default, "post": post}
"""The collections by name."""


def generated(reading: Reading) -> Iterator[Draft]:
    """Yield the sets of `default` that the vocabulary itself makes."""
    for drafts in _GENERATED:
        yield from drafts(reading)
