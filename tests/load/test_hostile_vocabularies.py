"""Tokenizers' files that are damaged or meant to harm: one error each, soon, in little memory."""

from __future__ import annotations

import base64
import gzip
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from unembed import Vocabulary, load_vocabulary
from unembed.errors import FormatError, UnembedError, VocabularyError
from unembed.load.vocabularies.gguf_tokens import vocabulary_from_metadata


def bpe(vocab: Any, **more: Any) -> bytes:
    return json.dumps({"model": {"type": "BPE", "vocab": vocab}, **more}).encode()


def tekken(**config: Any) -> bytes:
    vocab = [{"rank": 0, "token_bytes": base64.b64encode(b"a").decode()}]
    sizes = {"default_num_special_tokens": 1, "default_vocab_size": 2}
    return json.dumps({"config": {**sizes, **config}, "vocab": vocab}).encode()


FILES: dict[str, tuple[str, bytes, str]] = {
    "an id of 10^9": ("tokenizer.json", bpe({"a": 10**9}), "id 1,000,000,000"),
    "an id in a gap of 10^7": (
        "tokenizer.json",
        bpe({"a": 10**7}),
        "leaves out more than 1,048,576",
    ),
    "an added id of 10^9": (
        "tokenizer.json",
        bpe({"a": 0}, added_tokens=[{"id": 10**9, "content": "b"}]),
        "1,000,000,000",
    ),
    "a huge id": (
        "tokenizer.json",
        b'{"model": {"vocab": {"a": ' + b"9" * 5_000 + b"}}}",
        "digits",
    ),
    "true for an id": ("tokenizer.json", bpe({"a": True}), "True is no whole number"),
    "a real number": ("tokenizer.json", bpe({"a": 1.0}), "1.0 is no whole number"),
    "a negative id": ("tokenizer.json", bpe({"a": -5}), "found id -5"),
    "numbers for pieces": ("tokenizer.json", bpe([[1, 0.5]]), "1 is no text"),
    "a number for added tokens": ("tokenizer.json", bpe({"a": 0}, added_tokens=5), "added_tokens"),
    "texts for added tokens": ("tokenizer.json", bpe({"a": 0}, added_tokens=["x"]), "added_tokens"),
    "half a character": ("tokenizer.json", bpe({"\ud800": 0}), "half a character"),
    "nested": ("tokenizer.json", b'{"model":' + b"[" * 100_000, "deep in one another"),
    "ten million lists": ("tokenizer.json", b"[" + b"[]," * 10_000_000 + b"[]]", "values"),
    "a number for merges": ("tokenizer.json", b'{"model": 5}', "no 'model'"),
    "a rank of 10^12": ("x.tiktoken", b"YQ== 1000000000000\n", "id 1,000,000,000,000"),
    "a rank of 5,000 digits": ("x.tiktoken", b"YQ== " + b"9" * 5_000, "line 1"),
    "a gzip bomb": ("x.tiktoken.gz", b"", "unpacks to more than 16 MB"),
    "half a gzip": ("x.tiktoken.gz", gzip.compress(b"YQ== 0\n")[:-9], "not a gzip file"),
    "an id of vocab.json": ("vocab.json", b'{"a": 99999999999}', "id 99,999,999,999"),
    "many special ones": (
        "tekken.json",
        tekken(default_num_special_tokens=10**12),
        "special tokens are not between",
    ),
    "a text for a count": ("tekken.json", tekken(default_vocab_size="2"), "no whole number"),
    "a list for tekken": ("tekken.json", b"[1]", "no tekken.json"),
    "a line of vocab.txt": ("vocab.txt", b"a\n##b\n\xff\n", "line 3: the byte 0xff"),
    "no SentencePiece": (
        "tokenizer.model",
        b"\x0a\xff\xff\xff\xff\x0f" + b"x" * 50,
        "SentencePiece",
    ),
}


@pytest.mark.parametrize(("name", "content", "message"), FILES.values(), ids=FILES)
def test_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content or bomb())
    start = time.process_time()
    with pytest.raises((FormatError, VocabularyError), match=message):
        load_vocabulary(tmp_path / name)
    assert time.process_time() - start < 2


