"""What follows a piece in split words, against the tokenizers' own encoders."""

from __future__ import annotations

from collections import defaultdict

import pytest
from tokenizers import Tokenizer

from tests.tokensets.test_first_token import encoder
from tests.tokensets.vocabularies import INPUTS, default_sets
from unembed import Vocabulary
from unembed.load import load_vocabulary
from unembed.tokensets import build_token_sets
from unembed.tokensets.collections.continuations import followers, names, words
from unembed.tokensets.cutting import Cutter


def bpe(*merged: str) -> Vocabulary:
    """A byte-level BPE vocabulary: the letters, then what is merged, in that order."""
    alphabet = [" ", *"abcdefghijklmnopqrstuvwxyz"]
    pieces = {at: text.encode() for at, text in enumerate((*alphabet, *merged))}
    return Vocabulary.from_ids(pieces, kind="by hand, byte-level BPE")


class TestCutter:
    def test_the_pair_of_the_least_id_is_merged_first(self) -> None:
        # " outer": "te" comes before "ut", so no "out" is left to merge.
        cut = Cutter(bpe("te", "ut", " o", "out", " out"))
        assert cut(" outer") == [b" o", b"u", b"te", b"r"]
        assert cut(" outr") == [b" out", b"r"]

    def test_of_equal_pairs_the_first_is_merged_first(self) -> None:
        assert Cutter(bpe("aa"))("aaa") == [b"aa", b"a"]

    def test_without_merges_the_longest_token_comes_first(self) -> None:
        cut = Cutter(Vocabulary.from_texts([" out", " o", "utnumber", "number", "numbered", "e"]))
        assert cut(" outnumbered") == [b" out", b"numbered"]
        assert cut(" outnumberx") == [b" out", b"number", b"x"]

    @pytest.mark.inputs
    @pytest.mark.parametrize("name", ["smollm2", "gpt2", "qwen3", "gemma3", "llama2", "bert"])
    def test_cuts_words_as_the_tokenizer_does(self, name: str) -> None:
        vocabulary, tokenizer = reference(name)
        before = "" if name in ("llama2", "bert") else " "
        some = [*words()[::23], *(names()[::23] if name != "bert" else ())]
        cut = Cutter(vocabulary)
        raw = vocabulary.token_bytes
        assert len(some) > 2_000
        for word in some:
            expected = tokenizer.encode(before + word, add_special_tokens=False).ids
            assert cut(f" {word}") == [raw[token] for token in expected], word


def reference(name: str) -> tuple[Vocabulary, Tokenizer]:
    if name != "bert":
        return encoder(name)
    path = INPUTS / "bert" / "tokenizer.json"
    if not path.exists():
        pytest.skip("bert is not in .inputs: run scripts/fetch_inputs.py")
    return load_vocabulary(path), Tokenizer.from_file(str(path))


class TestFollowers:
    def test_groups_second_tokens_by_the_first(self) -> None:
        cut = Cutter(
            bpe("ou", "out", " out", "li", "liv", "live", "lived", "ra", "ran", " outran", " a")
        )
        found = followers(cut, ["outlived", "outlive", "outran", "aran", "zoo"])
        # " outran" is one token; " zoo" begins with a lone space, and "z" is no word's piece.
        assert found == {
            "out": {"lived": "outlived", "live": "outlive"},
            "a": {"ran": "aran"},
        }

    def test_only_letters_follow(self) -> None:
        cut = Cutter(Vocabulary.from_texts([" it", "'s", "'", "ems", "s"]))
        assert followers(cut, ["it's", "items"]) == {"it": {"ems": "items"}}

    def test_masked_tokens_are_none(self) -> None:
        texts = [" out", "lived", "run"]
        cut = Cutter(Vocabulary.from_texts(texts, special=[1]))
        assert followers(cut, ["outlived", "outrun"]) == {"out": {"run": "outrun"}}


class TestSets:
    AFTER_OUT = (
        "numbered", "spoken", "lived", "grow", "last", "play", "weigh", "cast", "run", "shine",
    )  # fmt: skip

    def test_a_small_vocabulary(self) -> None:
        texts = [" out", " water", *self.AFTER_OUT, "fall", " outlast", " numbered", "falls"]
        sets = build_token_sets(Vocabulary.from_texts(texts), cache=False)
        # " outlast" is one token, and nothing else that is split begins so: one way too few.
        assert "continues:out" not in sets
        texts.remove(" outlast")
        sets = build_token_sets(Vocabulary.from_texts(texts), cache=False)
        assert set(sets.texts("continues:out")) == set(self.AFTER_OUT)
        assert "continues:water" not in sets

    def test_inflections_of_one_word_count_once(self) -> None:
        endings = ["ise", "ised", "ises", "ising", "ize", "ized", "izes", "izing"]
        sets = build_token_sets(Vocabulary.from_texts([" vulgar", *endings]), cache=False)
        assert "continues:vulgar" not in sets

    @pytest.mark.inputs
    def test_every_set_of_gpt2_against_its_own_merges(self) -> None:
        sets = default_sets("gpt2")
        _, tokenizer = encoder("gpt2")
        expected: dict[str, set[str]] = defaultdict(set)
        texts = [f" {word}" for word in (*words(), *names())]
        for cut in tokenizer.encode_batch(texts, add_special_tokens=False):
            if len(cut.ids) > 1:
                first, second = (tokenizer.decode([token]) for token in cut.ids[:2])
                if first[1:].isalpha() and second.isalpha():
                    expected[first[1:]].add(second)
        wide = {
            f"continues:{piece}": after
            for piece, after in expected.items()
            if len({text[:2] for text in after}) >= 10 and len(piece) >= 3
        }
        assert len(wide) > 200
        found = {name: set(sets.texts(name)) for name in sets.filter(family="continuations")}
        assert found == wide

    @pytest.mark.inputs
    def test_what_the_sets_are_for(self) -> None:
        sets = default_sets("gpt2")
        assert {"lived", "grown", "lasting", "playing"} <= set(sets.texts("continues:out"))
        assert {"all", "ord", "ork"} <= set(sets.texts("continues:McC"))
        assert "continues:Mc" not in sets
        assert {"proof", "melon", "power"} & set(sets.texts("continues:water"))
        for name in sets.filter(family="continuations"):
            assert not any(text.startswith(" ") for text in sets.texts(name)), name
