"""What transformers is asked to open, by the place that a reference names."""

from __future__ import annotations

from pathlib import Path

import pytest

from unembed.errors import SourceError
from unembed.fitting.model import _named
from unembed.load.folder import LocalFolder
from unembed.load.hub import HubFolder
from unembed.load.reference import Place


def test_places_of_this_disk(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    assert _named(Place(folder)) == (str(tmp_path), {})
    assert _named(Place(folder, "a.gguf")) == (str(tmp_path), {"gguf_file": "a.gguf"})
    assert _named(Place(folder, "in/a.GGUF")) == (str(tmp_path / "in"), {"gguf_file": "a.GGUF"})


def test_places_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HubFolder, "commit", "c0")
    at = {"revision": "c0"}
    assert _named(Place(HubFolder("org/m"))) == ("org/m", at)
    assert _named(Place(HubFolder("org/m", "sub"))) == ("org/m", {**at, "subfolder": "sub"})
    assert _named(Place(HubFolder("org/m", "sub"), "q/a.gguf")) == (
        "org/m", {**at, "subfolder": "sub/q", "gguf_file": "a.gguf"},
    )  # fmt: skip


def test_another_file_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no model that can be run"):
        _named(Place(LocalFolder(tmp_path), "W_dec.npy"))


@pytest.mark.inputs
@pytest.mark.slow
def test_a_gguf_file(smollm2: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from unembed import FitSettings, fit_lens

    text = tmp_path / "text.txt"
    text.write_text("The heart is a muscular organ that pumps blood through the body. " * 5)
    settings = FitSettings(layers=(28,), prompts=2, tokens=12, skip=4, batch=64, device="cpu")
    lens = fit_lens(smollm2, tmp_path / "lens.safetensors", text=text, settings=settings)
    assert lens.metadata["model"] == smollm2.stem
    assert lens.metadata["n_layers"] == 30
    assert lens.stability[28].directions == "neurons"
    diagonal = float(lens.J[28].diagonal().mean())
    assert 0.5 < diagonal < 2  # what one block adds to the stream is little beside it
