"""Documents that no parser may die of, and what real ones hold that has to be read."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from unembed.errors import FormatError
from unembed.outside import limits
from unembed.outside.documents import (
    parse_json,
    parse_toml,
    parse_yaml,
    read_json,
    read_toml,
    read_yaml,
)

LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(12)
)
CHAIN = b"\n".join(
    b"a%d: &a%d [%s]" % (i, i, b"*a%d" % (i - 1) if i else b"1") for i in range(limits.DEPTH + 2)
)

BAD_JSON = {
    "nothing": (b"", "line 1, column 1"),
    "not closed": (b'{"a":\n1', "line 2"),
    "deep lists": (b"[" * 100_000, "more than 64 deep"),
    "deep tables": (b'{"a":' * 100_000, "more than 64 deep"),
    "deeper than is read": (b"[" * 66 + b"]" * 66, "more than 64 deep"),
    "a number without end": (b'{"a": ' + b"9" * 100_000 + b"}", "100,000 digits"),
    "no UTF-8": (b'{"a": "\xff"}', "utf-8"),
    "half a character": (b'{"a": "\\ud800x"}', "half a character"),
    "half a character as a name": (b'{"\\udc00": 1}', "half a character"),
    "another value for a name": (b'{"a": 1, "a": 2}', "'a' stands twice"),
    "more values than any": (b"[" + b"[]," * 3_000_000 + b"[]]", "4,000,000 values"),
    "bytes": (bytes(range(256)), "is not JSON"),
}
BAD_YAML = {
    "not closed": (b"a:\n  [1", "line 3"),
    "deep lists": (b"[" * 100_000, "line 1"),
    "deep items": (b"- " * 100_000, "more than 64 deep"),
    "deep by aliases": (CHAIN, "more than 64 deep"),
    "aliases of aliases": (LAUGHS, "300,000 values"),
    "an alias of itself": (b"a: &a\n  x: *a\n", "holds an alias of itself"),
    "an alias of nothing": (b"a: *b", "nothing before is called 'b'"),
    "a type of Python's": (b"a: !!python/object/apply:os.system [x]", "the type 'python"),
    "a list as a name": (b"? [a]\n: 1", "a name should be a text"),
    "a merge": (b"a: &a {x: 1}\nb:\n  <<: *a", "line 3: <<"),
    "another value for a name": (b"a: 1\na: 2", "line 2: 'a' stands here a second time"),
    "two documents": (b"a: 1\n---\nb: 1", "second document"),
    "a control character": (b"a: \x00", "control characters"),
    "no UTF-8": (b"a: \xff", "utf-8"),
}


BAD_TOML = {
    "not closed": (b"a = [1", "TOML"),
    "deep lists": (b"a=" + b"[" * 100_000, "more than 64 deep"),
    "deep tables": (b"a=" + b"{a=" * 100_000, "more than 64 deep"),
    "a key of many parts": (b"a." * 50_000 + b"a=1", "more than 8 parts"),
    "the same behind quotes": (b'x = [{a=""""b"""", ' + b"a." * 9 + b"a=1}]", "more than 8 parts"),
    "a number without end": (b"a=" + b"1" * 100_000, "TOML"),
    "quotes without end": (b'a="""' + b'\\"""' * 100_000, "TOML"),
    "backslashes": (b'a="""' + b"\\" * 300_001, "TOML"),
    "one word": (b"a" * 500_000, "TOML"),
    "more than is read": (b"a=1\n" * 300_000, "1 MB"),
}


@pytest.mark.parametrize(("raw", "words"), BAD_TOML.values(), ids=BAD_TOML)
def test_bad_toml(raw: bytes, words: str) -> None:
    began = time.process_time()
    with pytest.raises(FormatError, match=words) as error:
        parse_toml(raw, "x.toml")
    assert "x.toml" in str(error.value)
    assert time.process_time() - began < 2


def test_toml_that_is_read() -> None:
    text = 'a.b.c.d.e.f.g.h = 1\nt = "1.2.3.4.5.6.7.8.9.10.11"  # a.b.c.d.e.f.g.h.i.j\n'
    found = parse_toml(text.encode(), "x.toml")
    assert found["t"] == "1.2.3.4.5.6.7.8.9.10.11"


@pytest.mark.parametrize(("raw", "words"), BAD_JSON.values(), ids=BAD_JSON)
def test_bad_json(raw: bytes, words: str) -> None:
    began = time.process_time()
    with pytest.raises(FormatError, match=words) as error:
        parse_json(raw, "x.json")
    assert "x.json" in str(error.value)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(("raw", "words"), BAD_YAML.values(), ids=BAD_YAML)
def test_bad_yaml(raw: bytes, words: str) -> None:
    began = time.process_time()
    with pytest.raises(FormatError, match=words) as error:
        parse_yaml(raw, "x.yaml")
    assert "x.yaml" in str(error.value)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("raw", "tree"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": "é"}'.encode("utf-16"), {"a": "é"}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a": "\\\\ud800"}', {"a": "\\ud800"}),  # an escaped backslash, not a character
        (b'{"a": [1], "a": [1]}', {"a": [1]}),
        (b"[1e400, -Infinity]", [math.inf, -math.inf]),  # Mamba 2's time_step_limit
        (b'{"n": 1000000000000000019884624838656}', {"n": 10**30 + 19884624838656}),
        (b"[" * limits.DEPTH + b"]" * limits.DEPTH, None),
    ],
)
def test_json_that_is_read(raw: bytes, tree: object) -> None:
    found = parse_json(raw, "x.json")
    assert found == tree or tree is None


def test_yaml_is_read_as_its_writers_mean_it() -> None:
    text = """\
        whole: 017\nhex: 0x1F\nminus: -1_000\nfloat: 1.5e+3\ninf: -.inf\nflag: yes\nnull: ~
        empty:\nquoted: 'yes'\nexponent: 1e-3\ntime: 2001-99-99\nsixty: 1:30\nlong: {}
        tagged: !!str 5\nshared: &a [1]\nagain: *a\nsame: 1\n"same": 1\non: off
        """.replace("        ", "").format("9" * 101)
    assert parse_yaml(text.encode(), "x.yaml") == {
        "whole": 15, "hex": 31, "minus": -1000, "float": 1500.0, "inf": -math.inf, "flag": True,
        "null": None, "empty": None, "quoted": "yes", "exponent": "1e-3", "time": "2001-99-99",
        "sixty": "1:30", "long": "9" * 101, "tagged": "5", "shared": [1], "again": [1],
        "same": 1, "on": False,
    }  # fmt: skip
    assert parse_yaml(b"", "x.yaml") is None


@pytest.mark.parametrize("read", [read_json, read_toml, read_yaml])
def test_files(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(FormatError, match=r"nothing cannot be read: No such file"):
        read(tmp_path / "nothing")
    with pytest.raises(FormatError, match=r"cannot be read: Is a directory"):
        read(tmp_path)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b" " * 2_000_001)
    with pytest.raises(FormatError, match=r"large has more than 1 MB"):
        read_json(large, 1 << 20)


def test_a_device_without_an_end() -> None:
    with pytest.raises(FormatError, match=r"/dev/zero has more than 8 MB"):
        read_yaml(Path("/dev/zero"))
