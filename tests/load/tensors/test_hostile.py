"""Files of tensors that lie about themselves: each ends in an error that names the file."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unembed.errors import FormatError, SourceError
from unembed.load.tensors.blob import LocalBlob
from unembed.load.tensors.container import open_tensors
from unembed.outside import limits

F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def safetensors(header: object, body: bytes = bytes(16), length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + body


def npy(header: str | bytes, body: bytes = bytes(64)) -> bytes:
    raw = header if isinstance(header, bytes) else header.encode()
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(raw)) + raw + body


def shaped(shape: object, descr: object = "<f4") -> bytes:
    return npy(str({"descr": descr, "fortran_order": False, "shape": shape}))


def zipped(*entries: tuple[str, bytes], packed: bool = True) -> bytes:
    out = io.BytesIO()
    how = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", how) as file:
        for name, content in entries:
            file.writestr(name, content)
    return out.getvalue()


def promised(raw: bytes, size: int) -> bytes:
    """A zip whose directory says that its one entry becomes `size` bytes."""
    at = raw.rindex(b"PK\x01\x02")
    return raw[: at + 24] + struct.pack("<I", size) + raw[at + 28 :]


def overlapping() -> bytes:
    """A zip whose directory names one entry's bytes twice, under two names."""
    raw = zipped(("a.npy", shaped((4,))), ("b.npy", shaped((4,))))
    at = raw.rindex(b"PK\x01\x02")
    return raw[: at + 42] + struct.pack("<I", 0) + raw[at + 46 :]


