"""OpenMOSS: Llama Scope, Llama Scope R1, and what llamascopium (formerly lm-saes) writes."""

from __future__ import annotations

import re
from math import sqrt
from typing import NamedTuple

from unembed.errors import FormatError
from unembed.load.folder import Folder
from unembed.load.formats.format import Decoder, Format, Seen, bank_of
from unembed.load.formats.openmoss_encoder import no_encoder, share, single
from unembed.load.formats.reading import (
    Faces,
    matrix,
    no_decoder,
    numbers_of,
    only,
    read_config,
    scaled,
)
from unembed.load.formats.several_layers import Slice, decoders_of_slices, share_of
from unembed.load.published.table import Published
from unembed.load.stream.sites import layer_of
from unembed.load.tensors.file import TensorFile
from unembed.outside import limits
from unembed.outside.fields import Fields, needed

_OLD_CONFIG, _CONFIG = "hyperparams.json", "config.json"
_WEIGHTS = (
    "sae_weights.safetensors", "checkpoints/pruned.safetensors", "checkpoints/final.safetensors",
)  # fmt: skip
_LETTERS = {"r": "hook_resid_post", "a": "hook_attn_out", "m": "hook_mlp_out"}
_NOT_DIRECTIONS = {"molt": "a mixture of linear transforms: it has no decoder"}


def _home(seen: Seen, config: str) -> Folder | None:
    """Return the folder that holds the config: where the weights are, or above `checkpoints`."""
    file = seen.place.file
    if file is not None and file not in {name.rpartition("/")[2] for name in _WEIGHTS}:
        return None
    found = seen.around if file is not None else [seen.folder]
    return next((folder for folder in found if folder.has(config) and _weights(folder)), None)


def _weights(folder: Folder) -> str | None:
    return next((name for name in _WEIGHTS if folder.has(name)), None)


def _fits_llama_scope(seen: Seen) -> bool:
    return _home(seen, _OLD_CONFIG) is not None


def _fits_llamascopium(seen: Seen) -> bool:
    home = _home(seen, _CONFIG)
    stated = ("hook_point_out", "hook_points", "hook_points_out", "sae_type")
    return home is not None and any(map(read_config(home, _CONFIG).__contains__, stated))


class _Opened(NamedTuple):
    """What there is to read: the config, the weights, their place."""

    config: Fields
    file: TensorFile
    place: str
    folder: Folder


def _opened(seen: Seen, config: str) -> _Opened:
    home = _home(seen, config)
    name = None if home is None else _weights(home)
    if home is None or name is None:
        raise FormatError(f"{seen.place.name} lacks {config}, or {' or '.join(_WEIGHTS)}.")
    return _Opened(
        read_config(home, config), home.tensors(name), f"{home.name}/{name}", home
    )  # fmt: skip


def _llama_scope(seen: Seen) -> list[Decoder]:
    return [_single(_opened(seen, _OLD_CONFIG))]


def _llamascopium(seen: Seen) -> list[Decoder]:
    opened = _opened(seen, _CONFIG)
    kind = opened.config.text("sae_type") or "sae"
    if kind in _NOT_DIRECTIONS:
        raise FormatError(f"{seen.place.name} is {_NOT_DIRECTIONS[kind]}. It cannot be analysed.")
    if kind == "clt":
        return _cross_layer(opened)
    if kind == "crosscoder":
        return _crosscoder(opened)
    return [_single(opened)]


def _single(opened: _Opened) -> Decoder:
    """One bank: `W_D` [F, d] (`decoder.weight` [d, F] before), and of a lorsa `W_O` [F, d]."""
    config, file, place = opened.config, opened.file, opened.place
    hook = needed(config.text("hook_point_out"), config, "hook_point_out")
    read_from = config.text("hook_point_in") or hook
    lorsa = config.text("sae_type") == "lorsa"
    tensor = only(file, *(("W_O",) if lorsa else ("W_D", "decoder.weight")))
    if tensor is None:
        raise no_decoder(place, file)
    rows = not tensor.endswith("decoder.weight")
    faces: Faces = "rows" if rows else "columns"
    bias = "b_D" if rows else "decoder.bias"
    factor = _factor(opened, None if lorsa else read_from, hook)
    layer = layer_of(hook)
    return Decoder(
        name=bank_of("lorsa" if lorsa else "sae" if read_from == hook else "transcoder", layer),
        read=scaled(
            matrix(file, tensor, place, faces=faces, bias=bias),
            factor,
        ),
        hook=hook,
        layer=layer,
        model=_model(opened.folder),
        steps=() if factor == 1 else (f"× {factor:g} (average norms)",),
        details={"architecture": config.text("act_fn") or config.text("sae_type")},
    ).that_reads(
        no_encoder(config) or single(file, place, tensor, faces, bias, read_from, hook)
    )  # fmt: skip


