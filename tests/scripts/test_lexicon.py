"""Which words mean a synset: a WordNet of a few words, by the rules of the lexicon's README."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.lexicon import hypernyms, wordnet
from scripts.lexicon.wordnet import Synset, meaning

ANIMAL, ISLAND, THINKING, NUMBER, MOMENT = 1, 2, 3, 4, 5
TURKEY, CARRYING, STIRRING, ORDINAL, PERSON = 6, 7, 8, 9, 10
SYNSETS = {
    "n": [
        Synset("n", ANIMAL, "noun.animal", ["bear", "tiger", "turkey", "Assault", "fly"], ""),
        Synset("n", ISLAND, "noun.location", ["Wake", "Java", "WAN", "Lincoln"], ""),
        Synset("n", NUMBER, "noun.quantity", ["two"], ""),
        Synset("n", MOMENT, "noun.time", ["time", "assault", "second", "fly"], ""),
        Synset("n", PERSON, "noun.person", ["Lincoln", "doctor"], ""),
        Synset("n", TURKEY, "noun.location", ["Turkey"], ""),
    ],
    "v": [
        Synset("v", THINKING, "verb.cognition", ["time", "think"], ""),
        Synset("v", CARRYING, "verb.motion", ["bear", "fly"], ""),
        Synset("v", STIRRING, "verb.body", ["wake"], ""),
    ],
    "a": [Synset("a", ORDINAL, "adj.all", ["two", "second", "wan"], "")],
    "r": [],
}
SENSES = {
    "n": {
        "bear": [(ANIMAL, 1)], "tiger": [(ANIMAL, 0)], "turkey": [(TURKEY, 2), (ANIMAL, 1)],
        "assault": [(MOMENT, 8), (ANIMAL, 0)], "wake": [(ISLAND, 1)], "java": [(ISLAND, 0)],
        "two": [(NUMBER, 10)], "time": [(MOMENT, 90)], "second": [(MOMENT, 5)],
        "lincoln": [(PERSON, 5), (ISLAND, 0)], "doctor": [(PERSON, 9)],
        "wan": [(ISLAND, 0)], "fly": [(MOMENT, 80), (ANIMAL, 19)],
    },
    "v": {
        "time": [(THINKING, 2)], "think": [(THINKING, 40)], "bear": [(CARRYING, 83)],
        "wake": [(STIRRING, 20)], "fly": [(CARRYING, 30)],
    },
    "a": {"two": [(ORDINAL, 200)], "second": [(ORDINAL, 120)], "wan": [(ORDINAL, 0)]},
    "r": {},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    tables = {pos: {each.offset: each for each in found} for pos, found in SYNSETS.items()}
    monkeypatch.setattr(wordnet, "synsets", tables.__getitem__)
    monkeypatch.setattr(wordnet, "senses", SENSES.__getitem__)
    for cached in (wordnet.uses, wordnet._bearers, wordnet._is_written_small):
        cached.cache_clear()
    yield
    for cached in (wordnet.uses, wordnet._bearers, wordnet._is_written_small):
        cached.cache_clear()


def test_a_thing_is_one_however_often_a_verb_is_spelled_so() -> None:
    assert {"bear", "tiger"} <= meaning("n", {ANIMAL})
    assert meaning("v", {CARRYING}) == {"bear", "fly"}


def test_a_later_sense_counts_from_a_quarter_of_the_uses() -> None:
    assert "fly" not in meaning("n", {ANIMAL})  # 19 of 99
    SENSES["n"]["fly"][1] = (ANIMAL, 27)
    wordnet._bearers.cache_clear()
    wordnet.uses.cache_clear()
    try:
        assert "fly" in meaning("n", {ANIMAL})  # 27 of 107
    finally:
        SENSES["n"]["fly"][1] = (ANIMAL, 19)


def test_a_rare_use_of_a_word_counts_for_nothing() -> None:
    assert meaning("v", {THINKING}) == {"think"}  # "time" is a verb in 2 of 92 uses
    assert "second" not in meaning("n", {MOMENT})  # a noun in 5 of 125
    assert {"time", "assault"} <= meaning("n", {MOMENT})


def test_an_adjective_that_means_the_same_does_not_count_against_a_number() -> None:
    assert meaning("n", {NUMBER}) == {"two"}  # a noun in 10 of 210


def test_names_with_a_common_twin_are_the_twin_in_capitals() -> None:
    assert meaning("n", {ISLAND}) == {"Java"}  # no Wake, no WAN
    assert "Assault" not in meaning("n", {ANIMAL})


def test_a_name_that_is_frequent_enough_is_kept_beside_its_twin() -> None:
    assert meaning("n", {TURKEY}) == {"Turkey"}
    assert "turkey" in meaning("n", {ANIMAL})


def test_persons_are_not_what_they_were_nor_the_places_called_after_them() -> None:
    assert meaning("n", {PERSON}) == {"doctor"}
    assert "Lincoln" not in meaning("n", {ISLAND})


def test_the_senses_of_a_set_count_together() -> None:
    assert "fly" in meaning("n", {ANIMAL, MOMENT})


@pytest.mark.parametrize(
    ("words", "reason"),
    [(set("abcd"), "cat has 4 words"), (set("abcdefgh"), "cat is nearly dog")],
)
def test_a_synset_of_few_words_or_of_another_one_is_refused(words: set[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        hypernyms._check("cat", words, {"dog": set("abcdefg")})


def test_a_synset_of_its_own_is_not_refused() -> None:
    hypernyms._check("cat", set("abcdefgh"), {"dog": set("abcdxyz")})