def torch_zip(*opcodes: bytes) -> bytes:
    content = (b"\x80\x02", *opcodes, b".")
    pickled = ("x/data.pkl", b"".join(content))
    return zipped(pickled, ("x/version", b"3\n"), ("x/data/0", bytes(64)), packed=False)


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    return pickle.dumps(value, protocol=2)[2:-1]


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(
    shape: bytes, strides: bytes, *, offset: int = 0, size: int = 16, key: bytes = text("0")
) -> bytes:
    """The opcodes of a tensor, as torch writes them."""
    key = text("0") if key is None else key
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + key + text("cpu") + number(size)
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"tQ" + number(offset) + shape + strides
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def doubled(times: int) -> bytes:
    """A tuple that holds a tuple twice, and so on: 2 ** times of the innermost."""
    return b")" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(times))


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    # safetensors
    "a header longer than the file": (lambda: safetensors({}, length=1 << 20), "ends before byte"),
    "a header of 26 MB": (lambda: safetensors({}, length=26 << 20), "its header has 27,262,976"),
    "a header of 2^63": (lambda: safetensors({}, length=1 << 63), "something that begins with"),
    "no table": (lambda: safetensors([]), "it is a list, and no table of tensors"),
    "nested": (lambda: safetensors(b"[" * 100_000), "lie more than 64 deep"),
    "a tensor that is a list": (lambda: safetensors({"W": [1]}), r"tensor W is \[1\]"),
    "a type that is none": (
        lambda: safetensors({"W": F32 | {"dtype": "F33"}}), "tensor W is of dtype 'F33'",
    ),
    "a type that is a list": (
        lambda: safetensors({"W": F32 | {"dtype": []}}), r"tensor W is of dtype \[\]",
    ),
    "a negative shape": (
        lambda: safetensors({"W": F32 | {"shape": [-2]}}), r"tensor W has shape \[-2\]",
    ),
    "a shape of fractions": (
        lambda: safetensors({"W": F32 | {"shape": [2.0]}}), r"tensor W has shape \[2\.0\]",
    ),
    "a shape beyond 2^63": (
        lambda: safetensors({"W": F32 | {"shape": [1 << 40, 1 << 40]}}), "impossible shape",
    ),
    "a shape with a 0 beside 2^62s": (
        lambda: safetensors({"W": F32 | {"shape": [0, 1 << 62, 4], "data_offsets": [0, 0]}}),
        "impossible shape",
    ),
    "a shape with a 0 beside 2^61": (
        lambda: safetensors({"W": F32 | {"shape": [0, 1 << 61], "data_offsets": [0, 0]}}),
        "impossible shape",
    ),
    "a hundred axes": (
        lambda: safetensors({"W": F32 | {"shape": [1] * 100}}), "impossible shape: 100 axes",
    ),
    "offsets that cross": (
        lambda: safetensors({"W": F32 | {"data_offsets": [8, 0]}}), r"data_offsets \[8, 0\]",
    ),
    "negative offsets": (
        lambda: safetensors({"W": F32 | {"data_offsets": [-8, 0]}}), r"data_offsets \[-8, 0\]",
    ),
    "offsets beyond the file": (
        lambda: safetensors({"W": F32 | {"data_offsets": [80, 88]}}), "its header promises",
    ),
    "offsets of another size": (
        lambda: safetensors({"W": F32 | {"data_offsets": [0, 4]}}), "lies in 4 bytes; expected 8",
    ),
    "tensors in the same bytes": (
        lambda: safetensors({"a": F32, "b": F32 | {"data_offsets": [4, 12]}}),
        "tensors a and b lie in the same bytes",
    ),
    "a name of a million characters": (
        lambda: safetensors({"W" * 10**6: F32}), r"name has 1,000,000 characters: 'W{40}'",
    ),
    "half a character": (
        lambda: safetensors(b'{"\\ud800": ' + json.dumps(F32).encode() + b"}"), "half a character",
    ),
    "one name twice, and different": (
        lambda: safetensors(b'{"W": 1, "W": 2}'), "stands twice in a table",
    ),
    # npy
    "a shape of 2^70": (lambda: shaped((1 << 70, 2)), "impossible shape"),
    "a shape of 2^61 and 0": (lambda: shaped((1 << 61, 0)), "impossible shape"),
    "a shape of -1": (lambda: shaped((-1, 4)), "impossible shape"),
    "a shape beyond the file": (lambda: shaped((1 << 40,)), "ends before byte"),
    "a shape that is a text": (lambda: shaped("x"), "shape is not valid"),
    "a type without a size": (lambda: shaped((1 << 58,), "<V0"), "its header says"),
    "a header that is no literal": (lambda: npy("__import__('os')"), "its header is wrong"),
    "a header nested deep": (lambda: npy("{" * 9_000), "its header is wrong"),
    "a header of signs": (lambda: npy("-" * 9_000 + "1"), "its header is wrong"),
    "a header of powers": (lambda: npy("9**9**9"), "its header is wrong"),
    "a header of 10 MB": (lambda: npy(" " * (10 << 20)), r"its header has 10,485,772 bytes"),
    "a header of 4 GB": (
        lambda: b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(99), "its header has 4,294,967,307",
    ),
    "a version of its own": (lambda: b"\x93NUMPY\x09\x09" + bytes(99), "a NumPy array"),
    # npz
    "an entry cut short": (
        lambda: zipped(("a.npy", shaped((4,))))[:-30], "cannot be read as a zip",
    ),
    "an entry that grows beyond the file": (
        lambda: promised(zipped(("a.npy", shaped((1 << 28,)))), 1 << 30),
        "would become 1,073,741,824",
    ),
    "entries in the same bytes": (overlapping, "lie in the same bytes"),
    "an entry with a name without end": (
        lambda: zipped(("a" * 2_000 + ".npy", shaped((4,)))),
        "an entry's name has 2,004 characters",
    ),
    # torch
    "a memo of number 2^31": (
        lambda: torch_zip(b"}r\xff\xff\xff\x7f"), "holds no tensors|has no",
    ),
    "a pickle longer than the limit": (
        lambda: torch_zip(b"N0" * (limits.PICKLE_BYTES // 2)), "are read at most",
    ),
    "bytes by their number": (
        lambda: torch_zip(b"c__builtin__\nbytearray\n(", number(10**13), b"tR"), "made of what are",
    ),
    "lists without end": (
        lambda: torch_zip(b"}" + text("a") + doubled(60) + b"s"), "more than 1,000,000 values",
    ),
    "a key without end": (lambda: torch_zip(b"}" + doubled(60) + b"Ns"), "a key is"),
    "a set's member without end": (
        lambda: torch_zip(b"c__builtin__\nset\n(]" + doubled(60) + b"atR"), "a key is",
    ),
    "a storage without end": (
        lambda: torch_zip(tensor(numbers(2), numbers(1), key=doubled(60))), "it refers to",
    ),
    "a shape without end": (
        lambda: torch_zip(tensor(doubled(60), numbers(1))), "a tensor has shape",
    ),
    "a negative shape in a pickle": (
        lambda: torch_zip(tensor(numbers(-2), numbers(1))), r"a tensor has shape \(-2,\)",
    ),
    "a negative offset": (
        lambda: torch_zip(tensor(numbers(2), numbers(1), offset=-1)), "offset -1",
    ),
    "an offset beyond the storage": (
        lambda: torch_zip(tensor(numbers(2), numbers(1), offset=15)), "leads out of its storage",
    ),
    "strides beyond the storage": (
        lambda: torch_zip(tensor(numbers(4, 4), numbers(9, 1))), "leads out of its storage",
    ),
    "fewer strides than axes": (
        lambda: torch_zip(tensor(numbers(4, 4), numbers(1))), "a tensor has shape",
    ),
    "4 TB of one number": (
        lambda: torch_zip(tensor(numbers(10**6, 10**6), numbers(0, 0))), "over and over",
    ),
    "4 TB of the same rows": (
        lambda: torch_zip(tensor(numbers(10**6, 10**6), numbers(1, 1), size=2 * 10**6)),
        "over and over",
    ),
    "a negative storage": (
        lambda: torch_zip(tensor(numbers(0), numbers(1), size=-5)), "it refers to",
    ),
    "a storage beyond the file": (
        lambda: torch_zip(tensor(numbers(100), numbers(1), size=100)), "has 64 bytes, and should",
    ),
    "a name without end in a pickle": (
        lambda: torch_zip(b"}" + text("W" * 2_000) + tensor(numbers(2), numbers(1)) + b"s"),
        "name has 2,000 characters",
    ),
}  # fmt: skip


def read_all(path: Path) -> dict[str, Any]:
    file = open_tensors(LocalBlob(path))
    if not file.shapes():
        raise FormatError(f"{path} holds no tensors")
    return {name: file.read(name) for name in file.shapes()}


@pytest.mark.parametrize(("make", "said"), HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_lies(make: Callable[[], bytes], said: str, tmp_path: Path) -> None:
    path = tmp_path / "lying"
    path.write_bytes(make())
    with pytest.raises(FormatError, match=said) as caught:
        read_all(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 2_000


def test_the_same_parts_put_together_as_they_should_be(tmp_path: Path) -> None:
    """The opcodes above are understood: it is what they say that is refused."""
    path = tmp_path / "true"
    path.write_bytes(torch_zip(b"}" + text("W") + tensor(numbers(4, 4), numbers(4, 1)) + b"s"))
    assert read_all(path)["W"].tolist() == torch.load(path, weights_only=True)["W"].tolist()
    path.write_bytes(safetensors({"W": F32}, struct.pack("<2f", 1, 2)))
    assert read_all(path)["W"].tolist() == [1, 2]
    path.write_bytes(zipped(("a.npy", shaped((16,)))))
    assert read_all(path)["a"].tolist() == [0] * 16


def test_zeros_that_are_packed_a_thousandfold_are_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros((1000, 1000), np.float32))
    assert read_all(tmp_path / "x.npz")["a"].sum() == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a pipe"), (tmp_path, "a folder"),
                       (Path(os.devnull), "a device")):  # fmt: skip
        with pytest.raises(FormatError, match=f"is no file but {kind}"):
            open_tensors(LocalBlob(path))
    with pytest.raises(SourceError, match="cannot be read: File name too long"):
        open_tensors(LocalBlob(tmp_path / ("x" * 300)))


def test_a_file_that_is_cut_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors({"W": F32}))
    file = open_tensors(LocalBlob(path))
    file.shapes()
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(FormatError, match="ends before byte"):
        file.read("W")
