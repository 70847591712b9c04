"""SAELens' own layout: three generations of `cfg.json`, and what lies beside."""

from __future__ import annotations

import re
from typing import Any

import torch

from tests.load.published_layouts.parts import (
    Bank,
    Files,
    Laid,
    Size,
    as_json,
    as_safetensors,
    exact,
    numbers,
    readme,
)
from tests.load.published_layouts.registry import Entry

_OLDEST = ("res-jb", "mlp-tm", "res-wg", "gemma-2b", "-sm")
"""In releases named so, `hook_point`; in newer ones `hook_name`; in the newest, `metadata`."""
_NEWEST = ("matryoshka",)


def generation(release: str) -> int:
    if any(part in release for part in _NEWEST):
        return 6
    return 1 if any(part in release for part in _OLDEST) else 3


def config(
    hook: str, size: Size, generation: int, model: str = "gpt2-small", **others: Any
) -> dict[str, Any]:
    """The config of a SAE on the residual stream, as that generation of SAELens wrote it."""
    layer = re.search(r"\d+", hook)
    number = int(layer[0]) if layer else 0
    common = {"d_in": size.d_model, "d_sae": size.count(size.d_model), "device": "cpu"}
    if generation == 1:
        return {
            "model_name": model, "hook_point": hook, "hook_point_layer": number,
            "hook_point_head_index": None, "dataset_path": "Skylion007/openwebtext",
            "is_dataset_tokenized": False, "context_size": 128, "use_cached_activations": False,
            "dtype": "torch.float32", "seed": 42, "expansion_factor": 32, "l1_coefficient": 8e-05,
            "b_dec_init_method": "geometric_median", **common, **others,
        }  # fmt: skip
    if generation == 3:
        return {
            "architecture": "standard", "dtype": "torch.float32", "model_name": model,
            "hook_name": hook, "hook_layer": number, "hook_head_index": None,
            "activation_fn_str": "relu", "activation_fn_kwargs": {}, "apply_b_dec_to_input": True,
            "finetuning_scaling_factor": False, "sae_lens_training_version": "3.20.5",
            "prepend_bos": True, "dataset_path": "Skylion007/openwebtext", "context_size": 128,
            "normalize_activations": "layer_norm", "neuronpedia_id": None, **common, **others,
        }  # fmt: skip
    metadata = {
        "sae_lens_version": "6.4.2", "sae_lens_training_version": "6.4.2", "model_name": model,
        "hook_name": hook, "hook_head_index": None, "dataset_path": "monology/pile-uncopyrighted",
        "context_size": 1024, "prepend_bos": True, "model_class_name": "HookedTransformer",
        "seqpos_slice": [None], **others.pop("metadata", {}),
    }  # fmt: skip
    return {
        "architecture": "jumprelu", "dtype": "float32", "apply_b_dec_to_input": True,
        "normalize_activations": "none", "reshape_activations": "none",
        **common, "metadata": metadata, **others,
    }  # fmt: skip


def weights(seed: str, size: Size, generation: int) -> dict[str, torch.Tensor]:
    F, d_model = size.count(size.d_model), size.d_model
    found = {
        "W_dec": numbers(f"{seed} W_dec", F, d_model),
        "W_enc": numbers(f"{seed} W_enc", d_model, F),
        "b_dec": numbers(f"{seed} b_dec", d_model),
        "b_enc": numbers(f"{seed} b_enc", F),
    }
    if generation == 1:
        found["scaling_factor"] = torch.ones(F)  # kept for a while, and unused
    if generation == 6:
        found["threshold"] = numbers(f"{seed} threshold", F).abs()
    return found


def density(seed: str, size: Size) -> torch.Tensor:
    """log10 of how often each feature fires."""
    return -3 + numbers(f"{seed} sparsity", size.count(size.d_model)).abs() / 2


def hook_of(entry: Entry) -> str:
    """Ids are hooks, but for one release which adds the width."""
    found = re.match(r"blocks\.\d+\.hook_(?:resid_(?:pre|mid|post)|mlp_out|attn_out)", entry.id)
    assert found, entry
    return found[0]


def native(entry: Entry, size: Size) -> Laid:
    which, hook = generation(entry.release), hook_of(entry)
    seed = f"{entry.repo} {entry.path}"
    files: Files = {
        "README.md": readme(),
        f"{entry.path}/cfg.json": as_json(config(hook, size, which, entry.model)),
        f"{entry.path}/sae_weights.safetensors": as_safetensors(lambda: weights(seed, size, which)),
    }
    if which == 1:
        sparsity = as_safetensors(lambda: {"sparsity": density(seed, size)})
        files[f"{entry.path}/sparsity.safetensors"] = sparsity

    def banks() -> list[Bank]:
        tensors = weights(seed, size, which)
        W_dec, reads = exact(tensors["W_dec"]), exact(tensors["W_enc"]).T
        centred = which == 3  # see `config`: normalize_activations: layer_norm
        return [Bank(W_dec, hook, int(hook.split(".")[1]), reads, centred=centred)]

    return Laid(files, banks)
