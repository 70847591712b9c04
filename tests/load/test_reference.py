"""How a reference is read: what is on this disk, what is on the hub, and what is neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from unembed.errors import SourceError
from unembed.load.folder import LocalFolder
from unembed.load.hub import HubFolder
from unembed.load.reference import Place, resolve


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: nothing is in it but what a test puts there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hub_parts(reference: str) -> tuple[str, str, str, str | None]:
    place = resolve(reference)
    assert isinstance(place.folder, HubFolder)
    return place.folder.repo, place.folder.subfolder, place.folder.revision, place.file


def test_local_folder(here: Path) -> None:
    (here / "model").mkdir()
    for reference in ("model", "./model", "model/", str(here / "model"), here / "model"):
        place = resolve(reference)
        assert isinstance(place.folder, LocalFolder)
        assert place.file is None
        assert place.origin == {"path": str(here / "model")}
        assert place.folder.short_name == "model"


def test_local_file(here: Path) -> None:
    (here / "W.npy").write_bytes(b"")
    place = resolve("W.npy")
    assert place.file == "W.npy"
    assert place.path() == Path("W.npy")
    assert place.origin == {"path": str(here), "file": "W.npy"}


def test_home(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here))
    (here / "model").mkdir()
    assert resolve("~/model").origin == {"path": str(here / "model")}


def test_a_path_that_is_there_wins_over_a_repository(here: Path) -> None:
    (here / "gpt2").mkdir()
    assert isinstance(resolve("gpt2").folder, LocalFolder)
    assert isinstance(resolve("hf:gpt2").folder, HubFolder)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("gpt2", ("gpt2", "", "main", None)),
        ("hf:gpt2", ("gpt2", "", "main", None)),
        ("gpt2@v1", ("gpt2", "", "v1", None)),
        ("org/repo", ("org/repo", "", "main", None)),
        ("org/repo/sub", ("org/repo", "sub", "main", None)),
        ("hf:org/repo/", ("org/repo", "", "main", None)),
        ("hf:org/re-po_1.5/a/b.8.c", ("org/re-po_1.5", "a/b.8.c", "main", None)),
        ("hf:org/repo/a/b@v1", ("org/repo", "a/b", "v1", None)),
        ("hf:org/repo@refs/pr/7", ("org/repo", "", "refs/pr/7", None)),
        ("hf:org/repo/W.npy", ("org/repo", "", "main", "W.npy")),
        ("hf:org/repo/a/b/W.safetensors@v1", ("org/repo", "a/b", "v1", "W.safetensors")),
        ("hf:org/repo/x.tiktoken.gz", ("org/repo", "", "main", "x.tiktoken.gz")),
        ("hf:org/model.json", ("org/model.json", "", "main", None)),
    ],
)
def test_hub(reference: str, parts: tuple[str, str, str, str | None]) -> None:
    assert hub_parts(reference) == parts


def test_names_say_the_revision() -> None:
    assert resolve("org/repo").name == "hf:org/repo@main"
    assert resolve("hf:org/repo/sub@v1").name == "hf:org/repo/sub@v1"
    assert isinstance(resolve("hf:org/repo/sub/W.npy"), Place)


@pytest.mark.parametrize(
    "reference",
    ["./gpt2", "/no/such/folder", "~/no/such", "W.npy", "runs/a.gguf", "x.safetensors"],
)
def test_missing_path(reference: str) -> None:
    with pytest.raises(SourceError, match=r"No file or folder at .*Give a local path, or a hub"):
        resolve(reference)


def test_missing_path_object() -> None:
    with pytest.raises(SourceError, match="No file or folder at gpt2"):
        resolve(Path("gpt2"))


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "hf:",
        "hf:/org/repo",
        "hf:org//repo",
        "hf:org/repo@",
        "hf:org/repo@a@b",
        "hf:org/repo/@v1/x@",
        "two words",
        "https://huggingface.co/org/repo",
        "org/repo?x",
        "a\0b",
        "a b" * 2000,
    ],
)
def test_nonsense(reference: str) -> None:
    with pytest.raises(SourceError, match=r"is no reference.*hf:org/repo/subfolder@revision"):
        resolve(reference)


@pytest.mark.parametrize("reference", ["~nobody-of-this-name/model", "/" + "a" * 5000])
def test_a_path_the_system_refuses_is_not_there(reference: str) -> None:
    with pytest.raises(SourceError, match="No file or folder at"):
        resolve(reference)


def test_a_path_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(SourceError, match=r"private/sae cannot be read: Permission denied\."):
        resolve("private/sae")
