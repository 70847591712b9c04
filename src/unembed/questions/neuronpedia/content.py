"""Words of an explanation that carry content, and the words that a label speaks of.

An explanation is a sentence of a person or a language model, such as "references to months, and
the word 'May'". Of its words those are left out that stand in any such sentence: English function
words, and the frame around what is explained ("references to", "words related to"). In quotes every
word counts, since there the sentence speaks of it and not with it.
"""

from __future__ import annotations

import re
from functools import cache

from unembed.tokensets.collections.forms import core_of
from unembed.tokensets.collections.lexicon import lexemes

_FUNCTION = """
    a about above across after against all along also although always am among an and
    another any are around as at away back be because been before behind being below between
    beyond both but by can cannot could did do does doing done down due during each either
    else etc even ever every few for from further had has have having he her here hers
    herself him himself his how however i if in instead into is it its itself just least
    less like many may me might more most much must my myself near neither never no nor not
    now of off often on once one ones only onto or other others our ours ourselves out over
    own per rather s same several shall she should since so some such t than that the their
    theirs them themselves then there these they this those though through throughout thus
    to together too toward towards under unless until up upon us very via was we were what
    when where whether which while who whom whose why will with within without would yet you
    your yours yourself yourselves
"""
_FRAME = """
    aspect aspects associated begin beginning begins case cases categories category certain
    character characters common commonly concept concepts concerning contain containing
    contains content context contexts describe describes describing different discussion
    discussions element elements end ending ends entities entity example examples expression
    expressions feature features following form forms frequent frequently general indicate
    indicates indicating instance instances involve involves involving item items kind kinds
    letter letters mention mentioned mentioning mentions name names neuron neurons
    occurrence occurrences particular particularly pattern patterns phrase phrases piece
    pieces preceding present refer reference references referring refers relate related
    relates relating sentence sentences sequence sequences signify specific specifically
    statement statements string strings subject suggest symbol symbols term terminology
    terms text texts theme themes thing things token tokens topic topics type types
    typically usage use used using usually variant variants variation variations various
    word words written
"""
FUNCTION_WORDS = frozenset(_FUNCTION.split())
FRAME = frozenset(_FRAME.split())
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_QUOTED = re.compile(
    r"[\"“„«]([^\"“”„«»]{1,80})[\"”»]|`([^`]{1,80})`|(?<!\w)['‘]([^'’]{1,80})['’](?!\w)"
)


def content_words(explanation: str) -> list[str]:
    """Return the words of an explanation that carry content, in folded case, each once.

    >>> content_words("references to months of the year, and the word 'May'")
    ['months', 'year', 'may']
    >>> content_words('phrases related to the word "the"'), content_words("words and phrases")
    (['the'], [])

    Args:
        explanation: the sentence.
    """
    spoken_of = {
        word.casefold()
        for quote in _QUOTED.finditer(explanation)
        for word in _WORD.findall(next(filter(None, quote.groups()), ""))
    }
    found = dict.fromkeys(word.casefold() for word in _WORD.findall(explanation))
    return [word for word in found if word in spoken_of or _carries(word)]


def _carries(word: str) -> bool:
    """Return whether a word tells something by itself: one letter does not."""
    return len(word) > 1 and word not in FUNCTION_WORDS and word not in FRAME


def word_of(token: str) -> str:
    """Return a token's word in folded case, without spaces and marks around it; '' for none.

    >>> word_of(" May"), word_of('"May'), word_of(".")
    ('may', 'may', '')
    """
    word = core_of(token)
    return word if len(word) > 1 or word.isdigit() or not word.isascii() else ""


def forms_of(word: str) -> frozenset[str]:
    """Return a word with all its inflected forms.

    >>> sorted(forms_of("went")), sorted(forms_of("sourdoughs"))
    (['go', 'goes', 'going', 'gone', 'went'], ['sourdough', 'sourdoughs'])

    Args:
        word: in folded case. Of words that no lexicon has, English regular plurals are known.
    """
    known = _forms().get(word)
    if known is not None:
        return known | {word}
    if word.isascii() and word.isalpha() and len(word) > 3:
        return frozenset({word, word[:-1] if word.endswith("s") else f"{word}s"})
    return frozenset({word})


@cache
def _forms() -> dict[str, frozenset[str]]:
    """Return the forms of each word, of all lexemes that it is one of."""
    found: dict[str, set[str]] = {}
    for lemma, forms in lexemes().select("lemma", "forms").iter_rows():
        folded = {each.casefold() for each in (lemma, *forms)}
        for form in folded:
            found.setdefault(form, set()).update(folded)
    return {form: frozenset(forms) for form, forms in found.items()}
