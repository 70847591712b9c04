"""Tokens that files beside a vocabulary name: real ones, not padding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unembed import Vocabulary
from unembed.errors import FormatError
from unembed.load import load_vocabulary

TABLE = {"a": 0, "b": 1, "Ġ": 2, "Ġa": 3, "<|endoftext|>": 4}
TOKENIZER = {"model": {"type": "BPE", "vocab": TABLE}, "decoder": {"type": "ByteLevel"}}


def write(folder: Path, **files: Any) -> Path:
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def ids(flags: np.ndarray) -> list[int]:
    return np.flatnonzero(flags).tolist()


@pytest.fixture(params=["vocab.json", "tokenizer.json", "vocab.txt", "x.tiktoken"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Five tokens, in each of the forms that others may be added to."""
    if request.param == "vocab.json":
        (tmp_path / "merges.txt").write_text("Ġ a\n")
    content = {
        "vocab.json": json.dumps(TABLE), "tokenizer.json": json.dumps(TOKENIZER),
        "vocab.txt": "[PAD]\nthe\n##a\n##b\n[SEP]\n",
        "x.tiktoken": "YQ== 0\nYg== 1\nYWI= 2\nYmE= 3\nYWE= 4\n",
    }[request.param]  # fmt: skip
    (tmp_path / request.param).write_text(content)
    return tmp_path


def added(found: Vocabulary) -> tuple[str, ...]:
    return found.texts[5:]


def test_added_tokens(folder: Path) -> None:
    found = load_vocabulary(write(folder, added_tokens={"<tool>": 6, "<|im_end|>": 5, "[PAD9]": 8}))
    assert added(found) == ("<|im_end|>", "<tool>", "", "[PAD9]")
    assert 5 in ids(found.special)
    assert 6 not in ids(found.masked)
    assert ids(found.unused) == [7, 8]


def test_added_tokens_decoder_is_preferred(folder: Path) -> None:
    decoder = {"5": {"content": "<a>", "special": True}, "6": {"content": " b"}}
    write(folder, added_tokens={"stale": 5}, tokenizer_config={"added_tokens_decoder": decoder})
    found = load_vocabulary(folder)
    assert added(found) == ("<a>", " b")
    assert 5 in ids(found.special)
    assert not found.masked[6]


@pytest.mark.parametrize(
    "roles",
    [
        {"special_tokens_map": {"pad_token": "<tool>"}},
        {"special_tokens_map": {"pad_token": {"content": "<tool>"}}},
        {"special_tokens_map": {"additional_special_tokens": ["<x>", {"content": "<tool>"}]}},
        {"tokenizer_config": {"eos_token": "<tool>", "add_bos_token": True}},
        {"tokenizer_config": {"extra_special_tokens": {"image_token": "<tool>"}}},
    ],
)
def test_a_token_with_a_role_is_special(folder: Path, roles: dict[str, Any]) -> None:
    found = load_vocabulary(write(folder, added_tokens={"<tool>": 5, "<x>": 6}, **roles))
    assert found.special[5]


def test_a_name_in_the_place_of_a_reserved_one(tmp_path: Path) -> None:
    """Fine-tuned models rename what their vocabulary holds in reserve."""
    vocab = {"a": 0, "<|reserved_1|>": 1, "b": 2}
    decoder = {"1": {"content": "<think>", "special": False}}
    write(
        tmp_path, tokenizer={"model": {"type": "BPE", "vocab": vocab}},
        tokenizer_config={"added_tokens_decoder": decoder},
    )  # fmt: skip
    found = load_vocabulary(tmp_path)
    assert found.texts == ("a", "<think>", "b")
    assert not found.masked.any()


def test_what_is_there_already_stays(tmp_path: Path) -> None:
    (tmp_path / "merges.txt").write_text("Ġ a\n")
    write(tmp_path, vocab=TABLE, added_tokens={"<|endoftext|>": 4, "a": 0})
    found = load_vocabulary(tmp_path)
    assert found.token_bytes == (b"a", b"b", b" ", b" a", b"<|endoftext|>")
    assert ids(found.special) == [4]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"added_tokens": ["a"]}, r"added_tokens\.json should hold a table, not list"),
        ({"added_tokens": {"a": "5"}}, r"added_tokens\.json should map tokens to their ids"),
        ({"tokenizer_config": {"added_tokens_decoder": ["a"]}}, "should map ids to tokens"),
        ({"tokenizer_config": {"added_tokens_decoder": {"x": {"content": "a"}}}}, "map ids to"),
        ({"tokenizer_config": {"added_tokens_decoder": {"5": {}}}}, "map ids to tokens"),
    ],
)
def test_mistakes(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    write(tmp_path, tokenizer=TOKENIZER, **files)
    with pytest.raises(FormatError, match=message):
        load_vocabulary(tmp_path)


def test_a_file_beside_it_that_is_no_json(tmp_path: Path) -> None:
    write(tmp_path, tokenizer=TOKENIZER)
    (tmp_path / "added_tokens.json").write_text("{")
    with pytest.raises(FormatError, match=r"added_tokens\.json is not JSON.*download it again"):
        load_vocabulary(tmp_path)
