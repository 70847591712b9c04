"""Where in a model a hook is, told by its name and by nothing else.

Names are TransformerLens' (`blocks.8.hook_resid_pre`, `blocks.8.attn.hook_z`) or those of Hugging
Face modules (`model.layers.8.mlp`, `model.layers.8.self_attn.o_proj.input`). A width never says
where a matrix belongs: GPT-2's heads together are as wide as its residual stream.

In TransformerLens `hook_attn_out` and `hook_mlp_out` are what is added to the residual stream,
after any norm and factor; a Hugging Face module's output is before them.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from unembed.errors import FormatError, did_you_mean
from unembed.outside import limits
from unembed.outside.layers import layer_in

Kind = Literal["stream", "mlp", "attention", "neurons", "heads", "post_attention_norm"]


class Site(NamedTuple):
    """A place in a model.

    Attributes:
        kind: `stream`, the residual stream itself or what is added to it; `mlp` and `attention`,
            a sub-layer's output before its norm; `neurons`, the input of the MLP's output
            matrix; `heads`, the input of the attention's (z); `post_attention_norm`, the output
            of the norm of that name, which some families have behind the attention and others
            before the MLP.
        layer: counted from 0; None for the embedding.
    """

    kind: Kind
    layer: int | None = None


LAYER = r"(?:(?:[a-z_]+\.)*(?:layers|h|blocks|block)\.)(?P<layer>\d+)"
ATTENTION = r"(?:self_attn|attn|attention|self_attention)"
MLP = r"(?:mlp|feed_forward|ffn)"
W_O = r"(?:o_proj|out_proj|c_proj|dense|wo)"
W_OUT = r"(?:down_proj|c_proj|dense_4h_to_h|fc2|fc_out|w2|out)"

OTHER_STREAM = r"(?:.*\.)?(?:encoder|vision\w*|visual|audio\w*|image\w*|speech\w*)\."

_SITES: tuple[tuple[Kind, str], ...] = (
    ("stream", r"hook_(?:embed|pos_embed)"),
    ("stream", r"(?:[a-z_]+\.)*(?:embed_tokens|wte|embed_in|word_embeddings)(?:\.output)?"),
    ("stream", rf"{LAYER}\.hook_(?:resid_pre|resid_mid|resid_post|attn_out|mlp_out)"),
    ("stream", rf"{LAYER}(?:\.output)?"),
    ("stream", rf"{LAYER}\.hook_out"),
    ("stream", rf"{LAYER}\.post_(?:feedforward|mlp|self_attn)_layernorm(?:\.output)?"),
    ("post_attention_norm", rf"{LAYER}\.post_attention_layernorm(?:\.output)?"),
    ("heads", rf"{LAYER}\.attn\.hook_z"),
    ("heads", rf"{LAYER}\.{ATTENTION}\.{W_O}\.(?:input|hook_in)"),
    ("heads", rf"{LAYER}\.attn\.o\.hook_in"),
    ("attention", rf"{LAYER}\.attn\.hook_(?:result|out)"),
    ("attention", rf"{LAYER}\.{ATTENTION}(?:\.{W_O})?(?:\.output)?"),
    ("neurons", rf"{LAYER}\.mlp\.hook_post"),
    ("neurons", rf"{LAYER}\.{MLP}\.{W_OUT}\.(?:input|hook_in)"),
    ("mlp", rf"{LAYER}\.mlp\.hook_out"),
    ("mlp", rf"{LAYER}\.{MLP}(?:\.{W_OUT})?(?:\.output)?"),
)

_NOT_WRITTEN: tuple[tuple[str, str], ...] = (
    (r".*hook_(?:q|k|v|rot_q|rot_k)(?:_input)?", "queries, keys and values only steer attention"),
    (r".*hook_(?:attn_scores|pattern|attn_mask).*", "attention patterns only weigh what is read"),
    (r".*(?:ln\w*\.|hook_normalized|input_layernorm|pre_feedforward_layernorm|ln_final).*",
     "it is a normalised copy of the stream, read by what follows and never added to it"),
    (r".*(?:hook_mlp_in|hook_attn_in|mlp\.hook_in|\.hook_in)", "it is what a sub-layer reads"),
    (r".*(?:hook_pre|hook_pre_linear|gate_proj|up_proj|fc1|c_fc|act_fn).*",
     "it is before the MLP's nonlinearity or gate"),
    (r".*(?:q_proj|k_proj|v_proj|c_attn|query_key_value).*",
     "queries, keys and values only steer attention"),
)  # fmt: skip

WRITES = (
    "blocks.N.hook_resid_pre, blocks.N.hook_resid_post, blocks.N.hook_mlp_out, "
    "blocks.N.hook_attn_out, blocks.N.attn.hook_z, blocks.N.mlp.hook_post, hook_embed, and modules "
    "such as model.layers.N.mlp"
)


def site_of(hook: str) -> Site:
    """Return where a hook is.

    >>> site_of("blocks.8.attn.hook_z")
    Site(kind='heads', layer=8)
    >>> site_of("model.layers.3.mlp")
    Site(kind='mlp', layer=3)

    Raises:
        FormatError: when what is there is not written to the residual stream, or the name is
            not known.
    """
    if len(hook) > limits.LONGEST_FIELD:
        raise FormatError(f"A hook's name should not have {len(hook):,} characters.")
    if re.match(OTHER_STREAM, hook):
        raise FormatError(
            f"The hook {hook} is in an encoder, or a tower for pictures or sound: what is written "
            "there is not the stream that the unembedding reads, so that it has no logit weights."
        )
    for kind, pattern in _SITES:
        found = re.fullmatch(pattern, hook)
        if found:
            layer = found.groupdict().get("layer")
            return Site(kind, None if layer is None else layer_in(layer, hook))
    for pattern, reason in _NOT_WRITTEN:
        if re.fullmatch(pattern, hook):
            raise FormatError(
                f"The hook {hook} is not written to the residual stream: {reason}. Its directions "
                f"have no logit weights. Hooks that do: {WRITES}."
            )
    raise FormatError(
        f"The hook {hook!r} is not known, so where its directions reach the residual stream is "
        f"not.{did_you_mean(hook, WRITES.split(', '))} Known: {WRITES}. Say with --hook (in Python "
        "hook=…) where they write."
    )


def known_site(hook: str) -> Site | None:
    """Return where a hook is; None where its name is not known.

    >>> known_site("residual_3") is None
    True

    Raises:
        FormatError: when it is known, and nothing is written there.
    """
    known = [*(pattern for _, pattern in _SITES), *(pattern for pattern, _ in _NOT_WRITTEN)]
    return site_of(hook) if any(re.fullmatch(pattern, hook) for pattern in known) else None


def layer_of(hook: str | None) -> int | None:
    """Return the layer that a hook names, whatever is there; None where it names none.

    >>> layer_of("blocks.12.ln2.hook_normalized")
    12
    """
    found = re.match(LAYER + r"(?:\.|$)", hook or "")
    return None if found is None else layer_in(found["layer"], str(hook))
