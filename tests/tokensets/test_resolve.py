"""Definitions against small vocabularies: every policy, and what is missed."""

from __future__ import annotations

import re

import pytest

from unembed import Vocabulary
from unembed.errors import TokenSetError
from unembed.tokensets.assemble import Draft
from unembed.tokensets.definitions import (
    Characters,
    Combination,
    Definition,
    Regex,
    Rule,
    Spelled,
    Words,
)
from unembed.tokensets.reading import Reading
from unembed.tokensets.resolve import resolve

TEXTS = [
    "<s>", " may", "may", " May", "May", " MAY", " mAy", " us", " US", "Us", " neuro", "science",
    " ", "  ", "\n\n", " —", "'s", "naïve", " Привет", "αβ", "αb", " 12", "a1", "<special>",
]  # fmt: skip
VOCABULARY = Vocabulary.from_texts(TEXTS, special=[0, 23])
READING = Reading(VOCABULARY)


def drafts(*rules: Rule | tuple[str, Rule]) -> list[Draft]:
    named = [rule if isinstance(rule, tuple) else (f"set{i}", rule) for i, rule in enumerate(rules)]
    return list(resolve([Definition(n, "f", "d", "s", rule) for n, rule in named], READING))


def found(*rules: Rule | tuple[str, Rule]) -> list[str]:
    """The texts of the last set's tokens."""
    return [TEXTS[token] for token in drafts(*rules)[-1].ids]


class TestWords:
    @pytest.mark.parametrize(
        ("case", "expected"),
        [
            ("exact", [" may", "may"]),
            ("sentence", [" may", "may", " May", "May"]),
            ("raised", [" may", "may", " May", "May", " MAY"]),
            ("any", [" may", "may", " May", "May", " MAY", " mAy"]),
        ],
    )
    def test_case(self, case: str, expected: list[str]) -> None:
        assert found(Words(("may",), case=case)) == expected

    def test_capitals_are_never_taken_away(self) -> None:
        assert found(Words(("May",))) == [" May", "May", " MAY"]
        assert found(Words(("MAY",), case="sentence")) == [" MAY"]

    @pytest.mark.parametrize(
        ("space", "expected"),
        [
            ("any", [" may", "may"]),
            ("required", [" may"]),
            ("forbidden", ["may"]),
        ],
    )
    def test_space(self, space: str, expected: list[str]) -> None:
        assert found(Words(("may",), case="exact", space=space)) == expected

    def test_pieces_of_longer_words_are_not_the_word(self) -> None:
        assert found(Words(("science", "us", "'s", "a1"))) == [" us", " US", "Us", "'s", "a1"]
        assert found(Words(("science",), space="any")) == ["science"]

    def test_without_any_leading_space_every_token_is_whole(self) -> None:
        reading = Reading(Vocabulary.from_texts(["may", "12"]))
        (draft,) = resolve([Definition("x", "f", "d", "s", Words(("may",)))], reading)
        assert draft.ids.tolist() == [0]

    @pytest.mark.parametrize("case", ["sentence", "any"])
    def test_an_entry_as_written_among_others(self, case: str) -> None:
        assert found(Words(("=may", "us"), case=case, excluded=frozenset({"US"}))) == [
            " may", "may", " us", "Us",
        ]  # fmt: skip

    def test_words_that_are_no_single_tokens(self) -> None:
        (draft,) = drafts(Words(("may", "neuroscience", "=May be")))
        assert draft.missed == ("neuroscience", "May be")
        assert (draft.info.words, draft.info.missed) == (3, 2)

    def test_a_word_without_the_wanted_space_is_missed(self) -> None:
        (draft,) = drafts(Words(("science",), space="required"))
        assert draft.missed == ("science",)
        assert not len(draft.ids)

    def test_masked_tokens_are_never_members(self) -> None:
        (draft,) = drafts(Words(("<s>", "<special>")))
        assert not len(draft.ids)


class TestRegex:
    def test_sees_the_word_without_its_leading_space(self) -> None:
        assert found(Regex(re.compile(r"^\d+$"))) == [" 12"]
        assert found(Regex(re.compile(r"^ "))) == ["  "]

    def test_sees_the_whole_text_on_request(self) -> None:
        assert found(Regex(re.compile(r"^ M"), space="kept")) == [" May", " MAY"]
        assert found(Regex(re.compile(r"^\s+$"), space="kept")) == [" ", "  ", "\n\n"]

    @pytest.mark.parametrize(
        ("space", "expected"), [("required", [" us", " US"]), ("forbidden", ["Us"])]
    )
    def test_space(self, space: str, expected: list[str]) -> None:
        assert found(Regex(re.compile("^us$", re.IGNORECASE), space=space)) == expected

    def test_excluded(self) -> None:
        rule = Regex(re.compile("^us$", re.IGNORECASE), excluded=frozenset({"US"}))
        assert found(rule) == [" us", "Us"]

    def test_the_name_of_a_masked_token_is_no_text(self) -> None:
        assert found(Regex(re.compile("s"))) == [" us", "Us", "science", "'s"]


