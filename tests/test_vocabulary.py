"""`Vocabulary`: flags, masks, partial characters, and fitting the rows of W_U."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unembed import Vocabulary
from unembed.errors import VocabularyError


def vocabulary_of(*tokens: bytes, **flags: list[int]) -> Vocabulary:
    return Vocabulary.from_ids(dict(enumerate(tokens)), kind="test", **flags)


def ids(flags: np.ndarray) -> list[int]:
    return np.flatnonzero(flags).tolist()


def test_left_out_ids_are_unused() -> None:
    vocabulary = Vocabulary.from_ids({0: b"a", 3: b"d"}, special=[0], unused=[3], kind="test")
    assert vocabulary.token_bytes == (b"a", b"", b"", b"d")
    assert ids(vocabulary.special) == [0]
    assert ids(vocabulary.unused) == [1, 2, 3]
    assert ids(vocabulary.masked) == [0, 1, 2, 3]


def test_from_texts() -> None:
    vocabulary = Vocabulary.from_texts(["<s>", " the", "é", "\n"], special=[0])
    assert vocabulary.token_bytes == (b"<s>", b" the", b"\xc3\xa9", b"\n")
    assert vocabulary.texts == ("<s>", " the", "é", "\n")
    assert ids(vocabulary.masked) == [0]
    assert repr(vocabulary) == "Vocabulary(4 tokens, texts)"


def test_text_of_a_part_of_a_character() -> None:
    vocabulary = vocabulary_of(b" \xe2\x96", "▁Ġ".encode(), b"\x80")
    assert vocabulary.texts == (r" \xe2\x96", "▁Ġ", r"\x80")
    assert ids(vocabulary.partial_utf8) == [0, 2]


def decodes(raw: bytes) -> bool:
    try:
        return raw.decode() is not None
    except UnicodeDecodeError:
        return False


@given(st.lists(st.binary(max_size=5) | st.text(max_size=3).map(str.encode), min_size=1))
def test_partial_utf8_is_what_python_cannot_decode(tokens: list[bytes]) -> None:
    vocabulary = vocabulary_of(*tokens)
    assert vocabulary.partial_utf8.tolist() == [not decodes(raw) for raw in tokens]
    assert all(decodes(text.encode()) for text in vocabulary.texts)


def test_empty() -> None:
    with pytest.raises(VocabularyError, match="vocabulary is empty"):
        Vocabulary.from_ids({}, kind="test")


def test_negative_id() -> None:
    with pytest.raises(VocabularyError, match="start at 0, but found id -2"):
        Vocabulary.from_ids({0: b"a", -2: b"b", -1: b"c"}, kind="test")


@pytest.mark.parametrize(("flag", "stray"), [("special", 2), ("unused", 7), ("special", -1)])
def test_flag_on_an_unknown_id(flag: str, stray: int) -> None:
    with pytest.raises(VocabularyError, match=rf"id {stray} is marked {flag}, but ids are"):
        vocabulary_of(b"a", b"b", **{flag: [0, stray]})


@pytest.mark.parametrize("name", ["special", "unused"])
def test_flags_of_another_length(name: str) -> None:
    flags = {"special": np.zeros(2, np.bool_), "unused": np.zeros(2, np.bool_)}
    flags[name] = np.zeros(3, np.bool_)
    with pytest.raises(VocabularyError, match=rf"has 2 tokens, but its flag '{name}' .*\(3,\)"):
        Vocabulary((b"a", b"b"), kind="test", **flags)


def test_digest_sees_bytes_and_flags_but_not_the_file() -> None:
    different = [
        vocabulary_of(b"a", b"b"),
        vocabulary_of(b"ab", b""),
        vocabulary_of(b"", b"ab"),
        vocabulary_of(b"a", b"b", special=[0]),
        vocabulary_of(b"a", b"b", special=[1]),
        vocabulary_of(b"a", b"b", unused=[0]),
        vocabulary_of(b"a", b"b", b""),
    ]
    assert len({vocabulary.digest for vocabulary in different}) == len(different)
    renamed = dataclasses.replace(different[0], kind="another file")
    assert renamed.digest == different[0].digest


class TestResized:
    def test_pads_with_unused_rows(self) -> None:
        padded = vocabulary_of(b"<s>", b"a", special=[0]).resized(5)
        assert padded.token_bytes == (b"<s>", b"a", b"", b"", b"")
        assert ids(padded.special) == [0]
        assert ids(padded.unused) == [2, 3, 4]

    def test_the_same_size_changes_nothing(self) -> None:
        vocabulary = vocabulary_of(b"<s>", b"a", special=[0])
        assert vocabulary.resized(2).digest == vocabulary.digest

    def test_drops_ids_at_the_end_that_write_nothing(self) -> None:
        vocabulary = vocabulary_of(
            b"<s>", b"a", b"<unused0>", b"<image>", special=[0, 3], unused=[2]
        )
        cut = vocabulary.resized(2)
        assert cut.token_bytes == (b"<s>", b"a")
        assert ids(cut.masked) == [0]
        assert cut.kind == vocabulary.kind

    @pytest.mark.parametrize("rows", [1, 2])
    def test_never_drops_a_real_token(self, rows: int) -> None:
        vocabulary = vocabulary_of(b"a", b"", b" b", b"<s>", unused=[1], special=[3])
        message = rf"has 4 tokens but W_U has only {rows} rows: token 2 \(' b'\) has no row"
        with pytest.raises(VocabularyError, match=message):
            vocabulary.resized(rows)

    @given(st.integers(0, 20), st.integers(1, 12))
    def test_growing_and_cutting_back_is_the_identity(self, extra: int, size: int) -> None:
        vocabulary = vocabulary_of(*(bytes([97 + i]) for i in range(size)))
        assert vocabulary.resized(size + extra).resized(size).digest == vocabulary.digest
