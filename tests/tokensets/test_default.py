"""The built-in sets on real vocabularies, against what is known of them by other means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from tests.tokensets.vocabularies import PATHS, default_sets, vocabulary
from unembed import Vocabulary
from unembed.tokensets import TokenSets, build_token_sets, describe, merge_token_sets
from unembed.tokensets.collections import default, post
from unembed.tokensets.reading import Reading

NAMES = list(PATHS)

pytestmark = pytest.mark.inputs
GENERATED = ("forms/", "characters/", "affixes/continuations")
REASONS = ("fewer than 8", "fewer than half", "nearly the tokens of")
"""Why a set is set aside that is neither too small nor everything: tested where it is decided."""


@pytest.fixture(params=NAMES)
def sets(request: pytest.FixtureRequest) -> TokenSets:
    return default_sets(request.param)


@pytest.fixture
def gpt2() -> TokenSets:
    return default_sets("gpt2")


def read(vocabulary: Vocabulary) -> dict[int, str]:
    """Every token that has a text of its own."""
    silent = vocabulary.masked | vocabulary.partial_utf8
    return {i: text for i, text in enumerate(vocabulary.texts) if not silent[i]}


def words(sets: TokenSets, name: str) -> set[str]:
    return {text.removeprefix(" ") for text in sets.texts(name)}


class TestSize:
    def test_enough_sets(self, gpt2: TokenSets) -> None:
        sizes = zip(gpt2.infos, gpt2.sizes, strict=True)
        curated = [n for info, n in sizes if not info.family.startswith(GENERATED)]
        assert sum(n >= 5 for n in curated) >= 500
        assert len(gpt2) - len(curated) >= 3_000

    def test_no_two_are_the_same(self, sets: TokenSets) -> None:
        assert len({sets[name].tobytes() for name in sets}) == len(sets)

    def test_none_holds_a_masked_token(self, sets: TokenSets) -> None:
        assert not sets.vocabulary.masked[sets.ids].any()

    def test_what_is_set_aside_is_small_or_everything(self, sets: TokenSets) -> None:
        n_tokens = np.count_nonzero(~sets.vocabulary.masked)
        for each in sets.set_aside:
            extreme = each.size < 3 or each.size > 0.99 * n_tokens
            assert extreme or any(reason in each.reason for reason in REASONS), each

    def test_every_set_says_what_it_is(self, sets: TokenSets) -> None:
        for info in sets.infos:
            assert info.family, info.name
            assert info.source, info.name
            assert info.definition, info.name
            assert info.description.endswith((".", ")", "!", "?")), info

    def test_names_are_unique_in_all_collections(self) -> None:
        names = [each.name for each in (*default(), *post())]
        assert len(names) == len(set(names))


class TestSpelling:
    @pytest.mark.parametrize(
        ("name", "pattern"),
        [
            ("leading_space", " .*"),
            ("digits", " ?[0-9]+"),
            ("digits_3", " ?[0-9]{3}"),
            ("space_before_digits", " [0-9]+"),
            ("title_case", " ?[A-Z][a-z]+"),
            ("all_capitals", " ?[A-Z][A-Z]+"),
            ("lower_case_after_space", " [a-z]+"),
            ("years:1990s", " ?(199[0-9]|1990s)"),
            ("suffix:ness", " ?([A-Za-z]{2,})?[Nn][Ee][Ss][Ss]"),
            ("first_letter:q", " ?[Qq][A-Za-z]*"),
            ("last_letters:ly", " ?[A-Za-z]*[Ll][Yy]"),
        ],
    )
    def test_against_python_over_the_text(self, sets: TokenSets, name: str, pattern: str) -> None:
        match = re.compile(pattern, re.DOTALL).fullmatch
        letters = name.startswith(("suffix", "first", "last", "title", "all", "lower"))
        expected = [
            token
            for token, text in read(sets.vocabulary).items()
            if match(text) and not (letters and not text.isascii())
        ]
        if len(expected) < 3:
            assert name in {each.name for each in sets.set_aside}
            return
        found = [i for i in sets[name] if not letters or sets.vocabulary.texts[i].isascii()]
        assert found == expected

    @pytest.mark.parametrize("length", [1, 2, 5, 12])
    def test_lengths(self, sets: TokenSets, length: int) -> None:
        expected = [
            token
            for token, text in read(sets.vocabulary).items()
            if len(text.removeprefix(" ")) == length
        ]
        assert sets[f"length:{length}"].tolist() == expected

    def test_bytes(self, gpt2: TokenSets) -> None:
        raw = gpt2.vocabulary.token_bytes
        single = [token for token, each in enumerate(raw) if len(each) == 1]
        assert gpt2["byte_tokens"].tolist() == single
        lead = [
            token
            for token, each in enumerate(raw)
            if each and not is_utf8(each) and any(is_utf8(each + b"\x80" * n) for n in (1, 2, 3))
        ]
        assert set(lead) <= set(gpt2["utf8_lead_bytes"].tolist())
        assert all(0x80 <= raw[i][0] < 0xC0 for i in gpt2["utf8_continuation_bytes"])
        assert (
            gpt2["partial_utf8"].tolist() == np.flatnonzero(gpt2.vocabulary.partial_utf8).tolist()
        )

    def test_ranks_are_bands_of_ids(self, gpt2: TokenSets) -> None:
        assert gpt2["rank:250-500"].tolist() == list(range(250, 500))
        assert gpt2["rank:32000-64000"].tolist() == list(range(32_000, 50_256))


def is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def named(*starts: str) -> Callable[[str], bool]:
    return lambda character: unicodedata.name(character, "").startswith(starts)


class TestUnicode:
    @pytest.mark.parametrize(
        ("script", "has"),
        [
            ("greek", named("GREEK ")),
            ("cyrillic", named("CYRILLIC ")),
            ("hebrew", named("HEBREW ")),
            ("hiragana", named("HIRAGANA LETTER")),
            (
                "han",
                named(
                    "CJK UNIFIED",
                    "CJK COMPATIBILITY IDEOGRAPH",
                    "IDEOGRAPHIC NUMBER",
                    "IDEOGRAPHIC ITERATION",
                ),
            ),
            ("hangul", named("HANGUL ")),
            ("thai", named("THAI CHARACTER")),
        ],
    )
    def test_scripts_against_names(
        self, sets: TokenSets, script: str, has: Callable[[str], bool]
    ) -> None:
        expected = self.all_are(sets.vocabulary, has)
        name = f"script:{script}"
        if len(expected) < 3:
            assert name not in sets
        else:
            assert sets[name].tolist() == expected

    @pytest.mark.parametrize("category", "Lu Ll Nd Pd Ps Pe Sc Sm So No".split())
    def test_categories(self, sets: TokenSets, category: str) -> None:
        expected = self.all_are(
            sets.vocabulary, lambda character: unicodedata.category(character) == category
        )
        name = f"category:{category}"
        if len(expected) < 3:
            assert name not in sets
        else:
            assert sets[name].tolist() == expected

    @staticmethod
    def all_are(vocabulary: Vocabulary, has: Callable[[str], bool]) -> list[int]:
        return [
            token
            for token, text in read(vocabulary).items()
            if (word := text.removeprefix(" ")) and all(map(has, word))
        ]


COMPLETE = {
    "months": "January February March April May June July August September October November "
    "December",
    "weekdays": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "seasons": "spring summer autumn winter",
    "countries": "France Germany Japan India China Brazil Egypt Kenya Canada Mexico Peru Chile "
    "Sweden Norway Poland Ukraine Vietnam Iran Iraq Israel Turkey Nigeria Kosovo US USA UK",
    "capitals": "Paris Berlin Tokyo Cairo Ottawa Lima Madrid Rome Athens Vienna Warsaw Kabul",
    "us_states": "Texas Ohio Utah Iowa Maine Florida Alaska Oregon Nevada Georgia Virginia",
    "names:male": "James John Robert Michael William David Richard Joseph Thomas Charles",
    "names:female": "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen",
    "names:last": "Smith Johnson Williams Brown Jones Garcia Miller Davis Wilson Anderson",
    "pronouns_reflexive": "myself yourself himself herself itself ourselves themselves",
    "modals": "can could may might must shall should will would",
    "wordnet:animal": "dog cat horse lion tiger elephant bear wolf snake eagle shark spider",
    "wordnet:vehicle": "car truck bicycle boat ship airplane tank",
    "wordnet:chemical_element": "hydrogen helium oxygen carbon nitrogen sodium uranium helium",
    "inflection:irregular_past": "went came saw took gave knew thought bought brought",
    "inflection:irregular_plural": "children men women feet teeth mice geese",
}


class TestMeaning:
    @pytest.mark.parametrize("name", COMPLETE)
    def test_complete_where_words_are_single_tokens(self, sets: TokenSets, name: str) -> None:
        texts = read(sets.vocabulary).items()
        ids = {text: token for token, text in texts}
        expected = {
            ids[spelled]
            for word in COMPLETE[name].split()
            for spelled in (word, f" {word}")
            if spelled in ids
        }
        assert expected
        missing = expected - set(sets[name].tolist())
        assert not {sets.vocabulary.texts[token] for token in missing}

    @pytest.mark.parametrize(
        ("name", "inside", "outside"),
        [
            ("countries", " US", " us"),
            ("pronouns_first_person_plural", " us", " US"),
            ("months", " May", " may"),
            ("modals", " may", " May"),
            ("paragraph_breaks", "\n\n", "\n"),
            ("possessives", "'s", "s"),
            ("em_dashes", "—", "-"),
            ("form:us", " US", " we"),
            ("space_before_digits", " 1", "1"),
            ("spaces", " ", " a"),
            ("wordnet:bird", " bird", " Turkey"),
            ("countries", " Turkey", " turkey"),
            ("lexeme:they", " themselves", " we"),
            ("lexeme:they", " their", " the"),
            ("lexeme:go", " went", " want"),
            ("form:of", " OF", " off"),
            ("contains::", "):", ";"),
            ("wordnet:color", " purple", " color blind"),
        ],
    )
    def test_awkward_ones(self, name: str, inside: str, outside: str) -> None:
        for vocabulary_name in ("gpt2", "smollm2"):
            texts = describe(default_sets(vocabulary_name), name)["tokens"]
            assert outside not in texts
            if inside in vocabulary(vocabulary_name).texts:
                assert inside in texts

    def test_function_words_are_no_chemical_elements(self, gpt2: TokenSets) -> None:
        closed = {"he", "as", "at", "in", "be", "i", "no", "or", "it", "so", "us", "am", "will"}
        for name in gpt2:
            if name.startswith(("wordnet:", "lexfile:noun")):
                assert not closed & {word.lower() for word in words(gpt2, name)}, name

    def test_girls_may_be_boys(self, gpt2: TokenSets) -> None:
        both = words(gpt2, "names:male") & words(gpt2, "names:female")
        assert {"Jordan", "Taylor", "Casey"} <= both
        assert not both & {"James", "Mary"}
        assert not words(gpt2, "names:male") & {"The", "An", "So", "In", "Of"}


@pytest.mark.parametrize(("one", "other"), list(combinations(NAMES, 2)))
def test_a_definition_gives_the_same_words_everywhere(one: str, other: str) -> None:
    """A token that two vocabularies share is in the same sets of both.

    Unless it is a whole word in one alone: "ours" is the end of "hours" where " ours" is no token.
    """
    first, second = default_sets(one), default_sets(other)
    readings = Reading(first.vocabulary), Reading(second.vocabulary)
    shared = {
        text
        for text in set(readings[0].texts) & set(readings[1].texts)
        if readings[0].is_whole(text.strip()) == readings[1].is_whole(text.strip())
    }
    assert len(shared) > 5_000
    names = [
        name
        for name in first
        if name in second
        and not first.info(name).family.startswith(("tokenizer", "forms", "affixes/continuations"))
        and not name.endswith("_in_other_languages")  # of those languages that a vocabulary knows
    ]
    assert len(names) > 700
    for name in names:
        assert shared & set(first.texts(name)) == shared & set(second.texts(name)), name


def test_every_generated_form_has_three_spellings(gpt2: TokenSets) -> None:
    forms = gpt2.filter(family="forms/word")
    assert forms.sizes.min() >= 3
    for name in list(forms)[::200]:
        cores = {re.sub(r"^\W+|\W+$", "", text).casefold() for text in forms.texts(name)}
        assert cores == {name.removeprefix("form:")}


def test_both_collections_at_once() -> None:
    found = vocabulary("smollm2")
    posts = build_token_sets(found, "post", cache=False)
    both = merge_token_sets([default_sets("smollm2"), posts])
    assert "post:starts_with_space" in both
    assert both.info("leading_space").aliases == ("post:starts_with_space",)
    assert posts.texts("post:colors").count(" red") == 1
