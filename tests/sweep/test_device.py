"""Which device a sweep is done on, and what is said where that cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.planted import Planted
from unembed import DiscoverSettings, SweepSettings
from unembed.analysis.device import settled
from unembed.errors import UnembedError
from unembed.store.manifest import MANIFEST
from unembed.sweep.device import described, device_named, enough_memory


@pytest.mark.parametrize(("there", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_a_gpu_where_there_is_one(
    there: bool, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch, "ones", lambda *shape, **how: 1.0)  # of a GPU that is not there
    assert SweepSettings().device == DiscoverSettings().device == "auto"
    assert device_named("auto").type == expected
    assert settled(SweepSettings(top_k=7), tmp_path) == SweepSettings(top_k=7, device=expected)
    for named in ("cpu", "cuda:1"):
        assert settled(SweepSettings(device=named), tmp_path).device == named


def test_a_run_goes_on_where_it_was_begun(
    tiny: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a better device is there now; but not where its own is not."""
    monkeypatch.setattr(torch, "ones", lambda *shape, **how: 1.0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert settled(SweepSettings(), tiny.run.path).device == "cpu"
    assert settled(SweepSettings(), tiny.run.path, overwrite=True).device == "cuda"
    assert settled(SweepSettings(device="cuda"), tiny.run.path).device == "cuda"
    manifest = json.loads((tiny.run.path / MANIFEST).read_text(encoding="utf-8"))
    del manifest["seal"]
    manifest["settings"]["device"] = "cuda:3"
    (tmp_path / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    assert settled(SweepSettings(), tmp_path).device == "cuda:3"
    monkeypatch.undo()
    assert settled(SweepSettings(), tmp_path).device == "cpu"


def test_the_manifest_says_what_auto_became(tiny: Planted) -> None:
    assert tiny.run.manifest.settings.device == "cpu"


def test_a_gpu_that_torch_sees_and_cannot_use_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*shape: int, **how: object) -> None:
        raise RuntimeError("CUDA error: all devices are busy")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", busy)
    with pytest.raises(UnembedError, match="'cuda' cannot be used: CUDA error: all devices"):
        settled(SweepSettings(), tmp_path)


def test_apples_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not chosen either: `auto` asks for CUDA alone."""

    def narrow(*shape: int, **how: object) -> None:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")

    monkeypatch.setattr(torch, "ones", narrow)
    with pytest.raises(UnembedError, match=r"'mps' cannot be used.*Apple's 'mps' has no float64"):
        SweepSettings(device="mps")


def test_too_little_memory_says_what_can_be_done() -> None:
    device = torch.device("cuda", 1)
    said = r"'cuda:1' has too little memory.*--tile 128"
    with pytest.raises(UnembedError, match=said), enough_memory(device):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_a_gpu_is_described_by_its_maker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"number {device.index}")
    assert [described(name) for name in ("cpu", "cuda:1")] == ["cpu", "cuda:1 (number 1)"]
