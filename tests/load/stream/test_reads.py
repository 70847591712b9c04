"""What a direction reads of the stream: against norms applied to activations by hand."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from unembed.errors import FormatError, ShapeError, SourceError
from unembed.load.stream import from_stream
from unembed.load.stream.readings import Reading, reading_of
from unembed.load.stream.reads import needs_norm

D, F, TOKENS = 8, 5, 40


class Norm(NamedTuple):
    """A norm as `Model.before_mlp` gives it, by its definition."""

    kind: str
    gamma: Tensor
    step: str = "⊙ norm.weight"

    def read_by(self, rows: Tensor) -> Tensor:
        read = rows * self.gamma
        return read - read.mean(1, keepdim=True) if self.kind == "layernorm" else read


class Tiny:
    """A model whose MLP reads through a norm of some kind; it has three layers."""

    name, n_layers, d_model = "tiny", 3, D

    def __init__(self, kind: str = "rmsnorm", *, behind_attention: bool = False) -> None:
        random = torch.Generator().manual_seed(0)
        self.norm = Norm(kind, torch.rand(D, generator=random) + 0.5)
        self.behind_attention = behind_attention
        self.asked: list[int] = []

    def before_mlp(self, layer: int, expert: int | None = None) -> Norm:
        self.asked.append(layer)
        return self.norm

    def norm_behind_attention(self, layer: int) -> bool:
        return self.behind_attention

    def check_followed(self, layer: int) -> None:
        if layer >= self.n_layers:
            raise SourceError(f"tiny has no layer {layer}")


class PostNorm(Tiny):
    def check_followed(self, layer: int) -> None:
        raise SourceError("tiny normalises the residual stream itself")


def numbers(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


ROWS, H = numbers(F, D, seed=1), numbers(TOKENS, D, seed=2) + 3.0


def divided(h: Tensor, *, centre: bool) -> Tensor:
    """What a norm does to activations before its weight, a token at a time."""
    h = h - h.mean(1, keepdim=True) if centre else h
    return h / h.pow(2).mean(1, keepdim=True).sqrt()


def check(found: Any, activations: Tensor) -> None:
    """Each token's reading is that of the stream, times a positive number of the token's own."""
    direct = found.W_dec.double() @ H.T
    really = ROWS @ activations.T
    factors = (direct * really).sum(0) / (direct * direct).sum(0)
    assert (factors > 0).all()
    np.testing.assert_allclose(really, direct * factors, atol=1e-5)


def read(hook: str, model: Any = None, **how: Any) -> Any:
    return from_stream(ROWS.float(), hook, model, **how)


STREAM = (
    "hook_embed", "model.embed_tokens", "transformer.wte", "blocks.2.hook_resid_pre",
    "blocks.2.hook_resid_mid", "blocks.2.hook_resid_post", "blocks.2.hook_mlp_in",
    "blocks.2.ln2.hook_in", "blocks.2.hook_out", "gpt_neox.layers.2", "model.layers.2.output",
    "model.layers.2.input", "transformer.h.2.ln_2.input", "model.layers.2.input_layernorm.input",
)  # fmt: skip
MLP_INPUT = (
    "blocks.2.mlp.hook_in", "blocks.2.ln2.hook_out", "model.layers.2.mlp.input",
    "layers.2.mlp.input", "model.layers.2.mlp.gate_proj.input", "transformer.h.2.mlp.c_fc.input",
    "model.language_model.layers.2.pre_feedforward_layernorm.output", "transformer.h.2.ln_2",
    "model.layers.2.post_attention_layernorm.output",
)  # fmt: skip


@pytest.mark.parametrize("hook", STREAM)
def test_the_stream_is_read_as_it_is(hook: str) -> None:
    assert reading_of(hook).kind == "stream"
    assert not needs_norm(hook)
    for model in (None, Tiny(), Tiny("layernorm")):
        found = read(hook, model)
        np.testing.assert_array_equal(found.W_dec.double().numpy(), ROWS.float().double().numpy())
        assert found.steps == ()


@pytest.mark.parametrize("hook", MLP_INPUT)
@pytest.mark.parametrize("kind", ["rmsnorm", "layernorm"])
def test_what_the_mlp_reads_goes_through_its_norm(hook: str, kind: str) -> None:
    model = Tiny(kind)
    found = read(hook, model)
    check(found, divided(H, centre=kind == "layernorm") * model.norm.gamma.double())
    assert model.asked == [2]
    assert found.steps == ("⊙ norm.weight",)


@pytest.mark.parametrize("hook", MLP_INPUT)
def test_without_a_model_its_norm_is_asked_for(hook: str) -> None:
    assert needs_norm(hook)
    with pytest.raises(FormatError, match="say which model, with model="):
        read(hook)


def test_hook_normalized_of_an_rmsnorm_is_before_its_weight() -> None:
    found = read("blocks.2.ln2.hook_normalized", Tiny())
    check(found, divided(H, centre=False))
    assert found.steps == ()


@pytest.mark.parametrize("folded", [True, False])
def test_hook_normalized_of_a_layernorm(folded: bool) -> None:
    model = Tiny("layernorm")
    found = read("blocks.2.ln2.hook_normalized", model, folded=folded)
    behind = 1 if folded else model.norm.gamma.double()
    check(found, divided(H, centre=True) * behind)


def test_hook_normalized_of_a_layernorm_that_may_be_folded() -> None:
    with pytest.raises(FormatError, match=r"before its weight or behind it.*fold_ln"):
        read("blocks.2.ln2.hook_normalized", Tiny("layernorm"))


def test_hook_normalized_where_there_is_no_norm() -> None:
    with pytest.raises(FormatError, match="no norm before its MLP"):
        read("blocks.2.ln2.hook_normalized", Tiny("none"))


@pytest.mark.parametrize("kind", ["rmsnorm", "layernorm"])
def test_a_folded_norm_before_the_mlp_has_no_weight(kind: str) -> None:
    found = read("blocks.2.mlp.hook_in", Tiny(kind), folded=True)
    check(found, divided(H, centre=kind == "layernorm"))


def test_a_layernorm_before_the_encoder() -> None:
    """SAELens' normalize_activations: layer_norm."""
    for model in (None, Tiny()):
        found = read("blocks.2.hook_resid_post", model, centred=True)
        check(found, divided(H, centre=True))
        assert len(found.steps) == 1
        assert "LayerNorm before the encoder" in found.steps[0]


