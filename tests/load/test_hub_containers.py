"""Npz, torch's files and the like on the hub: which bytes are sent, and what is kept of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from tests.load.fake_hub import FakeHub
from tests.load.test_hub import client, covered, kept_bytes, tensor_spans  # noqa: F401
from unembed.errors import FormatError, SourceError
from unembed.load.folder import Folder
from unembed.load.hub import HubFolder
from unembed.load.reference import resolve

TENSORS = {
    "W_enc": torch.zeros(96, 256),
    "W_dec": torch.randn(128, 96, generator=torch.Generator().manual_seed(0)),
    "b_dec": torch.ones(96),
}
Span = tuple[int, int]


def npz(save_: Callable[..., None] = np.savez) -> bytes:
    file = io.BytesIO()
    save_(file, **{name: tensor.numpy() for name, tensor in TENSORS.items()})
    return file.getvalue()


def pt(new: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save({"state_dict": TENSORS}, file, _use_new_zipfile_serialization=new)
    return file.getvalue()


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as fake:
        fake.put("org/npz", {"a/params.npz": npz()})
        fake.put("org/deflated", {"a/params.npz": npz(np.savez_compressed)})
        fake.put("org/pt", {"a/ae.pt": pt()})
        fake.put("org/legacy", {"a/sae_group_gpt2_blocks.0.hook_mlp_out_24576:v1": pt(new=False)})
        yield fake


pytestmark = pytest.mark.usefixtures("client")

CASES = [
    ("hf:org/npz/a/params.npz", "W_dec"),
    ("hf:org/deflated/a/params.npz", "W_dec"),
    ("hf:org/pt/a/ae.pt", "state_dict.W_dec"),
    ("hf:org/legacy/a/sae_group_gpt2_blocks.0.hook_mlp_out_24576:v1", "state_dict.W_dec"),
]


def entries(content: bytes) -> tuple[dict[str, tuple[Span, Span]], list[Span]]:
    """Each entry's own header and its content, and the records at the end, by the zip format."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        found = {}
        for entry in file.infolist():
            at = entry.header_offset
            lengths = (int.from_bytes(content[at + i : at + i + 2], "little") for i in (26, 28))
            start = at + 30 + sum(lengths)
            found[entry.filename] = ((at, start), (start, start + entry.compress_size))
        directory = (file.start_dir, content.rindex(b"PK\x05\x06"))
    if (zip64 := content.find(b"PK\x06\x06", directory[0])) > 0:
        directory = (directory[0], zip64)
    return found, [(0, 8), directory, (len(content) - 98, len(content))]


def assert_sent(hub: FakeHub, path: str, wanted: set[int]) -> None:
    """No other byte was sent, and none twice but the few at the end of a small directory."""
    sent = hub.weights_sent(path)
    assert covered(sent) == wanted
    assert sum(stop - first for first, stop in sent) <= len(wanted) + 98


def test_bytes_of_npz(hub: FakeHub) -> None:
    found = resolve("hf:org/npz/a/params.npz").tensors().read("W_dec")
    assert found.equal(TENSORS["W_dec"])
    parts, ends = entries(npz())
    headers = [(before[0], data[0] + 128) for before, data in parts.values()]
    assert_sent(hub, "params.npz", covered([*ends, *headers, parts["W_dec.npy"][1]]))
    assert not any(r.first < parts["W_enc.npy"][1][1] < r.stop for r in hub.log)


def test_bytes_of_pt(hub: FakeHub) -> None:
    assert resolve("hf:org/pt/a/ae.pt").tensors().read("state_dict.W_dec").equal(TENSORS["W_dec"])
    parts, ends = entries(pt())
    small = [span for name in ("data.pkl", "byteorder") for span in parts[f"archive/{name}"]]
    (header, _), weights = parts["archive/data/1"]
    assert weights[1] - weights[0] == 128 * 96 * 4
    assert_sent(hub, "ae.pt", covered([*ends, *small, (header, header + 30), weights]))


def test_the_hub_is_asked_where_the_bytes_are_once(hub: FakeHub) -> None:
    file = resolve("hf:org/npz/a/params.npz").tensors()
    file.read("b_dec")
    assert [r.host for r in hub.log if r.path == "a/params.npz"].count("hub") == 1
    hub.faults.expires = True  # after an hour or so
    assert file.read("W_dec").equal(TENSORS["W_dec"])
    assert [r.host for r in hub.log if r.path == "a/params.npz"].count("hub") == 2


