"""SAELens' own layout where hooks, architectures and checkpoints differ from the registry's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from tests.load.published_layouts.gemma_scope import through_heads
from tests.load.published_layouts.models import D_FF, tiny_model
from tests.load.published_layouts.parts import (
    Array,
    Bank,
    Files,
    Size,
    Tensors,
    as_json,
    as_safetensors,
    exact,
    numbers,
)
from tests.load.published_layouts.saelens import config, weights
from tests.load.published_layouts.unlisted.case import Case, case

MODEL = "gemma-2-2b"
RESIDUAL = "blocks.8.hook_resid_post"


def _folder(config: dict[str, Any], tensors: Callable[[], Tensors]) -> Files:
    return {
        "cfg.json": as_json(config),
        "sae_weights.safetensors": as_safetensors(tensors),
        "runner_cfg.json": as_json({"training_tokens": 1000}),
    }


def _at(hook: str, width: int, size: Size, **others: Any) -> tuple[dict[str, Any], torch.Tensor]:
    """A nested config of that hook and width, and its decoder."""
    F = size.count(width)
    found = config(hook, size, 6, MODEL, d_in=width, d_sae=F, **others)
    return found, numbers(f"{hook} W_dec", F, width)


def _native(
    hook: str, width: int, size: Size, reach: Callable[[Array], Array], **others: Any
) -> Case:
    found, W_dec = _at(hook, width, size, **others)
    tensors = {"W_enc": numbers("W_enc", width, len(W_dec)), "W_dec": W_dec}
    layer = int(hook.split(".")[1])
    banks = [Bank(reach(exact(W_dec)), hook, layer, exact(tensors["W_enc"]).T)]
    return Case(_folder(found, lambda: tensors), model=MODEL, banks=banks)


@case("native hook_z")
def heads(size: Size) -> Case:
    model = tiny_model(MODEL, size)
    reach = partial(through_heads, model=model, layer=8)
    return _native("blocks.8.attn.hook_z", size.z, size, reach)


@case("native hook_z of one head")
def one_head(size: Size) -> Case:
    """`hook_head_index` 1: directions in that head's z, whose rows of W_O they meet."""
    model = tiny_model(MODEL, size)

    def reach(W: Array) -> Array:
        rows = model.attention_out(8)[size.d_head : 2 * size.d_head]
        return W @ rows * model.after_attention(8)

    head = {"hook_head_index": 1}
    return _native("blocks.8.attn.hook_z", size.d_head, size, reach, metadata=head)


@case("native mlp hook_post")
def neurons(size: Size) -> Case:
    model = tiny_model(MODEL, size)

    def reach(W: Array) -> Array:
        return W @ model.mlp_out(8) * model.after_mlp(8)

    return _native("blocks.8.mlp.hook_post", D_FF, size, reach)


@case("native hook_mlp_out")
def mlp_out(size: Size) -> Case:
    """In TransformerLens this hook is behind the post-norm."""
    return _native("blocks.8.hook_mlp_out", size.d_model, size, lambda W: W)


@case("native hook_q")
def queries(size: Size) -> Case:
    found, W_dec = _at("blocks.8.attn.hook_q", size.z, size)
    files = _folder(found, lambda: {"W_dec": W_dec})
    return Case(files, model=MODEL, refused=("hook_q", "residual stream"))


@case("native ln2.hook_normalized")
def normalised(size: Size) -> Case:
    found, W_dec = _at("blocks.8.ln2.hook_normalized", size.d_model, size)
    files = _folder(found, lambda: {"W_dec": W_dec})
    return Case(files, model=MODEL, refused=("normalised", "residual stream"))


@case("native transcoder")
def transcoder(size: Size) -> Case:
    """It reads a normalised copy and writes to `hook_name_out`."""
    out = "blocks.8.hook_mlp_out"
    found, W_dec = _at(
        "blocks.8.ln2.hook_normalized", size.d_model, size, architecture="skip_transcoder",
        d_out=size.d_model, metadata={"hook_name_out": out, "hook_layer_out": 8},
        apply_b_dec_to_input=False,
    )  # fmt: skip
    tensors = {
        "W_dec": W_dec,
        "W_enc": numbers("W_enc", size.d_model, len(W_dec)),
        "W_skip": numbers("W_skip", size.d_model, size.d_model),
        "b_enc": numbers("b_enc", len(W_dec)),
        "b_dec": numbers("b_dec", size.d_model),
    }
    read_hook = "blocks.8.ln2.hook_normalized"
    banks = [Bank(exact(W_dec), out, 8, exact(tensors["W_enc"]).T, read_hook)]
    return Case(_folder(found, lambda: tensors), model=MODEL, banks=banks)


def _architecture(name: str, others: Callable[[int], Tensors]) -> None:
    @case(f"native {name}")
    def make(size: Size) -> Case:
        found = config(RESIDUAL, size, 6, MODEL, architecture=name)
        if name == "topk":
            found |= {"k": 4, "rescale_acts_by_decoder_norm": True}
        tensors = weights(name, size, 3)
        if name == "gated":
            del tensors["b_enc"]
        W_dec, F = tensors["W_dec"], len(tensors["W_dec"])
        written = exact(W_dec)
        if name == "topk":  # SAELens decodes with acts / ‖W_dec‖
            written = written / np.linalg.norm(written, axis=1, keepdims=True)
        banks = [Bank(written, RESIDUAL, 8, exact(tensors["W_enc"]).T)]
        return Case(_folder(found, lambda: {**tensors, **others(F)}), model=MODEL, banks=banks)


_architecture("gated", lambda F: {name: numbers(name, F) for name in ("b_gate", "b_mag", "r_mag")})
_architecture("topk", lambda F: {})
_architecture("jumprelu", lambda F: {"threshold": numbers("threshold", F).abs()})


@case("native checkpoint before whitening is folded in")
def whitened(size: Size) -> Case:
    """Whitened is z = (x − mean) @ matrix; what is decoded goes back by its inverse."""
    d = size.d_model
    found = config(RESIDUAL, size, 6, MODEL, normalize_activations="covariance_whitening")
    tensors = weights("whitened", size, 6)
    matrix = np.linalg.qr(numbers("whitening", d, d).double().numpy())[0] * np.linspace(0.2, 3, d)
    inverse = np.linalg.inv(matrix)
    whitening = {
        "mean": numbers("mean", d).double(),
        "matrix": torch.from_numpy(matrix),
        "inverse_matrix": torch.from_numpy(inverse),
    }
    files = _folder(found, lambda: tensors) | {
        "activation_whitening.safetensors": as_safetensors(lambda: whitening),
        "activation_scaler.json": as_json({"scaling_factor": None, "has_whitening": True}),
    }
    reads = (matrix @ exact(tensors["W_enc"])).T  # z @ W_enc = (x − mean) @ matrix @ W_enc
    banks = [Bank(exact(tensors["W_dec"]) @ inverse, RESIDUAL, 8, reads)]
    return Case(files, model=MODEL, banks=banks)
