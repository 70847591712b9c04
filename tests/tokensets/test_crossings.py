"""Where classes and letters meet forms of writing, on real vocabularies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tokensets.vocabularies import PATHS, default_sets
from unembed.tokensets import SetInfo, TokenSets, build_token_sets
from unembed.tokensets.collections import crossed
from unembed.tokensets.collections.crossings import CLASSES, LETTERS
from unembed.tokensets.definitions import Combination

FORMS: dict[str, Callable[[str], bool]] = {
    "after_space": lambda text: text[0] == " ",
    "lower_after_space": lambda text: text[0] == " " and text[1:].islower(),
    "bare": lambda text: text[0].isalnum(),
    "capital": lambda text: text.removeprefix(" ")[0].isupper(),
    "upper": lambda text: text.removeprefix(" ").isupper(),
}
"""What a token of each form looks like, by Python's own tests of characters."""

pytestmark = pytest.mark.inputs


@pytest.fixture(params=PATHS)
def sets(request: pytest.FixtureRequest) -> TokenSets:
    return default_sets(request.param)


def meetings(sets: TokenSets) -> list[SetInfo]:
    return [info for info in sets.infos if info.family in (CLASSES, LETTERS)]


def test_every_member_is_of_the_class_and_looks_so(sets: TokenSets) -> None:
    rules = {each.name: each.rule for each in crossed()}
    assert len(meetings(sets)) > 150
    for info in meetings(sets):
        rule = rules[info.name]
        assert isinstance(rule, Combination)
        parents = [set(sets[name].tolist()) for name in rule.of]
        assert set(sets[info.name].tolist()) == parents[0] & parents[1]
        looks = FORMS[info.name.partition(":")[0]]
        assert all(map(looks, sets.texts(info.name))), info.name


def test_letters_by_their_texts(sets: TokenSets) -> None:
    texts = {
        text
        for text in sets.vocabulary.texts
        if text.startswith(" s") and text[1:].isascii() and text[1:].isalpha() and text.islower()
    }
    assert {text for text in sets.texts("lower_after_space:s") if text.isascii()} == texts


def test_each_says_something_of_its_own(sets: TokenSets) -> None:
    members = {name: set(sets[name].tolist()) for name in sets}
    for info in meetings(sets):
        ours = members[info.name]
        assert len(ours) >= 8
        for name, other in members.items():
            near = 0.8 * len(ours) <= len(other) <= len(ours) / 0.8
            if near and name != info.name:
                assert len(ours & other) < 0.8 * len(ours | other), (info.name, name)


def test_what_is_set_aside_is_small_or_there_already(sets: TokenSets) -> None:
    aside = [each for each in sets.set_aside if each.info.family in (CLASSES, LETTERS)]
    assert len(aside) + len(meetings(sets)) == len(crossed()) - sum(
        len([alias for alias in info.aliases if alias in {each.name for each in crossed()}])
        for info in sets.infos
    )
    for each in aside:
        if each.size >= 8:
            twin = set(sets[each.reason.split("'")[1]].tolist())
            ours = set(each.ids.tolist())
            assert len(ours & twin) >= 0.8 * len(ours | twin), each


def test_files_of_ones_own_may_name_them(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        "sets:\n"
        "  starts: {union: ['capital:prepositions', 'capital:conjunctions']}\n"
        "  after_out: {difference: ['continues:out', 'continues:over']}\n"
    )
    known = default_sets("gpt2")
    sets = build_token_sets(known.vocabulary, file)
    either = {*known["capital:prepositions"], *known["capital:conjunctions"]}
    assert set(sets["starts"]) == either
    assert set(sets["after_out"]) == {*known["continues:out"]} - {*known["continues:over"]}


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("capital:prepositions", " Of", " of"),
        ("lower_after_space:prepositions", " of", " Of"),
        ("bare:prepositions", "of", " of"),
        ("upper:determiners", " THE", " The"),
        ("after_space:pronouns_personal", " You", "You"),
        ("capital:s", " South", " south"),
        ("bare:w", "which", " which"),
    ],
)
def test_awkward_ones(name: str, inside: str, outside: str) -> None:
    texts = default_sets("gpt2").texts(name)
    assert inside in texts
    assert outside not in texts
