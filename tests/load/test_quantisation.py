"""Weights in small numbers with scales beside them, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.load.layouts import (
    D_FF,
    D_MODEL,
    VOCAB,
    Tensors,
    llama_tensors,
    tensor,
    write_model,
)
from unembed.errors import FormatError
from unembed.load import load_model
from unembed.load.tensors.safetensors import Safetensors


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_are_left_as_they_are(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = {name: value.to(dtype) for name, value in llama_tensors().items()}
    raw = load_model(write_model(tmp_path / "m", tensors, model_type="llama")).unembedding()
    assert raw.W_U.whole().dtype == dtype
    assert raw.norm.gamma is not None
    assert raw.norm.gamma.dtype == torch.float32


def quantised(
    tmp_path: Path, dtype: torch.dtype, scale: torch.Tensor | None
) -> tuple[Callable[[], torch.Tensor], torch.Tensor]:
    """W_U stored in `dtype`: how to read it, and what was stored."""
    stored = (tensor(VOCAB, D_MODEL) * 40).round().to(dtype)
    tensors = llama_tensors() | {"lm_head.weight": stored}
    if scale is not None:
        tensors["lm_head.weight_scale"] = scale
    model = load_model(write_model(tmp_path / "m", tensors, model_type="llama"))
    return lambda: model.unembedding().W_U.whole(), stored


@pytest.mark.parametrize("dtype", [torch.int8, torch.float8_e4m3fn, torch.float8_e5m2])
@pytest.mark.parametrize("shape", [(VOCAB,), (VOCAB, 1), (1,), ()])
@pytest.mark.parametrize("scale_dtype", [torch.float32, torch.bfloat16])
def test_one_scale_a_row(
    tmp_path: Path, dtype: torch.dtype, shape: tuple[int, ...], scale_dtype: torch.dtype
) -> None:
    scale = torch.rand(shape).to(scale_dtype)
    read, stored = quantised(tmp_path, dtype, scale)
    factors = scale.float().flatten().expand(VOCAB) if scale.numel() == 1 else scale.flatten()
    expected = [[float(x) * float(f) for x in row] for row, f in zip(stored, factors, strict=True)]
    torch.testing.assert_close(read(), torch.tensor(expected))


def test_scale_of_an_mlp_is_one_a_row_of_the_stored_matrix(tmp_path: Path) -> None:
    name = "model.layers.0.mlp.down_proj.weight"
    stored = (tensor(D_MODEL, D_FF) * 40).round().to(torch.int8)
    scale = torch.arange(1.0, D_MODEL + 1)
    tensors = llama_tensors() | {name: stored, f"{name}_scale": scale}
    folder = write_model(tmp_path / "m", tensors, model_type="llama", num_hidden_layers=1)
    W_out = load_model(folder).mlp_out(0)
    torch.testing.assert_close(W_out[2], stored[:, 2].float() * scale)


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [
        (torch.int8, None),
        (torch.float8_e4m3fn, None),
        (torch.int8, torch.ones(VOCAB, 3)),
        (torch.int8, torch.ones(2, 2)),
        (torch.float8_e5m2, torch.ones(VOCAB - 1)),
        (torch.uint8, torch.ones(VOCAB)),
        (torch.int32, torch.ones(VOCAB)),
        (torch.bfloat16, torch.ones(VOCAB)),
    ],
)
def test_values_that_are_not_known(
    tmp_path: Path, dtype: torch.dtype, scale: torch.Tensor | None
) -> None:
    """Packed in integers, scaled as nobody says, without any scale, or with one too many."""
    read, _ = quantised(tmp_path, dtype, scale)
    with pytest.raises(FormatError, match=r"lm_head\.weight.*Take an unquantised checkpoint"):
        read()


def llama_with(tmp_path: Path, beside: Tensors, **config: Any) -> Callable[[], torch.Tensor]:
    """How to read W_U of a model whose head is what is given."""
    tensors = {k: v for k, v in llama_tensors().items() if k != "lm_head.weight"} | beside
    model = load_model(write_model(tmp_path / "m", tensors, model_type="llama", **config))
    return lambda: model.unembedding().W_U.whole()


# --- zero points and blocks, each against a loop over its definition ---


@pytest.mark.parametrize("shape", [(1,), (8,), (8, 1), (8, 2), (2, 4), (4, 2), (1, 4)])
@pytest.mark.parametrize("zero", [False, True])
def test_scales_and_zero_points_by_their_shape(
    tmp_path: Path, shape: tuple[int, ...], zero: bool
) -> None:
    """(2, 4) are as many scales as the weight has rows, and yet one a block of 4 by 1."""
    stored = (tensor(8, D_MODEL, seed=1) * 40).round().to(torch.int8)
    scale = torch.rand(shape, generator=torch.Generator().manual_seed(2)) + 0.1
    zeros = torch.arange(scale.numel()).reshape(shape).to(torch.int8)
    head = {"lm_head.weight": stored, "lm_head.weight_scale": scale}
    read = llama_with(tmp_path, head | ({"lm_head.weight_zero_point": zeros} if zero else {}))
    square = scale if scale.ndim == 2 else scale.reshape(-1, 1)
    zero_points = zeros.reshape(square.shape).float() * zero
    expected = torch.empty(8, D_MODEL)
    for i in range(8):
        for j in range(D_MODEL):
            at = i * square.shape[0] // 8, j * square.shape[1] // D_MODEL
            expected[i, j] = (float(stored[i, j]) - float(zero_points[at])) * float(square[at])
    torch.testing.assert_close(read(), expected)


def test_blocks_that_do_not_divide_the_weight(tmp_path: Path) -> None:
    """DeepSeek's scales: blocks of a stated size, the last ones cut; they multiply."""
    stored = (tensor(7, D_MODEL) * 40).to(torch.float8_e4m3fn)
    scale = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    head = {"lm_head.weight": stored, "lm_head.weight_scale_inv": scale}
    read = llama_with(tmp_path, head, quantization_config={"weight_block_size": [3, 3]})
    expected = torch.tensor(
        [[float(stored[i, j]) * float(scale[i // 3, j // 3]) for j in range(4)] for i in range(7)]
    )
    torch.testing.assert_close(read(), expected)


def test_blocks_of_compressed_tensors(tmp_path: Path) -> None:
    stored = (tensor(7, D_MODEL) * 40).to(torch.float8_e4m3fn)
    scale = torch.tensor([[1.0], [2.0]])
    group = {"weights": {"strategy": "block", "block_structure": [4, 128]}}
    read = llama_with(
        tmp_path, {"lm_head.weight": stored, "lm_head.weight_scale": scale},
        quantization_config={"config_groups": {"group_0": group}},
    )  # fmt: skip
    factors = torch.tensor([1.0, 1, 1, 1, 2, 2, 2])[:, None]
    torch.testing.assert_close(read(), stored.float() * factors)


NOT_KNOWN = r"has shape \[3, 2\], which is neither one scale a row"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weight_block_size": ["x", 3]}, "weight_block_size should be a list of a height and a"),
        ({"weight_block_size": [0, 0]}, "weight_block_size should be a list of a height and a"),
        ({"weight_block_size": [None, None]}, "weight_block_size should be a list of a height"),
        ({"config_groups": [1]}, "config_groups should be a table"),
        ({"config_groups": {"group_0": {"weights": {"block_structure": "4x128"}}}}, NOT_KNOWN),
        ({"weight_block_size": None, "config_groups": {}}, NOT_KNOWN),
    ],
)
def test_settings_that_state_no_size_of_blocks(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    """Blocks that do not divide the weight are then not known."""
    stored = (tensor(7, D_MODEL) * 40).to(torch.float8_e4m3fn)
    head = {"lm_head.weight": stored, "lm_head.weight_scale_inv": torch.ones(3, 2)}
    read = llama_with(tmp_path, head, quantization_config=settings)
    with pytest.raises(FormatError, match=message):
        read()


def test_int8_of_bitsandbytes(tmp_path: Path) -> None:
    stored = (tensor(VOCAB, D_MODEL) * 40).round().to(torch.int8)
    codes = torch.arange(1.0, VOCAB + 1)
    read = llama_with(tmp_path, {"lm_head.weight": stored, "lm_head.SCB": codes})
    torch.testing.assert_close(read(), stored.float() * codes[:, None] / 127)


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ({"weight_scale_2": torch.ones(1)}, r"quantised \(NVFP4\)"),
        ({"scales": torch.ones(VOCAB, 1)}, r"quantised \(MLX\)"),
        ({"weight.absmax": torch.ones(4)}, r"quantised \(bitsandbytes, 4 bit\)"),
        (
            {"weight_zero_point": torch.ones(2, dtype=torch.int8)},
            r"a zero point belongs to a scale",
        ),
        ({"weight_g_idx": torch.ones(4)}, r"weight_g_idx lies beside lm_head\.weight"),
        ({"g_idx": torch.ones(4)}, r"lm_head\.g_idx lies beside lm_head\.weight"),
        ({"weight_scale_inv": torch.ones(VOCAB)}, r"weight_scale, lm_head\.weight_scale_inv"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, beside: Tensors, message: str) -> None:
    head = {
        "lm_head.weight": torch.ones(VOCAB, D_MODEL, dtype=torch.int8),
        "lm_head.weight_scale": torch.ones(VOCAB),
        **{f"lm_head.{name}": value for name, value in beside.items()},
    }
    with pytest.raises(FormatError, match=message):
        llama_with(tmp_path, head)()


@pytest.mark.parametrize(
    ("ending", "how"),
    [
        ("qweight", "GPTQ or AWQ"),
        ("weight_packed", "compressed-tensors, several values in one integer"),
        ("W_q", "HQQ"),
    ],
)
def test_a_packed_mlp_beside_a_plain_unembedding(tmp_path: Path, ending: str, how: str) -> None:
    tensors = llama_tensors()
    packed = tensors.pop("model.layers.0.mlp.down_proj.weight").to(torch.int32)
    tensors[f"model.layers.0.mlp.down_proj.{ending}"] = packed
    folder = write_model(tmp_path / "m", tensors, model_type="llama", num_hidden_layers=1)
    model = load_model(folder)
    assert torch.equal(model.unembedding().W_U.whole(), tensors["lm_head.weight"])
    with pytest.raises(FormatError, match=rf"down_proj\.weight is quantised \({how}\)"):
        model.mlp_out(0)


def test_a_packed_weight_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLX keeps packed integers under the weight's own name; from a hub they would be fetched."""
    head = {
        "lm_head.weight": torch.ones(VOCAB, D_MODEL, dtype=torch.uint32),
        "lm_head.scales": torch.ones(VOCAB, 1),
    }
    unembedding = llama_with(tmp_path, head)
    monkeypatch.setattr(Safetensors, "read", lambda *_: pytest.fail("the weight was read"))
    with pytest.raises(FormatError, match=r"quantised \(MLX\)"):
        unembedding()


def test_packed_experts(tmp_path: Path) -> None:
    """gpt-oss as it is published."""
    at = "model.layers.0.mlp.experts.down_proj"
    tensors = {k: v for k, v in llama_tensors().items() if "mlp" not in k}
    tensors |= {f"{at}_blocks": torch.ones(3, 4, 2).to(torch.uint8), f"{at}_scales": torch.ones(3)}
    folder = write_model(tmp_path / "m", tensors, model_type="gpt_oss", num_hidden_layers=1)
    with pytest.raises(FormatError, match=r"experts\.down_proj is quantised \(MXFP4\)"):
        load_model(folder).mlp_out(0, 1)


@pytest.mark.parametrize(
    "beside", [{"lm_head.input_scale": torch.ones(1)}, {"lm_head.bias": torch.ones(VOCAB)}]
)
def test_what_says_nothing_of_the_weight_is_no_hindrance(tmp_path: Path, beside: Tensors) -> None:
    head = {"lm_head.weight": tensor(VOCAB, D_MODEL), **beside}
    assert torch.equal(llama_with(tmp_path, head)(), head["lm_head.weight"])
