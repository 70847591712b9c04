import json
import lzma
import random
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
import yaml

from unembed import TokenSets, Vocabulary, load_unembedding
from unembed.cache import cache_folder
from unembed.cached_array import kept_array
from unembed.enrichment import token_simulation
from unembed.load.hub import listing
from unembed.load.hub.blob import HubBlob
from unembed.load.hub.cache import new_entry, read_entry
from unembed.load.published import table
from unembed.tokensets.cache import cached
from unembed.unembedding import Unembedding, broken_rows

from .load.tiny_models import tiny_gpt2


def never(*_: object) -> npt.NDArray[np.float64]:
    raise AssertionError("It was made a second time.")


def test_an_array_is_made_once() -> None:
    made = np.arange(6.0).reshape(2, 3)
    assert kept_array("a/b.npy", (2, 3), lambda: made) is made
    np.testing.assert_array_equal(kept_array("a/b.npy", (2, 3), never), made)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY", b"PK\x03\x04zip"])
def test_a_damaged_file_is_made_again(content: bytes) -> None:
    path = cache_folder() / "a.npy"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    np.testing.assert_array_equal(kept_array("a.npy", (2,), lambda: np.ones(2)), np.ones(2))
    np.testing.assert_array_equal(kept_array("a.npy", (2,), never), np.ones(2))


@pytest.mark.parametrize("other", [np.zeros(3), np.zeros(2, np.float32), np.zeros((2, 1))])
def test_another_array_is_made_again(other: npt.NDArray[np.floating]) -> None:
    path = cache_folder() / "a.npy"
    path.parent.mkdir(parents=True)
    np.save(path, other)
    np.testing.assert_array_equal(kept_array("a.npy", (2,), lambda: np.ones(2)), np.ones(2))


def test_a_cache_that_cannot_be_written_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path / "file"))
    np.testing.assert_array_equal(kept_array("a.npy", (2,), lambda: np.ones(2)), np.ones(2))


def test_the_covariance_of_a_model_in_files_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in tiny_gpt2().items():
        (tmp_path / name).write_bytes(content)
    first = load_unembedding(tmp_path)
    rows = first.W_U.double()
    torch.testing.assert_close(first.covariance, rows.T @ rows / first.n_tokens)
    monkeypatch.setattr("unembed.unembedding.covariance_of", never)
    torch.testing.assert_close(load_unembedding(tmp_path).covariance, first.covariance)
    with pytest.raises(AssertionError, match="a second time"):
        _ = load_unembedding(tmp_path, lens="cosine").covariance


def test_the_covariance_of_arrays_is_not_kept(unembedding: Unembedding) -> None:
    assert unembedding.covariance.shape == (16, 16)
    assert not cache_folder().exists()


def test_rows_whose_sum_overflows_are_not_broken() -> None:
    large, huge = 1e38, 3e38
    matrix = torch.tensor([[huge, huge], [1.0, large], [float("inf"), -float("inf")]])
    assert broken_rows(matrix).tolist() == [False, False, True]
    assert broken_rows(matrix[:2]).tolist() == [False, False]
    matrix[1, 0] = float("nan")
    assert broken_rows(matrix).tolist() == [False, True, True]


def test_a_cache_in_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UNEMBED_CACHE", "~/a [1]")
    assert cache_folder() == tmp_path / "a [1]"


# --- entries of every kind: what is damaged, or another's, is never used ---


def an_array(monkeypatch: pytest.MonkeyPatch) -> str:
    values = np.linspace(0, 1, 12).reshape(3, 4)
    return repr(kept_array("covariance/a.npy", (3, 4), lambda: values).tolist())


def token_sets(monkeypatch: pytest.MonkeyPatch) -> str:
    vocabulary = Vocabulary.from_texts([f" t{i}" for i in range(30)])
    made = TokenSets.from_ids({"x": [1, 5, 9], "y": range(10, 20)}, vocabulary)
    found = cached(vocabulary, ("x",), lambda: made)
    return repr((found.infos, found.indptr.tolist(), found.ids.tolist()))


def a_null_of_tokens(monkeypatch: pytest.MonkeyPatch) -> str:
    made = token_simulation.Simulation(9, np.arange(1, 4), np.ones((3, 5)), np.full(3, 0.5))
    monkeypatch.setattr(token_simulation, "_simulated", lambda *_: made)
    token_simulation.simulation.cache_clear()
    found = token_simulation.simulation(9)
    return repr((found.sizes.tolist(), found.knots.tolist(), found.excess.tolist()))


def a_listing(monkeypatch: pytest.MonkeyPatch) -> str:
    path = cache_folder() / "hub/a--b/commits/0f.json"
    content = {"files": ["model.safetensors"], "repo": "a/b"}
    listing._keep(path, content)  # as it is after the hub was asked, which it is when none is kept
    return repr(listing._content(path))


