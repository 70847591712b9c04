"""Where a hook reads, told by its name: the residual stream, what the MLP makes of it, or neither.

`hook_mlp_in` of TransformerLens is the stream before the MLP's norm; `mlp.hook_in` and the input of
a Hugging Face module `mlp` are behind it and its weight γ. `ln2.hook_normalized` is before γ where
the norm is an RMSNorm, and where a LayerNorm was folded (`fold_ln`); of a LayerNorm that was not
folded, `HookedTransformer` has it behind γ.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from unembed.errors import FormatError, did_you_mean
from unembed.load.stream.sites import ATTENTION, LAYER, MLP, OTHER_STREAM, W_O, W_OUT
from unembed.outside import limits
from unembed.outside.layers import layer_in

Kind = Literal["stream", "mlp_input", "normalised", "post_attention", "before_post_attention"]


class Reading(NamedTuple):
    """A place that is read.

    Attributes:
        kind: `stream`, the residual stream; `mlp_input`, what the MLP makes its product with;
            `normalised`, what TransformerLens' `ln2` has before, or behind, its weight;
            `post_attention`, the output of the norm of that name, which in most families is the
            MLP's and in others the attention's own; `before_post_attention`, that norm's input.
        layer: counted from 0; None for the embedding.
    """

    kind: Kind
    layer: int | None = None


_NORM_2 = r"(?:pre_feedforward_layernorm|ln_2)"
_W_IN = r"(?:gate_proj|up_proj|gate_up_proj|c_fc|fc1|fc_in|dense_h_to_4h|w1|w3|in|gate)"

_READINGS: tuple[tuple[Kind, str], ...] = (
    ("stream", r"hook_embed"),
    ("stream", r"(?:[a-z_]+\.)*(?:embed_tokens|wte|embed_in|word_embeddings)(?:\.output)?"),
    ("stream", rf"{LAYER}\.hook_(?:resid_pre|resid_mid|resid_post|mlp_in)"),
    ("stream", rf"{LAYER}(?:\.output|\.input|\.hook_in|\.hook_out)?"),
    ("stream", rf"{LAYER}\.ln[12]\.hook_in"),
    ("stream", rf"{LAYER}\.(?:input_layernorm|ln_1|{_NORM_2})\.input"),
    ("mlp_input", rf"{LAYER}\.mlp\.hook_in"),
    ("mlp_input", rf"{LAYER}\.ln2\.hook_out"),
    ("mlp_input", rf"{LAYER}\.{_NORM_2}(?:\.output)?"),
    ("mlp_input", rf"{LAYER}\.{MLP}(?:\.{_W_IN})?\.input"),
    ("normalised", rf"{LAYER}\.ln2\.hook_normalized"),
    ("post_attention", rf"{LAYER}\.post_attention_layernorm(?:\.output)?"),
    ("before_post_attention", rf"{LAYER}\.post_attention_layernorm\.input"),
)

_AT = LAYER.replace("?P<layer>", "")
ADDED = "it is what {} adds to it"
_NOT_READ: tuple[tuple[str, str], ...] = (
    (r"(?:.*\.)?hook_pos_embed", "it is the embedding of positions, not of tokens"),
    (rf".*\.hook_mlp_out|{_AT}\.mlp\.hook_out|{_AT}\.{MLP}(?:\.{W_OUT})?(?:\.output)?"
     rf"|{_AT}\.post_(?:feedforward|mlp)_layernorm(?:\.output|\.input)?",
     ADDED.format("the MLP")),
    (rf".*\.hook_attn_out|{_AT}\.attn\.hook_(?:result|out)"
     rf"|{_AT}\.{ATTENTION}(?:\.{W_O})?(?:\.output)?"
     rf"|{_AT}\.post_self_attn_layernorm(?:\.output|\.input)?", ADDED.format("the attention")),
    (rf".*\.hook_z|{_AT}\.{ATTENTION}\.{W_O}\.(?:input|hook_in)|{_AT}\.attn\.o\.hook_in",
     "it is what the attention's heads put out, mixed from all tokens before"),
    (rf".*\.hook_(?:post|pre|pre_linear)|{_AT}\.{MLP}\.{W_OUT}\.(?:input|hook_in)"
     rf"|{_AT}\.{MLP}\.{_W_IN}(?:\.output)?|.*act_fn.*",
     "it is the MLP's neurons, behind a matrix: look at what these read (mlp:N)"),
    (r".*hook_(?:q|k|v|rot_q|rot_k|attn_scores|pattern)(?:_input)?"
     r"|.*(?:q_proj|k_proj|v_proj|c_attn|query_key_value).*",
     "it is inside the attention, behind matrices of its own"),
    (rf".*\.ln1\..*|.*hook_attn_in|{_AT}\.{ATTENTION}\.(?:input|hook_in)"
     rf"|{_AT}\.(?:input_layernorm|ln_1)(?:\.output)?",
     "it is what the attention reads, and the norm before it is not followed"),
    (r".*(?:ln_final|ln_f|final_layernorm).*", "the final norm is not followed"),
)  # fmt: skip
READS = (
    "hook_embed, blocks.N.hook_resid_pre, blocks.N.hook_resid_mid, blocks.N.hook_resid_post, "
    "blocks.N.mlp.hook_in, blocks.N.ln2.hook_normalized, and modules such as model.layers.N and "
    "model.layers.N.mlp.input"
)


def reading_of(hook: str) -> Reading:
    """Return the place that a hook reads.

    >>> reading_of("blocks.8.hook_resid_pre")
    Reading(kind='stream', layer=8)
    >>> reading_of("model.layers.3.mlp.input")
    Reading(kind='mlp_input', layer=3)

    Raises:
        FormatError: when no token's embedding comes by there, or the name is not known.
    """
    if len(hook) > limits.LONGEST_FIELD:
        raise FormatError(f"A hook's name should not have {len(hook):,} characters.")
    if re.match(OTHER_STREAM, hook):
        raise FormatError(
            f"The hook {hook} is in an encoder, or a tower for pictures or sound: its stream is "
            "not the one that tokens are embedded in."
        )
    for kind, pattern in _READINGS:
        found = re.fullmatch(pattern, hook)
        if found:
            layer = found.groupdict().get("layer")
            return Reading(kind, None if layer is None else layer_in(layer, hook))
    for pattern, reason in _NOT_READ:
        if re.fullmatch(pattern, hook):
            raise no_stream(hook, reason)
    raise FormatError(
        f"The hook {hook!r} is not known, so what is read there is not."
        f"{did_you_mean(hook, READS.split(', '))} Known: {READS}."
    )


def no_stream(hook: str, reason: str) -> FormatError:
    """Return the error for a hook by which no token's embedding comes."""
    return FormatError(
        f"The residual stream does not come by {hook}: {reason}. What features read there cannot "
        f"be said over tokens. Hooks where it can: {READS}."
    )
