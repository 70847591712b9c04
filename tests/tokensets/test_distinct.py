"""What counts as one word."""

from __future__ import annotations

import numpy as np

from unembed import Vocabulary
from unembed.tokensets.distinct import distinct_words

ONE = (
    (" data", "Data", "DATA", "data", "(data"),
    (" walk", " walked", "Walking", " walks"),
    (" mouse", " mice"),
    (" find", " found", " founded"),  # "found" is of both
    (" widgetizer", " widgetizers"),  # no lexicon has them
    ("),", " ),"),
    ("\n\n",),
    ("\n",),
    (" ",),
    (" pas",),
    (" pass",),
    (" hi",),
    (" his",),
    (" information",),
    (" informative",),
)
TEXTS = [text for word in ONE for text in word]
TRUTH = np.array([at for at, word in enumerate(ONE) for _ in word])


def same(words: np.ndarray) -> np.ndarray:
    found: np.ndarray = words[:, None] == words
    return found


def test_forms_of_a_word_are_one_word_and_others_are_not() -> None:
    found = distinct_words(Vocabulary.from_texts(TEXTS))
    wrong = np.argwhere(same(found) != same(TRUTH))
    assert [(TEXTS[a], TEXTS[b]) for a, b in wrong] == []


def test_tokens_that_are_told_alike_join_their_words() -> None:
    vocabulary = Vocabulary.from_texts(TEXTS)
    ids = np.array([TEXTS.index(" mice")]), np.array([TEXTS.index("Walking")])
    truth = np.where(TRUTH[ids[0][0]] == TRUTH, TRUTH[ids[1][0]], TRUTH)
    assert (same(distinct_words(vocabulary, ids)) == same(truth)).all()


def test_a_vocabulary_without_words_has_none() -> None:
    assert len(set(distinct_words(Vocabulary.from_texts(["1", "2", "!"])))) == 3
