"""How token sets are said in a sentence: `pronouns_reflexive` as "reflexive pronouns".

Words are said as “your”, and so are marks without a name of their own: what stands outside such
quotation marks is never an id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from unembed.explanation.phrases.fields import FIELDS
from unembed.explanation.phrases.grammar import GRAMMAR, INFLECTIONS, PENN
from unembed.explanation.phrases.meaning import CODE, MEANING, PROGRAMS
from unembed.explanation.phrases.nouns import NOUNS
from unembed.explanation.phrases.parts import (
    all_of,
    counted,
    mark,
    names_of,
    ranked,
    sound,
    spaced,
    title,
)
from unembed.explanation.phrases.post import POST
from unembed.explanation.phrases.spelling import CATEGORIES, SCRIPTS, SPELLING
from unembed.explanation.phrases.verbs import LEXFILES, VERBS
from unembed.tokensets import SetInfo

_SPELLED = (
    "characters", "affixes", "tokenizer", "unicode", "surface/length", "post/letters",
)  # fmt: skip
"""Families whose sets say how tokens are spelled."""
_CONTINUATIONS = "affixes/continuations"
_DISCOVERED = "discovered/"
_WORTH_OF_A_WORD, _WORTH_OF_SPELLING, _WORTH_OF_A_CONTINUATION = 0.85, 0.7, 0.5
_LAST_RESORTS = ("rank:", "length:", "bytes:", "post:length_")

_HEADS = (
    "pronouns", "determiners", "articles", "quantifiers", "prepositions", "conjunctions", "modals",
    "verbs", "adverbs", "numbers",
)  # fmt: skip
"""First words of names that are the noun of the phrase: pronouns_reflexive, verbs_linking."""

_WHOLE = SPELLING | GRAMMAR | MEANING | FIELDS | CODE
_WORDNET = NOUNS | VERBS
_FORMS = {
    "after_space": ("{} after a space", "words after a space that begin with “{}”"),
    "lower_after_space": (
        "lower-case {} after a space", "lower-case words after a space that begin with “{}”",
    ),
    "bare": ("{} without a leading space", "tokens without a leading space that begin with “{}”"),
    "capital": ("{} with a capital", "words that begin with a capital “{}”"),
    "upper": ("{} in capitals", "words in capitals that begin with “{}”"),
}  # fmt: skip
"""How a class of words is said in one form of writing, and words by their first letter."""

_NLTK = "nltk_pos_"
_NUMBERED = re.compile(r"(.+) \((\d+)\)")


def worth(info: SetInfo) -> float:
    """Return what a set's name is worth of one that a person would use before all others, 1.

    Fields and kinds of words come first, then single words, then how tokens are spelled and what
    was found in the weights, which has no name but its words, and last what follows a piece.
    """
    if info.family == _CONTINUATIONS:
        return _WORTH_OF_A_CONTINUATION
    if info.family.startswith("forms"):
        return _WORTH_OF_A_WORD
    return _WORTH_OF_SPELLING if info.family.startswith((*_SPELLED, _DISCOVERED)) else 1.0


def is_last_resort(info: SetInfo) -> bool:
    """Return whether a set is named only where no other can be: ranks of tokens, lengths."""
    return info.name.startswith(_LAST_RESORTS)


@lru_cache(2**16)
def said(info: SetInfo) -> str:
    """Return a set's name as it stands in a sentence; of one's own sets, with spaces in it.

    >>> said(SetInfo("pronouns_reflexive", "grammar/pronouns")), said(SetInfo("suffix:ing"))
    ('reflexive pronouns', 'words in -ing')
    >>> said(SetInfo("form:your")), said(SetInfo("law", "meaning/society"))
    ('“your”', 'words of law')
    >>> said(SetInfo("category:Pd")), said(SetInfo("begins:_"))
    ('dashes and hyphens', 'tokens that begin with an underscore')
    """
    name = info.name
    kind, _, rest = name.partition(":")
    if name.startswith(_NLTK):
        tag = name.removeprefix(_NLTK)
        return f"{_tagged(tag)}, by NLTK’s tagger"
    if name in _WHOLE:
        return _WHOLE[name]
    if rest and kind in _FORMS:
        return _in_form(kind, rest)
    if rest and kind in _SAID:
        return _SAID[kind](rest)
    head, _, kind_of = name.partition("_")
    if head in _HEADS and kind_of and not kind_of.startswith("of_"):
        return f"{spaced(kind_of)} {head}"
    if info.family.startswith("meaning/") and not name.endswith("s"):
        return f"words of {spaced(name)}"
    return spaced(name)


def _of_post(name: str) -> str:
    """Return how a set of the post is said.

    >>> _of_post("pos_NNP"), _of_post("letter_a"), _of_post("1990s")
    ('proper nouns', 'tokens that begin with “a”', 'the years of the 1990s')
    """
    kind, _, rest = name.partition("_")
    if kind == "pos":
        return _tagged(rest)
    if kind == "letter":
        return f"tokens that begin with “{rest}”"
    return POST.get(name) or (
        f"the years of the {name}" if name[:-1].isdigit() else f"the post’s {spaced(name)}"
    )


def _tagged(tag: str) -> str:
    return PENN.get(tag, f"words tagged “{tag}”")


def _in_form(form: str, name: str) -> str:
    """Return how a class or a letter is said in a form of writing.

    >>> _in_form("capital", "prepositions"), _in_form("after_space", "s")
    ('prepositions with a capital', 'words after a space that begin with “s”')
    """
    of_class, of_letter = _FORMS[form]
    if len(name) > 1:
        return of_class.format(said(SetInfo(name)))
    return of_letter.format(name.upper() if form in ("capital", "upper") else name)


def _clustered(name: str) -> str:
    """Return how a module that `discover` found is said: by a known set, or by its words.

    >>> _clustered("wordnet:road"), _clustered("god/deities/heaven")
    ('a cluster of roads and streets', 'words like “god”, “deities” and “heaven”')
    >>> _clustered("universities (2)"), _clustered("god/heaven (2)")
    ('cluster 2 of universities', 'more words like “god” and “heaven”')
    """
    found = _NUMBERED.fullmatch(name)
    what, number = found.groups() if found else (name, "")
    if "/" in what and what.partition(":")[0] not in _SAID:
        words = all_of([f"“{word}”" for word in what.split("/") if word.strip("…")] or [what])
        return f"more words like {words}" if number else f"words like {words}"
    phrase = said(SetInfo(what))
    return f"cluster {number} of {phrase}" if number else f"a cluster of {phrase}"


def _program(what: str) -> Callable[[str], str]:
    return lambda language: f"{PROGRAMS.get(language, language.title())} {what}"


def _language(what: str) -> Callable[[str], str]:
    return lambda language: f"{title(language)} {what}"


_SAID: dict[str, Callable[[str], str]] = {
    "post": _of_post,
    "module": _clustered,
    "form": lambda word: f"“{word}”",
    "lexeme": lambda word: f"forms of “{word}”",
    "begins": lambda sign: f"tokens that begin with {mark(sign)}",
    "contains": lambda sign: f"tokens with {mark(sign)}",
    "ends": lambda sign: f"tokens that end in {mark(sign)}",
    "continues": lambda piece: f"pieces that follow “{piece}” inside a word",
    "suffix": lambda ending: f"words in -{ending}",
    "suffixes": lambda endings: f"words in {all_of([f'-{each}' for each in endings.split('_')])}",
    "prefix": lambda beginning: f"words with the prefix {beginning}-",
    "first_letter": lambda letter: f"tokens that begin with “{letter}”",
    "first_letters": lambda letters: f"tokens that begin with “{letters}”",
    "last_letter": lambda letter: f"tokens that end in “{letter}”",
    "last_letters": lambda letters: f"tokens that end in “{letters}”",
    "length": counted("character"),
    "bytes": counted("byte"),
    "years": lambda span: f"the {span}" if span[-2:] == "0s" else f"years of the {spaced(span)}",
    "inflection": lambda kind: INFLECTIONS.get(kind, spaced(kind)),
    "pos": lambda part: f"words that can be {part}s",
    "pos_only": lambda part: f"words that can only be {part}s",
    "penn": _tagged,
    "wordnet": lambda word: _WORDNET.get(word, f"kinds of {spaced(word.partition('.')[0])}"),
    "lexfile": lambda topic: LEXFILES.get(topic, spaced(topic)),
    "names": names_of,
    "countries": lambda place: f"countries of {title(place)}",
    "sentiment": lambda kind: f"{spaced(kind)} words",
    "keywords": _program("keywords"),
    "builtins": _program("built-ins"),
    "methods": _program("methods"),
    "language": lambda language: (
        "function words" if language == "english" else f"frequent {title(language)} words"
    ),
    "months": _language("months"),
    "weekdays": _language("weekdays"),
    "pronouns": _language("pronouns"),
    "articles": _language("articles"),
    "prepositions": _language("prepositions"),
    "conjunctions": _language("conjunctions"),
    "numbers": _language("numbers"),
    "colors": _language("colors"),
    "letters": lambda language: f"special letters of {_of_language(language)}",
    "script": lambda script: SCRIPTS.get(script, f"{title(script)} script"),
    "category": lambda category: CATEGORIES.get(category, f"Unicode category “{category}”"),
    "rank": ranked,
    "first_sound": lambda name: f"words whose first sound is the {sound(name)}",
    "last_sound": lambda name: f"words whose last sound is the {sound(name)}",
    "stressed_vowel": lambda name: f"words whose stressed vowel is the {sound(name)}",
    "syllables": lambda count: f"words of {spaced(count)}",
    "stress": lambda place: f"words stressed on the {place} syllable",
    "rhyme": lambda word: f"words that rhyme with “{word}”",
}
"""By what stands before the colon of a name."""


def _of_language(language: str) -> str:
    return "the Nordic languages" if language == "nordic" else title(language)
