"""What a fit keeps while it is under way: the sums so far, and of which fit they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unembed.errors import UnembedError
from unembed.fitting.extras import save_tensors
from unembed.fitting.halves import Halves
from unembed.output_file import output_file
from unembed.strict_json import dumps

_HALVES = ("even", "odd")


def checkpoint_of(out: Path) -> Path:
    """Return where a fit into a file keeps its sums.

    >>> checkpoint_of(Path("lens.safetensors")).name
    'lens.safetensors.partial'
    """
    return out.with_name(f"{out.name}.partial")


def keep(path: Path, halves: Halves, identity: Mapping[str, Any]) -> None:
    """Write the sums, whole or not at all.

    Args:
        path: of the checkpoint.
        halves: the sums.
        identity: all that decides them.

    Raises:
        UnembedError: when the disk refuses.
    """
    tensors = {
        f"{name}.{layer}": J
        for name, sums in zip(_HALVES, halves.sums, strict=True)
        for layer, J in sums.items()
    }
    said = {"done": str(halves.done), "identity": dumps(dict(identity))}
    with output_file(path) as part:
        save_tensors(tensors, part, said)


def kept(
    path: Path, identity: Mapping[str, Any], empty: Halves, *, overwrite: bool = False
) -> Halves:
    """Return the sums that a fit goes on from: those it kept, or empty ones where there are none.

    Args:
        path: of the checkpoint.
        identity: of this fit.
        empty: what it begins with.
        overwrite: begin anew where what is there is of another fit, or damaged.

    Raises:
        UnembedError: when it is, and stays.
    """
    if not path.exists():
        return empty
    try:
        return _read(path, identity, empty)
    except _OtherError as error:
        if overwrite:
            return empty
        raise UnembedError(
            f"{path} is what a fit left that was stopped, and {error}: this fit cannot go on from "
            "it. Give --overwrite (overwrite=True) to throw it away, or another name."
        ) from error


class _OtherError(Exception):
    """What is there is no checkpoint of this fit."""


def _read(path: Path, identity: Mapping[str, Any], empty: Halves) -> Halves:
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as file:
            said = file.metadata() or {}
            if said.get("identity") != dumps(dict(identity)):
                raise _OtherError("it is of another model, text or setting")
            even, odd = (
                {layer: file.get_tensor(f"{name}.{layer}") for layer in empty.sums[0]}
                for name in _HALVES
            )
            done = int(said["done"])
    except _OtherError:
        raise
    except Exception as error:  # whatever the library says of a damaged file
        raise _OtherError("it cannot be read") from error
    return Halves((even, odd), done)
