"""dictionary_learning's unfinished, nested and hub layouts, and crosscoders of two models."""

from __future__ import annotations

import torch

from tests.load.published_layouts import dictionary_learning as dl
from tests.load.published_layouts.parts import (
    Bank,
    Size,
    as_json,
    as_safetensors,
    as_torch,
    exact,
    numbers,
    state_dict,
)
from tests.load.published_layouts.unlisted.case import Case, case

MODEL = "gemma-2-2b"
RESIDUAL = "blocks.5.hook_resid_post"


@case("dictionary_learning unfinished")
def unfinished(size: Size) -> Case:
    """Its state is nested, and beside it the optimiser's, whose moments have the same shapes."""
    state = dl.dictionary("AutoEncoderTopK", "unfinished", size)
    moments = {
        number: {"exp_avg": torch.ones_like(tensor), "exp_avg_sq": torch.ones_like(tensor)}
        for number, tensor in enumerate(state.values())
    }
    content = {
        "step": 1000,
        "ae": state_dict(state),
        "optimizer": {"state": moments, "param_groups": [{"lr": 1e-3, "params": [0, 1, 2]}]},
        "config": {"layer": 5},
        "norm_factor": 1.0,
    }
    config = dl.config("AutoEncoderTopK", size, 5, "google/gemma-2-2b")
    files = {"t/ae.pt": as_torch(lambda: content, "cuda:0"), "t/config.json": as_json(config)}
    W_dec, reads = exact(dl.decoder("unfinished", size)), exact(dl.encoder("unfinished", size))
    banks = [Bank(W_dec, RESIDUAL, 5, reads)]
    return Case(files, "t", MODEL, banks=banks)


@case("dictionary_learning checkpoint")
def checkpoint(size: Size) -> Case:
    """`checkpoints/ae_STEP.pt`; the config is one folder up."""
    state = dl.dictionary("JumpReluAutoEncoder", "checkpoint", size)
    config = dl.config("JumpReluAutoEncoder", size, 5, "google/gemma-2-2b")
    files = {
        "t/config.json": as_json(config),
        "t/checkpoints/ae_500.pt": as_torch(lambda: state_dict(state), "cuda:0"),
    }
    W_dec, reads = exact(dl.decoder("checkpoint", size)), exact(dl.encoder("checkpoint", size))
    banks = [Bank(W_dec, RESIDUAL, 5, reads)]
    return Case(files, "t/checkpoints/ae_500.pt", MODEL, banks=banks)


@case("dictionary_learning on the hub")
def mixin(size: Size) -> Case:
    """By PyTorchModelHubMixin: a `config.json` that looks like a model's, without its type."""
    config = {"activation_dim": size.d_model, "dict_size": size.count(size.d_model), "k": 20}
    state = dl.dictionary("BatchTopKSAE", "mixin", size)
    files = {
        "README.md": lambda: b"# SAE",
        "config.json": as_json(config),
        "model.safetensors": as_safetensors(lambda: state),
    }
    reads = exact(dl.encoder("mixin", size))
    banks = [Bank(exact(dl.decoder("mixin", size)), RESIDUAL, 5, reads)]
    return Case(files, "", MODEL, RESIDUAL, banks)


def _crosscoder(size: Size, *, per_neuron: bool) -> Case:
    d, F = size.d_model, size.count(size.d_model)
    W_dec, nothing = numbers("crosscoder", 2, F, d), torch.full((2, d), torch.nan)
    std = 0.5 + numbers("std", 2, d).abs()
    tensors = {
        "encoder.weight": numbers("encoder", 2, d, F),
        "encoder.bias": numbers("b_enc", F),
        "decoder.weight": W_dec,
        "decoder.bias": numbers("b_dec", 2, d),
        "code_normalization_id": torch.tensor(1),
        "activation_mean": numbers("mean", 2, d) if per_neuron else nothing,
        "activation_std": std if per_neuron else nothing.clone(),
        "activation_global_scale": torch.ones(2),
        "target_rms": torch.tensor(1.0),
        "k": torch.tensor(100, dtype=torch.int32),
        "threshold": torch.tensor(3.0),
    }
    config = {
        "activation_dim": d, "dict_size": F, "num_layers": 2, "k": 100,
        "code_normalization": "CROSSCODER", "dict_class": "BatchTopKCrossCoder",
        **({"keep_relative_variance": False} if per_neuron else {}),
    }  # fmt: skip
    files = {
        "README.md": lambda: b"# Crosscoder",
        "config.json": as_json(config),
        "model.safetensors": as_safetensors(lambda: tensors),
    }
    scale = exact(std) if per_neuron else [1.0, 1.0]
    W_enc = exact(tensors["encoder.weight"])  # pre-activations add up (x / std) @ W_enc
    banks = [Bank(exact(W_dec)[i] * scale[i], RESIDUAL, 5, W_enc[i].T / scale[i]) for i in (0, 1)]
    return Case(files, "", MODEL, RESIDUAL, banks)


@case("dictionary_learning crosscoder")
def crosscoder(size: Size) -> Case:
    """Without a normaliser its buffers are there, and NaN."""
    return _crosscoder(size, per_neuron=False)


@case("dictionary_learning crosscoder, scaled per neuron")
def scaled_crosscoder(size: Size) -> Case:
    return _crosscoder(size, per_neuron=True)


@case("crosscoder of two models")
def two_models(size: Size) -> Case:
    """ckkissane's: `W_dec` [F, models, d]."""
    d, F, path = size.d_model, size.count(size.d_model), "blocks.14.hook_resid_pre"
    W_dec = numbers("cc", F, 2, d)
    tensors = {
        "W_enc": numbers("cc W_enc", 2, d, F), "W_dec": W_dec,
        "b_enc": numbers("cc b_enc", F), "b_dec": numbers("cc b_dec", 2, d),
    }  # fmt: skip
    config = {
        "seed": 49, "model_name": "gemma-2-2b", "d_in": d, "dict_size": F, "n_models": 2,
        "enc_dtype": "fp32", "device": "cuda:0", "hook_point": path, "site": "resid_pre",
    }  # fmt: skip
    files = {
        f"{path}/cfg.json": as_json(config),
        f"{path}/cc_weights.pt": as_torch(lambda: state_dict(tensors), "cuda:0"),
    }
    W_enc = exact(tensors["W_enc"])
    banks = [Bank(exact(W_dec)[:, i], path, 14, W_enc[i].T) for i in (0, 1)]
    return Case(files, path, MODEL, banks=banks)
