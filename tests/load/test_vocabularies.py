"""Readers of vocabularies, on small files made by hand and on every way they can be wrong."""

from __future__ import annotations

import base64
import codecs
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from unembed import Vocabulary
from unembed.errors import FormatError, UnembedError, VocabularyError
from unembed.load import load_vocabulary
from unembed.load.vocabularies import pieces
from unembed.load.vocabularies.gguf_tokens import vocabulary_from_metadata

BYTE_LEVEL = {"type": "ByteLevel"}
SENTENCEPIECE = {
    "type": "Sequence",
    "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ],
}


def ids(flags: np.ndarray) -> list[int]:
    return np.flatnonzero(flags).tolist()


def added(index: int, content: str, *, special: bool = False) -> dict[str, Any]:
    return {"id": index, "content": content, "special": special}


def bpe(vocab: dict[str, Any], *tokens: Any, **parts: Any) -> dict[str, Any]:
    return {"model": {"type": "BPE", "vocab": vocab}, "added_tokens": list(tokens), **parts}


class Files:
    """A folder, in which a test writes files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, content: object) -> Path:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        (self.path / name).write_bytes(raw)
        return self.path / name

    def read(self, name: str, content: object) -> Vocabulary:
        return load_vocabulary(self.write(name, content))

    def tokenizer(self, content: object) -> Vocabulary:
        return self.read("tokenizer.json", content)

    def error(self, name: str, content: object) -> UnembedError:
        with pytest.raises(UnembedError) as caught:
            self.read(name, content)
        return caught.value


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


# --- how bytes are spelled ---


def test_the_alphabet_is_gpt2s() -> None:
    """Radford et al.'s `bytes_to_unicode`, written again from their repository's description."""
    printable = [b for b in range(256) if chr(b).isprintable() and chr(b) != " "]
    moved = [b for b in range(256) if b not in printable]
    expected = {chr(b): b for b in printable} | {chr(256 + n): b for n, b in enumerate(moved)}
    assert expected == pieces.BYTE_OF_CHARACTER
    assert set(pieces.BYTE_OF_CHARACTER) == set(pre_tokenizers.ByteLevel.alphabet())


@given(st.text())
def test_byte_level_undoes_the_librarys_spelling(text: str) -> None:
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)
    spelled = "".join(piece for piece, _ in split)
    assert pieces.byte_level(spelled) == text.encode()


@given(st.binary())
def test_every_byte_has_a_character(raw: bytes) -> None:
    character = {byte: character for character, byte in pieces.BYTE_OF_CHARACTER.items()}
    assert pieces.byte_level("".join(character[byte] for byte in raw)) == raw


def test_text_outside_the_alphabet_is_taken_as_it_is() -> None:
    assert pieces.byte_level("a b") == b"a b"
    assert pieces.byte_level("日Ġ") == "日Ġ".encode()


@pytest.mark.parametrize(
    ("piece", "raw"),
    [
        ("▁the", b" the"),
        ("▁▁", b"  "),
        ("a▁b", b"a b"),
        ("<0x0A>", b"\n"),
        ("<0xff>", b"\xff"),
        ("<0x0AB>", b"<0x0AB>"),
        ("▁<0x0A>", b" <0x0A>"),
        ("Ġ", "Ġ".encode()),
    ],
)
def test_sentencepiece(piece: str, raw: bytes) -> None:
    assert pieces.sentencepiece(piece) == raw


@pytest.mark.parametrize(
    "name",
    ["<unused0>", "<unused6241>", "[unused7]", "<|reserved_special_token_7|>", "<reserved_3>",
     "<|extra_12|>", "<extra_id_0>", "<|unused_1|>", "[PAD0]", "[PAD151936]", "<SPECIAL_20>",
     "<|dummy_7|>", "<|placeholder1|>", "[UNUSED_TOKEN_145]", "madeupword0003"],
)  # fmt: skip
def test_placeholders(name: str) -> None:
    assert pieces.is_placeholder(name)


@pytest.mark.parametrize(
    "name", ["unused", "<unused>", "reserved", " <unused1>", "<h1>", "[12]", "[PAD]"]
)
def test_no_placeholders(name: str) -> None:
    assert not pieces.is_placeholder(name)


@pytest.mark.parametrize(
    "name",
    ["<|endoftext|>", "<|im_start|>", "<｜begin▁of▁sentence｜>", "<s>", "</s>", "<unk>", "<pad>",
     "<mask>", "<bos>", "<eos>", "[multimodal]", "[PAD]", "[CLS]", "[SEP]", "<cls>"],
)  # fmt: skip
def test_control_names(name: str) -> None:
    assert pieces.is_control(name)


@pytest.mark.parametrize("name", ["<div>", "<think>", "<", "<|", "|>", " <s>", "s", "[1]", "<S>"])
def test_no_control_names(name: str) -> None:
    assert not pieces.is_control(name)


# --- tokenizer.json ---


def test_byte_level_bpe(files: Files) -> None:
    read = files.tokenizer(
        bpe(
            {"Ġthe": 0, "Ċ": 1, "Ã©": 2, "â": 3, "▁": 4},
            added(5, "<|endoftext|>", special=True),
            added(6, "<|fim|>"),
            added(7, "<think>"),
            added(8, "日 Ġ"),
            decoder=BYTE_LEVEL,
        )
    )
    assert read.token_bytes[:4] == (b" the", b"\n", "é".encode(), b"\xe2")
    assert read.token_bytes[4:] == tuple(
        text.encode() for text in ("▁", "<|endoftext|>", "<|fim|>", "<think>", "日 Ġ")
    )
    assert ids(read.special) == [5, 6]
    assert ids(read.partial_utf8) == [3]
    assert read.kind == "tokenizer.json, byte-level BPE"


@pytest.mark.parametrize(
    "parts",
    [
        {"decoder": BYTE_LEVEL},
        {"pre_tokenizer": BYTE_LEVEL},
        {"decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}, BYTE_LEVEL]}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [BYTE_LEVEL]}, "decoder": None},
    ],
)
def test_where_the_spelling_is_told(files: Files, parts: dict[str, Any]) -> None:
    assert files.tokenizer(bpe({"Ġa": 0}, **parts)).token_bytes == (b" a",)


@pytest.mark.parametrize("decoder", [SENTENCEPIECE, None, {}, {"type": "Sequence"}])
def test_without_byte_level_it_is_sentencepiece(files: Files, decoder: object) -> None:
    read = files.tokenizer(bpe({"Ġa": 0, "▁a": 1, "<0xE2>": 2}, decoder=decoder))
    assert read.token_bytes == ("Ġa".encode(), b" a", b"\xe2")
    assert not read.masked.any()
    assert read.kind == "tokenizer.json, SentencePiece-style BPE"


def test_added_runs_of_spaces(files: Files) -> None:
    """Gemma lists its runs of `▁` among the added tokens too; they still write spaces."""
    content = bpe({"▁▁": 0, "▁▁▁": 1}, added(0, "▁▁"), added(1, "▁▁▁"), decoder=SENTENCEPIECE)
    assert files.tokenizer(content).token_bytes == (b"  ", b"   ")


def test_special_names_are_kept(files: Files) -> None:
    """DeepSeek spells its control tokens with `▁`; the name is no text, and stays."""
    name = "<｜begin▁of▁sentence｜>"
    read = files.tokenizer(bpe({"a": 0}, added(1, name, special=True), decoder=SENTENCEPIECE))
    assert read.texts == ("a", name)


def test_html_of_the_same_name_as_a_control_token(files: Files) -> None:
    """Gemma's `<s>` is struck text, next to `<u>`; Llama's is the start of a text."""
    gemma = bpe({}, added(0, "<bos>", special=True), added(1, "<s>"), added(2, "</s>"))
    assert ids(files.tokenizer(gemma).special) == [0]
    llama = bpe({}, added(0, "<s>", special=True), added(1, "</s>", special=True))
    assert ids(files.tokenizer(llama).special) == [0, 1]


def test_placeholders_are_unused_even_if_marked_special(files: Files) -> None:
    content = bpe({"a": 0}, added(1, "<|reserved_special_token_0|>", special=True))
    read = files.tokenizer(content)
    assert ids(read.unused) == [1]
    assert not read.special.any()


def test_unigram(files: Files) -> None:
    model = {"type": "Unigram", "unk_id": 0, "vocab": [["?", 0.0], ["▁the", -1.5], ["<0x0A>", -2]]}
    read = files.tokenizer({"model": model, "decoder": {"type": "Metaspace"}})
    assert read.token_bytes == (b"?", b" the", b"\n")
    assert ids(read.special) == [0]


def test_names_decide_where_nothing_was_added(files: Files) -> None:
    """Bergamot's files: `</s>` ends a text, though no added token says so."""
    model = {"type": "Unigram", "unk_id": 1, "vocab": [["</s>", 0.0], ["<unk>", 0.0], ["▁a", -1]]}
    read = files.tokenizer({"model": model, "added_tokens": []})
    assert ids(read.special) == [0, 1]


