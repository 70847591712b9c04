"""How sets are said: as a person would, and never with the marks of a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unembed.explanation.phrasing import _FORMS, _SAID, is_last_resort, said, worth
from unembed.explanation.wording import Named, label
from unembed.tokensets import SetInfo


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("continues:out", "pieces that follow “out” inside a word"),
        ("after_space:s", "words after a space that begin with “s”"),
        ("lower_after_space:s", "lower-case words after a space that begin with “s”"),
        ("bare:s", "tokens without a leading space that begin with “s”"),
        ("capital:s", "words that begin with a capital “S”"),
        ("upper:s", "words in capitals that begin with “S”"),
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
        ("penn:``", "opening quotation marks alone"),
        ("post:pos_$", "currency signs alone"),
        ("post:pos_JJR", "comparative adjectives"),
        ("nltk_pos_NNPS", "plural proper nouns, by NLTK’s tagger"),
        ("post:letter_q", "tokens that begin with “q”"),
        ("post:1990s", "the years of the 1990s"),
        ("post:length_5", "tokens of five letters or digits"),
        ("post:capital_cities", "the post’s capital cities"),
        ("wordnet:bird", "kinds of bird"),
        ("wordnet:begin.v", "verbs of beginning"),
        ("wordnet:get.v", "verbs of getting"),
        ("lexfile:noun.act", "nouns for acts"),
        ("language:english", "function words"),
        ("language:german", "frequent German words"),
        ("names:female_1940s", "women’s names from 1940 to 1959"),
        ("indefinites_no", "“no”, “nobody” and their kin"),
        ("category:Pd", "dashes and hyphens"),
        ("script:greek", "Greek script"),
        ("letters:nordic", "special letters of the Nordic languages"),
        ("begins:_", "tokens that begin with an underscore"),
        ("ends::", "tokens that end in a colon"),
        ("contains:「", "tokens with “「”"),
        ("length:1", "tokens of one character"),
        ("length:16_or_more", "tokens of sixteen characters or more"),
        ("bytes:32", "tokens of 32 bytes"),
        ("rank:0-250", "the first 250 tokens of the vocabulary"),
        ("years:19th_century", "years of the 19th century"),
        ("years:1990s", "the 1990s"),
        ("prefix:un", "words with the prefix un-"),
        ("keywords:cpp", "C++ keywords"),
        ("first_sound:ch_of_cheese", "words whose first sound is the “ch” of “cheese”"),
        ("module:months", "a cluster of months"),
        ("module:contains:)", "a cluster of tokens with a closing round bracket"),
        ("module:contains:/", "a cluster of tokens with a slash"),
        ("module:zinc/…", "words like “zinc”"),
        ("module:zinc/gold/iron", "words like “zinc”, “gold” and “iron”"),
        ("module:zinc/gold/iron (2)", "more words like “zinc”, “gold” and “iron”"),
        ("module:months (3)", "cluster 3 of months"),
        ("my_own_set", "my own set"),
        ("mine:other_things", "mine:other things"),
    ],
)
def test_kinds_of_sets(name: str, phrase: str) -> None:
    assert said(SetInfo(name)) == phrase


@pytest.mark.parametrize(
    ("name", "family", "expected"),
    [
        ("pronouns_personal", "grammar/pronouns", 1),
        ("post:countries", "post/lists", 1),
        ("post:is_punctuation", "post/regex", 1),
        ("form:your", "forms/word", 0.85),
        ("first_letter:y", "affixes/first_letter", 0.7),
        ("after_space:y", "affixes/letter_in_form", 0.7),
        ("post:letter_y", "post/letters", 0.7),
        ("continues:out", "affixes/continuations", 0.5),
    ],
)
def test_fields_are_said_before_words_and_words_before_letters(
    name: str, family: str, expected: float
) -> None:
    assert worth(SetInfo(name, family)) == expected
    assert not is_last_resort(SetInfo(name, family))


@pytest.mark.parametrize("name", ["rank:0-250", "length:3", "bytes:5", "post:length_3"])
def test_ranks_and_lengths_are_said_last_of_all(name: str) -> None:
    assert is_last_resort(SetInfo(name))


OWN = ("short", "²", "3_", "x_3", "a-b", "0-", "-", "0-9-9", "/", "…/…", "male_20", "male_1x20s",
       "mine_1920s", "(2)", "a (2)", "_", "9" * 5_000)  # fmt: skip
"""What a person may call a set after the name of one of our kinds."""


def test_what_lies_within_a_named_set_is_said_after_it() -> None:
    months, may, weekdays = SetInfo("months"), SetInfo("form:may"), SetInfo("weekdays")
    named = [
        Named(may, 9.14, core_of=months), Named(weekdays, 8),
        Named(months, 7.26), Named(SetInfo("form:june"), -5, core_of=months),
    ]  # fmt: skip
    assert label(named) == (
        "promotes weekdays (z +8.0), months (z +7.3), above all “may” (z +9.1); "
        "suppresses “june” (z −5.0)"
    )


@pytest.mark.parametrize("kind", [*_SAID, *_FORMS])
def test_sets_of_ones_own_may_be_called_as_ours_are(kind: str) -> None:
    for rest in OWN:
        assert said(SetInfo(f"{kind}:{rest}"))
        assert said(SetInfo(f"{kind}_{rest}"))


@given(st.sampled_from([*_SAID, *_FORMS]), st.text(min_size=1))
def test_or_anything(kind: str, rest: str) -> None:
    assert said(SetInfo(f"{kind}:{rest}"))


def test_a_heavy_tail_that_no_part_is_of_is_said() -> None:
    """All that is named is of the other end, and the class is of this one."""
    named = [Named(SetInfo("months"), 5.9), Named(SetInfo("pronouns_reflexive"), 4.0)]
    assert label(named, None, -3.0, ["' strugg'", "' miscon'"]) == (
        "promotes months (z +5.9), reflexive pronouns (z +4.0); no known set for its heavy tail "
        "' strugg' ' miscon'; q 1.0e-3"
    )