@pytest.mark.parametrize("kind", ["rmsnorm", "layernorm"])
def test_a_layernorm_before_the_encoder_and_one_before_the_mlp(kind: str) -> None:
    model = Tiny(kind)
    behind = divided(H, centre=kind == "layernorm") * model.norm.gamma.double()
    found = read("blocks.2.mlp.hook_in", model, centred=True)
    check(found, divided(behind, centre=True))
    assert len(found.steps) == 2


@pytest.mark.parametrize("hook", ["blocks.2.hook_resid_pre", "hook_embed"])
def test_a_stream_without_its_mean(hook: str) -> None:
    """TransformerLens takes it out where norms are LayerNorms, and not where they are others."""
    assert needs_norm(hook, centred_stream=True)
    check(read(hook, Tiny("layernorm"), centred_stream=True), H - H.mean(1, keepdim=True))
    assert read(hook, Tiny("rmsnorm"), centred_stream=True).steps == ()
    with pytest.raises(FormatError, match="say which model"):
        read(hook, centred_stream=True)


def test_means_of_many_rows_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read("blocks.2.hook_resid_post", centred=True).W_dec
    monkeypatch.setattr("unembed.load.stream.reads._ROWS_AT_ONCE", 2)
    assert torch.equal(read("blocks.2.hook_resid_post", centred=True).W_dec, whole)
    np.testing.assert_allclose(whole.sum(1), np.zeros(F), atol=1e-5)
    np.testing.assert_array_equal(ROWS, numbers(F, D, seed=1))  # what was given stays


def test_the_norm_of_that_name_behind_the_attention() -> None:
    behind = Tiny(behind_attention=True)
    for end in ("", ".output", ".input"):
        with pytest.raises(FormatError, match="what the attention adds"):
            read(f"model.layers.2.post_attention_layernorm{end}", behind)
    before = read("model.layers.2.post_attention_layernorm.input", Tiny())
    np.testing.assert_array_equal(before.W_dec.double().numpy(), ROWS.float().double().numpy())


REFUSED = {
    "hook_pos_embed": "positions",
    "blocks.3.hook_mlp_out": "what the MLP adds",
    "layers.3.mlp": "what the MLP adds",
    "blocks.3.mlp.hook_out": "what the MLP adds",
    "model.layers.3.mlp.down_proj": "what the MLP adds",
    "model.layers.3.post_feedforward_layernorm.output": "what the MLP adds",
    "blocks.3.hook_attn_out": "what the attention adds",
    "blocks.3.attn.hook_result": "what the attention adds",
    "gpt_neox.layers.3.attention": "what the attention adds",
    "model.layers.3.self_attn.o_proj.output": "what the attention adds",
    "blocks.3.attn.hook_z": "mixed from all tokens",
    "model.layers.3.self_attn.o_proj.input": "mixed from all tokens",
    "blocks.3.mlp.hook_post": "neurons",
    "blocks.3.mlp.hook_pre": "neurons",
    "model.layers.3.mlp.down_proj.input": "neurons",
    "model.layers.3.mlp.gate_proj": "neurons",
    "blocks.3.attn.hook_q": "inside the attention",
    "model.layers.3.self_attn.q_proj": "inside the attention",
    "blocks.3.ln1.hook_normalized": "what the attention reads",
    "model.layers.3.input_layernorm.output": "what the attention reads",
    "model.layers.3.self_attn.input": "what the attention reads",
    "ln_final.hook_normalized": "final norm",
    "model.visual.blocks.3.mlp.input": "not the one that tokens are embedded in",
    "model.encoder.layers.0": "not the one that tokens are embedded in",
}


@pytest.mark.parametrize("hook", REFUSED)
def test_where_no_embedding_comes_by(hook: str) -> None:
    with pytest.raises(FormatError, match=REFUSED[hook]):
        reading_of(hook)


@pytest.mark.parametrize(
    "hook", ["", "blocks.3.hook_mystery", "resid_post", "blocks.x.mlp.hook_in"]
)
def test_what_is_not_known(hook: str) -> None:
    with pytest.raises(FormatError, match=r"is not known, so what is read there is not"):
        reading_of(hook)


def test_a_name_without_end() -> None:
    with pytest.raises(FormatError, match="should not have"):
        reading_of("blocks." * 10**5)


def test_a_layer_that_no_model_has() -> None:
    with pytest.raises(FormatError):
        reading_of(f"blocks.{10**9}.hook_resid_pre")
    assert reading_of("blocks.11.hook_resid_pre") == Reading("stream", 11)


def test_another_models_width_or_layer_or_stream() -> None:
    with pytest.raises(ShapeError, match="5 wide, but the residual stream of tiny is 8"):
        from_stream(ROWS.float()[:, :5], "blocks.2.hook_resid_pre", Tiny())  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="no layer 7"):
        read("blocks.7.mlp.hook_in", Tiny())
    with pytest.raises(SourceError, match="normalises the residual stream itself"):
        read("blocks.2.hook_resid_pre", PostNorm())