def test_word_level(files: Files) -> None:
    model = {"type": "WordLevel", "vocab": {"[UNK]": 1, "the": 0}, "unk_token": "[UNK]"}
    read = files.tokenizer({"model": model})
    assert read.token_bytes == (b"the", b"[UNK]")
    assert ids(read.special) == [1]


def test_what_the_library_saves(files: Files) -> None:
    """A tokenizer trained and saved by `tokenizers` itself, with every byte in its alphabet."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = dict.fromkeys(pre_tokenizers.ByteLevel.alphabet())
    vocab = {piece: index for index, piece in enumerate([*alphabet, "Ġt", "Ġth"])}
    tokenizer.model = models.BPE(vocab, [("Ġ", "t"), ("Ġt", "h")])
    tokenizer.add_special_tokens(["<|end|>"])
    read = files.tokenizer(tokenizer.to_str().encode())
    assert sorted(read.token_bytes[:256]) == [bytes([byte]) for byte in range(256)]
    assert read.token_bytes[256:] == (b" t", b" th", b"<|end|>")
    text = " that\n"
    assert b"".join(read.token_bytes[i] for i in tokenizer.encode(text).ids) == text.encode()


def test_gaps_are_unused(files: Files) -> None:
    read = files.tokenizer(bpe({"a": 0, "d": 3}, added(5, "<|end|>")))
    assert ids(read.unused) == [1, 2, 4]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"{", FormatError, "is not JSON that can be read: .*download it again"),
        (b"\xff\x00", FormatError, "is not JSON"),
        ([1], FormatError, "no tokenizer: it has no 'model'"),
        ({"model": "BPE"}, FormatError, "no tokenizer: it has no 'model'"),
        ({"model": {}}, FormatError, "neither a table nor a list"),
        ({"model": {"vocab": {"a": "0"}}}, FormatError, "should map pieces to ids"),
        ({"model": {"vocab": {"a": 0.5}}}, FormatError, "should map pieces to ids"),
        ({"model": {"vocab": {"a": None}}}, FormatError, "should map pieces to ids"),
        ({"model": {"vocab": [3]}}, FormatError, "list pieces with scores"),
        ({"model": {"vocab": [["a"]]}}, FormatError, "list pieces with scores"),
        (bpe({"a": 0}, {"content": "x"}), FormatError, "should have an id and its content"),
        (bpe({"a": 0}, {"id": 1}), FormatError, "should have an id and its content"),
        (bpe({"a": 0}, "x"), FormatError, "should have an id and its content"),
        (
            {"model": {"vocab": {"a": 0}, "end_of_word_suffix": "</w>"}},
            FormatError,
            "where words end",
        ),
        (b"[" * 100_000, FormatError, "is not JSON .*more than 64 deep"),
        (bpe({"a": 10**12}), VocabularyError, "id 1,000,000,000,000, but no vocabulary"),
        (bpe({}), VocabularyError, "vocabulary is empty"),
        (bpe({"a": 0, "b": -1}), VocabularyError, "start at 0, but found id -1"),
        (bpe({"a": 0, "b": 1, "c": 1}), VocabularyError, "'b' and 'c' have the same id 1"),
    ],
)
def test_tokenizer_errors(
    files: Files, content: object, error: type[UnembedError], message: str
) -> None:
    found = files.error("tokenizer.json", content)
    assert type(found) is error
    assert re.search(message, str(found))


def test_tokenizer_config_instead(files: Files) -> None:
    found = files.error("tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer"})
    assert isinstance(found, FormatError)
    assert "lies beside the model (not tokenizer_config.json)" in str(found)


def test_an_added_token_may_have_the_id_of_its_piece(files: Files) -> None:
    read = files.tokenizer(bpe({"<unk>": 0, "a": 1}, added(0, "<unk>", special=True)))
    assert len(read) == 2
    assert ids(read.special) == [0]


# --- vocab.json with merges.txt, encoder.json with vocab.bpe ---

TABLE = {"a": 0, "b": 1, "Ġ": 2, "Ġa": 3, "ab": 4, "<div>": 5, "<|endoftext|>": 6, "<unused1>": 7}
MERGES = "#version: 0.2\nĠ a\na b\n".encode()


@pytest.mark.parametrize(
    ("vocab", "merges"), [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")]
)
def test_gpt2_files(files: Files, vocab: str, merges: str) -> None:
    files.write(merges, MERGES)
    read = files.read(vocab, TABLE)
    assert read.token_bytes[:5] == (b"a", b"b", b" ", b" a", b"ab")
    assert ids(read.special) == [5, 6]
    assert ids(read.unused) == [7]
    assert read.texts[6] == "<|endoftext|>"
    assert read.kind == f"{vocab}, byte-level BPE"
    assert load_vocabulary(files.path).digest == read.digest


def test_without_merges_the_name_decides(files: Files) -> None:
    read = files.read("vocab.json", TABLE)
    assert ids(read.special) == [6]
    assert ids(read.unused) == [7]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"a b", FormatError, "is not JSON"),
        (["a"], FormatError, "JSON table of pieces and ids"),
        ({"a": "0"}, FormatError, "JSON table of pieces and ids"),
        ({"a": 1.5}, FormatError, "JSON table of pieces and ids"),
        ({"a": [0]}, FormatError, "JSON table of pieces and ids"),
        ({}, VocabularyError, "vocabulary is empty"),
        ({"a": -3}, VocabularyError, "found id -3"),
        ({"a": 0, "Ġb": 0}, VocabularyError, r"vocab\.json: the pieces 'a' and 'Ġb' .* id 0"),
    ],
)
def test_vocab_json_errors(
    files: Files, content: object, error: type[UnembedError], message: str
) -> None:
    found = files.error("vocab.json", content)
    assert type(found) is error
    assert re.search(message, str(found))


@pytest.mark.parametrize(
    ("merges", "message"),
    [
        (b"", r"merges\.txt holds no merges: the two files do not belong together"),
        (b"a b\nb a\n", r"makes 'ba', which is not in .*vocab\.json"),
        (b"\xff\xfe\x00", r"merges\.txt, line 1: the byte 0x00 is no UTF-16"),
        (b"t h\nth e</w>\n", r"merges\.txt marks where words end \('</w>'\)"),
    ],
)
def test_merges_of_another_vocabulary(files: Files, merges: bytes, message: str) -> None:
    """They would mask real tokens: what no merge makes counts as special."""
    files.write("merges.txt", merges)
    found = files.error("vocab.json", TABLE)
    assert isinstance(found, FormatError)
    assert re.search(message, str(found))


def test_sentencepieces_in_a_table(files: Files) -> None:
    """Marian's `vocab.json`: byte-level pieces hold no `▁`, so that these are SentencePiece's."""
    table = {"</s>": 0, "<unk>": 1, "▁the": 2, "s": 3, "<pad>": 4, "é": 5}
    read = files.read("vocab.json", table)
    assert read.token_bytes == (b"</s>", b"<unk>", b" the", b"s", b"<pad>", "é".encode())
    assert ids(read.special) == [0, 1, 4]


def test_sentencepieces_with_merges(files: Files) -> None:
    """Bytes to fall back to are no product of a merge, but text."""
    files.write("merges.txt", "▁ a\n".encode())
    read = files.read("vocab.json", {"▁": 0, "a": 1, "▁a": 2, "<0x0A>": 3, "<s>": 4})
    assert read.token_bytes == (b" ", b"a", b" a", b"\n", b"<s>")
    assert ids(read.special) == [4]


def test_pieces_that_end_words(files: Files) -> None:
    """GPT-1's pieces: nothing says where a word begins."""
    assert "marks where words end ('</w>')" in str(files.error("vocab.json", {"the</w>": 0}))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(files: Files, encoding: str) -> None:
    """What an editor leaves at the front is no part of the first line, or of a name."""
    files.write("merges.txt", "Ġ a\na b\n".encode(encoding))
    files.write("added_tokens.json", json.dumps({"<more>": 8}).encode(encoding))
    read = files.read("vocab.json", json.dumps(TABLE).encode(encoding))
    assert ids(read.special) == [5, 6]
    assert read.texts[8] == "<more>"
    content = json.dumps(bpe({"Ġa": 0}, decoder=BYTE_LEVEL)).encode(encoding)
    assert files.tokenizer(content).token_bytes[0] == b" a"


