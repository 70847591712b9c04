"""`TokenSets`: what it promises, its algebra, and how a collection is put together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unembed import Vocabulary
from unembed.errors import TokenSetError
from unembed.tokensets import SetInfo, TokenSets, merge_token_sets
from unembed.tokensets.assemble import Draft, assemble
from unembed.tokensets.frame import from_frame, to_frame

N = 40
WORDS = Vocabulary.from_texts([f" w{i}" for i in range(N)], special=[0])
members = st.lists(st.integers(1, N - 1), max_size=N)


def sets(**ids: list[int]) -> TokenSets:
    return TokenSets.from_ids(ids, WORDS, family="a/b")


def draft(name: str, ids: list[int], **facts: Any) -> Draft:
    return Draft(SetInfo(name, **facts), np.array(ids, np.int32))


def ids(found: TokenSets) -> dict[str, list[int]]:
    return {name: found[name].tolist() for name in found}


class TestMembers:
    @given(st.dictionaries(st.sampled_from("abcdef"), members))
    def test_are_what_was_given(self, given: dict[str, list[int]]) -> None:
        found = TokenSets.from_ids(given, WORDS)
        assert ids(found) == {name: sorted(set(each)) for name, each in given.items()}
        assert found.sizes.tolist() == [len(set(each)) for each in given.values()]
        assert len(found) == len(given)

    def test_cannot_be_changed(self) -> None:
        found = sets(a=[1, 2])
        with pytest.raises(ValueError, match="read-only"):
            found.ids[0] = 5
        with pytest.raises(ValueError, match="read-only"):
            found["a"][0] = 5

    @pytest.mark.parametrize("bad", [-1, N, 10**12])
    def test_out_of_range(self, bad: int) -> None:
        with pytest.raises(TokenSetError, match=f"{bad}"):
            sets(a=[1, bad])

    def test_masked(self) -> None:
        with pytest.raises(TokenSetError, match=r"'a' holds token 0 \(' w0'\), which is special"):
            sets(b=[4], a=[1, 0])

    def test_no_whole_numbers(self) -> None:
        with pytest.raises(TokenSetError, match="float64"):
            TokenSets.from_ids({"a": np.array([1.5])}, WORDS)

    @pytest.mark.parametrize("wrong", [[3, 2], [2, 2]])
    def test_unsorted_or_repeated(self, wrong: list[int]) -> None:
        infos = (SetInfo("a"), SetInfo("b"))
        raw = np.array([5, *wrong], np.int32)
        with pytest.raises(TokenSetError, match="The ids of 'b' are not in ascending order"):
            TokenSets(WORDS, np.array([0, 1, 3]), raw, infos)

    def test_the_next_set_may_begin_with_a_lower_id(self) -> None:
        infos = (SetInfo("a"), SetInfo("none"), SetInfo("b"))
        found = TokenSets(WORDS, np.array([0, 2, 2, 4]), np.array([5, 9, 1, 2], np.int32), infos)
        assert ids(found) == {"a": [5, 9], "none": [], "b": [1, 2]}

    @pytest.mark.parametrize("indptr", [[0, 1], [0, 2, 1], [1, 2, 2], [0, 1, 3]])
    def test_arrays_that_do_not_fit(self, indptr: list[int]) -> None:
        infos = (SetInfo("a"), SetInfo("b"))
        with pytest.raises(TokenSetError, match="should rise from 0 to the 2 ids"):
            TokenSets(WORDS, np.array(indptr), np.array([1, 2], np.int32), infos)

    @pytest.mark.parametrize("name", ["", " a", "a\tb", "a\n"])
    def test_names_that_no_file_could_hold(self, name: str) -> None:
        with pytest.raises(TokenSetError, match="cannot name a token set"):
            TokenSets.from_ids({name: [1]}, WORDS)

    def test_a_name_for_two(self) -> None:
        infos = [(SetInfo("a"), [1]), (SetInfo("b", aliases=("a",)), [2])]
        with pytest.raises(TokenSetError, match="Two token sets are called 'a'"):
            TokenSets.from_drafts(infos, WORDS)


class TestLookup:
    found = TokenSets.from_drafts(
        [
            (SetInfo("months", "meaning/time", aliases=("Monate",)), [1, 2]),
            (SetInfo("days", "meaning/time"), [2, 3, 4]),
            (SetInfo("suffix:ing", "affixes/suffix"), [9]),
        ],
        WORDS,
    )

    def test_by_name_and_alias(self) -> None:
        assert self.found["Monate"].tolist() == self.found["months"].tolist() == [1, 2]
        assert "Monate" in self.found
        assert self.found.info("Monate").name == "months"
        assert self.found.texts("months") == [" w1", " w2"]

    def test_unknown(self) -> None:
        with pytest.raises(TokenSetError, match=r"no token set 'month'.*Did you mean 'months'"):
            self.found["month"]

    def test_containing(self) -> None:
        assert self.found.containing(2) == ["months", "days"]
        assert self.found.containing(20) == []

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ({"family": "meaning"}, ["months", "days"]),
            ({"family": "time"}, ["months", "days"]),
            ({"family": "meaning/time"}, ["months", "days"]),
            ({"family": ["suffix", "time"]}, ["months", "days", "suffix:ing"]),
            ({"pattern": "suffix:*"}, ["suffix:ing"]),
            ({"min_size": 2}, ["months", "days"]),
            ({"max_size": 2}, ["months", "suffix:ing"]),
            ({"family": "time", "max_size": 2}, ["months"]),
        ],
    )
    def test_filter(self, asked: dict[str, Any], expected: list[str]) -> None:
        assert list(self.found.filter(**asked)) == expected

    def test_unknown_family(self) -> None:
        with pytest.raises(TokenSetError, match=r"no family 'tim'.*Did you mean 'time'"):
            self.found.filter(family="tim")

    def test_select_keeps_the_order_asked_for(self) -> None:
        assert list(self.found.select(["days", "months"])) == ["days", "months"]


class TestAlgebra:
    @given(members, members)
    def test_is_that_of_sets(self, a: list[int], b: list[int]) -> None:
        both = sets(a=a, b=b)
        assert set(both.union("a", "b", name="x")["x"]) == set(a) | set(b)
        assert set(both.intersection("a", "b", name="x")["x"]) == set(a) & set(b)
        assert set(both.difference("a", "b", name="x")["x"]) == set(a) - set(b)

    def test_says_what_it_is(self) -> None:
        assert sets(a=[1], b=[2]).union("a", "b").names == ("union of a, b",)

    def test_of_nothing(self) -> None:
        with pytest.raises(TokenSetError, match="union of no sets"):
            sets(a=[1]).union()


class TestAssemble:
    def test_the_same_members_are_kept_once(self) -> None:
        found = assemble(
            [draft("a", [1, 2, 3]), draft("b", [1, 2, 4]), draft("c", [1, 2, 3])], WORDS
        )
        assert ids(found) == {"a": [1, 2, 3], "b": [1, 2, 4]}
        assert found.info("a").aliases == ("c",)
        assert found["c"].tolist() == [1, 2, 3]

    def test_small_and_all_are_set_aside_with_the_reason(self) -> None:
        found = assemble(
            [
                draft("small", [1, 2], family="f", missed=1_234),
                draft("all", list(range(1, N))),
                draft("good", [1, 2, 3]),
            ],
            WORDS,
        )
        assert list(found) == ["good"]
        assert {each.name: each.reason for each in found.set_aside} == {
            "small": "2 tokens in this vocabulary, fewer than 3 (1,234 of its words are "
            "no single tokens)",
            "all": "it covers 39 of 39 tokens, more than 99%",
        }
        assert found.set_aside[0].info.family == "f"
        assert found.set_aside[0].size == 2
        with pytest.raises(TokenSetError, match="'small' was set aside: 2 tokens"):
            found["small"]

    def test_limits(self) -> None:
        drafts = [draft("one", [1]), draft("half", list(range(1, 21)))]
        assert list(assemble(drafts, WORDS, min_size=1)) == ["one", "half"]
        assert list(assemble(drafts, WORDS, min_size=1, max_share=0.5)) == ["one"]


class TestMerge:
    def test_what_both_have_is_there_once(self) -> None:
        merged = merge_token_sets([sets(a=[1], b=[2]), sets(c=[1], b=[2], d=[3])])
        assert ids(merged) == {"a": [1], "b": [2], "d": [3]}
        assert merged.info("a").aliases == ("c",)
        assert merged.info("b").aliases == ()

    def test_one_name_for_two_sets(self) -> None:
        with pytest.raises(TokenSetError, match="Two token sets are called 'a'"):
            merge_token_sets([sets(a=[1]), sets(a=[2])])

    def test_two_vocabularies(self) -> None:
        other = TokenSets.from_ids({"a": [1]}, Vocabulary.from_texts(["x", "y"]))
        with pytest.raises(TokenSetError, match="two vocabularies"):
            merge_token_sets([sets(a=[1]), other])

    def test_empty_sets_and_what_was_set_aside_are_kept(self) -> None:
        aside = assemble([draft("small", [1])], WORDS)
        merged = merge_token_sets([aside, sets(a=[])])
        assert ids(merged) == {"a": []}
        assert [each.name for each in merged.set_aside] == ["small"]


def test_a_table_and_back() -> None:
    found = assemble(
        [
            draft("a", [1, 2, 3], family="f/g", description="d", source="s", words=4, missed=1),
            draft("b", [7, 8, 9]),
            draft("c", [1, 2, 3]),
            draft("small", [1]),
        ],
        WORDS,
    )
    again = from_frame(to_frame(found), WORDS)
    assert ids(again) == ids(found)
    assert again.infos == found.infos
    (one,), (other,) = again.set_aside, found.set_aside
    assert (one.info, one.reason) == (other.info, other.reason)
    assert one.ids.tolist() == other.ids.tolist() == [1]
    none = TokenSets.from_ids({}, WORDS)
    assert ids(from_frame(to_frame(none), WORDS)) == {}


def test_a_table_of_sets_of_one_size() -> None:
    found = sets(a=[1, 2], b=[3, 4])
    assert ids(from_frame(to_frame(found), WORDS)) == {"a": [1, 2], "b": [3, 4]}
