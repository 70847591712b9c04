"""`tekken.json`, on small files and on Mistral's own."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.load.test_real_vocabularies import wanted
from unembed import Vocabulary
from unembed.errors import FormatError, VocabularyError
from unembed.load import load_vocabulary

CONFIG = {"default_vocab_size": 6, "default_num_special_tokens": 3, "version": "v11"}
VOCAB = [
    {"rank": rank, "token_bytes": base64.b64encode(raw).decode(), "token_str": None}
    for rank, raw in enumerate([b"\xe2", b" the", "é".encode(), b"beyond"])
]
SPECIAL = [{"rank": 0, "token_str": "<unk>", "is_control": True}, {"rank": 1, "token_str": "[X]"}]


def read(folder: Path, **content: Any) -> Vocabulary:
    (folder / "tekken.json").write_text(json.dumps(content))
    return load_vocabulary(folder)


def test_special_tokens_take_the_first_ids(tmp_path: Path) -> None:
    found = read(tmp_path, config=CONFIG, vocab=VOCAB, special_tokens=SPECIAL)
    assert found.token_bytes[3:] == (b"\xe2", b" the", "é".encode())
    assert found.texts[:3] == ("<unk>", "[X]", "<SPECIAL_2>")
    assert np.flatnonzero(found.special).tolist() == [0, 1]
    assert np.flatnonzero(found.unused).tolist() == [2]


def test_files_that_do_not_name_them(tmp_path: Path) -> None:
    found = read(tmp_path, config={**CONFIG, "default_num_special_tokens": 3}, vocab=VOCAB)
    assert found.texts[:3] == ("<unk>", "<s>", "</s>")


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ({}, FormatError, "is no tekken.json: it should have 'config'"),
        ({"config": CONFIG}, FormatError, "is no tekken.json.*vocab"),
        ({"config": CONFIG, "vocab": [{"rank": 0, "token_bytes": "?"}]}, FormatError, "no tekken"),
        ({"config": CONFIG, "vocab": [*VOCAB, VOCAB[1] | {"rank": 0}]}, VocabularyError, "rank 0"),
    ],
)
def test_mistakes(
    tmp_path: Path, content: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(tmp_path, **content)


def test_mistrals() -> None:
    """As `mistral_common` 1.13.1 encodes a text, and every row of W_U has a token or none."""
    found = load_vocabulary(wanted("mistral", "tekken.json"))
    assert len(found) == 131_072
    assert found.masked.sum() == 1_000
    assert found.masked[:1_000].all()
    ids = [22177, 4304, 1044, 98355]
    assert b"".join(found.token_bytes[i] for i in ids).decode() == "Hello world, naïve"
    assert sorted(found.token_bytes[1_000:1_256]) == [bytes([byte]) for byte in range(256)]
