"""Files of `torch.save`, with `torch.load(weights_only=True)` as the oracle."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from unembed.errors import FormatError
from unembed.load.tensors.blob import LocalBlob
from unembed.load.tensors.container import open_tensors
from unembed.load.tensors.file import TensorFile
from unembed.load.tensors.torch_legacy import LegacyTorch
from unembed.load.tensors.torch_views import said_beside
from unembed.load.tensors.torch_zip import TorchZip

WRITERS = {"zip": True, "legacy": False}


def opened(path: Path) -> TensorFile:
    return open_tensors(LocalBlob(path))


def leaves(value: object, prefix: str = "") -> dict[str, torch.Tensor]:
    """The tensors of what torch loaded, by the names that they should have."""
    if isinstance(value, torch.Tensor):
        return {prefix or "tensor": value}
    pairs = value.items() if isinstance(value, Mapping) else ()
    pairs = enumerate(value) if isinstance(value, list | tuple) else pairs
    found: dict[str, torch.Tensor] = {}
    for key, inner in pairs:
        found |= leaves(inner, f"{prefix}.{key}" if prefix else str(key))
    return found


def assert_as_torch_reads(path: Path) -> None:
    file = opened(path)
    expected = leaves(torch.load(path, weights_only=True))
    assert file.shapes() == {name: tuple(tensor.shape) for name, tensor in expected.items()}
    for name, tensor in expected.items():
        found = file.read(name)
        assert found.dtype == tensor.dtype
        torch.testing.assert_close(found, tensor.detach(), rtol=0, atol=0, equal_nan=True)


@pytest.fixture(scope="module")
def base() -> torch.Tensor:
    return torch.randn(6, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("new", WRITERS.values(), ids=WRITERS)
def test_what_is_said_beside_the_tensors(tmp_path: Path, base: torch.Tensor, new: bool) -> None:
    said = {"n": 3, "texts": ["a", None, True], "inside": {2: 0.5, "deep": {"x": [1, [2]]}}}
    value = {"J": {0: base, 1: base.half()}, **said, "mixed": [1, base, (2, base)], "none": {1, 2}}
    torch.save(value, tmp_path / "saved so.pt", _use_new_zipfile_serialization=new)
    path = (tmp_path / "saved so.pt").rename(tmp_path / "renamed.pt")
    file = opened(path)
    assert isinstance(file, TorchZip | LegacyTorch)
    inside = {"2": 0.5, "deep": {"x": [1, [2]]}}
    assert file.said() == {"J": {}, **said, "inside": inside, "mixed": [1, [2]]}
    if isinstance(file, TorchZip):
        assert file.saved_as == "saved so"


@pytest.mark.parametrize("new", WRITERS.values(), ids=WRITERS)
def test_a_file_that_says_nothing(tmp_path: Path, base: torch.Tensor, new: bool) -> None:
    torch.save([base, "a text"], tmp_path / "W.pt", _use_new_zipfile_serialization=new)
    file = opened(tmp_path / "W.pt")
    assert isinstance(file, TorchZip | LegacyTorch)
    assert file.said() == {}


def test_texts_that_hold_one_another_without_end(tmp_path: Path) -> None:
    """No tensor is in them, so that the tensors' names do not tell; their number does."""
    texts: list[Any] = ["x"]
    for _ in range(40):
        texts = [texts, texts]
    with pytest.raises(ValueError, match=r"hold more than 1,000,000 values"):
        said_beside({"deep": texts})
    itself: list[Any] = []
    itself.append(itself)
    with pytest.raises(ValueError, match="lie too deep in one another"):
        said_beside({"itself": itself})


VALUES: dict[str, Callable[[torch.Tensor], object]] = {
    "a state dict": lambda t: OrderedDict(W_dec=t, b=t[0].clone()),
    "a bare tensor": lambda t: t,
    "a module's state": lambda t: torch.nn.Linear(8, 6).state_dict(),
    "a parameter": lambda t: {"W": torch.nn.Parameter(t)},
    "nested": lambda t: {"state_dict": {"W_dec": t}, "J": {3: t[:2], 10: t[:1]}, "list": [t, t]},
    "what is no tensor": lambda t: {
        "W": t, "step": 3, "lr": 1e-3, "name": "sae", "flag": True, "none": None,
        "shape": t.shape, "dtype": t.dtype, "device": t.device, "set": {1, 2}, "bytes": b"\xff\0",
        "complex": 1j,
    },
    "one storage for all": lambda t: {"whole": t, "rows": t[2:4], "column": t[:, 3], "turned": t.T},
    "strides": lambda t: {"every other": t[::2, 1::3], "expanded": t[:1].expand(5, 8)},
    "no elements": lambda t: {"none": t[:0], "scalar": t[0, 0], "no axis": torch.tensor(3)},
}  # fmt: skip


