"""Every kind of published dictionary, by the name a person gives it, from a stand-in hub.

One SAE of each of the registry's 170 releases and what is special within them, in the layouts of
`published_layouts`; `benchmarks/registry.py` walks all 13,857.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.load.fake_hub import FakeHub, point_at
from tests.load.published_hub import fill, repositories
from tests.load.published_layouts import (
    SPECS,
    SQUARE,
    TINY,
    Bank,
    Entry,
    Size,
    by_name,
    entries,
    lay,
    model_files,
    unlisted,
)
from unembed import Features
from unembed.errors import FormatError, UnembedError
from unembed.load import load_features

SAME_WIDTH = Size(d_model=12, n_heads=4, d_head=3)
"""All heads together, and the MLP, are as wide as the stream: only the hook tells them apart."""

_SPECIAL = (
    "gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6",
    "gemma-scope-2b-pt-att/layer_25/width_65k/average_l0_63",
    "gemma-scope-2-1b-pt-att/layer_13_width_16k_l0_big",
    "gemma-scope-2-4b-it-att-all/layer_0_width_16k_l0_big",
    "gemma-scope-2-270m-pt-transcoders-all/layer_9_width_262k_l0_small_affine",
    "gpt2-small-hook-z-kk/blocks.11.hook_z",
    "gpt2-small-res-jb/blocks.11.hook_resid_post",
    "mntss-gemma-2-2b-2.5m-clt-as-per-layer/layer_25",
    "mntss-gemma-2-2b-2.5m-clt-as-per-layer/layer_20",
    "mwhanna-qwen3-14b-transcoders/layer_39",
    "qwen-scope-3-1.7b-base-w32k-l50/layer27",
    "saebench_gemma-2-2b_width-2pow12_date-0108/blocks.12.hook_resid_post__trainer_5",
)
SPECIAL = tuple(by_name()[name] for name in _SPECIAL)
FIRST = list({entry.release: entry for entry in reversed(entries())}.values())[::-1]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHub]:
    with FakeHub() as fake:
        fill(fake, repositories(TINY, (*FIRST, *SPECIAL)))
        yield fake


@pytest.fixture
def client(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(hub.endpoint, tmp_path, monkeypatch)


def check(banks: list[Features], right: list[Bank]) -> None:
    assert [bank.W_dec.shape for bank in banks] == [bank.W_dec.shape for bank in right]
    for bank, expected in zip(banks, right, strict=True):
        np.testing.assert_allclose(bank.W_dec.numpy(), expected.W_dec, rtol=1e-5, atol=1e-5)
    assert [bank.layer for bank in banks] == [bank.layer for bank in right]
    assert [bank.hook for bank in banks] == [bank.hook for bank in right]


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("entry", [*FIRST, *SPECIAL], ids=lambda entry: entry.name)
def test_by_name(entry: Entry) -> None:
    check(load_features(entry.name), lay(entry).banks())


@pytest.mark.parametrize(
    "size", [SQUARE, SAME_WIDTH], ids=["square", "heads as wide as the stream"]
)
def test_no_width_misleads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: Size) -> None:
    """Neither a square decoder nor heads as wide as the stream are taken for something else."""
    with FakeHub() as fake:
        fill(fake, repositories(size, SPECIAL))
        point_at(fake.endpoint, tmp_path, monkeypatch)
        for entry in SPECIAL:
            check(load_features(entry.name), lay(entry, size).banks())


def write(folder: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def load(folder: Path, case: unlisted.Case, size: Size) -> list[Features]:
    """Load a case by the path of its folder or file, for its model."""
    write(folder / "saes", {path: make() for path, make in case.files.items()})
    reference = folder / "saes" / case.path
    if case.model is None:
        return load_features(reference)
    write(folder / "model", model_files(case.model, size))
    if case.hook is not None:
        with pytest.raises(FormatError, match="hook"):
            load_features(reference, model=folder / "model")
    return load_features(reference, model=folder / "model", hook=case.hook)


READ = [name for name in unlisted.CASES if not unlisted.make(name).refused]
SQUARES = [name for name in READ if "columns" not in name]  # of those nobody could tell


ELSEWHERE = [
    name for name in READ if any(part in name for part in ("hook_", "neurons", "sparsify"))
]
SIZES = {
    **{name: (name, TINY) for name in READ},
    **{f"{name}, square": (name, SQUARE) for name in SQUARES},
    **{f"{name}, all as wide": (name, SAME_WIDTH) for name in ELSEWHERE},
}


@pytest.mark.parametrize(("name", "size"), SIZES.values(), ids=SIZES)
def test_by_path(tmp_path: Path, name: str, size: Size) -> None:
    case = unlisted.make(name, size)
    check(load(tmp_path, case, size), case.banks)


@pytest.mark.parametrize("name", [n for n in unlisted.CASES if unlisted.make(n).refused])
def test_refused(tmp_path: Path, name: str) -> None:
    """What holds no directions, or none for certain, is an error that names what was found."""
    case = unlisted.make(name)
    with pytest.raises(UnembedError) as error:
        load(tmp_path, case, TINY)
    assert any(word in str(error.value) for word in case.refused)


def test_the_models_of_the_registry_are_laid_out() -> None:
    assert {entry.model for entry in entries()} == set(SPECS)
    assert len(FIRST) == 170
