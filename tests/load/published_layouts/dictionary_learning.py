"""Dictionaries of `dictionary_learning`: `config.json` and `ae.pt`, a folder a trainer."""

from __future__ import annotations

import re
from typing import Any

import torch

from tests.load.published_layouts.parts import (
    Bank,
    Files,
    Laid,
    Size,
    Tensors,
    as_json,
    as_torch,
    exact,
    numbers,
    state_dict,
)
from tests.load.published_layouts.registry import Entry

MODELS = {
    "pythia-70m-deduped": "EleutherAI/pythia-70m-deduped",
    "gemma-2-2b": "google/gemma-2-2b",
}
TRAINERS = {
    "AutoEncoder": "StandardTrainer",
    "AutoEncoderTopK": "TrainerTopK",
    "BatchTopKSAE": "BatchTopKTrainer",
    "GatedAutoEncoder": "GatedSAETrainer",
    "MatryoshkaBatchTopKSAE": "MatryoshkaBatchTopKTrainer",
    "JumpReluAutoEncoder": "JumpReluTrainer",
}


def columns_first(W: torch.Tensor) -> torch.Tensor:
    """The same matrix, in memory column by column, as a `.T` leaves it."""
    return W.T.contiguous().T


def dictionary(kind: str, seed: str, size: Size, width: int | None = None) -> Tensors:
    """The state of a dictionary whose decoder rows are `decoder(seed, …)`."""
    d = width or size.d_model
    F = size.count(d)
    W_dec, W_enc = decoder(seed, size, d), numbers(f"{seed} encoder", F, d)
    b_enc, b_dec = numbers(f"{seed} b_enc", F), numbers(f"{seed} b_dec", d)
    batch_top_k = {"k": torch.tensor(20, dtype=torch.int32), "threshold": torch.tensor(0.5)}
    if kind == "GatedAutoEncoder":
        biases = {name: numbers(seed + name, F) for name in ("r_mag", "gate_bias", "mag_bias")}
        linear = {"encoder.weight": W_enc, "decoder.weight": W_dec.T.contiguous()}
        return {"decoder_bias": b_dec, **biases, **linear}
    if kind in ("MatryoshkaBatchTopKSAE", "JumpReluAutoEncoder"):
        found = {
            "W_enc": columns_first(W_enc.T.contiguous()), "b_enc": b_enc,
            "W_dec": columns_first(W_dec), "b_dec": b_dec,
        }  # fmt: skip
        if kind == "JumpReluAutoEncoder":
            return found | {"threshold": numbers(f"{seed} threshold", F).abs()}
        return batch_top_k | {"group_sizes": torch.tensor([F // 2, F - F // 2])} | found
    linear = {
        "encoder.weight": columns_first(W_enc), "encoder.bias": b_enc,
        "decoder.weight": W_dec.T.contiguous(),
    }  # fmt: skip
    if kind == "AutoEncoder":
        return {"bias": b_dec, **linear}
    return {"b_dec": b_dec, **batch_top_k, **linear}


def decoder(seed: str, size: Size, width: int | None = None) -> torch.Tensor:
    d = width or size.d_model
    return numbers(f"{seed} decoder", size.count(d), d)


def encoder(seed: str, size: Size) -> torch.Tensor:
    """What each feature of `dictionary(kind, seed, size)` reads, a row a feature."""
    return numbers(f"{seed} encoder", size.count(size.d_model), size.d_model)


def config(kind: str, size: Size, layer: int, model: str, **trainer: Any) -> dict[str, Any]:
    return {
        "trainer": {
            "trainer_class": TRAINERS[kind], "dict_class": kind, "lr": 3e-4, "steps": 244140,
            "seed": 0, "activation_dim": size.d_model, "dict_size": size.count(size.d_model),
            "k": 20, "device": "cuda:0", "layer": layer, "lm_name": model,
            "wandb_name": f"{kind}-{model}", "submodule_name": f"resid_post_layer_{layer}",
            **trainer,
        },
        "buffer": {
            "d_submodule": size.d_model, "io": "out", "n_ctxs": 244, "ctx_len": 128,
            "refresh_batch_size": 24, "out_batch_size": 2048, "device": "cuda:0",
        },
    }  # fmt: skip


def kind_of(entry: Entry) -> str:
    text = f"{entry.release} {entry.path}".lower()
    if "andyrdt" in text:
        return "BatchTopKSAE"
    for part, kind in (
        ("matryoshka", "MatryoshkaBatchTopKSAE"), ("gated", "GatedAutoEncoder"),
        ("topk", "AutoEncoderTopK"),
    ):  # fmt: skip
        if part in text:
            return kind
    # the release named only by its width holds Matryoshka SAEs
    return "MatryoshkaBatchTopKSAE" if text.startswith("saebench") else "AutoEncoder"


def published(entry: Entry, size: Size) -> Laid:
    found = re.search(r"resid_post_layer_(\d+)", entry.path)
    assert found
    layer, kind, seed = int(found[1]), kind_of(entry), f"{entry.repo} {entry.path}"
    model = MODELS.get(entry.model, entry.model)
    files: Files = {
        f"{entry.path}/ae.pt": as_torch(
            lambda: state_dict(dictionary(kind, seed, size)), location="cuda:0"
        ),
        f"{entry.path}/config.json": as_json(config(kind, size, layer, model)),
        f"{entry.path}/eval_results.json": as_json({"l0": 20.0, "frac_variance_explained": 0.7}),
    }

    def banks() -> list[Bank]:
        W_dec = exact(decoder(seed, size))
        reads = exact(encoder(seed, size))
        return [Bank(W_dec, f"blocks.{layer}.hook_resid_post", layer, reads)]

    return Laid(files, banks)
