"""Which models have blocks in a row, and what is said of those that have not."""

from __future__ import annotations

from typing import Any

import pytest
from torch import Tensor, nn

from tests.fitting.tiny import FAMILIES, LAYERS, VOCABULARY, D, tiny_model, transformers
from unembed.errors import FormatError
from unembed.fitting.blocks import Blocks

NORMS = {
    "llama": "norm", "gpt_neox": "final_layer_norm", "gpt2": "ln_f", "gemma2": "norm",
    "opt": "final_layer_norm", "mamba": "norm_f",
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_the_blocks_are_found_by_structure(family: str) -> None:
    blocks = Blocks(tiny_model(family))
    assert (len(blocks), blocks.d_model) == (LAYERS, D)
    assert blocks.followed_by == NORMS[family] or blocks.followed_by.endswith(NORMS[family])


class Made(nn.Module):
    """A model of our own, as `transformers` has them, whose blocks do something else."""

    def __init__(self, how: str, layers: int = 3) -> None:
        super().__init__()
        size = {"vocab_size": VOCABULARY, "num_hidden_layers": layers}
        self.config = type("Config", (), {"is_encoder_decoder": False, **size})()
        self.embed = nn.Embedding(VOCABULARY, D)
        self.norm = nn.LayerNorm(D)
        self.layers = nn.ModuleList(nn.Linear(D, D) for _ in range(2 if how == "fewer" else 3))
        self.how = how

    def forward(self, input_ids: Tensor, use_cache: bool) -> Any:
        x = self.embed(input_ids)
        if self.how == "bidirectional":
            x = x + x.mean(1, keepdim=True)
        for block in self.layers:
            given = block(x)
            if self.how == "scaled between":
                given = 2 * given
            x = x + given if self.how == "outside" else given
        return self.norm(x + 1 if self.how == "changed behind" else x)


def test_blocks_in_a_row_are_taken() -> None:
    assert Blocks(Made("plain")).followed_by == "norm"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("fewer", r"should have 3 layers, and has lists of \[2\] modules"),
        ("bidirectional", "a token changes what stands before it"),
        ("scaled between", "block 1 does not take what the one before it gave"),
        ("outside", "block 1 does not take what the one before it gave"),
        ("changed behind", "its norm does not take what the last block gave"),
    ],
)
def test_what_is_not_understood_is_refused(how: str, said: str) -> None:
    with pytest.raises(FormatError, match=said) as refused:
        Blocks(Made(how))
    assert "Made" in str(refused.value)


def test_a_model_that_reads_both_ways_is_refused() -> None:
    config = transformers.BertConfig(
        vocab_size=VOCABULARY, hidden_size=D, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=16, is_decoder=False,
    )  # fmt: skip
    with pytest.raises(FormatError, match="not causal"):
        Blocks(transformers.BertLMHeadModel(config))


def test_an_encoder_beside_the_decoder_is_refused() -> None:
    model = tiny_model("llama")
    model.config.is_encoder_decoder = True
    with pytest.raises(FormatError, match="encoder beside its decoder"):
        Blocks(model)


def test_no_hook_is_left() -> None:
    model = tiny_model("llama")
    blocks = Blocks(model)
    with blocks.streams([-1, 0, 2]):
        pass
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in model.modules())
