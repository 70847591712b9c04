"""What is done to the content of a file, each a function of two whole numbers.

`where` chooses the place and `what` the new content, both modulo what there is, so that every pair
of numbers means something and a smaller one is a simpler case.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

Mutation = Callable[[bytes, int, int], bytes]


class Raw(str):
    """JSON that `json` would not write: a number beyond all, a key twice."""


def _nested(opening: str, middle: str, closing: str, depth: int) -> Raw:
    return Raw(opening * depth + middle + closing * depth)


VALUES: tuple[Any, ...] = (
    0, 1, -1, 2, None, True, False, "", [], {}, 0.5, "0", "true", "false", "None", "a", [0], [""],
    {"": 0}, {"a": None}, [[]], [None], 3, 7, -7, 1e-45, 2**31, 2**31 - 1, -(2**31), 2**32, 2**53,
    2**63, 2**64, -(2**63) - 1, 10**25, -(10**25), Raw("1" + "0" * 4301), Raw("1e400"),
    Raw("-1e400"), Raw("NaN"), Raw("Infinity"), Raw("1.0"), Raw("-0.0"), Raw("1e25"),
    99_999_999_999, "\u0000", "\ud800", "\udfff\ud800", "\x1b]0;owned\x07", "\x1b[31mred",
    "\u202egnp", "\ufeff",
    "é", "\U0001f9d1\u200d\U0001f680", "a\nb", "a\tb", "␣", " ", "x" * 300, "x" * 5000,
    "../../outside/x", "/etc/passwd", "a/../../b", "~", "C:\\x", "CON", "file:///etc/passwd", "*",
    "{0-99999999}", "mlp:0-99999999999", "blocks.0.hook_resid_post", "blocks.99.hook_z",
    "<script>alert(1)</script>", "=cmd|'/c calc'!A0", "(a+)+$", "(" * 300, "[" * 300, "\\p{",
    [0] * 3000, list(range(300)), ["a"] * 300, [[0, 1], [2]], {str(i): i for i in range(300)},
    _nested("[", "", "]", 100), _nested("[", "1", "]", 1500), _nested("[", "", "]", 60_000),
    _nested('{"a":', "1", "}", 1500), _nested('{"a":', "1", "}", 60_000), _nested('["', "", "", 3),
    Raw('{"a": 1, "a": 2}'), Raw('"\\ud800"'), Raw("1" * 400), Raw("0." + "1" * 400), Raw("01"),
)  # fmt: skip
"""Values of JSON that are odd for nearly every field. The first are the simplest."""

WORDS: tuple[str, ...] = tuple(
    dict.fromkeys(
        [
            *(each for each in VALUES if isinstance(each, str) and not isinstance(each, Raw)),
            "-1", "0", "1", "2147483648", "9" * 25, "1e400", "nan", "inf", "-inf", "null", "[]",
            "{}", "{a: b}", "&a [*a]", "*a", "&a", "!!python/object/apply:os.system [id]", "!!x y",
            "<<: *a", "|", ">", "---", "...", "%YAML 9.9", "? ", ": ", "- - - -", "- " * 2000,
            "[" * 2000, "{a: " * 2000, "[" * 60_000, "\t", "\r", "#", '"', "'", '"""', "a.b.c = 1",
            "[[a]]", "[a]", ".".join("a" * 2000), "1979-05-27", "0x" + "f" * 300, "0o7", "1_0",
            "(?P<a>.)(?P=a)", "(a|a)*b", "(.*)*x", "(?:" * 200, "\\", "\\x", "\\u0000", "[^]",
            "\\p{Greek}", "\\p{Nothing}", "^", "$", "union", "[α-ω]", "[z-a]", "a" * 20_000,
        ]
    )
)  # fmt: skip
"""Text that is odd in YAML, TOML, GMT and lists of tokens."""

NUMBERS = (
    0, 1, 2, 3, 7, 8, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**62,
    2**63 - 1, 2**63, 2**64 - 1, 2**64 - 8,
)  # fmt: skip
CHUNKS = (
    b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\xc3", b"\n", b"\r\n",
    b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\x93NUMPY", b"GGUF", b"PAR1", b"\x80\x02", b"}",
    b"\x1b[2J", b" " * 64, b"\0" * 256, b"A" * 4096, b"{" * 4096, b"[" * 70_000,
)  # fmt: skip


MOST = 1 << 22
"""Bytes that a repetition may make: three in a row would make gigabytes."""