@pytest.mark.parametrize("new", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("make", VALUES.values(), ids=VALUES)
def test_values(
    tmp_path: Path, base: torch.Tensor, make: Callable[[torch.Tensor], object], new: bool
) -> None:
    path = tmp_path / "any name"
    torch.save(make(base.clone()), path, _use_new_zipfile_serialization=new)
    assert_as_torch_reads(path)


@pytest.mark.parametrize("new", WRITERS.values(), ids=WRITERS)
def test_dtypes(tmp_path: Path, base: torch.Tensor, new: bool) -> None:
    dtypes = [
        torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
        torch.int8, torch.uint8, torch.bool, torch.complex64, torch.complex128,
    ]  # fmt: skip
    values = {str(dtype): (4 * base).to(dtype) for dtype in dtypes}
    if new:
        more = [torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16, torch.uint32, torch.uint64]
        values |= {str(dtype): base.abs().to(dtype) for dtype in more}
    torch.save(values, tmp_path / "x.pt", _use_new_zipfile_serialization=new)
    assert_as_torch_reads(tmp_path / "x.pt")


@pytest.mark.parametrize("new", WRITERS.values(), ids=WRITERS)
def test_a_part(tmp_path: Path, base: torch.Tensor, new: bool) -> None:
    cube = base.reshape(2, 3, 8).transpose(0, 1)
    torch.save({"W": cube}, tmp_path / "x.pt", _use_new_zipfile_serialization=new)
    file = opened(tmp_path / "x.pt")
    for part in ((slice(None), 1), (2,), (0, slice(None), slice(2, 5)), (1, 1, 1)):
        assert file.read("W", part).equal(cube[part])


def test_what_is_read_may_be_written_to(tmp_path: Path, base: torch.Tensor) -> None:
    """It is a map of the file, which stays as it is."""
    torch.save({"W": base}, tmp_path / "x.pt")
    before = (tmp_path / "x.pt").read_bytes()
    file = opened(tmp_path / "x.pt")
    file.read("W").mul_(2)
    assert (tmp_path / "x.pt").read_bytes() == before
    assert file.read("W").equal(base)


def rezipped(path: Path, change: Callable[[str, bytes], bytes], **how: Any) -> None:
    """Write a zip's entries again, changed."""
    with zipfile.ZipFile(path) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", **how) as new:
        for name, content in entries.items():
            new.writestr(name, change(name, content))


def test_deflated(tmp_path: Path, base: torch.Tensor) -> None:
    """As a person's zip program packs the files again."""
    torch.save({"W": base, "b": base[1]}, tmp_path / "x.pt")
    rezipped(tmp_path / "x.pt", lambda name, content: content, compression=zipfile.ZIP_DEFLATED)
    file = opened(tmp_path / "x.pt")
    assert file.read("W").equal(base)
    assert file.read("b").equal(base[1])


def test_written_by_a_machine_of_the_other_byte_order(tmp_path: Path, base: torch.Tensor) -> None:
    values = {"W": base, "z": base.to(torch.complex64), "h": base.bfloat16(), "i": base.char()}
    sizes = {}
    torch.save(values, tmp_path / "x.pt")
    for at, (name, tensor) in enumerate(values.items()):
        sizes[f"/data/{at}"] = 4 if name == "z" else tensor.element_size()

    def turned(name: str, content: bytes) -> bytes:
        if name.endswith("/byteorder"):
            return b"big"
        size = next((size for ending, size in sizes.items() if name.endswith(ending)), 1)
        return b"".join(content[at : at + size][::-1] for at in range(0, len(content), size))

    def change(name: str, content: bytes) -> bytes:
        return turned(name, content) if "/data/" in name or "byteorder" in name else content

    rezipped(tmp_path / "x.pt", change)
    file = opened(tmp_path / "x.pt")
    for name, tensor in values.items():
        assert file.read(name).equal(tensor), name


def test_tensors_that_have_no_plain_values(tmp_path: Path, base: torch.Tensor) -> None:
    torch.save(
        {"s": base.to_sparse(), "m": torch.empty(2, device="meta"), "W": base}, tmp_path / "x"
    )
    file = opened(tmp_path / "x")
    assert file.shapes() == {"W": (6, 8)}
    assert file.read("W").equal(base)
    with pytest.raises(FormatError, match=r"x: tensor s is sparse, and only plain tensors"):
        file.read("s")
    with pytest.raises(FormatError, match=r"has no tensor 'w'\. .*It holds: W \[6, 8\]"):
        file.read("w")


# --- what a pickle may name ---


class Config:
    """A class of one's own, as trainers pickle theirs with the weights."""

    layer = 3


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("evil",)


@pytest.mark.parametrize("new", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Config(), r"tests\.load\.tensors\.test_torch_zip\.Config"),
        (Evil(), r"posix\.mkdir"),
        (Path("x"), r"pathlib\.PosixPath"),
        (torch.nn.Linear(2, 2), r"torch\.nn\.modules\.linear\.Linear"),
        (print, r"builtins\.print|__builtin__\.print"),
        (torch.ones(2).numpy(), r"numpy\.(_core|core)\.multiarray\._reconstruct"),
    ],
)
def test_what_torch_refuses_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: object, name: str, new: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"cfg": value, "W": torch.ones(2)}, "x.pt", _use_new_zipfile_serialization=new)
    with pytest.raises(pickle.UnpicklingError, match="eights"):
        torch.load("x.pt", weights_only=True)
    message = rf"x\.pt holds a pickled ({name}), which .*weights_only.* refuses.*for safetensors"
    with pytest.raises(FormatError, match=message):
        opened(Path("x.pt"))
    assert not Path("evil").exists()


