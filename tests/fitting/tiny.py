"""Tiny random models of `transformers`, with a tokenizer, as folders; and their Jacobian, naively.

Nothing of unembed is used here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor, nn

transformers = pytest.importorskip("transformers")
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

D, LAYERS, VOCABULARY = 16, 3, 40
WORDS = [f"w{number}" for number in range(VOCABULARY - 1)]

_SIZES: dict[str, dict[str, Any]] = {
    "llama": {"num_key_value_heads": 2, "intermediate_size": 24},
    "gpt_neox": {"intermediate_size": 24},
    "gpt2": {"n_positions": 64},
    "gemma2": {
        "num_key_value_heads": 2, "intermediate_size": 24, "head_dim": 8, "sliding_window": 4,
    },
    "opt": {"ffn_dim": 24, "word_embed_proj_dim": D, "max_position_embeddings": 64},
    "mamba": {},
}  # fmt: skip
FAMILIES = tuple(_SIZES)


def tiny_model(family: str, seed: int = 0, **more: Any) -> Any:
    """A causal language model whose every parameter is random, norms' and biases too."""
    torch.default_generator.manual_seed(seed)  # of the CPU alone: others may be pretended
    config = transformers.AutoConfig.for_model(
        family, vocab_size=VOCABULARY, hidden_size=D, num_hidden_layers=LAYERS,
        num_attention_heads=4, bos_token_id=0, eos_token_id=0, pad_token_id=0,
        **{**_SIZES[family], **more},
    )  # fmt: skip
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for values in model.parameters():
            if values.ndim == 1 and family != "mamba":
                values.add_(0.3 * torch.randn_like(values))
            elif family != "mamba":
                values.copy_(torch.randn_like(values) / values.shape[-1] ** 0.5)
    return model.eval()


def tiny_folder(folder: Path, family: str = "llama", **more: Any) -> Path:
    """A model and its tokenizer, as `save_pretrained` writes them."""
    tiny_model(family, **more).save_pretrained(folder)
    tokenizer = Tokenizer(
        models.WordLevel({"<s>": 0} | {w: n for n, w in enumerate(WORDS, 1)}, "w0")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="<s>", unk_token="w0"
    ).save_pretrained(folder)
    return folder


def ids_of(tokens: int, seed: int = 1) -> Tensor:
    return torch.randint(0, VOCABULARY, (tokens,), generator=torch.Generator().manual_seed(seed))


def blocks_of(model: nn.Module) -> nn.ModuleList:
    """The blocks of these families, by name."""
    for path in ("model.layers", "gpt_neox.layers", "transformer.h", "model.decoder.layers",
                 "backbone.layers"):  # fmt: skip
        try:
            found = model.get_submodule(path)
        except AttributeError:
            continue
        assert isinstance(found, nn.ModuleList)
        return found
    raise AssertionError(type(model))


def behind_last(model: nn.Module, ids: Tensor, layer: int, stream: Tensor | None = None) -> Any:
    """The stream [tokens, d] behind a block, and behind the last one, of one run.

    Args:
        model: that is run.
        ids: [tokens].
        layer: −1 for what enters the first block.
        stream: what stands behind the block instead of what it gave.
    """
    blocks, seen = blocks_of(model), {}

    def put(output: Any) -> Any:
        seen["here"] = (output if isinstance(output, Tensor) else output[0])[0]
        if stream is None:
            return None
        return stream[None] if isinstance(output, Tensor) else (stream[None], *output[1:])

    def enter(module: nn.Module, inputs: Any) -> Any:
        seen["here"] = inputs[0][0]
        return None if stream is None else (stream[None], *inputs[1:])

    def last(module: nn.Module, inputs: Any, output: Any) -> None:
        seen["last"] = (output if isinstance(output, Tensor) else output[0])[0]

    handles = [
        blocks[0].register_forward_pre_hook(enter)
        if layer == -1
        else blocks[layer].register_forward_hook(lambda module, inputs, output: put(output)),
        blocks[-1].register_forward_hook(last),
    ]
    model(input_ids=ids[None], use_cache=False)
    for handle in handles:
        handle.remove()
    return seen["here"], seen["last"]


def naive_jacobian(model: nn.Module, ids: Tensor, layer: int, skip: int) -> Tensor:
    """J by its definition: the whole Jacobian of a run, every position to every other, summed."""
    here, _ = behind_last(model, ids, layer)
    whole = torch.autograd.functional.jacobian(
        lambda stream: behind_last(model, ids, layer, stream)[1], here.detach()
    )  # [target, out, source, in]
    counted = range(skip, len(ids) - 1)
    J = torch.zeros(D, D, dtype=whole.dtype)
    for source in counted:
        for target in range(source, len(ids) - 1):
            J += whole[target, :, source, :]
    return J / len(counted)
