"""References to the hub: their forms, what the listing makes of them, and files of others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save

from tests.load.fake_hub import FakeHub
from tests.load.test_hub import client  # noqa: F401
from unembed.errors import SourceError
from unembed.load.hub import HubFolder
from unembed.load.hub.address import parse_address
from unembed.load.places import is_pattern, places_of
from unembed.load.reference import reference_of, resolve

W = torch.eye(3)
ODD = (
    "params.npz", "ae.pt", "x.pth", "pytorch_model.bin", "final", "26",
    "sae_group_gpt2_blocks.0.hook_mlp_out_24576:v1", "two words/lr=0.1/W [1].npy", "ä/{0-1}*?",
    "v5_32k_layer_0.pt/W.safetensors", "3/W.safetensors", "emb@1/W.safetensors",
)  # fmt: skip


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub(renamed={"old": "org/odd"}) as fake:
        fake.put("org/odd", dict.fromkeys(ODD, save({"W": W})))
        layers = {f"layer_{n}.safetensors": save({"W": W * n}) for n in (2, 10)}
        layers |= {f"dir[1]/blocks.{n}/W.safetensors": save({"W": W * n}) for n in (2, 10)}
        fake.put("org/layers", {"README.md": b"#", **layers})
        fake.put("org/layers", layers, revision="refs/pr/7")
        yield fake


pytestmark = pytest.mark.usefixtures("client")


# --- forms ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpt2", ("gpt2", "", None)),
        ("hf:gpt2@v1", ("gpt2", "", "v1")),
        ("org/repo/sub", ("org/repo", "sub", None)),
        ("hf:org/repo/", ("org/repo", "", None)),
        ("hf:org/re-po_1.5/a/b.8.c", ("org/re-po_1.5", "a/b.8.c", None)),
        ("hf:org/repo/a/b@v1", ("org/repo", "a/b", "v1")),
        ("hf:org/repo@refs/pr/7", ("org/repo", "", "refs/pr/7")),
        ("hf:org/repo/a@b/c@v1", ("org/repo", "a@b/c", "v1")),
        ("hf:org/repo/two words/a=b:c", ("org/repo", "two words/a=b:c", None)),
        ("hf://org/repo", ("org/repo", "", None)),
        ("hf://gpt2", ("gpt2", "", None)),
        ("hf://org/repo/a/b@v1", ("org/repo", "a/b", "v1")),
        ("hf://org/repo@v1/a/b", ("org/repo", "a/b", "v1")),
        ("hf://org/repo@refs/pr/7/a", ("org/repo", "a", "refs/pr/7")),
        ("hf://models/org/repo@a%2Fb/c", ("org/repo", "c", "a/b")),
        ("https://huggingface.co/org/repo", ("org/repo", "", None)),
        ("http://www.huggingface.co/org/repo/", ("org/repo", "", None)),
        ("https://huggingface.co/gpt2/tree/main", ("gpt2", "", "main")),
        ("https://huggingface.co/org/tree", ("org/tree", "", None)),
        ("https://huggingface.co/org/repo/tree/v1/a%20b/c", ("org/repo", "a b/c", "v1")),
        ("https://huggingface.co/org/repo/tree/refs%2Fpr%2F7/a", ("org/repo", "a", "refs/pr/7")),
        ("huggingface.co/org/repo/blob/main/x%3Av1.npz#L1", ("org/repo", "x:v1.npz", "main")),
        ("https://hf.co/org/repo/resolve/1a2b/f.pt?download=true", ("org/repo", "f.pt", "1a2b")),
        ("https://huggingface.co/org/repo/raw/main/a", ("org/repo", "a", "main")),
        ("https://huggingface.co/org/repo/commit/1a2b", ("org/repo", "", "1a2b")),
        ("https://huggingface.co/org/repo.git", ("org/repo", "", None)),
        ("https://huggingface.co/api/models/org/repo/tree/main/a", ("org/repo", "a", "main")),
        ("hf:spaces/org/app/lens/gpt2@v1", ("spaces/org/app", "lens/gpt2", "v1")),
        ("spaces/org/app", ("spaces/org/app", "", None)),
        ("hf://spaces/org/app@v1/lens", ("spaces/org/app", "lens", "v1")),
        ("https://huggingface.co/spaces/org/app", ("spaces/org/app", "", None)),
        (
            "https://huggingface.co/spaces/org/app/tree/main/lens/gpt2",
            ("spaces/org/app", "lens/gpt2", "main"),
        ),
        (
            "https://huggingface.co/api/spaces/org/app/tree/main/lens",
            ("spaces/org/app", "lens", "main"),
        ),
    ],
)
def test_forms(text: str, expected: tuple[str, str, str | None]) -> None:
    address = parse_address(text)
    assert address == expected
    assert address is not None
    assert parse_address(address.text) in (expected, (*expected[:2], "main"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("https://huggingface.co/datasets/org/data", "is in the hub's datasets; expected"),
        ("hf://datasets/org/data", "is in the hub's datasets; expected"),
        ("https://huggingface.co/spaces", "is no reference"),
        ("https://huggingface.co/org/repo/discussions/7", r"no page of files\..*/org/repo/tree/ma"),
        ("https://example.com/W.npy", r"is no page of the hub.*Download what it offers"),
        ("https://huggingface.co/", "is no reference"),
    ],
)
def test_other_pages(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        resolve(text)


def test_a_mirror(hub: FakeHub) -> None:
    """The pages of whatever hub HF_ENDPOINT names."""
    assert resolve(f"{hub.endpoint}/org/odd/blob/main/ae.pt").file == "ae.pt"


# --- what the listing says ---


@pytest.mark.parametrize("path", ODD)
def test_files_of_any_name(path: str) -> None:
    place = resolve(f"hf:org/odd/{path}@main")
    folder, _, file = path.rpartition("/")
    assert isinstance(place.folder, HubFolder)
    assert (place.folder.subfolder, place.file) == (folder, file)
    assert place.tensors().read("W").equal(W)
    assert resolve(reference_of(place.origin)).origin == place.origin
    (same,) = places_of(f"hf:org/odd/{path}@main")
    assert same.name == place.name


@pytest.mark.parametrize("path", ["v5_32k_layer_0.pt", "3", "two words/lr=0.1", "emb@1"])
def test_folders_of_any_name(path: str) -> None:
    place = resolve(f"hf:org/odd/{path}@main")
    assert place.file is None
    assert place.folder.name == f"hf:org/odd/{path}@main"
    assert len(place.folder.names()) == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("param.npz", r"has no folder or file 'param\.npz'\. Did you mean 'params\.npz'"),
        ("v5_32k_layer_1.pt", "Did you mean 'v5_32k_layer_0.pt'"),
        ("two words/lr=1", "Did you mean 'two words/lr=0.1'.*hf:org/odd/two words@main holds: lr="),
    ],
)  # fmt: skip
def test_what_is_not_there(path: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        resolve(f"hf:org/odd/{path}")


# --- globs ---


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("hf:org/layers/*.safetensors", ["layer_2.safetensors", "layer_10.safetensors"]),
        ("hf:org/layers/layer_{2,10}*", ["layer_2.safetensors", "layer_10.safetensors"]),
        ("hf://org/layers/layer_*", ["layer_2.safetensors", "layer_10.safetensors"]),
        ("https://huggingface.co/org/layers/tree/main/layer_1*", ["layer_10.safetensors"]),
        ("hf:org/layers/dir[1]/*", ["dir[1]/blocks.2", "dir[1]/blocks.10"]),
        ("hf:org/layers/dir[1]/blocks.{10,2}", ["dir[1]/blocks.10", "dir[1]/blocks.2"]),
        ("hf:org/layers/dir*/blocks.1?/W.safetensors", ["dir[1]/blocks.10/W.safetensors"]),
        ("hf:org/layers/*", ["README.md", "dir[1]", "layer_2.safetensors", "layer_10.safetensors"]),
        ("hf:org/layers/*@refs/pr/7", ["dir[1]", "layer_2.safetensors", "layer_10.safetensors"]),
    ],
)  # fmt: skip
def test_globs(hub: FakeHub, pattern: str, found: list[str]) -> None:
    assert is_pattern(pattern)
    places = places_of(pattern)
    names = [reference_of(place.origin).split("@")[0] for place in places]
    assert names == [f"hf:org/layers/{name}" for name in found]
    assert sum("/api/" in request.url for request in hub.log) == 1


def test_globs_that_fit_nothing() -> None:
    with pytest.raises(SourceError, match=r"Nothing fits .*/dir\[1\]@main holds: blocks\.2, bl"):
        places_of("hf:org/layers/dir[1]/layer_*")
    assert not is_pattern("https://huggingface.co/org/odd/resolve/main/ae.pt?download=true")


# --- huggingface_hub's own cache ---


def fetched_by_others(**options: str) -> Path:
    return Path(huggingface_hub.hf_hub_download("org/layers", "layer_2.safetensors", **options))


@pytest.mark.parametrize("revision", ["main", "refs/pr/7", "COMMIT"])
@pytest.mark.parametrize("online", [True, False])
def test_files_of_others_are_read_first(hub: FakeHub, revision: str, online: bool) -> None:
    revision = hub.names["org/layers"]["main"] if revision == "COMMIT" else revision
    fetched_by_others(revision=revision)
    hub.log.clear()
    if not online:
        hub.stop()
    place = resolve(f"hf:org/layers/layer_2.safetensors@{revision}")
    assert place.tensors().read("W").equal(W * 2)
    assert place.path().read_bytes() == save({"W": W * 2})
    assert place.origin["commit"] == hub.commit("org/layers", revision)
    assert {request.url.split("/")[1] for request in hub.log} <= {"api"}


def test_files_of_another_commit_are_not_taken(hub: FakeHub) -> None:
    fetched_by_others()
    hub.put("org/layers", {"layer_2.safetensors": save({"W": W * 5})})
    assert resolve("hf:org/layers/layer_2.safetensors").tensors().read("W").equal(W * 5)


def test_files_under_a_repository_s_true_name(hub: FakeHub) -> None:
    huggingface_hub.hf_hub_download("org/odd", "ae.pt")
    hub.log.clear()
    assert resolve("hf:old").folder.tensors("ae.pt").read("W").equal(W)
    assert {request.url.split("/")[1] for request in hub.log} == {"api"}


def test_what_a_partial_snapshot_lacks(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched_by_others()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    root = HubFolder("org/layers")
    assert root.names() == ["layer_2.safetensors"]
    for ask in (root.fetch, root.tensors, lambda path: resolve(f"hf:org/layers/{path}")):
        with pytest.raises(SourceError, match=r"cannot be reached: .*offline"):
            ask("layer_10.safetensors")


def test_a_whole_snapshot(hub: FakeHub) -> None:
    huggingface_hub.snapshot_download("org/layers")
    hub.stop()
    places = places_of("hf:org/layers/dir[1]/blocks.*/*")
    assert [float(place.tensors().read("W")[0, 0]) for place in places] == [2, 10]


def test_npy_fetched_by_others(hub: FakeHub, tmp_path: Path) -> None:
    np.save(tmp_path / "W.npy", W.numpy())
    hub.put("org/npy", {"W.npy": (tmp_path / "W.npy").read_bytes()})
    assert resolve("hf:org/npy/W.npy").tensors().read("array").equal(W)
