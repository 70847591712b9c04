"""How a reference is read: what is on this disk, what is on the hub, and what is neither."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unembed.errors import SourceError
from unembed.load.folder import LocalFolder
from unembed.load.hub import HubFolder
from unembed.load.places import given_name, is_pattern, places_of
from unembed.load.reference import reference_of, resolve


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
        ("gpt2@v1", ("gpt2", "", "v1", None)),
        ("org/repo", ("org/repo", "", "main", None)),
        ("hf:org/repo@refs/pr/7", ("org/repo", "", "refs/pr/7", None)),
        ("hf:org/model.json", ("org/model.json", "", "main", None)),
        ("https://huggingface.co/org/model.json", ("org/model.json", "", "main", None)),
        ("huggingface.co/org/repo/tree/v1", ("org/repo", "", "v1", None)),
    ],
)
def test_hub(reference: str, parts: tuple[str, str, str, str | None]) -> None:
    """A path inside a repository needs its listing, see test_hub_paths.py; its root does not."""
    assert hub_parts(reference) == parts


def test_names_say_the_revision() -> None:
    assert resolve("org/repo").name == "hf:org/repo@main"
    assert HubFolder("org/repo", "sub", "v1").name == "hf:org/repo/sub@v1"


ODD = ("[1]", "a*b?", "lr=0.001", "{0-1}", "two words", "ä→ß", "hf.co", "x@v1", "-o", "#1", "%20")


@pytest.mark.parametrize("name", ODD)
def test_what_is_there_is_itself(here: Path, name: str) -> None:
    (here / name).mkdir()
    np.save(here / name / name, np.eye(2))
    for reference in (name, f"./{name}", here / name, str(here / name)):
        assert resolve(reference).origin == {"path": str(here / name)}
    place = resolve(f"{name}/{name}.npy")
    assert place.tensors().read("array").shape == (2, 2)
    assert resolve(reference_of(place.origin)).path() == here / name / f"{name}.npy"
    assert not is_pattern(name)
    assert given_name(f"{name}/{name}.npy") == (None, f"{name}/{name}.npy")
    assert [each.file for each in places_of(f"{name}/*.npy")] == [f"{name}.npy"]


@pytest.mark.parametrize(
    "reference",
    ["./gpt2", "/no/such/folder", "~/no/such", "W.npy", "runs/a.gguf", "x.safetensors"],
)
def test_missing_path(reference: str) -> None:
    with pytest.raises(SourceError, match=r"No file or folder at .*Give a local path, or a hub"):
        resolve(reference)


def test_a_near_name(here: Path) -> None:
    (here / "saes").mkdir()
    (here / "saes" / "W_dec.npy").touch()
    with pytest.raises(SourceError, match=r"at saes/W_decc\.npy\. Did you mean 'W_dec\.npy'"):
        resolve("saes/W_decc.npy")


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
        "https://huggingface.co/org/re po",
        "org/repo?x",
        "a\0b",
        "a b" * 1000,
    ],
)
def test_nonsense(reference: str) -> None:
    with pytest.raises(SourceError, match=r"is no reference.*hf:org/repo/subfolder@revision"):
        resolve(reference)


@pytest.mark.parametrize("reference", ["~nobody-of-this-name/model", "/" + "a" * 4000])
def test_a_path_the_system_refuses_is_not_there(reference: str) -> None:
    with pytest.raises(SourceError, match="No file or folder at"):
        resolve(reference)


def test_a_path_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(SourceError, match=r"private/sae cannot be read: Permission denied\."):
        resolve("private/sae")


def test_what_is_longer_than_any_path_leads_nowhere() -> None:
    with pytest.raises(SourceError, match="at most; this one has 60,000, and begins with"):
        resolve("[" * 60_000)
