"""The collection `sounds`, against pronunciations that are known."""

from __future__ import annotations

import pytest

from tests.tokensets.vocabularies import vocabulary
from unembed import Vocabulary
from unembed.explanation.wording import said
from unembed.tokensets import TokenSets, build_token_sets
from unembed.tokensets.collections.sounds import LIKE, Spoken, spoken


def small(*texts: str) -> TokenSets:
    """The sets of a few words, and of one that sounds like none of them."""
    return build_token_sets(Vocabulary.from_texts([*texts, " oily", " my"]), "sounds", min_size=1)


def test_how_a_word_is_spoken() -> None:
    record = Spoken.of("R AH0 K AO1 R D")
    assert record == Spoken(("R", "AH", "K", "AO", "R", "D"), 3, (1, 3))
    assert record is not None
    assert record.rhyme == ("AO", "R", "D")
    happy = Spoken.of("HH AE1 P IY0")
    assert happy is not None
    assert happy.rhyme == ("AE", "P", "IY")
    # Without a main stress the last vowel counts; without a vowel there is no word.
    assert Spoken.of("DH AH0") == Spoken(("DH", "AH"), 1, (1,))
    assert Spoken.of("HH M") is None


def test_every_sound_has_a_name_and_every_example_that_sound() -> None:
    found = {sound for each in spoken().values() for sound in each.sounds}
    assert found == set(LIKE)
    for sound, like in LIKE.items():
        assert sound in spoken()[like.rpartition(" ")[2]].sounds, sound
    assert len(set(LIKE.values())) == len(LIKE)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("first_sound:n_of_name", [" know", " gnome", " Nice"], [" kite"]),
        ("first_sound:f_of_five", [" phone", " fast"], [" path"]),
        ("last_sound:k_of_cat", [], [" knock"]),
        ("last_sound:c_of_cat", [" knock", " music", " lake"], [" ice", " knob"]),
        ("stressed_vowel:ee_of_see", [" people", " machine", " key"], [" bed"]),
        ("syllables:one_syllable", [" strength", " laughed", " my"], [" table"]),
        ("syllables:three_syllables", [" banana", " Canada"], [" table", " house"]),
        ("stress:second", [" banana", " about"], [" Canada", " table"]),
        ("rhyme:bite", [" night", " kite", " white", " write", " bite", " right"], [" weight"]),
    ],
)
def test_who_sounds_so(name: str, inside: list[str], outside: list[str]) -> None:
    sets = small(*inside, *outside)
    assert (set(sets.texts(name)) if inside else set()) == set(inside)
    assert inside or name not in sets


def test_a_rhyme_has_five_words_however_they_are_written() -> None:
    four = [" night", " kite", " white", " write"]
    assert "rhyme:bite" not in small(*four, " Night", " NIGHT")
    assert set(small(*four, " right").texts("rhyme:bite")) == {*four, " right"}


@pytest.mark.inputs
def test_on_a_vocabulary() -> None:
    sets = build_token_sets(vocabulary("gpt2"), "sounds")
    syllables = sets.filter(family="sounds/syllables")
    assert len(syllables) == 5
    assert len(set(syllables.ids.tolist())) == len(syllables.ids)  # a word has one number of them
    assert (
        said(sets.info("first_sound:ch_of_cheese"))
        == "words whose first sound is the “ch” of “cheese”"
    )
    assert said(sets.info("syllables:two_syllables")) == "words of two syllables"
    assert said(sets.info("stress:second")) == "words stressed on the second syllable"
