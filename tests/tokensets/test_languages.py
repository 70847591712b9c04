"""Sets of other languages: of their own words, and only where a vocabulary knows them."""

from __future__ import annotations

import polars as pl

from unembed import Vocabulary
from unembed.tokensets import build_token_sets
from unembed.tokensets.collections.continuations import words
from unembed.tokensets.collections.languages import definitions
from unembed.tokensets.collections.lexicon import CALENDARS, lexicon
from unembed.tokensets.definitions import Words

MONTHS = "Januar Februar März Mai Juni Juli Oktober Dezember".split()
"""The German months that are not spelled as the English ones."""
MARCHES = {"german": "März", "french": "avril", "spanish": "marzo", "polish": "marzec",
           "russian": "март", "finnish": "maaliskuu", "turkish": "Mayıs"}  # fmt: skip


def words_of(name: str) -> tuple[str, ...]:
    (rule,) = (each.rule for each in definitions() if each.name == name)
    assert isinstance(rule, Words)
    return rule.entries


def test_no_word_is_english() -> None:
    frequent = lexicon().filter(pl.col("name") == "language:english")["words"].to_list()[0]
    english = {*words(), *frequent}
    for each in definitions():
        assert isinstance(each.rule, Words)
        assert not {word for word in each.rule.entries if word.lower() in english}, each.name


def test_calendars_are_whole() -> None:
    assert set(words_of("months:german")) == set(MONTHS)
    for language, word in MARCHES.items():
        assert word in words_of(f"months:{language}"), language
    assert set(words_of("weekdays:french")) == set(
        "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
    )
    names = set(lexicon().filter(pl.col("family").is_in(CALENDARS))["name"])
    assert len(names) == 49  # 25 languages; all but one Hebrew day are two words
    assert names <= {each.name for each in definitions()}


def spaced(*words: str) -> Vocabulary:
    return Vocabulary.from_texts([f" {word}" for word in words])


def test_a_set_stands_where_half_of_its_words_are_tokens() -> None:
    half = build_token_sets(spaced(*MONTHS[:4], "other"), cache=False)
    assert half.texts("months:german") == [f" {word}" for word in MONTHS[:4]]
    less = build_token_sets(spaced(*MONTHS[:3], "other"), cache=False)
    (aside,) = (each for each in less.set_aside if each.name == "months:german")
    assert aside.reason == "3 of its 8 words are tokens of this vocabulary, fewer than half"


def test_languages_that_stand_are_together() -> None:
    french = "janvier février avril juin juillet août septembre".split()
    both = build_token_sets(spaced(*MONTHS, *french, "marzo"), cache=False)
    assert set(both.texts("months_in_other_languages")) == {
        f" {word}" for word in (*MONTHS, *french)
    }
    alone = build_token_sets(spaced(*MONTHS), cache=False)
    assert "months_in_other_languages" not in alone


def test_signs_need_no_space() -> None:
    numerals = list("一二三四五六七八九十百千万")
    sets = build_token_sets(Vocabulary.from_texts([*numerals, " one"]), cache=False)
    assert sets.texts("numbers:chinese") == numerals
