"""OpenAI's autoencoders, skip transcoders, and a cross-layer transcoder of Gemma Scope 2."""

from __future__ import annotations

import torch

from tests.load.published_layouts.gemma_scope import gemma_3
from tests.load.published_layouts.models import D_FF, tiny_model
from tests.load.published_layouts.parts import (
    Bank,
    Files,
    Size,
    as_safetensors,
    as_torch,
    as_yaml,
    exact,
    numbers,
)
from tests.load.published_layouts.registry import Entry
from tests.load.published_layouts.unlisted.case import Case, case

MODEL = "gemma-2-2b"


def _openai(size: Size, location: str, width: int) -> tuple[Files, str, torch.Tensor, torch.Tensor]:
    F, path = size.count(width), f"{location}_v5_32k/autoencoders/8.pt"
    W_dec = numbers(location, F, width)
    content = {
        "pre_bias": numbers("pre_bias", width),
        "latent_bias": numbers("latent_bias", F),
        "stats_last_nonzero": torch.zeros(F, dtype=torch.int64),
        "latents_activation_frequency": torch.ones(F),
        "latents_mean_square": torch.zeros(F),
        "encoder.weight": numbers("encoder", F, width),
        "decoder.weight": W_dec.T.contiguous(),
        "activation": "TopK",
        "activation_state_dict": {"k": 32, "postact_fn": "ReLU"},
    }
    return {path: as_torch(lambda: content)}, path, W_dec, numbers("encoder", F, width)


@case("openai residual")
def openai(size: Size) -> Case:
    files, path, W_dec, W_enc = _openai(size, "resid_post_mlp", size.d_model)
    hook = "blocks.8.hook_resid_post"
    banks = [Bank(exact(W_dec), hook, 8, exact(W_enc), centred=True)]  # by its TopK
    return Case(files, path, "gpt2-small", banks=banks)


@case("openai neurons")
def openai_neurons(size: Size) -> Case:
    files, path, W_dec, W_enc = _openai(size, "mlp_post_act", D_FF)
    model = tiny_model("gpt2-small", size)
    W = exact(W_dec) @ model.mlp_out(8)
    banks = [Bank(W, "blocks.8.mlp.hook_post", 8, exact(W_enc), centred=True)]
    return Case(files, path, "gpt2-small", banks=banks)


@case("skip transcoder, features along the columns")
def columns(size: Size) -> Case:
    """mntss' older ones: the file's name is mwhanna's, `W_dec` is [d, F]; the biases tell."""
    d, F = size.d_model, size.count(size.d_model)
    W_dec = numbers("skip", F, d)
    tensors = {
        "W_dec": W_dec.T.contiguous(), "W_enc": numbers("W_enc", F, d),
        "W_skip": numbers("W_skip", d, d), "b_dec": numbers("b_dec", d),
        "b_enc": numbers("b_enc", F),
    }  # fmt: skip
    config = {
        "model_name": "meta-llama/Llama-3.1-8B", "model_kind": "transcoder_set",
        "feature_input_hook": "mlp.hook_in", "feature_output_hook": "mlp.hook_out", "scan": "x",
    }  # fmt: skip
    files = {
        "config.yaml": as_yaml(config),
        "layer_3.safetensors": as_safetensors(lambda: tensors),
        "layer_4.safetensors": as_safetensors(lambda: tensors),
    }
    reads = exact(tensors["W_enc"])
    banks = [Bank(exact(W_dec), "blocks.3.mlp.hook_out", 3, reads, "blocks.3.mlp.hook_in")]
    return Case(files, "layer_3.safetensors", "meta-llama/Llama-3.1-8B", banks=banks)


@case("gemma scope 2 cross-layer transcoder")
def gemma_clt(size: Size) -> Case:
    path, model = "clt/width_262k_l0_medium_affine/params_layer_15", "google/gemma-3-270m"
    entry = Entry("", "", "google/gemma-scope-2-270m-pt", path, model, "gemma_3")
    laid = gemma_3(entry, size)
    return Case(laid.files, f"{path}.safetensors", model, banks=laid.banks())
