"""Every set of every collection has a phrase: no id in it, and no other set's."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest

from scripts import document_phrases
from tests.tokensets.audit.multilingual import multilingual
from tests.tokensets.vocabularies import vocabulary
from unembed import Vocabulary
from unembed.explanation.phrases.nouns import NOUNS
from unembed.explanation.phrases.spelling import CATEGORIES
from unembed.explanation.phrases.verbs import LEXFILES, VERBS
from unembed.explanation.wording import said
from unembed.tokensets import SetInfo, build_token_sets
from unembed.tokensets.collections.lexicon import lexicon

COLLECTIONS = ("default", "post", "sounds")
QUOTED = re.compile("“[^”]*”|“””")
"""Words, letters and marks that a phrase speaks of; what stands outside is said by us."""
OF_NUMBERS = ("surface/digits", "surface/years", "surface/length", "tokenizer/rank", "post/decades",
              "meaning/names")  # fmt: skip
CATEGORY_CODES = sorted({unicodedata.category(chr(code)) for code in range(sys.maxunicode + 1)})
VOCABULARIES = ("demo", "every script")


@cache
def sets_of(which: str) -> list[tuple[SetInfo, bytes]]:
    """Every set with its tokens, those too that a collection sets aside."""
    of = vocabulary("smollm2") if which == "demo" else multilingual()
    return [each for name in COLLECTIONS for each in _of_collection(of, name)]


def _of_collection(of: Vocabulary, name: str) -> Iterator[tuple[SetInfo, bytes]]:
    sets = build_token_sets(of, name, cache=False, min_size=1)
    yield from ((info, sets[info.name].tobytes()) for info in sets.infos)
    yield from ((each.info, each.ids.tobytes()) for each in sets.set_aside)


def problem(info: SetInfo) -> str:
    """What of a phrase is like an id; empty for nothing."""
    outside = QUOTED.sub("it", said(info))
    found = re.search(r"[_:/\\|<>{}\[\]]|\w\.\w|\.$|\s\s|^\s|\s$", outside)
    if found is None and not info.family.startswith(OF_NUMBERS):
        found = re.search(r"\d", outside)
    if found is None:
        found = re.search(rf"\b({'|'.join(CATEGORY_CODES)})\b", outside)
    if found is None:
        found = re.search(r"tagged|category|\bU\+", outside)
    return found[0] if found else ""


@pytest.mark.parametrize("which", VOCABULARIES)
def test_no_phrase_has_what_is_like_an_id(which: str) -> None:
    assert len(sets_of(which)) > 5_000
    assert not [(info.name, said(info)) for info, _ in sets_of(which) if problem(info)]


@pytest.mark.parametrize("which", VOCABULARIES)
def test_two_different_sets_are_never_said_in_the_same_words(which: str) -> None:
    names: dict[str, dict[bytes, str]] = defaultdict(dict)
    for info, tokens in sets_of(which):
        names[said(info)][tokens] = info.name
    assert not [(phrase, [*each.values()]) for phrase, each in names.items() if len(each) > 1]


@pytest.mark.parametrize(
    "name",
    [
        "my:own", "category:Zz", "penn:XYZ", "lexfile:noun.other", "a/b", "names:male_19",
        "post:4_things",
    ],
)  # fmt: skip
def test_what_is_like_an_id_is_found(name: str) -> None:
    assert problem(SetInfo(name)) or problem(SetInfo(name, "meaning/names"))


@pytest.mark.inputs
def test_the_file_for_people_to_read_is_what_sets_are_called() -> None:
    written = document_phrases.FILE.read_text(encoding="utf-8")
    assert document_phrases.text(document_phrases.of_the_demo()) == written, (
        "read what changed, then run scripts/document_phrases.py"
    )


def test_every_synset_and_every_file_of_wordnet_has_its_phrase_and_no_phrase_is_left_over() -> None:
    for family, phrases in (("meaning/wordnet", NOUNS | VERBS), ("meaning/lexfile", LEXFILES)):
        rows = [row for row in lexicon().iter_rows(named=True) if row["family"] == family]
        assert sorted(row["name"].partition(":")[2] for row in rows) == sorted(phrases)
        for row in rows:
            phrase = said(SetInfo(row["name"]))
            assert row["description"].lower().startswith(f"{phrase.lower()}: "), row["name"]


def test_verbs_are_said_as_verbs() -> None:
    assert len(VERBS) > 50
    assert all(phrase.startswith("verbs of ") for phrase in VERBS.values())
    assert not [phrase for phrase in NOUNS.values() if "verbs" in phrase]


def test_every_category_of_unicode_is_said_in_words() -> None:
    assert sorted(CATEGORIES) == CATEGORY_CODES
    assert len(set(CATEGORIES.values())) == len(CATEGORIES)
