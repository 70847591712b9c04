"""Part-of-speech sets by NLTK's tagger, as the post made them; the extra `unembed[nltk]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from unembed.errors import MissingExtraError
from unembed.tokensets.assemble import Draft
from unembed.tokensets.reading import Reading
from unembed.tokensets.token_sets import SetInfo

NAME = "nltk"
_DATA = "averaged_perceptron_tagger_eng"

Tagger = Callable[[list[str]], list[tuple[str, str]]]


def drafts(reading: Reading) -> Iterator[Draft]:
    """Yield a set for each Penn tag: the words that NLTK gives it when they stand alone.

    A tagger of sentences, asked about single words, guesses the most frequent tag from spelling.
    Only words with a leading space, or the whole of a line, are asked about: the post tagged
    pieces of words too.

    Raises:
        MissingExtraError: when NLTK or its tagger's data is not installed.
    """
    tag = _tagger()
    found: dict[str, list[int]] = {}
    for word, ids in reading.ids_of_word.items():
        spaced = [token for token in ids if reading.is_spaced[token]]
        if spaced and word.isalpha():
            found.setdefault(tag([word])[0][1], []).extend(ids)
    for name, tokens in sorted(found.items()):
        info = SetInfo(
            f"nltk_pos_{name}",
            "post/nltk",
            f"Words that NLTK's tagger calls {name} when they stand alone.",
            "NLTK, averaged perceptron tagger",
            "words tagged one by one",
        )
        yield Draft(info, np.unique(np.array(tokens, np.int32)))


def _tagger() -> Tagger:
    try:
        import nltk
    except ImportError as error:
        raise MissingExtraError(
            "The collection 'nltk' needs NLTK: pip install 'unembed[nltk]'. The built-in sets "
            "pos:… and penn:… need nothing."
        ) from error
    try:
        nltk.data.find(f"taggers/{_DATA}")
    except LookupError as error:
        raise MissingExtraError(
            f"NLTK is installed, but not its tagger's data: python -m nltk.downloader {_DATA}. "
            "The built-in sets pos:… and penn:… need nothing."
        ) from error
    tagger: Tagger = nltk.pos_tag
    return tagger
