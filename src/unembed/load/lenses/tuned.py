"""Tuned lenses, as the package `tuned-lens` writes them: `params.pt` beside `config.json`.

`{l}.weight` [d, d] and `{l}.bias` [d] are the linear translator of `hidden_states[l]`, to which it
is added: `h ↦ h + W h + b`. `hidden_states[0]` is the embedding, so that translator l is that of
the output of block l-1. A direction w becomes `(I + W) w`; the bias is the same for every feature.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from unembed.errors import FormatError, SourceError, listed
from unembed.load.folder import Folder
from unembed.load.formats.reading import read_config
from unembed.load.lenses.contents import Claim, Contents
from unembed.load.lenses.layers import spans
from unembed.load.tensors.file import TensorFile
from unembed.outside import limits
from unembed.outside.fields import Fields

PARAMS, CONFIG = "params.pt", "config.json"

_TENSOR = re.compile(r"(?P<at>\d{1,5})\.(?P<part>weight|bias)", re.ASCII)
_LINEAR = "linear_tuned_lens"
_OTHERWISE = ("sublayers", "mlp_hidden_sizes", "shared_mlp_hidden_sizes", "rank", "layer_norm")
"""Options of early versions that make translators something else than one matrix a layer."""


def is_tuned(file: TensorFile) -> bool:
    """Return whether a file has translators of a tuned lens and nothing else."""
    names = file.shapes()
    return bool(names) and all(_TENSOR.fullmatch(name) for name in names)


def read_tuned(file: TensorFile, folder: Folder, place: str) -> Contents:
    """Return what a file of a tuned lens holds.

    Args:
        file: with `{l}.weight`.
        folder: the folder that it is in, which may hold `config.json`.
        place: the file, as errors name it.

    Raises:
        FormatError: when its translators are of another kind than one matrix a layer.
        SourceError: when it is not whole.
    """
    config = read_config(folder, CONFIG) if folder.has(CONFIG) else Fields({}, place)
    _check_kind(config)
    found = _weights(file, place)
    blocks = config.whole("num_hidden_layers", limits.LAYERS, 1)
    blocks = blocks or config.whole("num_layers", limits.LAYERS, 1)
    missing = sorted({*range(blocks or max(found) + 1)} - {*found})
    if missing:
        raise SourceError(
            f"{place} should have a translator for each of {blocks or max(found) + 1} layers, but "
            f"lacks {spans(missing)}. It was not written whole: download it again."
        )
    named = config.text("base_model_name_or_path")
    return Contents(
        kind="tuned",
        layout="tuned-lens",
        file=file,
        tensors={at - 1: name for at, name in sorted(found.items())},
        finished=_plus_identity,
        d_model=config.whole("d_model", limits.WIDTH, 1),
        n_layers=blocks,
        claims=(Claim(named, config.where),) if named else (),
        metadata=dict(config.content),
        steps=("I + weight", "bias left out: it is the same for every feature"),
        notes=() if named else (f"Nothing beside {place} says which model it was tuned for.",),
    )


def _weights(file: TensorFile, place: str) -> dict[int, str]:
    """Return the translators' matrices, by the layer that they are called after.

    Raises:
        FormatError: when some translator has only a bias.
    """
    parts: dict[int, dict[str, str]] = {}
    for name in file.shapes():
        match = _TENSOR.fullmatch(name)
        assert match is not None
        if parts.setdefault(int(match["at"]), {}).setdefault(match["part"], name) != name:
            raise FormatError(f"{place}: {name} stands twice. Mend it, or download it again.")
    bare = [at for at, each in parts.items() if "weight" not in each]
    if bare:
        raise FormatError(
            f"{place} has only a bias for layers {spans(bare)}: such a lens moves every feature by "
            "the same amount, and reads directions as --lens logit does. Use that."
        )
    return {at: each["weight"] for at, each in parts.items()}


def _check_kind(config: Fields) -> None:
    """Check that translators are one matrix a layer, of every layer's input.

    Raises:
        FormatError: when a config says otherwise.
    """
    kind = config.text("lens_type")
    other = [key for key in _OTHERWISE if config.content.get(key)]
    if config.flag("include_input") is False:
        other.append("include_input: false")
    if kind not in (None, _LINEAR):
        other.insert(0, kind)
    if other:
        raise FormatError(
            f"{config.where} is of a lens that is not one matrix a layer ({listed(other)}); "
            f"{_LINEAR} alone is read."
        )


def _plus_identity(weight: Tensor) -> Tensor:
    matrix = weight.clone()
    matrix.diagonal().add_(1)
    return matrix


def told_otherwise(names: Mapping[str, tuple[int, ...]]) -> str:
    """Return why tensors that look like a tuned lens are none that is read; empty where they don't.

    >>> told_otherwise({"layer_translators.0.weight": (4, 4)})
    " Translators below 'layer_translators' are another program's: ask how it uses them."
    """
    if any(name.startswith("layer_translators.") for name in names):
        return " Translators below 'layer_translators' are another program's: ask how it uses them."
    if any(re.fullmatch(r"\d+\.\w+", name) for name in names):
        return " A tuned lens that is read has `LAYER.weight` and `LAYER.bias` alone."
    if any(name.startswith("parameters.jacobians.") for name in names):
        return " It is a J++ lens, a mixture of experts with a router: no one matrix a layer."
    return ""
