"""How sets are said: as a person would, and never with the marks of a name."""

from __future__ import annotations

import re

import pytest

from tests.tokensets.vocabularies import default_sets
from unembed.explanation.wording import said
from unembed.tokensets import SetInfo

KINDS = ("affixes/continuations", "affixes/letter_in_form", "affixes/places", "affixes/vowels",
         "grammar/form", "language/months", "language/weekdays", "language/pronouns",
         "language/articles", "language/prepositions", "language/conjunctions",
         "language/numbers", "language/colors")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("continues:out", "what follows “out” in split words"),
        ("after_space:s", "words after a space that begin with s"),
        ("lower_after_space:s", "lower-case words after a space that begin with s"),
        ("bare:s", "tokens without a leading space that begin with s"),
        ("capital:s", "words that begin with a capital S"),
        ("upper:s", "words in capitals that begin with S"),
        ("capital:prepositions", "prepositions with a capital"),
        ("lower_after_space:pronouns_personal", "lower-case personal pronouns after a space"),
        ("bare:numbers_cardinal", "cardinal numbers without a leading space"),
        ("upper:wh_words", "wh-words in capitals"),
        ("after_space:function_words", "function words after a space"),
        ("suffixes:able_ible", "words in -able and -ible"),
        ("suffixes:ize_ise_ify", "words in -ize, -ise and -ify"),
        ("months_any_form", "months in any form"),
        ("months:german", "German months"),
        ("numbers_in_other_languages", "numbers in other languages"),
        ("begins_with_vowel", "tokens that begin with a vowel"),
    ],
)
def test_kinds_of_sets(name: str, phrase: str) -> None:
    assert said(SetInfo(name)) == phrase


@pytest.mark.inputs
def test_no_name_shows_through() -> None:
    infos = [info for info in default_sets("gpt2").infos if info.family in KINDS]
    assert len(infos) > 900
    phrases = [said(info) for info in infos]
    assert not [phrase for phrase in phrases if re.search(r"[_:/]|\d", phrase)]
    assert len(set(phrases)) == len(phrases)
