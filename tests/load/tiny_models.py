"""Small repositories in the layouts of the hub, each with tensors far larger than those needed."""

from __future__ import annotations

import json

import torch
from safetensors.torch import save
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

D_MODEL = 32
D_FF = 64
D_SAE = 128
HOOK = "blocks.1.hook_resid_pre"
_MERGES = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("i", "n"), ("Ġ", "in"), ("a", "n")]

Files = dict[str, bytes]


def _vocabulary() -> dict[str, int]:
    pieces = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *(a + b for a, b in _MERGES)]
    return {piece: index for index, piece in enumerate([*pieces, "<|endoftext|>"])}


def _tokenizer() -> bytes:
    vocabulary = _vocabulary()
    del vocabulary["<|endoftext|>"]
    tokenizer = Tokenizer(models.BPE(vocabulary, _MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer.to_str().encode()


def _config() -> bytes:
    return json.dumps({"model_type": "gpt2", "n_layer": 2, "n_embd": D_MODEL}).encode()


def _gpt2_tensors() -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(3)
    return {
        "wte.weight": torch.randn(len(_vocabulary()), D_MODEL, generator=random),
        "wpe.weight": torch.zeros(1 << 18),  # 1 MiB, never needed
        "ln_f.weight": torch.rand(D_MODEL, generator=random) + 0.5,
        "ln_f.bias": torch.randn(D_MODEL, generator=random),
        "h.0.attn.c_attn.weight": torch.zeros(1 << 20),  # 4 MiB, never needed
        "h.0.mlp.c_proj.weight": torch.randn(D_FF, D_MODEL, generator=random),
        "h.1.mlp.c_proj.weight": torch.randn(D_FF, D_MODEL, generator=random).bfloat16(),
    }


def tiny_gpt2() -> Files:
    """GPT-2's layout in one file, with a tokenizer.json."""
    return {
        "README.md": b"# tiny",
        "config.json": _config(),
        "tokenizer.json": _tokenizer(),
        "model.safetensors": save(_gpt2_tensors(), {"format": "pt"}),
    }


def sharded_gpt2() -> Files:
    """The same tensors in three shards with an index, and GPT-2's own vocabulary files."""
    tensors = _gpt2_tensors()
    shard_of = dict.fromkeys(tensors, "model-00002-of-00003.safetensors")
    shard_of["wte.weight"] = shard_of["ln_f.weight"] = "model-00001-of-00003.safetensors"
    shard_of["h.1.mlp.c_proj.weight"] = "model-00003-of-00003.safetensors"
    shards = {
        shard: save({name: tensors[name] for name in tensors if shard_of[name] == shard})
        for shard in set(shard_of.values())
    }
    merges = "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in _MERGES)
    return {
        "config.json": _config(),
        "vocab.json": json.dumps(_vocabulary()).encode(),
        "merges.txt": merges.encode(),
        "model.safetensors.index.json": json.dumps({"weight_map": shard_of}).encode(),
        **shards,
    }


def sae(seed: int = 5) -> Files:
    """A SAELens SAE in a sub-folder."""
    random = torch.Generator().manual_seed(seed)
    weights = {
        "W_enc": torch.zeros(1 << 13, D_SAE),  # 4 MiB, never needed
        "W_dec": torch.randn(D_SAE, D_MODEL, generator=random),
        "b_dec": torch.zeros(D_MODEL),
    }
    config = {"d_sae": D_SAE, "hook_name": HOOK, "hook_layer": 1, "model_name": "tiny-gpt2"}
    return {
        "README.md": b"# SAEs",
        f"{HOOK}/cfg.json": json.dumps(config).encode(),
        f"{HOOK}/sae_weights.safetensors": save(weights),
        f"{HOOK}/sparsity.safetensors": save({"sparsity": torch.linspace(-4, 0, D_SAE)}),
    }


def tensor_spans(content: bytes) -> dict[str, tuple[int, int]]:
    """Where each tensor of a safetensors file lies, by the format's definition."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    return {
        name: (8 + length + entry["data_offsets"][0], 8 + length + entry["data_offsets"][1])
        for name, entry in header.items()
    }
