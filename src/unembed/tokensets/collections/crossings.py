"""Where two of our own sets meet: a class of words, or a letter, in one form of writing.

A feature seldom writes prepositions in every form: inside a sentence it writes " of" and " in", at
the start of one "Of" and "In". Which of these sets are kept is for the vocabulary to say
(`unembed.tokensets.apart`): in some, all words of a class have a space before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_lowercase
from typing import NamedTuple

from unembed.tokensets.definitions import Combination, Definition

LETTERS = "affixes/letter_in_form"
CLASSES = "grammar/form"
SOURCE = "where sets of this collection meet"

FUNCTION_WORDS = "language:english"
CLOSED = {
    "pronouns_personal": "Personal pronouns",
    "pronouns_possessive": "Possessive pronouns",
    "pronouns_indefinite": "Indefinite pronouns",
    "pronouns_demonstrative": "This, that, these and those",
    "determiners": "Determiners",
    "quantifiers": "Words that say how many or how much",
    "prepositions": "Prepositions",
    "conjunctions": "Conjunctions",
    "auxiliaries": "Auxiliaries",
    "modals": "Modal verbs",
    "negations": "Negations",
    "wh_words": "Who, what, when, where, why, how and their kin",
    "numbers_cardinal": "Number words",
    "numbers_ordinal": "Ordinal words",
    "interjections": "Interjections",
    "adverbs_of_time": "Adverbs of time",
    FUNCTION_WORDS: "The most frequent words of English, which are function words",
}
"""Closed classes: the names of their sets, and what they are."""


class Form(NamedTuple):
    """A way of writing a word.

    Attributes:
        parent: the set of all tokens that are written so.
        class_text: of a class's words, its description.
        letter_text: of words by their first letter, likewise.
    """

    parent: str
    class_text: str
    letter_text: str


FORMS = {
    "after_space": Form(
        "leading_space",
        "{}: after a space, in any case",
        "Begins, after a space, with the letter {}, in either case; only letters",
    ),
    "lower_after_space": Form(
        "lower_case_after_space",
        "{}: after a space, in lower case, as inside a sentence",
        "Begins, after a space, with a small {}; only small letters",
    ),
    "bare": Form(
        "no_leading_space",
        "{}: without a leading space",
        "Begins, without a space before it, with the letter {}, in either case; only letters",
    ),
    "capital": Form(
        "starts_with_capital",
        "{}: with a capital, as at the start of a sentence",
        "Begins with a capital {}; only letters",
    ),
    "upper": Form("all_capitals", "{}: in capitals", "Begins with {}, all in capitals"),
}


def definitions() -> Iterator[Definition]:
    """Yield every crossing, class by class and then letter by letter."""
    for form, facts in FORMS.items():
        for name, said in CLOSED.items():
            rest = "function_words" if name == FUNCTION_WORDS else name
            text = facts.class_text.format(said)
            yield _definition(f"{form}:{rest}", CLASSES, text, (name, facts.parent))
    for form, facts in FORMS.items():
        for letter in ascii_lowercase:
            shown = letter.upper() if form in ("capital", "upper") else letter
            text = facts.letter_text.format(shown)
            of = (f"first_letter:{letter}", facts.parent)
            yield _definition(f"{form}:{letter}", LETTERS, text, of)


def _definition(name: str, family: str, text: str, of: tuple[str, str]) -> Definition:
    return Definition(name, family, f"{text}.", SOURCE, Combination("intersection", of))
