"""Dictionaries of activations that were divided by each neuron's std (`activation_std`)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unembed.errors import FormatError
from unembed.load.formats.reading import directions_in
from unembed.load.tensors.file import TensorFile
from unembed.outside.fields import Fields

STD, _GLOBAL_SCALE = "activation_std", "activation_global_scale"
_SMALL = 1e-8
"""What the trainer adds to a std before it divides by it."""


def std_of(file: TensorFile, config: Fields, at: int | None) -> Tensor | None:
    """Return each neuron's std, by which activations were divided; None where they were not.

    NaN is how these files say that nothing was normalised.

    Args:
        file: the dictionary.
        config: its config.
        at: which of several layers; None where there is one.
    """
    if STD not in file.shapes() or not _scaled_by_neuron(file, config):
        return None
    std = directions_in(file.read(STD), f"Tensor {STD}")
    std = std if at is None or std.ndim == 1 else std[at]
    return None if torch.isnan(std).any() else std


def times(read: Callable[[int | None], Tensor], std: Tensor) -> Callable[[int | None], Tensor]:
    """Return what reads directions as they are written, out of activations that were divided."""
    return lambda width: _scaled(read(width), std + _SMALL)


def divided_by(read: Callable[[], Tensor], std: Tensor) -> Callable[[], Tensor]:
    """Return what reads directions as they read the activations before they are divided."""
    return lambda: _scaled(read(), 1 / (std + _SMALL))


def _scaled(directions: Tensor, scale: Tensor) -> Tensor:
    if scale.shape not in ((), (1,), directions.shape[1:]):
        raise FormatError(
            f"{STD} has shape {list(scale.shape)}, but directions are {directions.shape[1]} "
            "wide. They do not belong together: save the dictionary again."
        )
    return directions * scale


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
    if torch.isnan(file.read(STD)).any():
        return False
    raise FormatError(
        f"The dictionary was trained on normalised activations ({STD}), but neither its config "
        f"(keep_relative_variance) nor {_GLOBAL_SCALE} says how. Save it with a current version of "
        "its trainer."
    )
