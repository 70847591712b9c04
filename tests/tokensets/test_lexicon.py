"""The derived word lists: well formed, small, and each source is named in the notice."""

from __future__ import annotations

import re
from typing import get_args

import polars as pl
import pytest

from unembed.tokensets.collections.lexicon import DATA, dictionary, lexemes, lexicon
from unembed.tokensets.definitions import Case

OUR_OWN = "facts"
"""Source of the lists that are common knowledge: months, chemical elements."""


def test_every_list_is_named_once_and_says_what_it_is() -> None:
    frame = lexicon()
    assert frame["name"].is_unique().all()
    assert (frame["description"].str.ends_with(".")).all()
    assert set(frame["case"]) <= set(get_args(Case))
    assert frame.null_count().sum_horizontal().item() == 0


def test_words_are_sorted_and_distinct() -> None:
    for row in lexicon().iter_rows(named=True):
        assert row["words"] == sorted(set(row["words"])), row["name"]
        assert row["words"], row["name"]
        assert all(word == word.strip() and word for word in row["words"]), row["name"]


def test_every_source_is_in_the_notice() -> None:
    notice = (DATA / "NOTICE.md").read_text()
    for source in lexicon()["source"].unique():
        for part in source.split(", ") if source != OUR_OWN else ():
            package, version = part.rstrip(")").split("(")[-1].rsplit(maxsplit=1)
            assert re.search(rf"^\|.*{re.escape(package)}.*{re.escape(version)}", notice, re.M), (
                part
            )


def test_the_dictionary_and_the_posts_lists_are_in_the_notice() -> None:
    notice = (DATA / "NOTICE.md").read_text()
    assert "Copyright 2000-2018 by Kevin Atkinson" in notice
    assert "Copyright 1993, Geoff Kuenning" in notice
    assert "© 2023 Joseph Bloom" in notice


def test_the_data_is_small() -> None:
    assert sum(file.stat().st_size for file in DATA.iterdir()) < 5e6


@pytest.mark.parametrize(
    ("lemma", "forms"),
    [
        ("they", {"they", "them", "their", "theirs", "themselves"}),
        ("go", {"go", "goes", "went", "gone", "going"}),
        ("child", {"child", "children"}),
        ("strong", {"strong", "stronger", "strongest"}),
    ],
)
def test_lexemes_hold_their_inflections(lemma: str, forms: set[str]) -> None:
    found = lexemes().filter(pl.col("lemma") == lemma)["forms"].to_list()
    assert any(forms <= set(each) for each in found)


def test_the_dictionary_has_plain_words_closed_classes_and_recent_words() -> None:
    words = dictionary()
    assert {"house", "houses", "ran", "best", "the", "and", "can", "will", "i"} <= words
    assert {"website", "websites", "blog", "smartphone", "email", "gameplay", "colour"} <= words
    assert all(word.isascii() and word.isalpha() and word.islower() for word in words)
    assert not {"qx", "ombs", "didn", "re", "th", "ing"} & words
    assert {word for word in words if len(word) == 1} == {"a", "i"}


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("wordnet:travel.v", "come run walk", "top edge cloud dog"),
        ("wordnet:think.3.v", "think guess plan", "time group value"),
        ("wordnet:change.v", "change increase", "people water school dust"),
        ("wordnet:animal", "bear fly dog tiger", "young primary Assault"),
        ("wordnet:island", "Java Ireland Hawaii", "Man Wake"),
        ("wordnet:river", "Nile Hudson", "Red Milk Orange"),
        ("wordnet:city", "Boston Chicago", "Reading Split Independence"),
        ("wordnet:device", "engine lock", "ICE BAR RAM"),
        ("wordnet:country.2", "China Turkey", "china turkey"),
        ("wordnet:color", "blue white brown", "good"),
        ("wordnet:number.2", "two three fifty", "XIV"),
        ("wordnet:accomplishment", "achievement success", "run walk single"),
        ("wordnet:begin.v", "begin starting", "get get_down"),
    ],
)
def test_a_synset_has_the_words_that_often_mean_it(name: str, has: str, lacks: str) -> None:
    (words,) = lexicon().filter(pl.col("name") == name)["words"].to_list()
    written = {word.removeprefix("=") for word in words}
    assert not set(has.split()) - written
    assert not set(lacks.split()) & written
