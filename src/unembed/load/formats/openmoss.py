"""OpenMOSS: Llama Scope, Llama Scope R1, and what llamascopium (formerly lm-saes) writes."""

from __future__ import annotations

import re
from typing import Any

from unembed.errors import FormatError
from unembed.load.formats.format import Decoder, Format, Seen, bank_of
from unembed.load.formats.reading import matrix, needs, no_decoder, only
from unembed.load.formats.several_layers import Slice, decoders_of_slices
from unembed.load.published.table import Published
from unembed.load.stream.sites import layer_of
from unembed.load.tensors.file import TensorFile

_OLD_CONFIG, _CONFIG = "hyperparams.json", "config.json"
_WEIGHTS = (
    "sae_weights.safetensors", "checkpoints/pruned.safetensors", "checkpoints/final.safetensors",
)  # fmt: skip
_LETTERS = {"r": "hook_resid_post", "a": "hook_attn_out", "m": "hook_mlp_out"}
_NOT_DIRECTIONS = {"molt": "a mixture of linear transforms: it has no decoder"}


def _weights(seen: Seen) -> str | None:
    return next((name for name in _WEIGHTS if seen.folder.has(name)), None)


def _fits_llama_scope(seen: Seen) -> bool:
    return seen.place.file is None and seen.folder.has(_OLD_CONFIG) and _weights(seen) is not None


def _fits_llamascopium(seen: Seen) -> bool:
    if seen.place.file not in (None, _WEIGHTS[0]) or not seen.folder.has(_CONFIG):
        return False
    return _weights(seen) is not None and bool(
        {"hook_point_out", "hook_points", "hook_points_out", "sae_type"} & {*seen.config(_CONFIG)}
    )


def _llama_scope(seen: Seen) -> list[Decoder]:
    return [_single(seen, seen.config(_OLD_CONFIG), _OLD_CONFIG)]


def _llamascopium(seen: Seen) -> list[Decoder]:
    config = seen.config(_CONFIG)
    kind = str(config.get("sae_type", "sae"))
    if kind in _NOT_DIRECTIONS:
        raise FormatError(f"{seen.place.name} is {_NOT_DIRECTIONS[kind]}. It cannot be analysed.")
    if kind == "clt":
        return _cross_layer(seen, config)
    if kind == "crosscoder":
        return _crosscoder(seen, config)
    return [_single(seen, config, _CONFIG)]


def _file(seen: Seen) -> tuple[TensorFile, str]:
    name = _weights(seen)
    assert name is not None
    return seen.tensors(name), f"{seen.folder.name}/{name}"


def _single(seen: Seen, config: dict[str, Any], where: str) -> Decoder:
    """One bank: `W_D` [F, d] (`decoder.weight` [d, F] before), and of a lorsa `W_O` [F, d]."""
    file, place = _file(seen)
    hook = str(needs(config, "hook_point_out", f"{seen.folder.name}/{where}"))
    lorsa = config.get("sae_type") == "lorsa"
    tensor = only(file, *(("W_O",) if lorsa else ("W_D", "decoder.weight")))
    if tensor is None:
        raise no_decoder(place, file)
    rows = not tensor.endswith("decoder.weight")
    alike = config.get("hook_point_in", hook) == hook
    kind = "lorsa" if lorsa else "sae" if alike else "transcoder"
    layer = layer_of(hook)
    return Decoder(
        name=bank_of(kind, layer),
        read=matrix(
            file, tensor, place,
            faces="rows" if rows else "columns", bias="b_D" if rows else "decoder.bias",
        ),
        hook=hook,
        layer=layer,
        model=_model(seen),
        details={"architecture": config.get("act_fn", config.get("sae_type"))},
    )  # fmt: skip


def _model(seen: Seen) -> str | None:
    """Return the model that its training wrote down beside it, where it did."""
    name = seen.config("lm_config.json").get("model_name")
    return None if name is None else str(name)


def _crosscoder(seen: Seen, config: dict[str, Any]) -> list[Decoder]:
    """A bank for each place that a crosscoder writes to: `W_D` [heads, F, d]."""
    file, place = _file(seen)
    hooks = needs(config, "hook_points", f"{seen.folder.name}/{_CONFIG}")
    return [
        Decoder(
            name=f"crosscoder.{at}",
            read=matrix(file, "W_D", place, part=(at,)),
            hook=hook,
            layer=layer_of(hook),
            part=str(at),
            model=_model(seen),
        )
        for at, hook in enumerate(hooks)
    ]


def _cross_layer(seen: Seen, config: dict[str, Any]) -> list[Decoder]:
    """A bank for each pair of layers: `W_D.i` [i + 1, F, d], from layer j to i in slice j."""
    file, place = _file(seen)
    hooks = needs(config, "hook_points_out", f"{seen.folder.name}/{_CONFIG}")
    layers = range(len(hooks))
    return [
        decoder
        for source in layers
        for decoder in decoders_of_slices(
            file, place,
            [Slice(source, to, f"W_D.{to}", (source,)) for to in layers[source:]],
            hooks=hooks, model=_model(seen),
        )
    ]  # fmt: skip


def _hook_by_name(entry: Published) -> str | None:
    """Return what a published SAE writes to by its name: `l3r_8x` to layer 3's residual stream."""
    found = re.match(r"l(\d+)([ram])_", entry.id)
    return f"blocks.{found[1]}.{_LETTERS[found[2]]}" if found else None


LLAMA_SCOPE = Format(
    "llama-scope", "Llama Scope", "`checkpoints/final.safetensors`: `decoder.weight` [d, F]",
    _fits_llama_scope, _llama_scope, loaders=("llama_scope",),
    file="{}/checkpoints/final.safetensors", bytes_each=2, hook_of=_hook_by_name,
)  # fmt: skip
LLAMASCOPIUM = Format(
    "llamascopium", "llamascopium (OpenMOSS), Llama Scope R1",
    "`W_D` [F, d], lorsa `W_O` [F, d], crosscoders [heads, F, d], cross-layer `W_D.i` "
    "[i + 1, F, d]; R1 `decoder.weight` [d, F]",
    _fits_llamascopium, _llamascopium, loaders=("llama_scope_r1_distill",),
    file="{}/sae_weights.safetensors", bytes_each=2, hook_of=_hook_by_name,
)  # fmt: skip
