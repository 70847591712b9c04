"""A bare matrix of directions, or one direction, in any file of tensors.

A person who names such a file says that its rows are written to the residual stream. Which tensor
is meant must be clear: `W_dec`, `decoder.weight`, or the only one there is. What is an encoder or a
bias by its name is never taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from unembed.errors import FormatError, listed
from unembed.load.formats.format import Decoder, Format, Seen
from unembed.load.formats.reading import (
    Faces,
    bias_of,
    directions_in,
    matrix,
    only,
    read_config,
)
from unembed.load.tensors.file import TensorFile

_NO_DECODER = re.compile(
    r"(?:^|[._])(?:w_?enc|enc(?:oder)?|b_?enc|b_?dec|bias|threshold|scale)(?:[._]|\d|$)", re.I
)
_DECODERS: tuple[tuple[str, Faces], ...] = (
    ("W_dec", "rows"), ("w_dec", "rows"), ("decoder.weight", "columns"),
)  # fmt: skip
_CONFIGS = ("cfg.json", "config.json", "hyperparams.json", "config.yaml")
_HOOK_KEYS = (
    "hook_point_out", "hook_name_out", "feature_output_hook", "hook_name", "hook_point", "act_name",
    "submodule_name",
)  # fmt: skip


def _fits(seen: Seen) -> bool:
    return seen.place.file is not None


def _decoders(seen: Seen) -> list[Decoder]:
    """Return the matrix [features, d_model] of a file as a bank named after the file."""
    assert seen.place.file is not None
    file = seen.tensors(seen.place.file)
    tensor, faces = _which(file, seen.place.name)
    read, hook = _reader(file, tensor, faces, seen), _stated_hook(seen)
    return [
        Decoder(
            name=bank_name(seen.place.file), read=read, by_width=True, hook=hook,
            no_encoder="a matrix alone says what features write, not what they read",
        )
    ]  # fmt: skip


def _stated_hook(seen: Seen) -> str | None:
    """Return the hook that a config beside the file, or one folder up, states; None without one.

    A file that a config speaks of is no bare matrix, whatever its name.
    """
    stem = (seen.place.file or "").rpartition(".")[0]
    for folder in seen.around:
        for name in (f"{stem}_cfg.json", f"{stem}.json", *_CONFIGS):
            if name != seen.place.file and folder.has(name):
                config = read_config(folder, name)
                nested = (key for key in config if isinstance(config.content[key], dict))
                tables = [config, *map(config.table, nested)]
                for key in _HOOK_KEYS:
                    stated = next((hook for each in tables if (hook := each.text(key))), None)
                    if stated is not None:
                        return stated
    return None


def _which(file: TensorFile, place: str) -> tuple[str, Faces]:
    """Return the tensor that is meant, and how it is turned.

    Raises:
        FormatError: when it is not clear, listing what is there.
    """
    for name, faces in _DECODERS:
        found = only(file, name)
        if found is not None:
            return found, faces
    shapes = file.shapes()
    if len(shapes) == 1 and not _NO_DECODER.search(next(iter(shapes))):
        return next(iter(shapes)), "rows"
    listing = listed((f"{name} {list(shape)}" for name, shape in shapes.items()), "no tensors")
    raise FormatError(
        f"{place} should hold W_dec [features, d_model], or one matrix alone. It holds: "
        f"{listing}. An encoder does not say what features write. If it is of a published format, "
        "name its folder, config and all."
    )


def _reader(
    file: TensorFile, tensor: str, faces: Faces, seen: Seen
) -> Callable[[int | None], Tensor]:
    shape = file.shapes()[tensor]
    bias = bias_of(file, tensor)
    if len(shape) != 1:
        return matrix(file, tensor, seen.place.name, faces=faces, bias=bias, by_width=True)

    def one(width: int | None) -> Tensor:
        found = file.read(tensor)
        return directions_in(found, f"{seen.place.name}, tensor {tensor},")[None]

    return one


def bank_name(file: str) -> str:
    """Return a bank's name for a file.

    >>> bank_name("steering vectors.npy")
    'steering_vectors'
    """
    stem = re.sub(r"[^A-Za-z0-9._→-]", "_", Path(file).stem)
    return stem if stem[:1].isalnum() else f"features{stem}"


MATRIX = Format(
    "matrix", "any matrix, or one vector",
    "`.npy`, `.npz`, `.safetensors`, `.pt`: `W_dec` or the only tensor, [F, d] or [d]",
    "none", _fits, _decoders,
)  # fmt: skip
