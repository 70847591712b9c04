"""Files of token sets that a person would not write: one error each, soon, and with its line."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unembed import TokenSets, Vocabulary, build_token_sets
from unembed.errors import TokenSetError
from unembed.tokensets import SetInfo
from unembed.tokensets.reading import Reading

VOCABULARY = Vocabulary.from_texts([" he", " she", " it", "a" * 30, "x"])

FILES: dict[str, tuple[str, bytes, str]] = {
    "laughs": (
        "a.yaml",
        b"sets:\n a: &a [x]\n"
        + b"".join(
            f" {n}: &{n} [{', '.join([f'*{o}'] * 10)}]\n".encode()
            for o, n in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "line 7: it holds more than 300,000 values",
    ),
    "wide aliases": (
        "a.yaml",
        b"sets:\n a: &a ["
        + b"x, " * 2_000
        + b"x]\n"
        + b"".join(b" s%d: *a\n" % i for i in range(2_000)),
        "more than 300,000 values",
    ),
    "a NUL": ("a.yaml", b"sets:\n a: x\0", "no YAML"),
    "no UTF-8": ("a.yaml", b"sets:\n a: \xff", "line 2: the byte 0xff is no UTF-8"),
    "9 MB": ("a.yaml", b"#" * 9_000_000, "more than 8 MB"),
    "an escape code for a name": (
        "a.yaml",
        b'sets:\n "\\e]0;x\\a": x',
        r"line 2: '\\x1b\]0;x\\x07' cannot name",
    ),
    "a bidi name": ("a.yaml", 'sets:\n "a\u202eb": x'.encode(), r"line 2: 'a\\u202eb' cannot name"),
    "a long name": (
        "a.yaml",
        b"sets:\n ? " + b"x" * 2_000 + b"\n : x",
        "line 2: .*2,000 characters",
    ),
    "an escape in a description": (
        "a.yaml",
        b'sets:\n a: {words: x, description: "\\e[2J"}',
        r"line 2: .*U\+001B",
    ),
    "a long family": ("a.yaml", b"family: " + b"f" * 1_001 + b"\nsets:\n a: x", "line 3: .*family"),
    "a long word": ("a.yaml", b"sets:\n a: [" + b"x" * 1_001 + b"]", "line 2: the word .*1,001"),
    "a pattern without end": (
        "a.yaml",
        b"sets:\n b: {words: x}\n a: {regex: '(a+)+b'}",
        "of the set 'a'.*1.5 seconds",
    ),
    "a long pattern": (
        "a.yaml",
        b"sets:\n a: {regex: '" + b"a" * 10_001 + b"'}",
        "line 2: .*10,001 characters",
    ),
    "a class of classes": (
        "a.yaml",
        rb"sets:" b"\n" rb" a: {characters: '\p{L}{1000}{1000}{1000}'}",
        "line 2: .*no class",
    ),
    "a dotted key": ("a.toml", b".".join([b"a"] * 50_000) + b" = 1", "more than 8 parts"),
    "nested": ("a.toml", b"a = " + b"[" * 50_000, "deep in one another"),
    "digits": ("a.toml", b"[sets]\na = [" + b"9" * 5_000 + b"]", "TOML"),
    "columns": (
        "a.gmt",
        b"ok\tna\tx\nbad\tna" + b"\tx" * 1_100_000,
        "line 2: the set has 1,100,000",
    ),
    "a GMT of bytes": ("a.gmt", b"ok\tna\tx\nbad\tna\t\xe9\n", "line 2: the byte 0xe9"),
    "a NUL in GMT": ("a.gmt", b"a\0b\tna\tx\n", r"line 1: 'a\\x00b' cannot name"),
    "an escape in GMT": ("a.gmt", b"a\t\x1b[2J\tx\n", r"line 1: .*U\+001B"),
}


@pytest.mark.parametrize(("name", "content", "message"), FILES.values(), ids=FILES)
def test_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    start = time.process_time()
    with pytest.raises(TokenSetError, match=message) as caught:
        build_token_sets(VOCABULARY, path, min_size=0)
    assert time.process_time() - start < 2
    assert len(str(caught.value)) < 4_100


def test_a_toml_of_many_keys_takes_time_by_their_number(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[sets]\n" + "".join(f"s{i} = ['x']\n" for i in range(4_000)) + "s.b = 1")
    start = time.process_time()
    with pytest.raises(TokenSetError, match="line 4002: "):
        build_token_sets(VOCABULARY, path)
    assert time.process_time() - start < 2


def test_line_ends_and_marks_of_gmt(tmp_path: Path) -> None:
    path = tmp_path / "a.gmt"
    path.write_bytes("\ufeffpeople\tna\t␣he\t␣she\rthings\tna\t␣it".encode())
    found = build_token_sets(VOCABULARY, path, min_size=0)
    assert (found.texts("people"), found.texts("things")) == ([" he", " she"], [" it"])


IDS: dict[str, tuple[Any, str]] = {
    "beyond": ([300_000_000], "has ids 0 to 4"),
    "a range": (range(300_000_000), "more than 1,010 ids"),
    "no end": (repeat(1), "more than 1,010 ids"),
    "negative": ([-1], "holds the id -1"),
    "floats": ([0.0, 1.0], "are float64"),
    "huge": ([2**70], "such as 1180591620717411303424"),
    "flags": ([True], "are bool"),
    "text": ("ab", "whole numbers"),
    "nothing": (None, "not NoneType"),
    "a number": (7, "not int"),
    "two axes": (np.zeros((2, 2), int), r"shape \(2, 2\)"),
    "unsigned": (np.array([2**64 - 1], np.uint64), "no token id"),
    "ragged": ([[1], [1, 2]], "list of whole numbers|are"),
}


@pytest.mark.parametrize(("ids", "message"), IDS.values(), ids=IDS)
def test_ids(ids: Iterable[int], message: str) -> None:
    with pytest.raises(TokenSetError, match=message):
        TokenSets.from_ids({"a": ids}, VOCABULARY)


@pytest.mark.parametrize(
    "info",
    [
        SetInfo("\x1b]0;x\x07"),
        SetInfo("a\u202eb"),
        SetInfo("a\ud800"),
        SetInfo("x" * 1_001),
        SetInfo(7),
        SetInfo("a", family="\x07"),
        SetInfo("a", description="\x9b"),
        SetInfo("a", description="x" * 20_001),
        SetInfo("a", source="\u2028"),
        SetInfo("a", aliases=("\x1b",)),
    ],
)
def test_what_may_name_and_describe_a_set(info: SetInfo) -> None:
    with pytest.raises(TokenSetError, match=r"cannot|holds the character|characters"):
        TokenSets.from_drafts([(info, [0])], VOCABULARY)


def test_descriptions_may_have_lines() -> None:
    info = SetInfo("Ünïcode 名前 😀", "a/b", "one\n\ttwo", "three")
    assert TokenSets.from_drafts([(info, [0])], VOCABULARY).infos == (info,)


def test_very_long_tokens_are_not_read_as_words() -> None:
    """What is quadratic in a token's length would take forever on one of a million characters."""
    vocabulary = Vocabulary.from_texts(["a.", "a" * 10**6, "a." * 500, "a." * 501])
    assert Reading(vocabulary).ids.tolist() == [0, 2]


LARGE = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
from unembed import Vocabulary
from unembed.errors import UnembedError
from unembed.tokensets.files.gmt import read_gmt
try:
    list(read_gmt(Path(sys.argv[1]), Vocabulary.from_texts([" he"])))
except UnembedError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_a_file_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.gmt"
    with path.open("wb") as file:
        file.truncate(5 * 2**30)  # takes no room on the disk
    told = subprocess.run(
        [sys.executable, "-c", LARGE, str(path), str(2**31)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={
            "OPENBLAS_NUM_THREADS": "1",
            "POLARS_MAX_THREADS": "1",
            "PYTHONPATH": ":".join(sys.path),
        },
    )
    assert "more than 64 MB" in told.stdout, told.stderr
