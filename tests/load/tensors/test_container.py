"""What a file is, by its first bytes, and safetensors against the library that writes them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save, save_file

from unembed.errors import FormatError
from unembed.load.folder import LocalFolder
from unembed.load.tensors.blob import LocalBlob
from unembed.load.tensors.container import open_tensors
from unembed.load.tensors.file import TensorFile
from unembed.load.tensors.safetensors import Safetensors


def opened(path: Path) -> TensorFile:
    return open_tensors(LocalBlob(path))


def test_the_ending_decides_nothing(tmp_path: Path) -> None:
    W = torch.randn(3, 4)
    for name in ("params.npz", "ae.pt", "x.safetensors", "v1", "sae:v5.npy"):
        path = tmp_path / name
        save_file({"W": W}, path)
        assert opened(path).read("W").equal(W)
        torch.save({"W": W}, path)
        assert opened(path).read("W").equal(W)
        with path.open("wb") as file:
            np.savez(file, W=W.numpy())
        assert opened(path).read("W").equal(W)
        with path.open("wb") as file:
            np.save(file, W.numpy())
        assert opened(path).read("array").equal(W)


def test_safetensors(tmp_path: Path) -> None:
    base = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    dtypes = [
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn,
        torch.float8_e5m2, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
        torch.uint16, torch.uint32, torch.uint64, torch.bool, torch.complex64,
    ]  # fmt: skip
    tensors = {str(dtype): base.abs().mul(3).to(dtype) for dtype in dtypes}
    tensors |= {"odd": torch.arange(3, dtype=torch.uint8), "none": base[:0], "one": base[0, 0]}
    save_file({k: v.contiguous() for k, v in tensors.items()}, tmp_path / "x", {"format": "pt"})
    found = opened(tmp_path / "x")
    assert found.shapes() == {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name, tensor in load_file(tmp_path / "x").items():
        assert found.read(name).dtype == tensor.dtype
        read, expected = (each.reshape(-1).view(torch.uint8) for each in (found.read(name), tensor))
        assert read.equal(expected), name
    part = (slice(1, 4), 3)
    assert found.read("torch.bfloat16", part).equal(tensors["torch.bfloat16"][part])


def test_what_a_safetensors_header_says(tmp_path: Path) -> None:
    (tmp_path / "said").write_bytes(save({"W": torch.eye(2)}, {"format": "pt", "n": "3"}))
    (tmp_path / "silent").write_bytes(save({"W": torch.eye(2)}))
    for name, said in (("said", {"format": "pt", "n": "3"}), ("silent", {})):
        file = open_tensors(LocalBlob(tmp_path / name))
        assert isinstance(file, Safetensors)
        assert (file.said(), file.read("W").equal(torch.eye(2))) == (said, True)


def test_metadata_that_is_no_table(tmp_path: Path) -> None:
    """The tensors are read all the same."""
    header = b'{"__metadata__": [1], "W": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}'
    (tmp_path / "W").write_bytes(len(header).to_bytes(8, "little") + header + b"x")
    file = open_tensors(LocalBlob(tmp_path / "W"))
    assert isinstance(file, Safetensors)
    assert file.shapes() == {"W": (1,)}
    with pytest.raises(FormatError, match=r"__metadata__ is \[1\], and no table"):
        file.said()


def test_types_that_share_bytes(tmp_path: Path) -> None:
    header = json.dumps({"W": {"dtype": "F4", "shape": [4, 2], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "x").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert opened(tmp_path / "x").shapes() == {"W": (4, 2)}
    with pytest.raises(FormatError, match="W is stored as F4, which cannot be read here"):
        opened(tmp_path / "x").read("W")


def test_a_part_is_read_without_the_rest(tmp_path: Path) -> None:
    """Of a file that is larger than many a machine's memory: a map of the disk."""
    path = tmp_path / "x"
    header = {"W": {"dtype": "F32", "shape": [1 << 20, 64, 64], "data_offsets": [0, 1 << 34]}}
    raw = json.dumps(header).encode()
    with path.open("wb") as file:  # 16 GiB, of which the disk holds nothing
        file.write(len(raw).to_bytes(8, "little") + raw)
        file.truncate(8 + len(raw) + (1 << 34))
    assert opened(path).read("W", (slice(None, None, 1 << 18), 3)).shape == (4, 64)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it ends before byte 8"),
        (b"GGUF\x03\0\0\0" + bytes(64), "it is a GGUF file, which is named as a model"),
        (b"version https://git-lfs.github.com/spec/v1\n", r"Git LFS.*git lfs pull"),
        (b"<!DOCTYPE html><html>", "a web page in place of the file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "an HDF5 file"),
        (b"\x80\x04\x95\x10\0\0\0\0" + bytes(64), "a pickle that torch.save did not write"),
        (b"directions", r"begins with the bytes 64 69 72.*Known: safetensors, \.npz, \.npy"),
        (save({"W": torch.eye(3)})[:-1], "promises .* bytes, but it has"),
    ],
)
def test_what_is_none(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(FormatError, match=rf"x\.pt cannot be read as .*{message}"):
        opened(tmp_path / "x.pt")


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        file.writestr("README.md", "")
    with pytest.raises(FormatError, match=r"a zip without tensors\. It holds: README\.md"):
        opened(tmp_path / "x.npz")


def test_a_local_folder(tmp_path: Path) -> None:
    (tmp_path / "a [1]" / "b=c").mkdir(parents=True)
    save_file({"W": torch.eye(2)}, tmp_path / "a [1]" / "b=c" / "x")
    folder = LocalFolder(tmp_path).inside("a [1]")
    assert (folder.names(), folder.folders()) == ([], ["b=c"])
    assert folder.has("b=c/x")
    assert not folder.has("b=c")
    assert folder.tensors("b=c/x").read("W").equal(torch.eye(2))
    assert folder.fetch("b=c/x") == folder.inside("b=c").fetch("x")
    parent = folder.inside("b=c").parent()
    assert parent is not None
    assert parent.origin == folder.origin
    assert LocalFolder(Path("/")).parent() is None
    with pytest.raises(Exception, match=r"b=c has no y\. .*It holds: x\."):
        folder.tensors("b=c/y")
