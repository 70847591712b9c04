"""Gemma Scope 2 (Gemma 3): `params.safetensors`, and a `config.json` that may be absent.

Transcoders, cross-layer ones too, read what the MLP does, behind its norm and the norm's weight
(`hf_hook_point_in`), not TransformerLens' `hook_mlp_in` that SAELens calls it.
"""

from __future__ import annotations

import re

from unembed.errors import FormatError
from unembed.load.formats.encoders import encoder_rows, features_of
from unembed.load.formats.format import Decoder, Encoder, Format, Seen, bank_of, last_number
from unembed.load.formats.gemma_scope import decoder_of, encoder_beside
from unembed.load.formats.reading import matrix
from unembed.load.formats.several_layers import Slice, cross_layer_shape, decoders_of_slices
from unembed.load.stream.sites import layer_of, site_of
from unembed.outside.fields import Fields

FILE = "params.safetensors"
_CLT_FILE = r"params_layer_(\d+)\.safetensors"
_REPOSITORY = re.compile(r"gemma-scope-2-(?P<size>\d+[bm])-(?P<kind>pt|it)")
_HOOKS = {
    "resid_post": "hook_resid_post",
    "mlp_out": "hook_mlp_out",
    "attn_out": "attn.hook_z",
    "transcoder": "hook_mlp_out",
}
"""By the folder that is above `layer_N_width_…`, which may end in `_all`."""


def _fits(seen: Seen) -> bool:
    return seen.matching(r"params\.safetensors") is not None


def _decoders(seen: Seen) -> list[Decoder]:
    config = seen.config("config.json")
    stated = config.text("hf_hook_point_out") or config.text("hf_hook_point_in")
    hook = hook_by_path(seen.path)
    _agree(hook, stated, seen)
    file = seen.tensors(FILE)
    tensor = decoder_of(file, seen.place.name)
    transcodes = "hf_hook_point_out" in config or "/transcoder" in seen.path
    kind = "transcoder" if transcodes else "sae"
    hook = hook or stated
    layer = seen.number(r"layer_(\d+)") if hook is None else layer_of(hook)
    return [
        Decoder(
            name=bank_of(kind, layer),
            read=matrix(file, tensor, f"{seen.place.name}/{FILE}", bias="b_dec"),
            hook=hook,
            layer=layer,
            model=_model(seen),
            details={"architecture": config.text("architecture") or "jump_relu"},
        ).that_reads(_encoder(seen, config, tensor, layer, transcodes))
    ]


def _encoder(
    seen: Seen, config: Fields, tensor: str, layer: int | None, transcodes: bool
) -> Encoder | str:
    """Return what the features read, or why that is not known."""
    file, stated = seen.tensors(FILE), config.text("hf_hook_point_in")
    if transcodes and stated is None and layer is None:
        return "neither its path nor config.json says what it reads"
    if stated is not None and layer is not None and layer_of(stated) != layer:
        return f"it is of layer {layer}, but config.json says that it reads {stated}"
    read = encoder_rows(
        file, encoder_beside(tensor), f"{seen.place.name}/{FILE}", "columns",
        features_of(file, tensor, bias="b_dec"),
    )  # fmt: skip
    return Encoder(read, hook=(stated or _mlp_input(layer)) if transcodes else None)


def _mlp_input(layer: int | None) -> str:
    return f"model.layers.{layer}.pre_feedforward_layernorm.output"


def hook_by_path(path: str) -> str | None:
    """Return what a dictionary writes to, by its path; None where that does not say it.

    >>> hook_by_path("google/gemma-scope-2-1b-pt/attn_out_all/layer_3_width_16k_l0_big")
    'blocks.3.attn.hook_z'
    """
    found = re.findall(rf"/({'|'.join(_HOOKS)})(?:_all)?/layer_(\d+)", path)
    return f"blocks.{found[-1][1]}.{_HOOKS[found[-1][0]]}" if found else None


def _agree(hook: str | None, stated: str | None, seen: Seen) -> None:
    """Check that path and config say the same.

    Raises:
        FormatError: when they do not.
    """
    if hook and stated and site_of(hook) != site_of(stated):
        raise FormatError(
            f"{seen.place.name}: by its path it writes to {hook}, but by config.json to {stated}. "
            "Put the folder back where it was, or mend its config.json."
        )


def _model(seen: Seen) -> str | None:
    found = _REPOSITORY.search(seen.path)
    if found is None:
        return None
    kind = "" if found["size"] == "270m" and found["kind"] == "pt" else f"-{found['kind']}"
    return f"google/gemma-3-{found['size']}{kind}"


def _fits_clt(seen: Seen) -> bool:
    return seen.matching(_CLT_FILE) is not None


def _clt_decoders(seen: Seen) -> list[Decoder]:
    """Return a bank for each layer that a cross-layer transcoder's features write to."""
    name = seen.matching(_CLT_FILE)
    assert name is not None
    file = seen.tensors(name)
    tensor = decoder_of(file, f"{seen.place.name}")
    source = last_number(_CLT_FILE, name) or 0
    shape = cross_layer_shape(file, tensor, f"{seen.folder.name}/{name}")
    place = f"{seen.folder.name}/{name}"
    slices = [Slice(source, to, tensor, (slice(None), to)) for to in range(source, shape[1])]
    features = features_of(file, tensor, part=(slice(None), source))
    read = encoder_rows(file, encoder_beside(tensor), place, "columns", features)
    return decoders_of_slices(
        file, place, slices,
        hooks=[f"blocks.{to}.hook_mlp_out" for to in range(shape[1])], model=_model(seen),
        encoder=Encoder(read, hook=_mlp_input(source)),
    )  # fmt: skip


GEMMA_SCOPE_2 = Format(
    "gemma-scope-2", "Gemma Scope 2 (Gemma 3 SAEs and transcoders)",
    "`params.safetensors`: `w_dec` [F, d]", "`w_enc` [d, F]", _fits, _decoders,
    loaders=("gemma_3",), file=f"{{}}/{FILE}",
    hook_of=lambda entry: hook_by_path(f"{entry.repo}/{entry.path}"),
)  # fmt: skip
GEMMA_SCOPE_2_CLT = Format(
    "gemma-scope-2-clt", "Gemma Scope 2, cross-layer transcoders",
    "`params_layer_N.safetensors`: `w_dec` [F, layers, d], a bank for each layer from N on",
    "`w_enc` [d, F]", _fits_clt, _clt_decoders,
)  # fmt: skip
