"""SentencePiece models, against the library that makes and reads them."""

from __future__ import annotations

import io
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from tests.load.test_real_vocabularies import wanted
from unembed import Vocabulary
from unembed.errors import FormatError, MissingExtraError, UnembedError, VocabularyError
from unembed.load import load_vocabulary

SENTENCES = ["the cat sat on the mat", "the other cat saw two mats  there", "a naïve café — über"]


@cache
def trained(kind: str) -> bytes:
    """A tiny model with every type of piece that the library can make."""
    made = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20), model_writer=made, model_type=kind,
        vocab_size=310, byte_fallback=True, hard_vocab_limit=False, minloglevel=2,
        control_symbols=["<ctrl>", "<unused5>"], pad_id=3,
        user_defined_symbols=["▁▁", "<by_hand>", "<|im_end|>"],
    )  # fmt: skip
    return made.getvalue()


@pytest.fixture(params=["unigram", "bpe"])
def model(request: pytest.FixtureRequest) -> bytes:
    return trained(request.param)


@pytest.fixture(params=["tokenizer.model", "spiece.model"])
def path(request: pytest.FixtureRequest, tmp_path: Path, model: bytes) -> Path:
    path = tmp_path / request.param
    path.write_bytes(model)
    return path


def check_texts(found: Vocabulary, library: SentencePieceProcessor) -> None:
    """Every token that is no special one writes what the library decodes behind an `a`."""
    first = library.piece_to_id("a")
    assert len(found) == library.get_piece_size()
    for index in np.flatnonzero(~found.masked).tolist():
        if library.is_byte(index):
            assert found.token_bytes[index] == bytes([int(library.id_to_piece(index)[3:5], 16)])
        else:
            assert f"a{found.texts[index]}" == library.decode([first, index])


def test_every_token(path: Path) -> None:
    library = SentencePieceProcessor(model_file=str(path))
    found = load_vocabulary(path.parent)
    check_texts(found, library)
    special = {found.texts[i] for i in np.flatnonzero(found.special)}
    assert special == {"<unk>", "<s>", "</s>", "<pad>", "<ctrl>", "<|im_end|>"}
    assert [found.texts[i] for i in np.flatnonzero(found.unused)] == ["<unused5>"]
    assert {"  ", "<by_hand>", " the"} <= {found.texts[i] for i in np.flatnonzero(~found.masked)}
    assert found.kind == f"{path.name}, SentencePiece"


@pytest.mark.parametrize("text", ["the cat", "naïve 日本", "two  mats\n"])
def test_what_is_encoded_reads_back(model: bytes, tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenizer.model").write_bytes(model)
    library = SentencePieceProcessor(model_proto=model)
    found = load_vocabulary(tmp_path)
    written = b"".join(found.token_bytes[i] for i in library.encode(text)).decode()
    assert written.split() == text.split()


def test_tokens_added_beside_it(model: bytes, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(model)
    size = SentencePieceProcessor(model_proto=model).get_piece_size()
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<|end|>": size, "▁▁▁": size + 1}))
    found = load_vocabulary(tmp_path)
    assert found.texts[size:] == ("<|end|>", "   ")
    assert found.special[size]
    assert not found.masked[size + 1]


@pytest.mark.parametrize(
    ("name", "beside", "message"),
    [
        ("sentencepiece.bpe.model", {}, "pieces that the model has under other ids"),
        ("spiece.model", {"tokenizer_class": "PegasusTokenizer"}, "as PegasusTokenizer do"),
        ("tokenizer.model", {"tokenizer_class": "XLMRobertaTokenizer"}, "under other ids"),
    ],
)
def test_ids_that_are_not_the_models(
    tmp_path: Path, name: str, beside: dict[str, Any], message: str
) -> None:
    """Pegasus puts 103 tokens before SentencePiece's, XLM-RoBERTa one, and moves others."""
    (tmp_path / name).write_bytes(trained("bpe"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(beside))
    with pytest.raises(VocabularyError, match=message):
        load_vocabulary(tmp_path)


def test_the_numbering_of_a_table_beside_it(tmp_path: Path) -> None:
    """Marian and M2M100: pieces have the ids of `vocab.json`."""
    (tmp_path / "source.spm").write_bytes(trained("bpe"))
    (tmp_path / "vocab.json").write_text(json.dumps({"</s>": 0, "▁the": 1}))
    assert load_vocabulary(tmp_path).texts == ("</s>", " the")
    with pytest.raises(VocabularyError, match=r"source\.spm holds pieces .*vocab\.json says which"):
        load_vocabulary(tmp_path / "source.spm")


@pytest.mark.parametrize("raw", [b"", b"<html>", b"\x0a\xff\xff", b"version https://git-lfs"])
def test_damage(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "tokenizer.model").write_bytes(raw)
    with pytest.raises(UnembedError, match=r"cannot be read as a SentencePiece|is empty") as caught:
        load_vocabulary(tmp_path)
    assert isinstance(caught.value, FormatError | VocabularyError)


def test_a_file_that_is_cut(tmp_path: Path, model: bytes) -> None:
    (tmp_path / "tokenizer.model").write_bytes(model[: len(model) // 2])
    with pytest.raises(FormatError, match="cannot be read as a SentencePiece model"):
        load_vocabulary(tmp_path)


def test_without_the_package(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'unembed\[sentencepiece\]'"):
        load_vocabulary(path)


# --- published ones ---


@pytest.mark.parametrize("name", ["tokenizer.model.v1", "tokenizer.model.v3"])
def test_mistrals(name: str) -> None:
    path = wanted("mistral", name)
    found = load_vocabulary(path)
    check_texts(found, SentencePieceProcessor(model_file=str(path)))
    assert {"<unk>", "<s>", "</s>"} <= {found.texts[i] for i in np.flatnonzero(found.special)}


def test_a_translators_two_files_agree() -> None:
    """The same vocabulary as SentencePiece's model and as a `tokenizer.json`."""
    found = load_vocabulary(wanted("translate", "vocab.spm"))
    other = load_vocabulary(wanted("translate", "tokenizer.json"))
    assert found.digest == other.digest
    check_texts(found, SentencePieceProcessor(model_file=str(wanted("translate", "vocab.spm"))))