def _factor(opened: _Opened, read_from: str | None, written: str) -> float:
    """Return what a decoder is multiplied by to write activations as the model has them.

    Trained on activations of average norm √d (`norm_activation: dataset-wise`), it writes into
    what was scaled so; llamascopium folds this in when it loads a dictionary.

    Raises:
        FormatError: when the average norms are not in the file.
    """
    if opened.config.text("norm_activation") != "dataset-wise":
        return 1.0

    def norm(hook: str) -> float:
        name = f"dataset_average_activation_norm.{hook}"
        if name not in opened.file.shapes():
            raise FormatError(
                f"{opened.place} was trained on scaled activations (norm_activation: "
                f"dataset-wise), but has no {name}, so that its scale is not known."
            )
        return float(numbers_of(opened.file, name, opened.place))

    if read_from is None:
        width = needed(opened.config.whole("d_model", limits.WIDTH, 1), opened.config, "d_model")
        return norm(written) / sqrt(width)
    return 1.0 if read_from == written else norm(written) / norm(read_from)


def _model(folder: Folder) -> str | None:
    """Return the model that its training wrote down beside it, where it did."""
    if not folder.has("lm_config.json"):
        return None
    return read_config(folder, "lm_config.json").text("model_name")


def _crosscoder(opened: _Opened) -> list[Decoder]:
    """A bank for each place that a crosscoder writes to: `W_D` [heads, F, d]."""
    hooks = _hooks(opened.config, "hook_points")
    shape = opened.file.shapes().get("W_D", ())
    if len(shape) != 3 or shape[0] != len(hooks):
        raise FormatError(
            f"{opened.place}: W_D has shape {list(shape)}, but {opened.config.where} names "
            f"{len(hooks)} hook_points; a crosscoder's is [hook_points, features, d_model]."
        )
    return [
        Decoder(
            name=f"crosscoder.{at}",
            read=matrix(opened.file, "W_D", opened.place, part=(at,)),
            hook=hook,
            layer=layer_of(hook),
            part=str(at),
            model=_model(opened.folder),
        ).that_reads(
            no_encoder(opened.config)
            or share(opened.file, opened.place, at, "W_D", steps=(share_of(len(hooks)),))
        )
        for at, hook in enumerate(hooks)
    ]


def _cross_layer(opened: _Opened) -> list[Decoder]:
    """A bank for each pair of layers: `W_D.i` [i + 1, F, d], from layer j to i in slice j."""
    written = _hooks(opened.config, "hook_points_out")
    read = _hooks(opened.config, "hook_points_in")
    if len(read) != len(written):
        raise FormatError(
            f"{opened.config.where}: hook_points_in and hook_points_out differ in number."
        )
    layers, model = range(len(written)), _model(opened.folder)
    return [
        decoder
        for source in layers
        for decoder in decoders_of_slices(
            opened.file, opened.place,
            [
                Slice(source, to, f"W_D.{to}", (source,),
                      _factor(opened, read[source], written[to]))
                for to in layers[source:]
            ],
            hooks=written, model=model,
            encoder=no_encoder(opened.config)
            or share(opened.file, opened.place, source, f"W_D.{source}", read[source]),
        )
    ]  # fmt: skip


def _hooks(config: Fields, key: str) -> list[str]:
    """Return the hooks that a list names, of which a model has one or a few a layer."""
    found = needed(config.texts(key), config, key)
    if not 0 < len(found) <= limits.WRITTEN_TO:
        raise config.wrong(key, f"a list of 1 to {limits.WRITTEN_TO} hooks")
    return found


def _hook_by_name(entry: Published) -> str | None:
    """Return what a published SAE writes to by its name: `l3r_8x` to layer 3's residual stream."""
    found = re.match(r"l(\d+)([ram])_", entry.id)
    return f"blocks.{found[1]}.{_LETTERS[found[2]]}" if found else None


LLAMA_SCOPE = Format(
    "llama-scope", "Llama Scope", "`checkpoints/final.safetensors`: `decoder.weight` [d, F]",
    "`encoder.weight` [F, d]",
    _fits_llama_scope, _llama_scope, loaders=("llama_scope",),
    file="{}/checkpoints/final.safetensors", bytes_each=2, hook_of=_hook_by_name,
)  # fmt: skip
LLAMASCOPIUM = Format(
    "llamascopium", "llamascopium (OpenMOSS), Llama Scope R1",
    "`W_D` [F, d], lorsa `W_O` [F, d], crosscoders [heads, F, d], cross-layer `W_D.i` "
    "[i + 1, F, d]; R1 `decoder.weight` [d, F]",
    "`W_E` [d, F], crosscoders and cross-layer [places, d, F]; R1 `encoder.weight` [F, d]; of a "
    "lorsa none",
    _fits_llamascopium, _llamascopium, loaders=("llama_scope_r1_distill",),
    file="{}/sae_weights.safetensors", bytes_each=2, hook_of=_hook_by_name,
)  # fmt: skip