def with_pickle(path: Path, raw: bytes) -> Path:
    """A zip as torch writes it, around any pickle."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", raw)
        file.writestr("archive/data/0", bytes(16))
    return path


STORAGE = "((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\ntQ"
REBUILD = "ctorch._utils\n_rebuild_tensor_v2\n"

DAMAGED = {
    "nothing": b"",
    "half a pickle": b"\x80\x02}q\0X",
    "state for a function": f"{REBUILD}(dS'__defaults__'\nI1\nsb.".encode(),
    "attributes for a function": f"{REBUILD}(N(dS'_call'\nI1\nstb.".encode(),
    "a reference to no storage": b"S'x'\nQ.",
    "a view too far": f"{REBUILD}{STORAGE}I1\n(I4\nt(I1\ntI00\nNtR.".encode(),
    "a stride too long": f"{REBUILD}{STORAGE}I0\n(I2\nI2\nt(I3\nI1\ntI00\nNtR.".encode(),
    "a stride back": f"{REBUILD}{STORAGE}I3\n(I2\nt(I-1\ntI00\nNtR.".encode(),
    "a shape of words": f"{REBUILD}{STORAGE}I0\n(S'a'\nt(I1\ntI00\nNtR.".encode(),
    "a dictionary in itself": b"(dp0\nS'a'\ng0\ns.",
    "two of a name": (
        f"(dS'a.b'\n{REBUILD}{STORAGE}I0\n(I4\nt(I1\ntI00\nNtRs"
        f"S'a'\n(dS'b'\n{REBUILD}{STORAGE}I0\n(I2\nt(I1\ntI00\nNtRss."
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("raw", DAMAGED.values(), ids=DAMAGED)
def test_damaged_pickles(tmp_path: Path, raw: bytes) -> None:
    path = with_pickle(tmp_path / "x.pt", raw)
    with pytest.raises(FormatError, match=r"x\.pt cannot be read as a torch file: .*Download it"):
        opened(path)


def test_a_good_one_of_that_kind(tmp_path: Path) -> None:
    raw = f"{REBUILD}{STORAGE}I1\n(I3\nt(I1\ntI00\nNtR."
    assert opened(with_pickle(tmp_path / "x", raw.encode())).read("tensor").equal(torch.zeros(3))


def test_a_storage_that_is_not_there_or_too_short(tmp_path: Path, base: torch.Tensor) -> None:
    for name, change in {
        "no": r"has no .*/data/0",
        "half": r"data/0 has 96 bytes.*have 192",
    }.items():
        path = tmp_path / f"{name}.pt"
        torch.save({"W": base}, path)
        with zipfile.ZipFile(path) as old:
            entries = {entry: old.read(entry) for entry in old.namelist()}
        with zipfile.ZipFile(path, "w") as new:
            for entry, content in entries.items():
                if not entry.endswith("/data/0"):
                    new.writestr(entry, content)
                elif name == "half":
                    new.writestr(entry, content[:96])
        with pytest.raises(FormatError, match=change):
            opened(path).read("W")


def test_a_program(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as file:
        for name in ("x/data.pkl", "x/constants.pkl", "x/code/__torch__.py"):
            file.writestr(name, b"")
    with pytest.raises(FormatError, match="TorchScript program, which would have to be run"):
        opened(tmp_path / "x.pt")


def test_an_old_file_that_ends_early(tmp_path: Path, base: torch.Tensor) -> None:
    whole = io.BytesIO()
    torch.save({"W": base}, whole, _use_new_zipfile_serialization=False)
    for size in (9, 60, 200, len(whole.getvalue()) - 1):
        (tmp_path / "x.pt").write_bytes(whole.getvalue()[:size])
        with pytest.raises(FormatError, match=r"x\.pt cannot be read as"):
            opened(tmp_path / "x.pt").read("W")
