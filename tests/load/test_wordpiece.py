"""WordPiece, in `vocab.txt` and `tokenizer.json`: what its pieces write, and what sets find."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from tests.load.test_real_vocabularies import wanted
from unembed import Vocabulary
from unembed.errors import FormatError
from unembed.load import load_vocabulary
from unembed.tokensets import build_token_sets

LINES = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "the", "##ing", "##s", ",", "中", "##", "1990",
         "€", "##é", "[", "こ"]  # fmt: skip
TEXTS = ("[PAD]", "[unused0]", "[UNK]", "[CLS]", " the", "ing", "s", ",", "中", "##", " 1990",
         " €", "é", "[", " こ")  # fmt: skip


def check(found: Vocabulary) -> None:
    assert found.texts == TEXTS
    assert np.flatnonzero(found.special).tolist() == [0, 2, 3]
    assert np.flatnonzero(found.unused).tolist() == [1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_vocab_txt(tmp_path: Path, encoding: str, ending: str) -> None:
    text = ending.join([*LINES, ""])
    (tmp_path / "vocab.txt").write_bytes(text.encode(encoding))
    check(load_vocabulary(tmp_path))


def test_tokenizer_json(tmp_path: Path) -> None:
    model = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "vocab": {p: i for i, p in enumerate(LINES)},
    }
    added = [{"id": i, "content": LINES[i], "special": True} for i in (0, 2, 3)]
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": model, "added_tokens": added}))
    check(load_vocabulary(tmp_path))


@pytest.mark.parametrize("text", ["the 5\nof 4\n", "L\nA\nG\n", ""])
def test_another_list(tmp_path: Path, text: str) -> None:
    """fairseq's words and counts, ESM's amino acids."""
    (tmp_path / "vocab.txt").write_text(text)
    with pytest.raises(FormatError, match="is no WordPiece vocabulary: none of its"):
        load_vocabulary(tmp_path)


# --- BERT's own ---


@cache
def bert() -> Vocabulary:
    return load_vocabulary(wanted("bert", "tokenizer.json"))


@pytest.mark.parametrize(
    "text",
    [
        "the cats, unbelievably, ran away from antidisestablishmentarianism!",
        "in 1990 it cost 5 dollars; 日本 says: electroencephalography",
    ],
)
def test_what_is_encoded_reads_back(text: str) -> None:
    """A space before each word, none before marks, pieces and Chinese characters."""
    ids = Tokenizer.from_file(str(wanted("bert", "tokenizer.json"))).encode(text).ids[1:-1]
    written = b"".join(bert().token_bytes[i] for i in ids).decode()
    assert written.lstrip() == text.replace(" 日", "日")


def test_every_piece() -> None:
    """Behind a letter, the library's decoder writes a space or none, and tidies up marks."""
    path = wanted("bert", "tokenizer.json")
    tokenizer = Tokenizer.from_file(str(path))
    letter = tokenizer.token_to_id("a")
    alone = 0
    for index in np.flatnonzero(~bert().masked).tolist():
        decoded = tokenizer.decode([letter, index])[1:]
        alone += bert().texts[index] != decoded
        assert bert().texts[index].lstrip(" ") == decoded.lstrip(" ")
    assert alone < 1_000  # marks and Chinese characters, which stand in words of their own
    assert bert().masked.sum() == 999  # [PAD], [UNK], [CLS], [SEP], [MASK], and 994 in reserve


@pytest.mark.slow
def test_its_token_sets() -> None:
    """Names stand in small letters there, and are found; what its capitals tell apart is not."""
    sets = build_token_sets(bert())
    assert {" france", " brazil", " china"} <= set(sets.texts("countries"))
    assert {" mother", " women", " her"} <= set(sets.texts("female_nouns"))
    assert {" english", " french"} <= set(sets.texts("languages"))
    assert " us" not in sets.texts("countries")
    assert all(text[0] == " " for text in sets.texts("leading_space"))