def test_a_byte_order_mark_before_ranks(files: Files) -> None:
    raw = codecs.BOM_UTF8 + ranks((b"a", 0), (b"b", 1))
    assert files.read("x.tiktoken", raw).token_bytes == (b"a", b"b")
    assert files.read("tokenizer.model", raw).token_bytes == (b"a", b"b")


# --- tiktoken ---


def ranks(*tokens: tuple[bytes, int]) -> bytes:
    return b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in tokens)


@pytest.mark.parametrize("ending", [".tiktoken", ".tiktoken.gz"])
def test_tiktoken(files: Files, ending: str) -> None:
    raw = ranks((b"\xe2", 0), (b" the", 1), ("Ġ▁".encode(), 2), (b"<|endoftext|>", 4)) + b"\n"
    read = files.read(f"x{ending}", gzip.compress(raw) if ending.endswith("gz") else raw)
    assert read.token_bytes == (b"\xe2", b" the", "Ġ▁".encode(), b"", b"<|endoftext|>")
    assert ids(read.unused) == [3]
    assert not read.special.any()
    assert ids(read.partial_utf8) == [0]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"YQ==", "b'YQ=='"),
        (b"YQ== 1 2", "b'YQ== 1 2'"),
        (b"YQ== one", "b'YQ== one'"),
        (b"Y!Q= 1", "b'Y!Q= 1'"),
        (b"YQ 1", "b'YQ 1'"),
        (b"<html>" * 20, "b'" + "<html>" * 10 + "'"),
    ],
)
def test_tiktoken_names_the_line(files: Files, line: bytes, shown: str) -> None:
    found = files.error("x.tiktoken", b"YQ== 0\n\n" + line + b"\nYg== 3\n")
    assert isinstance(found, FormatError)
    assert f"line 3: expected a base64 token and its rank, found {shown}." in str(found)