def test_bytes_of_a_view(hub: FakeHub) -> None:
    """Of a storage that tensors share, only the elements from the first needed to the last."""
    whole = TENSORS["W_dec"].clone()
    file = io.BytesIO()
    torch.save({"pre": whole[:100], "W_dec": whole[100:]}, file)
    hub.put("org/view", {"ae.pt": file.getvalue()})
    assert resolve("hf:org/view/ae.pt").tensors().read("W_dec").equal(whole[100:])
    assert max(stop - first for first, stop in hub.weights_sent("ae.pt")) == 28 * 96 * 4


@pytest.mark.parametrize(("reference", "tensor"), CASES)
def test_what_was_read_once_needs_no_hub(hub: FakeHub, reference: str, tensor: str) -> None:
    expected = resolve(reference).tensors().read(tensor)
    assert expected.equal(TENSORS["W_dec"])
    hub.stop()
    file = resolve(reference).tensors()
    assert file.read(tensor).equal(expected)
    assert file.read(tensor, (slice(3, 5), 2)).equal(expected[3:5, 2])
    with pytest.raises(SourceError, match=r"W_enc|cannot be reached"):
        file.read(tensor.replace("W_dec", "W_enc"))


@pytest.mark.parametrize(("reference", "tensor"), CASES[:-1])  # an old file's head may hold all
def test_a_connection_that_breaks_leaves_nothing_half(
    hub: FakeHub, tmp_path: Path, reference: str, tensor: str
) -> None:
    file = resolve(reference).tensors()
    before = set(kept_bytes(tmp_path))
    hub.faults.breaks_after = 1000
    with pytest.raises(SourceError, match="cannot be reached"):
        file.read(tensor)
    assert {
        path for path in kept_bytes(tmp_path) if path.stat().st_size > 400
    } <= before  # small ones whole, with their seals
    assert file.read(tensor).equal(TENSORS["W_dec"])


def test_a_program_that_is_stopped_leaves_nothing_half(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = resolve("hf:org/npz/a/params.npz").tensors()
    before = kept_bytes(tmp_path)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("unembed.load.hub.blob.HubBlob._chunk", stop)
    with pytest.raises(KeyboardInterrupt):
        file.read("W_dec")
    assert kept_bytes(tmp_path) == before


def test_a_wrong_byte_is_found_and_not_kept(hub: FakeHub, tmp_path: Path) -> None:
    (commit,) = hub.repos["org/npz"]
    whole = npz()
    spoilt = whole[:-5000] + b"\xff" + whole[-4999:]
    hub.repos["org/npz"][commit]["a/params.npz"] = spoilt
    with pytest.raises(FormatError, match=r"W_dec\.npy is not what was written: its checksum"):
        resolve("hf:org/npz/a/params.npz").tensors().read("W_dec")
    assert not kept_bytes(tmp_path)
    hub.repos["org/npz"][commit]["a/params.npz"] = whole
    found = resolve("hf:org/npz/a/params.npz").tensors()
    assert found.read("W_dec").equal(TENSORS["W_dec"])


def test_several_that_read_at_once() -> None:
    def read(_: int) -> torch.Tensor:
        return resolve("hf:org/pt/a/ae.pt").tensors().read("state_dict.b_dec")

    with ThreadPoolExecutor(4) as pool:
        assert all(found.equal(TENSORS["b_dec"]) for found in pool.map(read, range(4)))


# --- a folder of the hub ---


def names_of(folder: Folder | None) -> tuple[str, list[str], list[str]]:
    assert folder is not None
    return folder.name, folder.folders(), folder.names()


def test_folders(hub: FakeHub) -> None:
    hub.put("org/deep", {"README.md": b"", "a/b/W.safetensors": save(TENSORS), "a/c": b"x"})
    root = HubFolder("org/deep")
    assert names_of(root) == ("hf:org/deep@main", ["a"], ["README.md"])
    assert names_of(root.inside("a")) == ("hf:org/deep/a@main", ["b"], ["c"])
    inner = root.inside("a/b")
    assert names_of(inner.parent()) == names_of(root.inside("a").inside("b").parent())
    assert root.parent() is None
    assert root.has("a/b/W.safetensors")
    assert not root.has("a/b")
    assert root.fetch("a/c").read_bytes() == b"x"
    assert root.tensors("a/b/W.safetensors").read("b_dec").equal(TENSORS["b_dec"])
    assert sum("/api/" in request.url for request in hub.log) == 1
    with pytest.raises(SourceError, match=r"hf:org/deep/a/b@main has no w\. .*It holds: W\.safe"):
        root.fetch("a/b/w")
    with pytest.raises(SourceError, match=r"no folder or file 'a/x'.*hf:org/deep/a@main holds: b"):
        root.fetch("a/x/w")
