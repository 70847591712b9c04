"""dictionary_learning and its forks: `config.json` with `ae.pt`, or saved by the hub's mixin."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor

from unembed.errors import FormatError
from unembed.load.formats.format import Decoder, Format, Seen, bank_of
from unembed.load.formats.reading import (
    bias_of,
    directions_in,
    matrix,
    no_decoder,
    only,
    read_config,
)
from unembed.load.formats.several_layers import check_count
from unembed.load.stream.sites import layer_of
from unembed.load.tensors.file import TensorFile
from unembed.outside import limits
from unembed.outside.fields import Fields
from unembed.outside.layers import layer_in

_CONFIG, _MIXIN = "config.json", "model.safetensors"
_CHECKPOINT = r"ae(?:_\d+)?\.pt"
_SUBMODULE = re.compile(r"(resid_post|resid_pre|attn_out|attention_out|mlp_out)_(?:layer_?)?(\d+)")
_STD, _GLOBAL_SCALE = "activation_std", "activation_global_scale"


def _fits(seen: Seen) -> bool:
    if _config(seen) is None:
        return False
    if seen.place.file != _MIXIN and seen.matching(_CHECKPOINT) is not None:
        return True
    config = seen.config(_CONFIG)
    named = seen.place.file in (None, _MIXIN) and seen.folder.has(_MIXIN)
    return (
        named
        and "model_type" not in config
        and "activation_dim" in config
        and "dict_size" in config
    )


def _config(seen: Seen) -> Fields | None:
    """Return the config, which is one folder up from a run's `checkpoints`; None without one."""
    found = next((folder for folder in seen.around if folder.has(_CONFIG)), None)
    return None if found is None else read_config(found, _CONFIG)


def _decoders(seen: Seen) -> list[Decoder]:
    config = _config(seen) or seen.config(_CONFIG)
    trainer = config.table("trainer") if "trainer" in config else config
    name = (seen.place.file != _MIXIN and seen.matching(_CHECKPOINT)) or _MIXIN
    file, place = seen.tensors(name), f"{seen.folder.name}/{name}"
    tensor = only(file, "W_dec", "decoder.weight")
    if tensor is None:
        raise no_decoder(place, file)
    hook, layer = _hook(seen, trainer, config.table("buffer"))
    model = trainer.text("lm_name")
    details = {"architecture": trainer.text("dict_class")}
    if len(file.shapes()[tensor]) == 3:
        return _crosscoder(file, tensor, place, config, hook, model)
    read = matrix(
        file, tensor, place,
        faces="rows" if tensor.endswith("W_dec") else "columns", bias=bias_of(file, tensor),
    )  # fmt: skip
    read, steps = _unnormalised(read, file, config, None)
    return [
        Decoder(
            name=bank_of("sae", layer),
            read=read, hook=hook, layer=layer, model=model, steps=steps, details=details,
        )
    ]  # fmt: skip


def _hook(seen: Seen, trainer: Fields, buffer: Fields) -> tuple[str | None, int | None]:
    """Return the hook and the layer, by the submodule's name or, if it has none, the folder's.

    Attention and MLP are read at the modules' outputs, before a norm that follows them.
    """
    layer = trainer.whole("layer", limits.LAYERS)
    if buffer.text("io") == "in":
        return None, layer
    submodule = trainer.text("submodule_name") or ""
    if layer_of(submodule) is not None:
        return submodule, layer_of(submodule)
    hook, at = _hook_of_name(submodule)
    if hook is None:
        folder = seen.path if seen.place.file is None else seen.path.rpartition("/")[0]
        hook, at = _hook_of_name(folder, layer)
    if hook and layer is not None and at != layer:
        raise FormatError(
            f"{seen.place.name}: by its name it is of layer {at}, but by {_CONFIG} of layer "
            f"{layer}. Put it back where it was, or mend its config."
        )
    return hook, at


def _hook_of_name(name: str, layer: int | None = None) -> tuple[str | None, int | None]:
    """Return the hook and the layer that `resid_post_layer_12` means; else none, and `layer`."""
    found = _SUBMODULE.findall(name)
    if not found:
        return None, layer
    site, at = found[-1][0], layer_in(found[-1][1], name)
    module = {"mlp_out": "mlp", "attn_out": "self_attn", "attention_out": "self_attn"}.get(site)
    return (f"layers.{at}.{module}" if module else f"blocks.{at}.hook_{site}"), at


def _unnormalised(
    read: Callable[[int | None], Tensor],
    file: TensorFile,
    config: Fields,
    at: int | None,
) -> tuple[Callable[[int | None], Tensor], tuple[str, ...]]:
    """Return what reads directions of activations that were divided by each neuron's std.

    NaN is how these files say that nothing was normalised.
    """
    if _STD not in file.shapes() or not _scaled_by_neuron(file, config):
        return read, ()
    std = directions_in(file.read(_STD), f"Tensor {_STD}")
    std = std if at is None or std.ndim == 1 else std[at]
    if torch.isnan(std).any():
        return read, ()

    def finished(width: int | None) -> Tensor:
        directions = read(width)
        if std.shape not in ((), (1,), directions.shape[1:]):
            raise FormatError(
                f"{_STD} has shape {list(std.shape)}, but directions are {directions.shape[1]} "
                "wide. They do not belong together: save the dictionary again."
            )
        return directions * (std + 1e-8)

    return finished, (f"⊙ {_STD}",)


def _scaled_by_neuron(file: TensorFile, config: Fields) -> bool:
    """Return whether each neuron was divided by its own std, not all of them by one number.

    One number is seen by no direction. The config says which, or the global scale does: it is 1
    where it was not used.

    Raises:
        FormatError: when neither is there.
    """
    together = config.flag("keep_relative_variance")
    if together is not None:
        return not together
    if _GLOBAL_SCALE in file.shapes():
        return bool((file.read(_GLOBAL_SCALE) == 1).all())
    if torch.isnan(file.read(_STD)).any():
        return False
    raise FormatError(
        f"The dictionary was trained on normalised activations ({_STD}), but neither its config "
        f"(keep_relative_variance) nor {_GLOBAL_SCALE} says how. Save it with a current version of "
        "its trainer."
    )


def _crosscoder(
    file: TensorFile, tensor: str, place: str, config: Fields,
    hook: str | None, model: str | None,
) -> list[Decoder]:  # fmt: skip
    """A bank for each layer or model that a crosscoder writes to: [layers, F, d]."""
    decoders = []
    for at in range(check_count(file.shapes()[tensor][0], tensor, place)):
        read, steps = _unnormalised(
            matrix(file, tensor, place, part=(at,)), file, config, at
        )  # fmt: skip
        decoders.append(
            Decoder(
                name=f"crosscoder.{at}", read=read, hook=hook, layer=layer_of(hook),
                part=str(at), model=model, steps=steps, details={"architecture": "CrossCoder"},
            )
        )  # fmt: skip
    return decoders


DICTIONARY_LEARNING = Format(
    "dictionary-learning", "dictionary_learning",
    "`ae.pt` or `model.safetensors`: `W_dec` [F, d] (JumpReLU, Matryoshka), else `decoder.weight` "
    "[d, F]; crosscoders [layers, F, d]",
    _fits, _decoders, loaders=("dictionary_learning_1",),
    file="{}/ae.pt", hook_of=lambda entry: _hook_of_name(entry.path)[0],
)  # fmt: skip
