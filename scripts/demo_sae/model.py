"""SmolLM2-135M-Instruct from its GGUF file, as transformers runs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase
from transformers import logging as transformers_logging

from unembed.load.tensors.gguf import open_gguf

PLAIN_ENGLISH = (
    "The heart is a muscular organ that pumps blood through the body. It has four chambers: two "
    "atria, which receive blood, and two ventricles, which pump it out. Blood that has given its "
    "oxygen to the body returns to the right side of the heart, which sends it to the lungs. "
    "There it takes up oxygen and gives off carbon dioxide. It then returns to the left side of "
    "the heart, which pumps it to the rest of the body. The heart of an adult beats about 70 "
    "times a minute, or about 100,000 times a day."
)
FRANCE = "The capital of France is"


def check(gguf: Path) -> None:
    """Print transformers' loss and prediction beside those of a forward pass of our own.

    Raises:
        SystemExit: when their logits differ by more than 0.01 anywhere.
    """
    model, tokenizer = load(gguf), load_tokenizer(gguf)
    for text in (PLAIN_ENGLISH, FRANCE):
        ids = tokenizer(text).input_ids
        with torch.no_grad():
            logits, expected = model(torch.tensor([ids])).logits[0], reference_logits(gguf, ids)
        difference = (logits - expected).abs().max().item()
        print(
            f"{text[:40]}… → {tokenizer.decode(logits[-1].argmax())!r}; "
            f"{nats_per_token(logits, ids):.3f} nats a token, by the equations "
            f"{nats_per_token(expected, ids):.3f}; largest difference of a logit {difference:.1e}"
        )
        if difference > 0.01:
            raise SystemExit("transformers and the equations disagree: the model is not as read.")


def load_tokenizer(gguf: Path) -> PreTrainedTokenizerBase:
    """Return the model's tokenizer, as transformers builds it from the GGUF's metadata."""
    return AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)


def load(gguf: Path) -> nn.Module:
    """Return the model in float32, in evaluation mode."""
    transformers_logging.set_verbosity_error()
    model = AutoModelForCausalLM.from_pretrained(
        str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32
    )
    return model.eval().requires_grad_(False)


def reference_logits(gguf: Path, ids: Sequence[int]) -> Tensor:
    """Return a Llama's logits [position, token] from the GGUF's tensors, by the definition.

    Written from the model's equations in plain float32 matrix products, with no code of
    transformers, whose forward pass it checks. Both leave dequantising to the `gguf` package, so
    that is not checked.
    """
    file = open_gguf(gguf)
    read = file.read
    heads = file.metadata("llama.attention.head_count")
    kv_heads = file.metadata("llama.attention.head_count_kv")
    epsilon = file.metadata("llama.attention.layer_norm_rms_epsilon")
    base = file.metadata("llama.rope.freq_base")
    embedding = read("token_embd.weight")
    x = embedding[torch.tensor(ids)]
    positions, d_head = len(ids), x.shape[1] // heads
    angles = torch.outer(
        torch.arange(positions).float(), base ** (-torch.arange(0, d_head, 2).float() / d_head)
    )
    causal = torch.full((positions, positions), -torch.inf).triu(1)

    def norm(x: Tensor, name: str) -> Tensor:
        return x * (x.square().mean(-1, keepdim=True) + epsilon).rsqrt() * read(name)

    def rotate(x: Tensor) -> Tensor:
        # GGUF interleaves each rotated pair, where transformers keeps halves.
        even, odd = x[..., 0::2], x[..., 1::2]
        cos, sin = angles.cos()[:, None], angles.sin()[:, None]
        return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)

    for block in (f"blk.{layer}" for layer in range(file.metadata("llama.block_count"))):
        h = norm(x, f"{block}.attn_norm.weight")
        q = rotate((h @ read(f"{block}.attn_q.weight").T).view(positions, heads, d_head))
        k = rotate((h @ read(f"{block}.attn_k.weight").T).view(positions, kv_heads, d_head))
        v = (h @ read(f"{block}.attn_v.weight").T).view(positions, kv_heads, d_head)
        k, v = (part.repeat_interleave(heads // kv_heads, dim=1) for part in (k, v))
        scores = torch.einsum("qhd,khd->hqk", q, k) / d_head**0.5 + causal
        mixed = torch.einsum("hqk,khd->qhd", scores.softmax(-1), v).flatten(1)
        x = x + mixed @ read(f"{block}.attn_output.weight").T
        h = norm(x, f"{block}.ffn_norm.weight")
        gate = nn.functional.silu(h @ read(f"{block}.ffn_gate.weight").T)
        x = x + (gate * (h @ read(f"{block}.ffn_up.weight").T)) @ read(f"{block}.ffn_down.weight").T
    return norm(x, "output_norm.weight") @ embedding.T


def nats_per_token(logits: Tensor, ids: Sequence[int]) -> float:
    """Return the mean cross-entropy, in nats, of each token after the first."""
    return nn.functional.cross_entropy(logits[:-1].float(), torch.tensor(ids[1:])).item()


def decoder_layers(model: nn.Module) -> nn.ModuleList:
    """Return the model's transformer blocks."""
    layers = model.get_submodule("model.layers")
    assert isinstance(layers, nn.ModuleList)
    return layers


@contextmanager
def residual_after(model: nn.Module, layers: Sequence[int]) -> Iterator[dict[int, Tensor]]:
    """Yield a dict that each forward pass fills: layer → residual stream after it."""
    found: dict[int, Tensor] = {}

    def keep(layer: int) -> object:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            found[layer] = output

        return decoder_layers(model)[layer].register_forward_hook(hook)

    handles = [keep(layer) for layer in layers]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
