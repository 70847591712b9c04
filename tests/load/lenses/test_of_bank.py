"""Which layer of a lens a bank is seen through, for every hook that writes to the stream."""

from __future__ import annotations

import pytest
import torch

from tests.load.lenses.files import D
from unembed.errors import FormatError, SourceError
from unembed.load import LensFile, layer_for
from unembed.load.stream.along import Along, point_of

POINTS: list[tuple[str, Along, int | None]] = [
    ("hook_embed", "embedding", None),
    ("model.embed_tokens", "embedding", None),
    ("transformer.wte", "embedding", None),
    ("blocks.3.hook_resid_pre", "block_input", 3),
    ("blocks.3.hook_resid_mid", "between", 3),
    ("blocks.3.hook_resid_post", "block_output", 3),
    ("blocks.3.hook_out", "block_output", 3),
    ("model.layers.3", "block_output", 3),
    ("transformer.h.3.output", "block_output", 3),
    ("blocks.3.hook_mlp_out", "mlp", 3),
    ("blocks.3.mlp.hook_post", "mlp", 3),
    ("blocks.3.mlp.hook_out", "mlp", 3),
    ("model.layers.3.mlp", "mlp", 3),
    ("model.layers.3.mlp.down_proj.input", "mlp", 3),
    ("model.layers.3.post_feedforward_layernorm", "mlp", 3),
    ("model.layers.3.post_mlp_layernorm.output", "mlp", 3),
    ("blocks.3.hook_attn_out", "attention", 3),
    ("blocks.3.attn.hook_z", "attention", 3),
    ("model.layers.3.self_attn", "attention", 3),
    ("model.layers.3.self_attn.o_proj.input", "attention", 3),
    ("model.layers.3.post_attention_layernorm", "attention", 3),
    ("model.layers.3.post_self_attn_layernorm", "attention", 3),
]

OF_OUTPUTS = {"block_input": 2, "block_output": 3, "mlp": 3, "attention": 3, "between": 3}


def lens(**details: object) -> LensFile:
    known: dict[str, object] = {
        "kind": "jacobian", "layers": (0, 1, 2, 3), "d_model": D, "place": "lens.pt",
        "read": lambda _: torch.randn(D, D), "n_layers": 6,
    }  # fmt: skip
    return LensFile(**{**known, **details})  # type: ignore[arg-type]


@pytest.mark.parametrize(("hook", "along", "block"), POINTS)
def test_points(hook: str, along: Along, block: int | None) -> None:
    assert point_of(hook) == (along, block)


@pytest.mark.parametrize(("hook", "along"), [(h, a) for h, a, b in POINTS if b is not None])
def test_outputs_of_blocks(hook: str, along: Along) -> None:
    layer, said, exact = layer_for(hook, lens())
    assert layer == OF_OUTPUTS[along]
    assert exact == (along not in ("attention", "between"))
    assert ("leaves out what the MLP of that block makes of it" in said) != exact
    assert said.startswith(hook)
    assert f"block {layer}'s output" in said


@pytest.mark.parametrize("hook", ["blocks.0.hook_resid_pre", "hook_embed"])
def test_the_embedding(hook: str) -> None:
    with pytest.raises(SourceError, match=r"no layer -1, the embedding: it has 0–3 "):
        layer_for(hook, lens())
    found = layer_for(hook, lens(layers=(-1, 0, 1)))
    assert (found.layer, "the lens of the embedding" in found.said) == (-1, True)


@pytest.mark.parametrize(
    ("hook", "exact"),
    [
        ("blocks.5.hook_resid_post", True),
        ("blocks.5.hook_mlp_out", True),
        ("blocks.5.hook_attn_out", False),
    ],
)
def test_the_last_block(hook: str, exact: bool) -> None:
    """Its output is the end: the logit lens, whether the file has it or not."""
    found = layer_for(hook, lens())
    assert (found.layer, found.is_exact) == (5, exact)
    assert "That block is the last" in found.said
    with pytest.raises(SourceError, match="no layer 5"):
        layer_for(hook, lens(n_layers=None))


@pytest.mark.parametrize(
    ("capture", "served"),
    [
        ("attn_out", {"attention", "between"}),
        ("mlp_in", {"attention", "between"}),
        ("mlp_out", {"mlp"}),
    ],
)
@pytest.mark.parametrize(("hook", "along", "block"), POINTS)
def test_lenses_of_other_points(
    hook: str, along: Along, block: int | None, capture: str, served: set[str]
) -> None:
    fitted = lens(capture_point=capture)
    if along in served:
        layer, said, exact = layer_for(hook, fitted)
        assert (layer, exact) == (block, True)
        assert f"fitted at {capture}" in said
    else:
        with pytest.raises(SourceError, match=f"was fitted at {capture}, and"):
            layer_for(hook, fitted)


def test_a_layer_that_a_lens_of_attention_lacks() -> None:
    with pytest.raises(SourceError, match="no layer 5"):
        layer_for("blocks.5.hook_attn_out", lens(capture_point="attn_out"))


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        (None, r"sae.8 does not say where its directions are written.*--lens-layer .one of 0–3"),
        ("residual_3", r"sae.8: The hook 'residual_3' is not known.*Say which with --lens-layer"),
        ("blocks.3.ln2.hook_normalized", "is not written to the residual stream"),
    ],
)
def test_hooks_that_say_nothing(hook: str | None, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        layer_for(hook, lens(), bank="sae.8")