def _often(wanted: int, size: int) -> int:
    """Return how many times a stretch of some bytes is repeated, of as often as is wanted."""
    return min(wanted, max(1, MOST // max(size, 1)))


# --- any content ---


def flip(content: bytes, where: int, what: int) -> bytes:
    """One bit."""
    if not content:
        return content
    at = where % len(content)
    return content[:at] + bytes([content[at] ^ (1 << what % 8)]) + content[at + 1 :]


def cut(content: bytes, where: int, what: int) -> bytes:
    """All from one place on, or all before it."""
    at = where % (len(content) + 1)
    return content[at:] if what % 4 == 3 else content[:at]


def drop(content: bytes, where: int, what: int) -> bytes:
    """A few bytes."""
    at = where % (len(content) + 1)
    return content[:at] + content[at + 1 + what % 64 :]


def insert(content: bytes, where: int, what: int) -> bytes:
    """Bytes that begin or end things."""
    at = where % (len(content) + 1)
    return content[:at] + CHUNKS[what % len(CHUNKS)] + content[at:]


def put(content: bytes, where: int, what: int) -> bytes:
    """A whole number over what is there, in four or eight bytes."""
    number = NUMBERS[what % len(NUMBERS)]
    wide = what // len(NUMBERS) % 2
    raw = struct.pack("<Q", number) if wide or number >= 2**32 else struct.pack("<I", number)
    at = where % (len(content) + 1)
    return content[:at] + raw + content[at + len(raw) :]


def double(content: bytes, where: int, what: int) -> bytes:
    """A stretch several times."""
    at = where % (len(content) + 1)
    stretch = content[at : at + 1 + what % 128]
    times = _often((1, 2, 60, 1000)[what // 128 % 4], len(stretch))
    return content[:at] + stretch * times + content[at:]


# --- text ---

_WORD = re.compile(rb"[^\s,:=\[\]{}\"']+")


def word(content: bytes, where: int, what: int) -> bytes:
    """Another word for one."""
    found = list(_WORD.finditer(content))
    if not found:
        return insert(content, where, what)
    start, stop = found[where % len(found)].span()
    new = WORDS[what % len(WORDS)].encode("utf-8", "surrogatepass")
    return content[:start] + new + content[stop:]


def line(content: bytes, where: int, what: int) -> bytes:
    """A line twice, not at all, many times, emptied, or another one in its place."""
    lines = content.split(b"\n")
    at, how = where % len(lines), what % 6
    many = _often((1, 300, 20_000)[what // 6 % 3], len(lines[at]))
    new = WORDS[what // 6 % len(WORDS)].encode("utf-8", "surrogatepass")
    changed = {
        0: [], 1: [lines[at]] * 2, 2: [lines[at]] * many, 3: [b""], 4: [new], 5: [lines[at] + new],
    }[how]  # fmt: skip
    return b"\n".join([*lines[:at], *changed, *lines[at + 1 :]])


# --- JSON ---


def tree(content: bytes, where: int, what: int) -> bytes:
    """One value of a JSON document for another, or its key."""
    try:
        return changed_tree(json.loads(content), where, what)
    except (ValueError, RecursionError):  # it is no JSON any more, or too deep for ours
        return put(content, where, what)


def changed_tree(document: Any, where: int, what: int) -> bytes:
    """Return a document as JSON, with one of its values or keys changed."""
    places = [*_places(document)]
    holder, key = places[where % len(places)]
    how, which = what % 8, what // 8
    if how < 5 or not isinstance(holder, dict | list):
        new = VALUES[which % len(VALUES)]
        if holder is None:
            return written(new)
        holder[key] = new
    elif how == 5:
        del holder[key]
    elif how == 6:
        _renamed(holder, key, which)
    else:
        value = holder[key]
        many = [value] * _often(1000, len(written(value))) if which % 4 == 3 else value
        holder[key] = (str(value), [value], {"a": value}, many)[which % 4]
    return written(document)


def _renamed(holder: Any, key: Any, which: int) -> None:
    """Give a key another name, or say it twice."""
    if isinstance(holder, list):
        holder.insert(key, holder[key])
    elif which % 3:
        texts = [each for each in VALUES if isinstance(each, str) and not isinstance(each, Raw)]
        holder[texts[which % len(texts)]] = holder.pop(key)
    else:
        again = json.dumps(holder[key])
        holder[key] = Raw(f"{again}, {json.dumps(key)}: {json.dumps(VALUES[which % 60])}")


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Return where each value of a document stands: in what, and under which key."""
    found: list[tuple[Any, Any]] = [(None, None)]
    waiting = [document] if isinstance(document, dict | list) else []
    while waiting:
        holder = waiting.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], dict | list) and holder[key]:
                waiting.append(holder[key])
        if len(found) > 2000:  # of a vocabulary the first are enough
            break
    return found


def written(document: Any) -> bytes:
    """Return JSON, with what is raw as it is."""
    raws: list[str] = []

    def marked(value: Any) -> Any:
        if isinstance(value, Raw):
            raws.append(str(value))
            return f"\x01raw{len(raws) - 1}\x01"
        if isinstance(value, dict):
            return {key: marked(each) for key, each in value.items()}
        if isinstance(value, list):
            return [marked(each) for each in value]
        return value

    text = json.dumps(marked(document))
    for number, raw in enumerate(raws):
        text = text.replace(f'"\\u0001raw{number}\\u0001"', raw)
    return text.encode()


# --- containers ---


def safetensors(content: bytes, where: int, what: int) -> bytes:
    """One value of the header, which is as long as it says."""
    try:
        size = int.from_bytes(content[:8], "little")
        new = changed_tree(json.loads(content[8 : 8 + size]), where, what)
    except (ValueError, RecursionError):
        return put(content, where, what)
    return len(new).to_bytes(8, "little") + new + content[8 + size :]


def npy(content: bytes, where: int, what: int) -> bytes:
    """Another number or word in the header of an array."""
    size = int.from_bytes(content[8:10], "little")
    header, data = content[10 : 10 + size], content[10 + size :]
    values = (
        b"0", b"-1", b"1", b"1180591620717411303424", b"99999999999", b"None", b"'", b"(",
        b"'|O'", b"'<c8'", b"'>f4'", b"'<f8'", b"'|S2'", b"'<M8[s]'", b"[('a', '<f4')]", b"True",
        b"'<f2'", b"'<u8'", b"'|i1'", b"'|b1'", b"'<U9'", b"'|V4'", b"(" * 300, b"-" * 3000 + b"1",
    )  # fmt: skip
    found = list(re.finditer(rb"'[<|>=][^']*'|\d+|True|False|[(),{}:]", header)) or [None]
    chosen = found[where % len(found)]
    start, stop = (0, 0) if chosen is None else chosen.span()
    new = header[:start] + values[what % len(values)] + header[stop:]
    return content[:8] + min(len(new), 65_535).to_bytes(2, "little") + new + data


def zipped(content: bytes, where: int, what: int) -> bytes:
    """One entry of an archive, which is otherwise whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # whatever Python's own readers raise: it is no archive any more
        return put(content, where, what)
    if not entries:
        return insert(content, where, what)
    names = sorted(entries)
    name = names[where % len(names)]
    where //= len(names)
    inner = (npy if name.endswith(".npy") else put, flip, put, double, cut, insert, drop)
    entries[name] = inner[what % len(inner)](entries[name], where, what // len(inner))
    if what % 31 == 30:
        entries[WORDS[what % len(WORDS)][:200].encode("utf-8", "replace").decode()] = b"x"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for each, inside in entries.items():
            name = each.partition("\0")[0] or "nameless"  # Python writes no empty name
            archive.writestr(name, inside)
    return made.getvalue()


@cache
def bomb() -> bytes:
    """A quarter of a kilobyte, twice decompressed 256 MiB."""
    return gzip.compress(gzip.compress(bytes(1 << 28), 9, mtime=0), 9, mtime=0)


def gzipped(content: bytes, where: int, what: int) -> bytes:
    """What is compressed, or a few bytes that grow to gigabytes."""
    if what % 16 == 15:
        return gzip.decompress(bomb()) * (1 + where % 9)
    try:
        inside = zlib.decompressobj(wbits=31).decompress(content, MOST)
    except zlib.error:
        return flip(content, where, what)
    if len(inside) == MOST:  # what grows without end already
        return flip(content, where, what)
    inner = (line, word, flip, cut, insert, drop)
    return gzip.compress(inner[what % len(inner)](inside, where, what // len(inner)), 1, mtime=0)


MUTATIONS: dict[str, Mutation] = {
    each.__name__: each
    for each in (
        flip, cut, drop, insert, put, double, word, line, tree, safetensors, npy, zipped, gzipped,
    )
}  # fmt: skip

_ANY = ("flip", "cut", "drop", "insert", "put", "double")
_BY_ENDING = {
    ".json": ("tree", "tree", "tree", "tree", "word"),
    ".yaml": ("word", "line", "word", "line"),
    ".toml": ("word", "line", "word", "line"),
    ".gmt": ("word", "line"),
    ".txt": ("word", "line"),
    ".bpe": ("word", "line"),
    ".tiktoken": ("word", "line"),
    ".gz": ("gzipped", "gzipped"),
    ".npy": ("npy", "npy", "npy"),
    ".npz": ("zipped", "zipped", "zipped"),
    ".pt": ("zipped", "zipped", "put"),
    ".safetensors": ("safetensors",) * 6,
    ".gguf": ("put", "put", "word"),
    "request": ("word", "line"),
    "text": ("word", "word", "word"),
}


def kinds(path: str) -> tuple[str, ...]:
    """Return the mutations that suit a file, those for which it was named more often."""
    if path == "array.json":  # a description for us, and no format
        return ("tree",)
    ending = "." + path.rsplit(".", 1)[-1] if "." in path else path
    return _BY_ENDING.get(ending, ()) + _ANY
