"""Where a hook is: by its name alone, and refused where nothing is written."""

from __future__ import annotations

import pytest

from unembed.errors import FormatError
from unembed.load.stream.sites import Site, layer_of, site_of

SITES = {
    "hook_embed": Site("stream"),
    "embed_tokens": Site("stream"),
    "blocks.8.hook_resid_pre": Site("stream", 8),
    "blocks.11.hook_resid_post": Site("stream", 11),
    "blocks.3.hook_mlp_out": Site("stream", 3),  # TransformerLens: behind the norm
    "blocks.3.hook_attn_out": Site("stream", 3),
    "model.layers.12.output": Site("stream", 12),
    "gpt_neox.layers.3": Site("stream", 3),
    "transformer.h.5": Site("stream", 5),
    "model.language_model.layers.2.post_feedforward_layernorm.output": Site("stream", 2),
    "blocks.0.attn.hook_z": Site("heads", 0),
    "model.layers.12.self_attn.o_proj.input": Site("heads", 12),
    "transformer.h.5.attn.c_proj.input": Site("heads", 5),
    "blocks.4.mlp.hook_post": Site("neurons", 4),
    "model.layers.4.mlp.down_proj.input": Site("neurons", 4),
    "layers.3.mlp": Site("mlp", 3),  # a module: before the norm
    "blocks.3.mlp.hook_out": Site("mlp", 3),
    "model.layers.3.mlp.down_proj": Site("mlp", 3),
    "layers.3.self_attn": Site("attention", 3),
    "gpt_neox.layers.3.attention": Site("attention", 3),
    "blocks.3.attn.hook_result": Site("attention", 3),
    "model.layers.3.post_attention_layernorm.output": Site("post_attention_norm", 3),
}
REFUSED = {
    "blocks.3.attn.hook_q": "steer attention",
    "blocks.3.attn.hook_rot_k": "steer attention",
    "blocks.3.attn.hook_attn_scores": "weigh what is read",
    "blocks.3.attn.hook_pattern": "weigh what is read",
    "blocks.3.ln2.hook_normalized": "normalised copy",
    "ln_final.hook_normalized": "normalised copy",
    "model.layers.3.pre_feedforward_layernorm.output": "normalised copy",
    "model.layers.3.input_layernorm": "normalised copy",
    "blocks.3.hook_mlp_in": "what a sub-layer reads",
    "blocks.3.mlp.hook_pre": "before the MLP's nonlinearity",
    "model.layers.3.mlp.gate_proj": "before the MLP's nonlinearity",
    "model.layers.3.self_attn.q_proj": "steer attention",
}


@pytest.mark.parametrize("hook", SITES)
def test_site(hook: str) -> None:
    assert site_of(hook) == SITES[hook]
    assert layer_of(hook) == SITES[hook].layer


@pytest.mark.parametrize("hook", REFUSED)
def test_what_is_not_written_is_refused_with_the_reason(hook: str) -> None:
    with pytest.raises(FormatError, match=REFUSED[hook]):
        site_of(hook)


@pytest.mark.parametrize("hook", ["blocks.3.hook_mystery", "", "resid_post", "blocks.x.hook_z"])
def test_what_is_not_known_is_refused(hook: str) -> None:
    with pytest.raises(FormatError, match=r"is not known.*--hook"):
        site_of(hook)
