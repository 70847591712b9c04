"""The first token of a word, against the `tokenizers` library's own encoder."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from unembed import Vocabulary
from unembed.demo import MODEL as DEMO
from unembed.errors import TokenSetError
from unembed.load import load_vocabulary
from unembed.tokensets.definitions import Words
from unembed.tokensets.first_token import FirstToken
from unembed.tokensets.reading import Reading
from unembed.tokensets.resolve import Definition, resolve

INPUTS = Path(__file__).parents[2] / ".inputs"
WORDS = (
    "neuroscience hippocampus Mississippi antidisestablishmentarianism zebra thalamus Reykjavík "
    "unfathomably Azerbaijan naïveté Übermensch 東京 quokka hydroxychloroquine Nietzsche 12345 "
    "XMLHttpRequest gerrymandering Schadenfreude brontosaurus"
).split()


def encoder(name: str) -> tuple[Vocabulary, Tokenizer]:
    if name == "smollm2":
        return load_vocabulary(DEMO), Tokenizer.from_file(str(DEMO / "tokenizer.json"))
    folder = INPUTS / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not in .inputs: run scripts/fetch_inputs.py")
    if name == "gpt2":
        files = str(folder / "encoder.json"), str(folder / "vocab.bpe")
        tokenizer = Tokenizer(models.BPE.from_file(*files))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        return load_vocabulary(folder), tokenizer
    path = folder / "tokenizer.json"
    return load_vocabulary(path), Tokenizer.from_file(str(path))


@pytest.mark.inputs
@pytest.mark.parametrize("name", ["smollm2", "gpt2", "llama2", "qwen3", "gemma3"])
def test_is_the_one_the_tokenizer_takes(name: str) -> None:
    vocabulary, tokenizer = encoder(name)
    first = FirstToken(vocabulary)
    # Llama-2's tokenizer puts a space before every text of its own.
    before = "" if name == "llama2" else " "
    for word in WORDS:
        expected = tokenizer.encode(before + word, add_special_tokens=False).ids[0]
        assert vocabulary.texts[first(word)] == vocabulary.texts[expected], word


def test_stands_in_for_missed_words_on_request() -> None:
    vocabulary, tokenizer = encoder("smollm2")
    rule = Words(("brontosaurus", "house"), case="exact", pieces="first_token")
    (draft,) = resolve([Definition("x", "f", "d", "s", rule)], Reading(vocabulary))
    first = tokenizer.encode(" brontosaurus").ids[0]
    assert len(tokenizer.encode(" brontosaurus").ids) > 1
    houses = {vocabulary.texts.index(text) for text in (" house", "house")}
    assert set(draft.ids) == {first} | houses
    assert draft.missed == ("brontosaurus",)


def test_without_merges_there_is_none() -> None:
    with pytest.raises(TokenSetError, match="BPE vocabularies only; this one is texts"):
        FirstToken(Vocabulary.from_texts(["a"]))("b")


def test_a_word_of_unknown_bytes() -> None:
    vocabulary = Vocabulary.from_ids({0: b"a"}, kind="x, byte-level BPE")
    with pytest.raises(TokenSetError, match="writes the start of ' b'"):
        FirstToken(vocabulary)("b")
