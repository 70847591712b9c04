"""Which token set of a run a name means, and what is said where it means none."""

from __future__ import annotations

import polars as pl
import pytest

from unembed.errors import QueryError
from unembed.store.sets import SetCatalogue

SETS = [
    ("months", "time", ["post:twelve"], None),
    ("post:girls_names", "post", [], None),
    ("post:months", "post", ["girls"], None),
    ("names:female", "names/given", ["girls", "she"], None),
    ("second_person", "grammar/pronouns", [], None),
    ("forms:girls", "forms", [], None),
    ("post:few", "post", ["too_few"], "1 of 5 tokens"),
    ("post:girls", "post", [], "it is empty"),
]


@pytest.fixture(scope="module")
def sets() -> SetCatalogue:
    columns = ("name", "family", "aliases", "set_aside")
    schema = {"name": pl.String, "family": pl.String, "aliases": pl.List(pl.String),
              "set_aside": pl.String}  # fmt: skip
    return SetCatalogue(pl.DataFrame(SETS, schema=schema, orient="row").select(*columns))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("months", "months"),  # a name before a shorthand
        ("post:months", "post:months"),
        ("girls_names", "post:girls_names"),
        ("post:girls_names", "post:girls_names"),
        ("twelve", "months"),  # a shorthand of an alias
        ("post:twelve", "months"),
        ("girls", "post:months"),  # of two that are called so, the first
        ("she", "names:female"),
        ("second_person", "second_person"),
    ],
)
def test_what_a_name_means(sets: SetCatalogue, name: str, meant: str) -> None:
    assert sets.name(name) == meant
    assert sets.info(name)["name"] == meant
    assert sets.tested["name"][sets.number(name)] == meant


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("girl_names", r"no token set 'girl_names' among the 6 of this run\. Did you mean"),
        ("person_second", r"With a word of it: second_person\."),
        ("nothing_like_it", r"of this run\. `unembed sets list` shows"),
        ("post:few", r"^The token set 'post:few' was set aside: 1 of 5 tokens\.$"),
        ("few", r"^The token set 'post:few' was set aside: 1 of 5 tokens\.$"),
        ("too_few", r"^The token set 'post:few' was set aside: 1 of 5 tokens\.$"),
    ],
)
def test_what_a_name_does_not_mean(sets: SetCatalogue, name: str, said: str) -> None:
    for ask in (sets.number, sets.name, sets.info):
        with pytest.raises(QueryError, match=said):
            ask(name)


def test_generated_forms_are_not_proposed_for_a_word(sets: SetCatalogue) -> None:
    with pytest.raises(QueryError) as said:
        sets.number("boys_and_girls")
    assert "With a word of it: post:girls_names." in str(said.value)


@pytest.mark.parametrize("name", ["post:few", "few", "too_few"])
def test_sets_aside_may_be_had_by_whom_they_serve(sets: SetCatalogue, name: str) -> None:
    assert sets.info(name, aside=True)["name"] == "post:few"
    assert sets.info("girls", aside=True)["name"] == "post:months", "what was tested comes first"


@pytest.mark.parametrize(
    ("family", "meant"),
    [
        ("names", ["names/given"]),
        (["time", "grammar"], ["grammar/pronouns", "time"]),
        ("grammar/pronouns", ["grammar/pronouns"]),
    ],
)
def test_families_and_those_below(
    sets: SetCatalogue, family: str | list[str], meant: list[str]
) -> None:
    assert sets.within(family) == meant


@pytest.mark.parametrize(("family", "near"), [("gramar", "'grammar'"), ("given_", "'given'")])
def test_near_families(sets: SetCatalogue, family: str, near: str) -> None:
    with pytest.raises(QueryError, match=rf"no family '{family}'\. Did you mean {near}"):
        sets.within(family)