class TestCharacters:
    @pytest.mark.parametrize(
        ("class_", "how", "expected"),
        [
            (r"\p{Greek}", "all", ["αβ"]),
            (r"\p{Greek}", "any", ["αβ", "αb"]),
            (r"\p{Cyrillic}", "all", [" Привет"]),
            (r"[\p{Latin}--\p{ASCII}]", "any", ["naïve"]),
            (r"\p{Pd}", "all", [" —"]),
            ("[0-9]", "any", [" 12", "a1"]),
            (r"\s", "all", ["  ", "\n\n"]),
        ],
    )
    def test_all_or_any(self, class_: str, how: str, expected: list[str]) -> None:
        assert found(Characters(class_, how)) == expected

    def test_space(self) -> None:
        assert found(Characters("[0-9]", "any", space="required")) == [" 12"]

    def test_half_a_character_has_none(self) -> None:
        reading = Reading(Vocabulary.from_ids({0: "é".encode(), 1: b"\xc3", 2: b"x"}, kind="test"))
        assert reading.with_characters("[^x]", "any").tolist() == [0]


class TestSpelled:
    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            (r"\p{Lu}\p{Ll}+", [" May", "May", "Us", " Привет"]),
            (r"\p{Ll}\p{Lu}\p{Ll}", [" mAy"]),
            (r"[\p{P}\p{S}]+", [" —"]),
            (".*\n.*", ["\n\n"]),
            ("(?i)may|us", [" may", "may", " May", "May", " MAY", " mAy", " us", " US", "Us"]),
        ],
    )
    def test_the_whole_word(self, pattern: str, expected: list[str]) -> None:
        assert found(Spelled(pattern)) == expected

    def test_space(self) -> None:
        assert found(Spelled("[Mm]ay", "required")) == [" may", " May"]
        assert found(Spelled("[Mm]ay", "forbidden")) == ["may", "May"]

    def test_kept_sees_the_space(self) -> None:
        assert found(Spelled(" +", "kept")) == [" ", "  "]

    def test_says_so(self) -> None:
        assert str(Spelled(r"\p{Ll}+", "required")) == r"word is \p{Ll}+; with a leading space"
        assert str(Spelled(" .*", "kept")) == "text is  .*"


class TestLetters:
    """The first and last letters are a to z in either case, and no letters that fold to them."""

    texts = (" Bass", "BASS", " groß", "ß", "İnce", "ince", "Kin", "\u212ain", "ſo", "so", "ﬁn")
    reading = Reading(Vocabulary.from_texts(texts))

    @pytest.mark.parametrize(
        ("first", "letters", "expected"),
        [
            (False, "ss", ["Bass", "BASS"]),
            (True, "i", ["ince"]),
            (True, "k", ["Kin"]),
            (True, "s", ["so"]),
            (True, "f", []),
            (True, "ba", ["Bass", "BASS"]),
        ],
    )
    def test_ends(self, first: bool, letters: str, expected: list[str]) -> None:
        by = self.reading.beginning_with if first else self.reading.ending_with
        assert sorted(by(letters)) == sorted(expected)


class TestCombination:
    first = ("first", Words(("may", "us")))
    second = ("second", Words(("us",), case="exact"))

    @pytest.mark.parametrize(
        ("how", "expected"),
        [
            ("union", [" may", "may", " May", "May", " MAY", " us", " US", "Us"]),
            ("intersection", [" us"]),
            ("difference", [" may", "may", " May", "May", " MAY", " US", "Us"]),
        ],
    )
    def test_of_sets_defined_before_or_after(self, how: str, expected: list[str]) -> None:
        rule = Combination(how, ("first", "second"))
        assert found(self.first, self.second, ("x", rule)) == expected
        before = drafts(("x", rule), self.first, self.second)
        assert [TEXTS[token] for token in before[0].ids] == expected

    def test_of_itself(self) -> None:
        with pytest.raises(TokenSetError, match="made of itself: a → b → a"):
            drafts(("a", Combination("union", ("b",))), ("b", Combination("union", ("a",))))

    def test_twice_of_one_set(self) -> None:
        inner = ("b", Combination("union", ("first",)))
        rule = ("a", Combination("intersection", ("b", "first")))
        assert found(self.first, inner, rule) == found(self.first)

    def test_of_an_unknown_set(self) -> None:
        with pytest.raises(TokenSetError, match=r"'x' is made of 'firs'.*Did you mean 'first'"):
            drafts(self.first, ("x", Combination("union", ("firs",))))


def test_a_definition_says_how_members_are_told() -> None:
    rule = Words(("=US", "us"), case="sentence", space="required", excluded=frozenset({"Us"}))
    assert str(rule) == (
        "2 words, as written or with the first letter raised; 1 of them exactly as written; "
        "with a leading space; never Us"
    )