def published(monkeypatch: pytest.MonkeyPatch) -> str:
    saes = [{"id": "layer_3", "path": "l3", "l0": 40.5}]
    facts = {"r": {"model": "m", "repo_id": "a/b", "saes": saes}}
    path = cache_folder().parent / "pretrained_saes.yaml"
    path.write_text(yaml.safe_dump(facts))
    dumped = lambda content: lzma.compress(json.dumps(content).encode(), preset=0)  # noqa: E731
    monkeypatch.setattr(table, "dump", dumped)  # which takes its time to make it small
    return repr(table._of_installed("9.9.9", path))


FILE = bytes(range(256)) * 4


def a_range_of_bytes(monkeypatch: pytest.MonkeyPatch) -> str:
    cache = cache_folder() / "hub/a--b/0f/model.safetensors"
    blob = HubBlob("model.safetensors", "https://none", cache, "a/b", nullcontext)

    def chunk(first: int, stop: int) -> bytes:
        blob._keep_size(str(len(FILE)))
        return FILE[first:stop]

    monkeypatch.setattr(blob, "_chunk", chunk)
    piece = blob.piece(16, 80, "W")
    taken = piece.path.read_bytes()[piece.start : piece.start + 64]
    return repr((blob.read(20, 40), taken, blob.size))


ENTRIES = (an_array, token_sets, a_null_of_tokens, a_listing, published, a_range_of_bytes)
Ask = Callable[[pytest.MonkeyPatch], str]
each_entry = pytest.mark.parametrize("ask", ENTRIES, ids=lambda ask: ask.__name__)


def entries() -> list[Path]:
    return sorted(path for path in cache_folder().rglob("*") if path.is_file())


@each_entry
def test_flipped_bits_in_an_entry_change_nothing(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ask(monkeypatch)
    drawn = random.Random(0)
    assert entries()
    for path in entries():
        raw = path.read_bytes()
        places = {*range(0, len(raw), 1 + len(raw) // 60), *range(len(raw) - 64, len(raw), 9)}
        for place in sorted(places):
            damaged = bytearray(raw)
            damaged[place] ^= 1 << drawn.randrange(8)
            path.write_bytes(damaged)
            assert ask(monkeypatch) == wanted, (path.name, place)
            assert path.read_bytes() == raw, (path.name, place)  # and the entry is whole again


@each_entry
def test_what_disks_do_to_an_entry_changes_nothing(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ask(monkeypatch)
    for path in entries():
        raw = path.read_bytes()
        for damaged in (b"", bytes(len(raw)), raw[:-1], raw[: len(raw) // 2], raw + b"\0", raw * 2,
                        raw[:8] + bytes(64) + raw[72:], b"x" * 99):  # fmt: skip
            path.write_bytes(damaged)
            assert ask(monkeypatch) == wanted, (path.name, damaged[:9])


def test_another_entry_under_its_name_is_not_used() -> None:
    first, second = np.zeros(3), np.ones(3)
    kept_array("a.npy", (3,), lambda: first)
    kept_array("b.npy", (3,), lambda: second)
    shutil.copy(cache_folder() / "a.npy", cache_folder() / "b.npy")
    np.testing.assert_array_equal(kept_array("b.npy", (3,), lambda: second), second)
    vocabulary = Vocabulary.from_texts([f" t{i}" for i in range(30)])
    sets = [TokenSets.from_ids({"x": [i]}, vocabulary) for i in (1, 2)]
    for name, made in zip("ab", sets, strict=True):
        cached(vocabulary, (name,), lambda made=made: made)  # type: ignore[misc]
    one, other = (cache_folder() / "token_sets").iterdir()
    shutil.copy(one, other)
    for name, made in zip("ab", sets, strict=True):
        found = cached(vocabulary, (name,), lambda made=made: made)  # type: ignore[misc]
        assert found.ids.tolist() == made.ids.tolist()


def test_what_earlier_versions_fetched_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """They sealed nothing, and without a network it cannot be had again; what is derived can."""
    path = cache_folder() / "hub/a--b/commits/0f.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"files": ["old"], "repo": "a/b"}')
    assert listing._content(path)["files"] == ["old"]
    np.save(cache_folder() / "a.npy", np.zeros(2))
    np.testing.assert_array_equal(kept_array("a.npy", (2,), lambda: np.ones(2)), np.ones(2))


def test_an_entry_larger_than_any_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "hub" / "listing.json"
    with new_entry(path) as part:
        part.write_text('{"files": []}')
    size = path.stat().st_size
    assert read_entry(path, size) == b'{"files": []}'
    assert read_entry(path, size - 1) is None