def test_tiktoken_duplicate_rank(files: Files) -> None:
    found = files.error("x.tiktoken", ranks((b"a", 0), (b"b", 1), (b" c", 1)))
    assert isinstance(found, VocabularyError)
    assert "x.tiktoken, line 3: rank 1 is that of b' c', but of b'b' too" in str(found)


def test_tiktoken_negative_rank(files: Files) -> None:
    assert "found id -1" in str(files.error("x.tiktoken", ranks((b"a", 0), (b"b", -1))))


def test_tiktoken_empty(files: Files) -> None:
    assert isinstance(files.error("x.tiktoken", b""), VocabularyError)


def test_tiktoken_damaged_gzip(files: Files) -> None:
    """Any cut, and any byte of the deflate stream that is wrong."""
    whole = gzip.compress(ranks(*((bytes([97 + i]) * 3, i) for i in range(20))))
    damaged = [whole[:cut] for cut in (5, 12, len(whole) // 2, len(whole) - 1)]
    damaged += [b"YQ== 0\n"]
    damaged += [
        whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(10, len(whole))
    ]
    for content in damaged:
        found = files.error("x.tiktoken.gz", content)
        assert isinstance(found, FormatError)
        assert "is not a gzip file" in str(found)


# --- GGUF metadata (whole files: test_gguf.py) ---


def test_gguf_byte_level() -> None:
    tokens = ["<|endoftext|>", "Ġthe", "Ċ", "  ", "Ġ", "<think>", "<unused0>", "[PAD3]"]
    read = vocabulary_from_metadata("gpt2", tokens, [3, 1, 1, 4, 4, 4, 3, 5])
    assert read.token_bytes == (
        b"<|endoftext|>", b" the", b"\n", b"  ", "Ġ".encode(), b"<think>", b"<unused0>", b"[PAD3]",
    )  # fmt: skip
    assert ids(read.special) == [0]
    assert ids(read.unused) == [6, 7]
    assert read.kind == "GGUF, gpt2"


def test_gguf_sentencepiece() -> None:
    tokens = ["<unk>", "<s>", "<0x0A>", "▁the", "▁▁", "  ", "<start▁of▁turn>"]
    read = vocabulary_from_metadata("llama", tokens, [2, 3, 6, 1, 4, 4, 3])
    assert read.token_bytes == (
        b"<unk>", b"<s>", b"\n", b" the", b"  ", b"  ", "<start▁of▁turn>".encode(),
    )  # fmt: skip
    assert ids(read.special) == [0, 1, 6]


def test_gguf_without_types() -> None:
    read = vocabulary_from_metadata("llama", ["<s>", "▁a", "<0x41>", "<unused3>"])
    assert read.token_bytes[1:3] == (b" a", b"A")
    assert ids(read.special) == [0]
    assert ids(read.unused) == [3]


def test_gguf_unknown_model() -> None:
    known = "of model 'plamo2'; unembed reads gpt2, llama, t5, gemma4, bert, rwkv"
    with pytest.raises(FormatError, match=known):
        vocabulary_from_metadata("plamo2", ["a"])


@pytest.mark.parametrize("kind", [1, 3, 4, 5])
@pytest.mark.parametrize("model", ["gpt2", "llama", "t5", "gemma4", "bert", "rwkv"])
def test_gguf_padding_is_unused_whatever_its_type(model: str, kind: int) -> None:
    """Converters fill up W_U with `[PAD7]`; as text, such rows would rank first."""
    read = vocabulary_from_metadata(model, ["a", "[PAD0]", "[PAD151936]"], [1, kind, kind])
    assert ids(read.unused) == [1, 2]
    assert not read.special.any()


def test_gguf_control_names_defined_by_hand() -> None:
    read = vocabulary_from_metadata("gpt2", ["<|im_start|>", "<s>", "<think>"], [4, 4, 4])
    assert ids(read.special) == [0]


@pytest.mark.parametrize("model", ["t5", "gemma4"])
def test_gguf_sentencepiece_by_other_names(model: str) -> None:
    read = vocabulary_from_metadata(model, ["<pad>", "▁the", "<0x0A>", "▁▁"], [3, 1, 6, 4])
    assert read.token_bytes == (b"<pad>", b" the", b"\n", b"  ")


@pytest.mark.parametrize(
    "tokens", [["[CLS]", "▁the", "ing", "▁,", "▁中"], ["[CLS]", "the", "##ing", ",", "中"]]
)
def test_gguf_bert(tokens: list[str]) -> None:
    """llama.cpp writes a space before what begins a word, and older files BERT's own pieces."""
    read = vocabulary_from_metadata("bert", tokens, [3, 1, 1, 1, 1])
    assert read.texts == ("[CLS]", " the", "ing", ",", "中")


@given(st.binary(min_size=1))
def test_gguf_rwkv(raw: bytes) -> None:
    """The converter writes Python's own form of each token's bytes."""
    written = repr(raw)[2:-1]
    assert vocabulary_from_metadata("rwkv", ["<s>", written], [3, 1]).token_bytes[1] == raw


def test_gguf_rwkv_that_is_none() -> None:
    with pytest.raises(FormatError, match="'▁a' is not spelt as its tokenizer spells tokens"):
        vocabulary_from_metadata("rwkv", ["▁a"], [1])


def test_gguf_types_of_another_length() -> None:
    with pytest.raises(FormatError, match="has 2 tokens but 1 token types"):
        vocabulary_from_metadata("gpt2", ["a", "b"], [1])


@pytest.mark.parametrize("strange", [7, -1])
def test_gguf_unknown_type(strange: int) -> None:
    with pytest.raises(FormatError, match=rf"tokens of type {strange}; llama.cpp .* 0 to 6"):
        vocabulary_from_metadata("gpt2", ["a", "b"], [1, strange])


# --- what is found in a folder ---


def test_tokenizer_json_comes_first(files: Files) -> None:
    files.write("x.tiktoken", ranks((b"tik", 0)))
    assert load_vocabulary(files.path).texts == ("tik",)
    files.write("vocab.json", {"voc": 0})
    assert load_vocabulary(files.path).texts == ("voc",)
    files.write("tokenizer.json", bpe({"tok": 0}))
    assert load_vocabulary(files.path).texts == ("tok",)


def test_no_vocabulary_in_a_folder(files: Files) -> None:
    files.write("tokenizer_config.json", {})
    with pytest.raises(VocabularyError, match=r"No vocabulary in .*tokenizer\.json, .*--tokenizer"):
        load_vocabulary(files.path)


def test_a_file_of_another_kind(files: Files) -> None:
    found = files.error("tokenizer.bin", b"\n\x0e")
    assert isinstance(found, VocabularyError)
    assert "tokenizer.bin is no vocabulary that can be read" in str(found)
