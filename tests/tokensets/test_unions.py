"""Unions, small classes and vocabularies made by hand, against plain Python over the texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tokensets.vocabularies import PATHS, default_sets
from unembed import Vocabulary
from unembed.tokensets import TokenSets, build_token_sets, collections
from unembed.tokensets.definitions import Definition, Words
from unembed.tokensets.files.definitions import read_definitions

DEFAULT = Path(collections.__file__).parent / "default"


def of_file(name: str) -> list[Definition]:
    return read_definitions(DEFAULT / name, ours=True)


def is_vowel(word: str) -> bool:
    """One letter that is a vowel under its accents, or one of two vowels run together."""
    bases = unicodedata.normalize("NFD", word)[:1].lower()
    return len(word) == 1 and word.isalpha() and (bases in "aeiou" or word.lower() in "æøœı")


def is_word(text: str, begins: str = "", ends: str = "") -> bool:
    word = text.removeprefix(" ").casefold()
    return word.isalpha() and (word[0] in (begins or word)) and (word[-1] in (ends or word))


BY_TEXT: dict[str, Callable[[str], bool]] = {
    "begins_with_vowel": lambda text: is_word(text, begins="aeiou"),
    "begins_with_consonant": lambda text: is_word(text, begins="bcdfghjklmnpqrstvwxyz"),
    "ends_with_vowel": lambda text: is_word(text, ends="aeiou"),
    "consonants": lambda text: text.removeprefix(" ").lower() in [*"bcdfghjklmnpqrstvwxyz"],
}


@pytest.mark.inputs
@pytest.mark.parametrize("vocabulary", PATHS)
class TestAgainstTheTexts:
    @pytest.mark.parametrize("name", BY_TEXT)
    def test_letters(self, vocabulary: str, name: str) -> None:
        sets = default_sets(vocabulary)
        expected = {
            text for text in real(sets) if text.strip().isascii() and text and BY_TEXT[name](text)
        }
        assert {text for text in sets.texts(name) if text.strip().isascii()} == expected

    def test_vowels(self, vocabulary: str) -> None:
        sets = default_sets(vocabulary)
        found = set(sets.texts("vowels"))
        assert all(is_vowel(text.removeprefix(" ")) for text in found)
        vowels = {text for text in real(sets) if is_vowel(text.removeprefix(" "))}
        assert {text for text in vowels if text[-1] < "\u0180"} <= found

    def test_maths_signs_are_no_letters_digits_or_lines(self, vocabulary: str) -> None:
        texts = default_sets(vocabulary).texts("maths_signs")
        assert {"+", "=", "<", ">", "^"} <= set(texts)
        for text in texts:
            kinds = {unicodedata.category(sign) for sign in text.removeprefix(" ")}
            assert kinds <= {"Sm", "Po", "Pd", "Sk", "So"}, text
            assert len(text.removeprefix(" ")) <= 3, text


def real(sets: TokenSets) -> set[str]:
    vocabulary = sets.vocabulary
    silent = vocabulary.masked | vocabulary.partial_utf8
    return {text for at, text in enumerate(vocabulary.texts) if not silent[at]}


def small(*texts: str) -> TokenSets:
    vocabulary = Vocabulary.from_texts(["other", *texts])
    return build_token_sets(vocabulary, min_size=1, cache=False)


MONTHS = [" January", "January", " JANUARY", " january", " Jan", "Jan", " Jan.", " jan"]
WEEKDAYS = [" Monday", " Mondays", " MONDAY", " monday", " Mon"]


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("months_any_form", [*MONTHS, " May", " Sept"], [" may", " march", " Monday"]),
        ("weekdays_any_form", WEEKDAYS, [" sun", " sat", " January"]),
        ("months_and_weekdays", [*MONTHS, *WEEKDAYS], [" may", " week"]),
        ("number_words", [" six", " dozens", " Millions", " thousand"], [" first", " 6", " many"]),
        ("suffixes:able_ible", [" usable", " visible", "able"], [" bible", " table", " usably"]),
        ("suffixes:ance_ence_ancy_ency", [" chance", " science", " urgency"], [" urgent"]),
        (
            "place_names_by_ending",
            ["ville", "shire", " Nashville", " Brighton", "Hamburg", " Pakistan", "burgh"],
            [" ville", " Button", " Report", " Island", " cotton", " Downtown", " Paris"],
        ),
        ("endings_alone", ["ed", "ing", "ness"], [" ed", "ED", " ness"]),
        ("place_name_pieces", ["ville", "ton", "sburg"], [" ton", " land", " Nashville"]),
        ("auxiliaries_present", [" is", " don't", " Has"], [" was", " AM", " did"]),
        ("auxiliaries_past", [" was", " didn’t", " Could"], [" is", " can"]),
        ("verbs_in_present_tense", [" says", " are", " Goes"], [" said", " say", " plays"]),
        ("maths_signs", ["≤", " +", "√", "!="], ["====", "--", "a", "=>"]),
        ("accounts_and_logins", [" login", " password"], [" computer"]),
        ("software_licences", [" MIT", " warranty", " license"], [" mit", " book"]),
        ("record_fields", [" zip", "name", "Email", "created"], [" named"]),
        ("email_phrases", [" Dear", " regards", " attached"], [" dear", " hi"]),
        ("typing_and_keys", [" Shift", " keyboard"], [" shift", " alt"]),
        ("symptoms", [" nausea", " cough"], [" doctor"]),
        ("clinical_notes", [" BP", " edema"], [" bp"]),
        ("repair", [" mend", " plumber"], [" hammer"]),
        ("shipping_and_delivery", [" parcel", " UPS"], [" ups"]),
        ("subscriptions_and_renewals", [" subscribe", " renewal"], [" member"]),
        ("payments", [" invoice", " Visa"], [" visa"]),
        ("past_endings_alone", ["ed", "ated", "d"], [" ed", "ED", "ing", "ness"]),
        ("noun_endings_alone", ["ness", "ation"], [" ness", "ed", "ous"]),
        ("adjective_endings_alone", ["ous", "ably"], [" able", "ness", "OUS"]),
        ("plural_endings_alone", ["s", "ments"], [" s", "ment", "S"]),
        ("negative_contraction_stems", [" wasn", " haven", " shan"], [" Haven", " won", " was"]),
        ("connectives", [" although", " therefore", " because"], [" of", " quickly"]),
        ("adverbs_of_change_in_degree", [" drastically", " markedly"], [" very", " sharp"]),
        ("words_of_reference", [" aforementioned", " herein"], [" there", " over"]),
        ("colloquial_words", [" stuff", " gonna", " yeah"], [" however", " material"]),
        ("british_spellings", [" colour", " realised", " Centre"], [" color", " centers"]),
        ("american_spellings", [" color", " realized", " Center"], [" colour", " centres"]),
        ("roles_and_duties", [" role", " tasks", " duties"], [" theory", " roll"]),
        ("theories_and_ideas", [" hypotheses", " notion"], [" role", " hype"]),
        ("connection", [" linked", " Relations"], [" relatives", " apart"]),
        ("skills", [" expertise", " abilities"], [" able", " skull"]),
    ],
)
def test_who_belongs(name: str, inside: list[str], outside: list[str]) -> None:
    assert set(small(*inside, *outside).texts(name)) == set(inside)


@pytest.mark.parametrize(("file", "most"), [("everyday.yaml", 60), ("fields.yaml", 90)])
def test_lists_are_of_a_size_that_was_read_over(file: str, most: int) -> None:
    for each in of_file(file):
        assert isinstance(each.rule, Words)
        assert 15 <= len(each.rule.entries) <= most, each.name


def test_no_field_is_another_set_over_again() -> None:
    sets = default_sets("smollm2")
    members = {info.name: {*sets[info.name].tolist()} for info in sets.infos}
    alike = [
        (field.name, name)
        for field in of_file("fields.yaml")
        for name, ids in members.items()
        if name != field.name
        and 2 * len(ids & members[field.name]) > len(ids | members[field.name])
    ]
    assert alike == []


def test_unions_name_sets_and_copy_none() -> None:
    names = {each.name for each in of_file("unions.yaml")}
    assert {"months_any_form", "number_words", "suffixes:able_ible"} <= names
    lists = {
        each.rule.entries
        for file in DEFAULT.glob("*.yaml")
        if file.name not in ("affixes.yaml", "unions.yaml")
        for each in of_file(file.name)
        if isinstance(each.rule, Words)
    }
    for each in of_file("unions.yaml"):
        assert not (isinstance(each.rule, Words) and each.rule.entries in lists), each.name
