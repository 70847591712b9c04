"""GGUF headers, with the `gguf` package's own reader as the oracle, and headers that lie."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from unembed.errors import FormatError
from unembed.load.tensors.gguf import open_gguf
from unembed.load.vocabularies.gguf_tokens import read_gguf

U32, TEXT, LIST = 4, 8, 9


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def value(key: str, kind: int, content: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + content


def listed(kind: int, length: int, content: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, length) + content


def tensor(
    name: str = "W", shape: tuple[int, ...] = (4, 2), kind: int = 0, offset: int = 0,
    axes: int | None = None,
) -> bytes:  # fmt: skip
    n = len(shape) if axes is None else axes
    dims = struct.pack(f"<{len(shape)}Q", *shape)
    return text(name) + struct.pack("<I", n) + dims + struct.pack("<IQ", kind, offset)


def whole(
    values: list[bytes], tensors: list[bytes], *, n_values: int | None = None,
    n_tensors: int | None = None, version: int = 3, body: int = 64,
) -> bytes:  # fmt: skip
    counts = (
        len(tensors) if n_tensors is None else n_tensors,
        len(values) if n_values is None else n_values,
    )
    head = b"GGUF" + struct.pack("<IQQ", version, *counts) + b"".join(values + tensors)
    return head + bytes(-len(head) % 32) + bytes(body)


LLAMA = value("general.architecture", TEXT, text("llama"))
LYING = {
    "2^63 values": (whole([LLAMA], [], n_values=1 << 63), "promises 9,223,372,.* metadata values"),
    "2^63 tensors": (whole([LLAMA], [], n_tensors=1 << 63), "promises 9,.* tensors"),
    "more values than there are": (whole([LLAMA], [], n_values=9), "'' stands in it twice"),
    "a text beyond the file": (
        whole([value("a", TEXT, struct.pack("<Q", 1 << 62))], []), "a needs 4,611,.* bytes at byte",
    ),
    "a key beyond the file": (whole([struct.pack("<Q", 1 << 40)], []), "a metadata key has 1,099"),
    "a type that is none": (whole([value("a", 13, b"")], []), "'a' is of type 13, which is not kn"),
    "a list beyond the file": (
        whole([value("a", LIST, listed(U32, 1 << 61))], []), "promises 2,305,.* items",
    ),
    "a list of texts beyond the file": (
        whole([value("a", LIST, listed(TEXT, 3, text("x") + struct.pack("<Q", 1 << 63)))], []),
        "item 1 of 'a' ends behind",
    ),
    "lists nested deep": (
        whole([value("a", LIST, listed(LIST, 1) * 1000)], []), "4 deep in lists",
    ),
    "more items than are read": (
        whole([value("a", LIST, listed(0, 5_000_000, bytes(5_000_000)))], []),
        "4,000,000 items are read at most",
    ),
    "one key twice": (whole([LLAMA, LLAMA], []), "'general.architecture' stands in it twice"),
    "one tensor twice": (whole([LLAMA], [tensor(), tensor()]), "tensor 'W' stands in it twice"),
    "a key that is no UTF-8": (
        whole([text(b"\xff") + struct.pack("<I", 0) + b"0"], []), "a metadata key is no UTF-8",
    ),
    "2^31 axes": (whole([LLAMA], [tensor(axes=1 << 31)]), "has 2,147,483,648 axes"),
    "five axes": (whole([LLAMA], [tensor(shape=(1,) * 5)]), "has 5 axes; the format has 4"),
    "axes beyond 2^63": (whole([LLAMA], [tensor(shape=(1 << 40,) * 3)]), "impossible shape"),
    "2^59 numbers times none": (whole([LLAMA], [tensor(shape=(0, 1 << 59))]), "impossible shape"),
    "a quantisation that is none": (whole([LLAMA], [tensor(kind=999)]), "is of type 999"),
    "rows that are no blocks": (
        whole([LLAMA], [tensor(shape=(31, 2), kind=8)]), "not made of blocks of 32",
    ),
    "an offset beyond the file": (whole([LLAMA], [tensor(offset=1 << 40)]), "tensor 'W' ends at"),
    "an offset of 2^64 - 32": (whole([LLAMA], [tensor(offset=2**64 - 32)]), "tensor 'W' ends at"),
    "an offset that is not aligned": (whole([LLAMA], [tensor(offset=4)]), "which is not aligned"),
    "tensors in the same bytes": (
        whole([LLAMA], [tensor("a", (12,)), tensor("b", (8,), offset=32)]),
        "tensors 'a' and 'b' lie in the same bytes",
    ),
    "alignment 0": (
        whole([value("general.alignment", U32, bytes(4))], []), "general.alignment is 0",
    ),
    "alignment 3": (
        whole([value("general.alignment", U32, struct.pack("<I", 3))], []), "should be a power",
    ),
    "alignment that is a text": (
        whole([value("general.alignment", TEXT, text("32"))], []), "general.alignment is b'32'",
    ),
    "big-endian": (whole([], [], version=3 << 24), "in big-endian order"),
    "version 1": (whole([], [], version=1), "version 1; versions 2 and 3 are read"),
    "split.count that is a text": (
        whole([value("split.count", TEXT, text("two"))], []), "its split.count is no number",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "said"), LYING.values(), ids=LYING)
def test_a_header_that_lies(raw: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=rf"x\.gguf cannot be read as GGUF: .*{said}"):
        open_gguf(path)


def test_every_kind_of_metadata_as_the_package_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    kinds = gguf.GGUFValueType
    numbers = {
        kinds.UINT8: 255, kinds.INT8: -128, kinds.UINT16: 65535, kinds.INT16: -32768,
        kinds.UINT32: 2**32 - 1, kinds.INT32: -(2**31), kinds.FLOAT32: 0.1, kinds.BOOL: True,
        kinds.UINT64: 2**64 - 1, kinds.INT64: -(2**63), kinds.FLOAT64: 0.1,
    }  # fmt: skip
    for kind, number in numbers.items():
        writer.add_key_value(f"one.{kind.name}", number, kind)
    writer.add_string("text", "ä\n")
    writer.add_array("texts", ["", "ä", "x" * 300])
    writer.add_array("whole", [1, 2, -3])
    writer.add_array("fractions", [0.5, 0.1])
    writer.add_array("flags", [True, False])
    random = np.random.default_rng(0)
    writer.add_tensor("f32", random.normal(size=(3, 32)).astype(np.float32))
    writer.add_tensor("f16", random.normal(size=(5,)).astype(np.float16))
    writer.add_tensor("cube", random.normal(size=(2, 3, 4)).astype(np.float32))
    packed = gguf.quants.quantize(random.normal(size=(3, 64)), gguf.GGMLQuantizationType.Q5_0)
    writer.add_tensor("q5", packed, raw_dtype=gguf.GGMLQuantizationType.Q5_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    expected, found = gguf.GGUFReader(path), open_gguf(path)
    for key, field in expected.fields.items():
        if not key.startswith("GGUF."):
            assert found.metadata(key) == field.contents(), key
    assert found.shapes() == {t.name: tuple(map(int, t.shape[::-1])) for t in expected.tensors}
    for each in expected.tensors:
        values = gguf.quants.dequantize(each.data, each.tensor_type)
        assert np.array_equal(found.read(each.name).numpy(), values), each.name
    assert np.array_equal(found.read("cube", 1).numpy(), expected.tensors[2].data[1])


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (value("tokenizer.ggml.tokens", U32, bytes(4)), "no list of texts"),
        (value("tokenizer.ggml.tokens", LIST, listed(U32, 1, bytes(4))), "no list of texts"),
        (
            value("tokenizer.ggml.tokens", LIST, listed(TEXT, 2, text("a") + text(b"\xff"))),
            "item 1 of 'tokenizer.ggml.tokens' is no UTF-8",
        ),
    ],
)
def test_tokens_that_are_none(tokens: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(whole([value("tokenizer.ggml.model", TEXT, text("gpt2")), tokens], []))
    with pytest.raises(FormatError, match=said):
        read_gguf(path)
