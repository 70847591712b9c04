"""Every built-in set against a statement of its own, in every script and real vocabularies."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
import pytest

from tests.tokensets.vocabularies import INPUTS, PATHS
from unembed import Vocabulary
from unembed.load import load_vocabulary
from unembed.tokensets.assemble import Draft
from unembed.tokensets.collections import (
    affixes,
    continuations,
    crossed,
    default,
    generated,
    languages,
    lexicon,
    post,
)
from unembed.tokensets.cutting import Cutter
from unembed.tokensets.definitions import Combination, Definition, Regex, Spelled
from unembed.tokensets.reading import Reading
from unembed.tokensets.resolve import resolve
from unembed.tokensets.token_sets import Ids

from .audit import Audit
from .multilingual import multilingual

CROSSED = crossed()
DEFINITIONS = (*default(), *post(), *languages.definitions(), *CROSSED)
IN_EVERY_RUN = ("gpt2", "qwen3")
"""Real vocabularies that are asked in every run of the tests; the others by `make audit`."""
REAL = PATHS | {name: INPUTS / name / "tokenizer.json" for name in ("qwen3", "gemma3")}


def drafts(vocabulary: Vocabulary) -> list[Draft]:
    """Every set, those too that a collection sets aside, and those that say the same."""
    reading = Reading(vocabulary)
    found = [*resolve((*default(), *post()), reading), *generated(reading)]
    known = {draft.info.name: draft.ids for draft in found}
    return [*found, *resolve(CROSSED, reading, known=known)]


@cache
def every_script() -> tuple[Audit, list[Draft]]:
    made = multilingual()
    return Audit(made, DEFINITIONS), drafts(made)


def test_every_set_holds_what_it_says_in_every_script() -> None:
    audit, found = every_script()
    assert len(found) > 5_000
    assert audit.faults(found) == []


@pytest.mark.slow
@pytest.mark.inputs
@pytest.mark.parametrize("name", REAL)
def test_every_set_holds_what_it_says_in_real_vocabularies(name: str) -> None:
    if name not in IN_EVERY_RUN and "AUDIT" not in os.environ:
        pytest.skip("asked by `make audit`")
    if not REAL[name].exists():
        pytest.skip(f"{name} is not in .inputs: run scripts/fetch_inputs.py")
    real = load_vocabulary(REAL[name])
    assert Audit(real, DEFINITIONS).faults(drafts(real)) == []


def test_the_vocabulary_has_what_sets_may_get_wrong() -> None:
    """No statement is empty: of nearly every set that Unicode defines there is a member."""
    _, found = every_script()
    sizes = {draft.info.name: len(draft.ids) for draft in found}
    families = ("unicode/", "surface/", "tokenizer/bytes", "post/regex", "post/pos")
    bare = [d.info.name for d in found if d.info.family.startswith(families) and not len(d.ids)]
    assert bare == []
    assert sizes["partial_utf8"] > 100
    assert sizes["script:han"] > 5


class TestItFails:
    """Sets broken on purpose, one of each kind."""

    NAMES = (
        "lower_case_word", "script:cyrillic", "letters:vietnamese", "camel_case", "penn:SYM",
        "post:is_punctuation", "months", "penn:NNP", "whole_words", "suffix:ness", "length:3",
        "byte_tokens",
        "continues:out", "capital:prepositions", "lower_after_space:s", "upper:determiners",
        "suffixes:able_ible", "months_any_form", "begins_with_vowel", "vowels", "symptoms",
        "months:french", "months_in_other_languages", "place_names_by_ending",
        "contains:-", "form:may", "lexeme:go", "names:male", "language:french", "years:1990s",
    )  # fmt: skip

    @pytest.mark.parametrize("name", NAMES)
    def test_where_a_set_lacks_a_member(self, name: str) -> None:
        self._breaks(name, lambda ids: ids[1:], "lacks 1 tokens")

    @pytest.mark.parametrize("name", NAMES)
    def test_where_a_set_holds_a_token_too_many(self, name: str) -> None:
        strange = {"script:cyrillic": "b", "byte_tokens": "ness"}.get(name, "日本")
        token = multilingual().texts.index(strange)
        self._breaks(name, lambda ids: np.union1d(ids, [token]), "wrongly holds 1 tokens")

    def test_where_a_member_stands_twice(self) -> None:
        self._breaks("months", lambda ids: np.append(ids, ids[-1:]), "has a member twice")

    def test_where_a_masked_token_is_a_member(self) -> None:
        self._breaks("months", lambda ids: np.insert(ids, 0, 0), "holds a masked token")

    @pytest.mark.parametrize("field", ["name", "family", "description"])
    def test_where_a_set_says_nothing(self, field: str) -> None:
        audit, found = every_script()
        info = next(draft.info for draft in found if draft.info.name == "months")
        object.__setattr__(copy := type(info)(**vars(info)), field, " ")
        said = audit.faults([Draft(copy, found[0].ids)])
        assert said[:1] == [f"{copy.name!r} has an empty name, description or family"]

    def test_where_a_new_set_is_stated_nowhere(self) -> None:
        rule = Spelled(r"\p{Lt}+")
        new = Definition(
            "title_letters", "surface/case", "Letters of title case.", "spelling", rule
        )
        audit = Audit(multilingual(), [*DEFINITIONS, new])
        (draft,) = resolve([new], Reading(multilingual()))
        (fault,) = audit.faults([draft])
        assert fault.startswith("'title_letters' is stated nowhere")

    def _breaks(self, name: str, change: Callable[[Ids], Ids], what: str) -> None:
        audit, found = every_script()
        broken = [
            draft._replace(ids=change(draft.ids)) if draft.info.name == name else draft
            for draft in found
            if draft.info.name in _needed(name)
        ]
        faults = [fault for fault in audit.faults(broken) if fault.startswith(repr(name))]
        assert any(what in fault for fault in faults), faults


class TestNewKindsThatAreWrong:
    """Made wrongly on purpose: what they hold follows from how they are made."""

    def test_words_that_are_cut_from_the_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Cutter, "__call__", Cutter._longest_first)
        faults = self._faults(continuations.drafts(Reading(multilingual())))
        assert len([each for each in faults if each.startswith("'continues:")]) > 10

    def test_pieces_that_begin_too_few_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(continuations, "LEAST_BEGINNINGS", 9)
        faults = self._faults(continuations.drafts(Reading(multilingual())))
        assert any("'continues:" in each and "wrongly holds" in each for each in faults)

    def test_a_form_with_the_wrong_parent(self) -> None:
        name = "capital:prepositions"
        rule = Combination("intersection", ("prepositions", "all_capitals"))
        wrong = Definition(name, "f", "d", "s", rule)
        found = [draft for draft in every_script()[1] if draft.info.name in _needed(name)]
        known = {draft.info.name: draft.ids for draft in every_script()[1]}
        broken = [*resolve([wrong], Reading(multilingual()), known=known)]
        faults = self._faults([*(each for each in found if each.info.name != name), *broken])
        assert any(each.startswith(f"{name!r} lacks") for each in faults)

    def test_languages_of_which_few_words_are_known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(languages, "LEAST_SHARE", 0.2)
        faults = self._faults(languages.drafts(Reading(multilingual())))
        assert any("'months_in_other_languages' wrongly holds" in each for each in faults)
        assert any("enero" in each for each in faults)

    @staticmethod
    def _faults(found: Iterable[Draft]) -> list[str]:
        return every_script()[0].faults([*found])


def _needed(name: str) -> set[str]:
    rule = next((each.rule for each in DEFINITIONS if each.name == name), None)
    return {name, *getattr(rule, "of", ())}


class TestDefinitionsThatWereWrong:
    """As they were: lower case that is whatever is not A to Z, and their kin."""

    @pytest.mark.parametrize(
        ("name", "pattern", "space", "strange"),
        [
            ("lower_case_word", r"^[^\W\d_A-Z]+\Z", "any", "日本"),
            ("no_leading_space_lower", r"^[^\W\d_A-Z][^\W\d_]*\Z", "forbidden", "½"),
            ("starts_with_capital", "^[A-Z\u00c0-\u00de\u0391-\u03a9\u0410-\u042f]", "any", "×"),
            ("title_case", r"^[A-Z][a-z]+\Z", "any", "José"),
            ("ends_with_punctuation", r"[^\W_][^\w\s]+\Z", "any", "हिन्दी"),
            ("ellipses", r"^[^\w\s]*(\.\.+|…+)[^\w\s]*\Z", "any", ".."),
            ("arrows", "[←-⇿⟰-⟿⤀-⥿⬀-⬯]", "any", "⬛"),
        ],
    )
    def test_the_audit_finds_it(self, name: str, pattern: str, space: str, strange: str) -> None:
        old = Definition(name, "f", "d", "s", Regex(re.compile(pattern), space))
        (draft,) = resolve([old], Reading(multilingual()))
        faults = Audit(multilingual(), [old]).faults([draft])
        assert faults
        token = multilingual().texts.index(strange)
        now = next(d for d in every_script()[1] if d.info.name == name)
        assert (token in draft.ids) != (token in now.ids)

    def test_english_without_its_closed_classes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        without = lexicon.dictionary() - {"the", "and", "can", "will"}
        monkeypatch.setattr(affixes, "dictionary", lambda: without)
        pieces = [each for each in default() if each.name in ("whole_words", "word_beginnings")]
        found = [*resolve(pieces, Reading(multilingual()))]
        faults = Audit(multilingual(), pieces).faults(found)
        assert any("'whole_words' lacks" in each and "' the'" in each for each in faults)
        assert any("'word_beginnings' wrongly holds" in each for each in faults)