def bomb() -> bytes:
    """A hundred MB in 100 kB."""
    return gzip.compress(b"YQ== 0\n" * 15_000_000, compresslevel=1)


BESIDE = {
    "tokenizer_config.json": [
        {"added_tokens_decoder": {"x": {"content": "a"}}},
        {"added_tokens_decoder": [1]},
        {"added_tokens_decoder": {"1": {}}},
        {"added_tokens_decoder": {"1": {"content": 5}}},
        {"added_tokens_decoder": {str(10**10): {"content": "a"}}},
        {"bos_token": {"text": "a"}},
        {"bos_token": 7},
        {"additional_special_tokens": 7},
        {"additional_special_tokens": [[1]]},
    ],
    "added_tokens.json": [{"a": True}, {"a": 1.5}, {"a": 10**11}, {"a": None}, [1], "x"],
    "special_tokens_map.json": [{"eos_token": {"a": 1}}, {"eos_token": [1]}, 5],
}


@pytest.mark.parametrize(
    ("name", "content"), [(name, each) for name, several in BESIDE.items() for each in several]
)
def test_files_beside_it(tmp_path: Path, name: str, content: Any) -> None:
    (tmp_path / "tokenizer.json").write_bytes(bpe({"a": 0, "b": 1}))
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises((FormatError, VocabularyError)):
        load_vocabulary(tmp_path)


SAMPLES = {
    "tokenizer.json": bpe(
        {"a": 0, "Ġb": 1, "<0x0A>": 2},
        added_tokens=[{"id": 3, "content": "<s>", "special": True}],
        decoder={"type": "Sequence", "decoders": [{"type": "ByteLevel"}]},
    ),
    "vocab.json": json.dumps({"a": 0, "Ġb": 1}).encode(),
    "tekken.json": tekken(),
    "x.tiktoken": b"YQ== 0\nYg== 1\n",
    "vocab.txt": b"[PAD]\n[CLS]\na\n##b\n",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_flipped_cut_and_exchanged_bytes(tmp_path: Path, name: str) -> None:
    """Whatever becomes of a byte: a vocabulary, or an error of ours."""
    chance = random.Random(name)
    path = tmp_path / name
    for _ in range(150):
        content = bytearray(SAMPLES[name])
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(content))
            swaps = (
                bytes([chance.randrange(256)]),
                b"null",
                b"-1",
                b"1e400",
                b'"x"',
                b"[]",
                b"{}",
                b"",
            )
            content[at : at + chance.randint(0, 4)] = chance.choice(swaps)
            content = content or bytearray(b" ")
        path.write_bytes(content)
        try:
            load_vocabulary(path)
        except UnembedError:
            continue


@pytest.mark.parametrize(
    ("model", "tokens", "types"),
    [
        (5, ["a"], None),
        ("gpt2", "abc", None),
        ("gpt2", [1, 2], None),
        ("gpt2", ["a"], [1, 1]),
        ("gpt2", ["a"], ["1"]),
        ("gpt2", ["a"], [True]),
        ("gpt2", ["a"], [1.5]),
        ("gpt2", ["a"], 1),
        ("gpt2", ["a"], [99]),
        ("rwkv", ["\u0100"], None),
        ("gpt2", [], None),
    ],
)
def test_metadata_of_gguf(model: Any, tokens: Any, types: Any) -> None:
    with pytest.raises((FormatError, VocabularyError)):
        vocabulary_from_metadata(model, tokens, types)


@pytest.mark.parametrize("text", ["a\ud800", None, 5])
def test_texts_that_are_none(text: Any) -> None:
    with pytest.raises(VocabularyError, match="token 1"):
        Vocabulary.from_texts(["a", text])


@pytest.mark.parametrize("special", [range(3 * 10**8), [-1], [0.5], ["0"]])
def test_ids_that_are_marked_special(special: Any) -> None:
    with pytest.raises(VocabularyError, match="is marked special, but ids are"):
        Vocabulary.from_texts(["a", "b"], special=special)
