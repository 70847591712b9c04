"""Files that hold no directions, or none that can be read for certain."""

from __future__ import annotations

import io
import pickle
import sys
import types
from collections.abc import Callable

import torch

from tests.load.published_layouts.parts import (
    Size,
    Tensors,
    as_json,
    as_safetensors,
    numbers,
)
from tests.load.published_layouts.transcoders import cross_layer_files
from tests.load.published_layouts.unlisted.case import Case, case


def _refuse(name: str, tensors: Callable[[int, int], Tensors], *words: str) -> None:
    @case(name)
    def make(size: Size) -> Case:
        found = tensors(size.d_model, size.count(size.d_model))
        files = {"weights.safetensors": as_safetensors(lambda: found)}
        return Case(files, "weights.safetensors", "gpt2-small", refused=words)


_refuse(
    "an encoder alone",
    lambda d, F: {"W_enc": numbers("e", d, F), "b_enc": numbers("b", F)},
    "W_enc",
)
_refuse(
    "int8 without scales",
    lambda d, F: {"W_dec": (numbers("q", F, d) * 40).to(torch.int8)},
    "int8", "scale",
)  # fmt: skip
_refuse(
    "fp8 without scales",
    lambda d, F: {"W_dec": numbers("q", F, d).to(torch.float8_e4m3fn)},
    "float8", "F8", "scale",
)  # fmt: skip


@case("the encoder of a cross-layer transcoder")
def clt_encoder(size: Size) -> Case:
    laid = cross_layer_files(0, 4, size, "google/gemma-2-2b")
    return Case(laid.files, "W_enc_0.safetensors", "gemma-2-2b", refused=("W_enc", "encoder"))


@case("a crosscoder that says nothing of itself")
def unnamed_crosscoder(size: Size) -> Case:
    """Its only matrix is its biases."""
    d, F = size.d_model, size.count(size.d_model)
    tensors = {
        "encoder.weight": numbers("e", 2, d, F),
        "decoder.weight": numbers("d", 2, F, d),
        "decoder.bias": numbers("b", 2, d),
    }
    files = {"weights.safetensors": as_safetensors(lambda: tensors)}
    words = ("decoder.weight", "[2,")
    return Case(files, "weights.safetensors", "gpt2-small", refused=words)


@case("transcoder_circuits")
def pickled_class(size: Size) -> Case:
    """A `.pt` with a config of the trainer's own class, which only running its code would open."""
    F, path = size.count(size.d_model), "final_sparse_autoencoder_gpt2-small_blocks.8.ln2.pt"
    state = {"W_enc": numbers("e", size.d_model, F), "W_dec": numbers("d", F, size.d_model)}

    def make() -> bytes:
        module = types.ModuleType("sae_training.config")
        kind = type("LanguageModelSAERunnerConfig", (), {"__module__": module.__name__})
        module.LanguageModelSAERunnerConfig = kind  # type: ignore[attr-defined]
        parent = types.ModuleType("sae_training")
        sys.modules |= {"sae_training": parent, module.__name__: module}
        try:
            content = io.BytesIO()
            config = kind()
            config.hook_point = "blocks.8.ln2.hook_normalized"  # type: ignore[attr-defined]
            torch.save({"cfg": config, "state_dict": state}, content, pickle_module=pickle)
            return content.getvalue()
        finally:
            del sys.modules["sae_training"], sys.modules[module.__name__]

    words = ("LanguageModelSAERunnerConfig", "class", "pickle")
    return Case({path: make, "x.json": as_json({})}, path, "gpt2-small", refused=words)
