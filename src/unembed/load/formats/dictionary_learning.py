"""dictionary_learning and its forks: `config.json` with `ae.pt`, or saved by the hub's mixin."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from unembed.errors import FormatError
from unembed.load.formats.encoders import encoder_rows, features_of
from unembed.load.formats.format import Decoder, Encoder, Format, Seen, bank_of
from unembed.load.formats.neuron_std import STD, divided_by, std_of, times
from unembed.load.formats.reading import (
    Faces,
    bias_of,
    matrix,
    no_decoder,
    only,
    read_config,
)
from unembed.load.formats.several_layers import check_count, share_of
from unembed.load.stream.sites import layer_of
from unembed.load.tensors.file import TensorFile
from unembed.outside import limits
from unembed.outside.fields import Fields
from unembed.outside.layers import layer_in

_CONFIG, _MIXIN = "config.json", "model.safetensors"
_CHECKPOINT = r"ae(?:_\d+)?\.pt"
_SUBMODULE = re.compile(r"(resid_post|resid_pre|attn_out|attention_out|mlp_out)_(?:layer_?)?(\d+)")
_LINEAR = (
    "AutoEncoder", "AutoEncoderNew", "AutoEncoderTopK", "BatchTopKSAE", "GatedAutoEncoder",
    "JumpReluAutoEncoder", "MatryoshkaBatchTopKSAE", "CrossCoder", "BatchTopKCrossCoder",
)  # fmt: skip
"""Classes whose features each read one direction of the activations."""


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
    reads = _reads(trainer.text("dict_class") or config.text("dict_class"), config, hook)
    if len(file.shapes()[tensor]) == 3:
        return _crosscoder(file, tensor, place, config, hook, model, reads)
    faces: Faces = "rows" if tensor.endswith("W_dec") else "columns"
    bias, std = bias_of(file, tensor), std_of(file, config, None)
    read = matrix(file, tensor, place, faces=faces, bias=bias)
    rows = encoder_rows(
        file, _beside(tensor), place, "columns" if faces == "rows" else "rows",
        features_of(file, tensor, faces, bias=bias),
    )  # fmt: skip
    return [
        Decoder(
            name=bank_of("sae", layer),
            read=read if std is None else times(read, std), hook=hook, layer=layer, model=model,
            steps=() if std is None else (f"⊙ {STD}",), details=details,
        ).that_reads(_encoder(rows, std, reads))
    ]  # fmt: skip


def _beside(tensor: str) -> str:
    """Return what the encoder beside a decoder is called.

    >>> _beside("ae.decoder.weight"), _beside("W_dec")
    ('ae.encoder.weight', 'W_enc')
    """
    if tensor.endswith("W_dec"):
        return f"{tensor.removesuffix('dec')}enc"
    return f"{tensor.removesuffix('decoder.weight')}encoder.weight"


class _Reads(NamedTuple):
    """The hook that is read, None for the one that is written; or why that is not known."""

    hook: str | None = None
    unknown: str = ""


def _reads(kind: str | None, config: Fields, hook: str | None) -> _Reads:
    """Return where a dictionary of some class reads; `in_and_out` means a module's two ends."""
    if kind is not None and kind not in _LINEAR:
        return _Reads(unknown=f"how the class {kind!r} encodes is not known")
    if config.table("buffer").text("io") != "in_and_out":
        return _Reads()
    if hook is None or hook.startswith("blocks."):
        return _Reads(unknown="it is a transcoder, and its config names no module that it reads")
    return _Reads(f"{hook.removesuffix('.output')}.input")


def _encoder(
    rows: Callable[[], Tensor], std: Tensor | None, reads: _Reads, *steps: str
) -> Encoder | str:
    """Return an encoder of activations, which may have been divided by each neuron's std."""
    if reads.unknown:
        return reads.unknown
    divided = (f"⊘ {STD}",) if std is not None else ()
    return Encoder(
        rows if std is None else divided_by(rows, std),
        hook=reads.hook, steps=(*divided, *steps),
    )  # fmt: skip


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


def _crosscoder(
    file: TensorFile, tensor: str, place: str, config: Fields,
    hook: str | None, model: str | None, reads: _Reads,
) -> list[Decoder]:  # fmt: skip
    """A bank for each layer or model that a crosscoder writes to: [layers, F, d].

    What its features read is added up over the layers: `encoder.weight` [layers, d, F].
    """
    decoders = []
    count = check_count(file.shapes()[tensor][0], tensor, place)
    if file.shapes().get(_beside(tensor), ())[:1] != (count,):
        reads = _Reads(unknown="it does not read as many layers as it writes to")
    for at in range(count):
        std = std_of(file, config, at)
        read = matrix(file, tensor, place, part=(at,))
        rows = encoder_rows(
            file, _beside(tensor), place, "columns", features_of(file, tensor, part=(at,)),
            part=(at,),
        )  # fmt: skip
        decoders.append(
            Decoder(
                name=f"crosscoder.{at}", read=read if std is None else times(read, std),
                hook=hook, layer=layer_of(hook), part=str(at), model=model,
                steps=() if std is None else (f"⊙ {STD}",),
                details={"architecture": "CrossCoder"},
            ).that_reads(_encoder(rows, std, reads, share_of(count)))
        )  # fmt: skip
    return decoders


DICTIONARY_LEARNING = Format(
    "dictionary-learning", "dictionary_learning",
    "`ae.pt` or `model.safetensors`: `W_dec` [F, d] (JumpReLU, Matryoshka), else `decoder.weight` "
    "[d, F]; crosscoders [layers, F, d]",
    "`W_enc` [d, F], else `encoder.weight` [F, d]; crosscoders [layers, d, F]",
    _fits, _decoders, loaders=("dictionary_learning_1",),
    file="{}/ae.pt", hook_of=lambda entry: _hook_of_name(entry.path)[0],
)  # fmt: skip
