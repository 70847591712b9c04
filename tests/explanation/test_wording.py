"""How sets are said: as a person would, and never with the marks of a name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tokensets.vocabularies import default_sets
from unembed.explanation.wording import said
from unembed.tokensets import SetInfo, collections
from unembed.tokensets.collections import default, post
from unembed.tokensets.files.definitions import read_definitions

DEFAULT = Path(collections.__file__).parent / "default"

KINDS = ("affixes/continuations", "affixes/letter_in_form", "affixes/places", "affixes/vowels",
         "grammar/form", "language/months", "language/weekdays", "language/pronouns",
         "language/articles", "language/prepositions", "language/conjunctions",
         "language/numbers", "language/colors")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("continues:out", "pieces that follow “out” inside a word"),
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
        ("begins_with_vowel", "words and pieces that begin with a vowel"),
        ("penn:NNP", "proper nouns"),
        ("penn:NNPS", "plural proper nouns"),
        ("penn:SYM", "symbols"),
        ("penn:.", "marks that end a sentence"),
        ("penn::", "colons, dashes and dots in a sentence"),
        ("penn:``", "opening quotation marks"),
        ("post:pos_$", "currency signs"),
        ("post:pos_JJR", "comparative adjectives"),
        ("nltk_pos_NNPS", "plural proper nouns"),
        ("post:letter_q", "tokens that begin with q"),
        ("post:1990s", "the 1990s"),
        ("post:length_5", "tokens of five characters"),
        ("post:capital_cities", "capital cities"),
    ],
)
def test_kinds_of_sets(name: str, phrase: str) -> None:
    assert said(SetInfo(name)) == phrase


@pytest.mark.inputs
def test_no_name_shows_through() -> None:
    infos = [info for info in default_sets("gpt2").infos if info.family in KINDS]
    assert len(infos) > 550
    phrases = [said(info) for info in infos]
    assert not [phrase for phrase in phrases if re.search(r"[_:/]|\d", phrase)]
    assert len(set(phrases)) == len(phrases)


def test_every_tag_and_every_set_of_the_post_has_a_phrase() -> None:
    tags = [each.name for each in default() if each.name.startswith("penn:")]
    assert len(tags) > 40
    phrases = [said(SetInfo(each.name, each.family)) for each in post()]
    assert len(set(phrases)) == len(phrases)
    for phrase in [*phrases, *(said(SetInfo(tag)) for tag in tags)]:
        assert not re.search(r"tagged|_|post|:", phrase), phrase


@pytest.mark.parametrize("file", ["unions.yaml", "everyday.yaml"])
def test_what_is_made_by_hand_is_said_in_words(file: str) -> None:
    for each in read_definitions(DEFAULT / file, ours=True):
        phrase = said(SetInfo(each.name, each.family))
        assert not re.search(r"[_:]", phrase), phrase
        assert len(phrase.split()) <= 8, phrase
