"""Jacobian lenses as they are published, as a fit that is under way keeps them, and as our own.

| layout | file |
|---|---|
| `jacobian` | torch: `J` {layer: [d, d]}, `n_prompts`, `source_layers`, `d_model` |
| `jacobian-sums` | torch: `jacobian_sum` {layer: [d, d]}, `n_done` prompts, `target_layer` |
| `unembed` | safetensors: `J.LAYER` [d, d], the same fields as texts or JSON in the header |

Writers add what they know in a table `metadata` or `provenance`: the model, the capture point.

`J[layer]` is `E[∂h_final/∂h_layer]`, [of h_final, of h_layer]: a direction w becomes `J w`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor

from unembed.errors import FormatError, SourceError
from unembed.load.lenses.contents import Claim, Contents
from unembed.load.lenses.fields import Said, said_in
from unembed.load.lenses.layers import spans
from unembed.load.lenses.lens_file import CapturePoint
from unembed.load.tensors.file import TensorFile
from unembed.load.tensors.safetensors import Safetensors
from unembed.outside import limits
from unembed.outside.text import quoted

_MATRIX = re.compile(r"(?P<of>J|jacobian_sum)\.(?P<layer>-?\d{1,5})", re.ASCII)
_POINTS: Mapping[str, tuple[CapturePoint, int, str]] = {
    "block_output": ("block_output", 0, ""),
    "attn_out": ("attn_out", 0, ""),
    "mlp_out": ("mlp_out", 0, ""),
    "mlp_in": ("mlp_in", 0, ""),
    "attn_in": ("block_output", -1, "attn_in of block l is the output of block l-1: so counted"),
}
"""Points that fits write down: which they are here, how far layers lie from ours, and in words."""


def is_jacobian(file: TensorFile) -> bool:
    """Return whether a file has matrices of a Jacobian lens."""
    return any(_MATRIX.fullmatch(name) for name in file.shapes())


def read_jacobian(file: TensorFile, place: str) -> Contents:
    """Return what a file of a Jacobian lens holds.

    Args:
        file: with matrices `J.LAYER` or `jacobian_sum.LAYER`.
        place: the file, as errors name it.

    Raises:
        FormatError: when what it says is not understood, or not of that lens.
    """
    said = said_in(file, place)
    sums = not any(name.startswith("J.") for name in file.shapes())
    found = _tensors(file, "jacobian_sum" if sums else "J", place)
    _check_layers(said, found, place)
    done = said.whole("n_done", 1 << 40) if sums else None
    if sums and not done:
        raise FormatError(
            f"{place} is what a fit keeps while it is under way, after {done or 0} prompts: there "
            "is no mean to take yet. Let it go on."
        )
    point, offset, told = _point(said)
    layout = "jacobian-sums" if sums else "jacobian"
    return Contents(
        kind="jacobian",
        layout="unembed" if isinstance(file, Safetensors) else layout,
        file=file,
        tensors={layer + offset: name for layer, name in found.items()},
        finished=partial(_mean, count=done or 1),
        d_model=said.whole("d_model", limits.WIDTH, 1),
        n_layers=said.whole("n_layers", limits.LAYERS, 1),
        n_prompts=done or said.whole("n_prompts", 1 << 40),
        target=said.layer("target_layer"),
        capture_point=point,
        claims=_claims(said, place),
        metadata=said.all,
        stability=said.by_layer("stability"),
        steps=(f"÷ {done:,} prompts",) if done else (),
        notes=(*([told] if told else []), *_notes(said)),
    )


def _tensors(file: TensorFile, of: str, place: str) -> dict[int, str]:
    """Return the tensors of the layers, in order.

    Raises:
        FormatError: when two are of one layer.
    """
    found: dict[int, str] = {}
    for name in file.shapes():
        match = _MATRIX.fullmatch(name)
        if match is None or match["of"] != of:
            continue
        layer = int(match["layer"])
        if not -1 <= layer <= limits.LAYERS or found.setdefault(layer, name) != name:
            raise FormatError(
                f"{place}: {name} is of layer {layer}, which no model has, or which stands twice. "
                "Mend it, or download it again."
            )
    return dict(sorted(found.items()))


def _mean(stored: Tensor, count: int) -> Tensor:
    return stored if count == 1 else stored / count


def _check_layers(said: Said, found: Mapping[int, str], place: str) -> None:
    """Check that the layers that a file lists are those it has.

    Raises:
        SourceError: when some are missing.
    """
    listed = said.layers("source_layers")
    missing = [layer for layer in listed or () if layer not in found]
    if missing:
        raise SourceError(
            f"{place} says that it has layers {spans(listed or ())}, but lacks {spans(missing)}. "
            "It was not written whole, or not uploaded whole: download it again."
        )


def _point(said: Said) -> tuple[CapturePoint, int, str]:
    """Return where in a block the lens was fitted.

    Raises:
        FormatError: when that is not known, or is one of several streams.
    """
    name = said.text("capture_point") or "block_output"
    if name not in _POINTS:
        raise FormatError(
            f"{said.where} was fitted at the capture point {quoted(name)}, which is not known. "
            f"Known: {', '.join(_POINTS)}."
        )
    reduced = said.text("stream_reduce")
    if reduced not in (None, "none"):
        raise FormatError(
            f"{said.where} was fitted on a model of several streams side by side (stream_reduce "
            f"{quoted(reduced)}): which of them a bank's directions are written to is not known."
        )
    return _POINTS[name]


def _claims(said: Said, place: str) -> tuple[Claim, ...]:
    names = (said.name(key) for key in ("model_name", "model_id", "hf_model_name", "model"))
    return tuple(Claim(name, place) for name in dict.fromkeys(filter(None, names)))


def _notes(said: Said) -> tuple[str, ...]:
    estimator: Any = said.all.get("estimator")
    if isinstance(estimator, str) and estimator not in ("jacobian_lens", "standard"):
        return (
            f"The lens was fitted by the estimator {quoted(estimator[:60])}, not as the mean "
            "Jacobian.",
        )
    return ()
