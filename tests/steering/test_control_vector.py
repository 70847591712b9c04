"""Control vectors, as the `gguf` package's own reader has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fitting.tiny import LAYERS
from tests.steering.runs import PROMOTES, SUPPRESSES
from unembed import (
    Run,
    SteerSettings,
    UnembedError,
    analyze,
    steer,
    weights_of,
    write_control_vector,
)
from unembed.errors import QueryError

gguf = pytest.importorskip("gguf")
LAST = LAYERS - 1
FEATURE = f"sae.{LAST}/{PROMOTES}"


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    reader = gguf.GGUFReader(path)
    said = {
        name: field.contents()
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.")
    }
    return said, {each.name: np.array(each.data) for each in reader.tensors}


def row(run: Run, feature: str) -> np.ndarray:
    bank, _, index = feature.partition("/")
    found: np.ndarray = weights_of(run).bank(bank).W_dec[int(index)].numpy()
    return found


def test_one_unit_of_a_feature_behind_its_block(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "x.gguf"
    written = write_control_vector(run, FEATURE, out)
    said, tensors = read(out)
    assert said == {
        "general.architecture": "controlvector",
        "controlvector.model_hint": "llama",
        "controlvector.layer_count": 1,
    }
    assert list(tensors) == [f"direction.{LAST}"]
    np.testing.assert_array_equal(tensors[f"direction.{LAST}"], row(run, FEATURE))
    assert tensors[f"direction.{LAST}"].dtype == np.float32
    assert written.blocks == (LAST,)
    assert written.lengths == (pytest.approx(np.linalg.norm(row(run, FEATURE))),)


def test_features_of_one_block_are_added_up(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "x.gguf"
    other = f"sae.{LAST}/7"
    write_control_vector(run, ["mlp.1/3", FEATURE, other, FEATURE], out)
    said, tensors = read(out)
    assert list(tensors) == ["direction.1", f"direction.{LAST}"]
    assert said["controlvector.layer_count"] == 2
    np.testing.assert_array_equal(tensors["direction.1"], row(run, "mlp.1/3"))
    both = row(run, FEATURE) + row(run, other)
    np.testing.assert_allclose(tensors[f"direction.{LAST}"], both, rtol=1e-6)


def test_a_strength_is_in_lengths_that_steering_has_measured(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "x.gguf"
    with pytest.raises(QueryError, match="was steered"):
        write_control_vector(run, FEATURE, out, strength=0.3)
    assert not out.exists()
    steered = f"sae.{LAST}/{SUPPRESSES}"
    settings = SteerSettings(random=1, matched=5, tokens=0)
    length = steer(run, steered, prompts=["w1 w2 w3"], settings=settings)["length"][0]
    write_control_vector(run, FEATURE, out, strength=0.3)
    (direction,) = read(out)[1].values()
    assert np.linalg.norm(direction) == pytest.approx(0.3 * length, rel=1e-5)
    cosine = direction @ row(run, FEATURE) / np.linalg.norm(direction)
    assert cosine == pytest.approx(np.linalg.norm(row(run, FEATURE)), rel=1e-5)


def test_block_0_has_none(run: Run, tmp_path: Path) -> None:
    from unembed import load_features

    weights = weights_of(run)
    model = run.manifest.unembedding.preparation["origin"]["path"]
    (bank,) = load_features("mlp:0", model=model)
    first = analyze(weights.unembedding, bank, tmp_path / "first")
    with pytest.raises(
        QueryError, match=r"output of block 0, and llama\.cpp adds .* blocks 1 to 2"
    ):
        write_control_vector(first, "mlp.0/1", tmp_path / "x.gguf")


def test_a_file_that_is_there_stays(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "x.gguf"
    out.write_text("mine")
    with pytest.raises(UnembedError, match="--overwrite"):
        write_control_vector(run, FEATURE, out)
    assert out.read_text() == "mine"
    write_control_vector(run, FEATURE, out, overwrite=True)
    assert read(out)[1]
