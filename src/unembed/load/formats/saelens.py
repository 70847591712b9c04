"""An SAE in SAELens' layout: `cfg.json`, `sae_weights.safetensors`, `sparsity.safetensors`.

Three generations of `cfg.json` are in use: flat with `hook_point` (SAELens 1 and 2), flat with
`hook_name` (3 to 5), and with the model's fields nested under `metadata` (6). Only the
decoder is read, never the encoder.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from unembed.errors import FormatError
from unembed.features import Features
from unembed.load.folder import Folder

CONFIG = "cfg.json"
WEIGHTS = "sae_weights.safetensors"
SPARSITY = "sparsity.safetensors"
_LAYER = re.compile(r"(?:blocks|layers|h)\.(\d+)\.")


@dataclass(frozen=True)
class SAEConfig:
    """What `unembed` reads of a `cfg.json`, whatever its generation."""

    hook: str | None
    layer: int | None
    model: str | None
    neuronpedia: str | None
    architecture: str | None
    d_sae: int | None


def is_saelens(folder: Folder) -> bool:
    """Return whether a folder holds an SAE in SAELens' layout."""
    names = folder.names()
    return CONFIG in names and WEIGHTS in names


def read_saelens(folder: Folder) -> Features:
    """Return the decoder of a SAELens SAE as a bank of features, named `sae.LAYER`.

    Raises:
        FormatError: when config and weights contradict each other, or W_dec is missing.
    """
    config = parse_config(_json(folder))
    W_dec = folder.tensors(WEIGHTS).read("W_dec")
    if config.d_sae is not None and config.d_sae != W_dec.shape[0]:
        raise FormatError(
            f"{folder.name}: cfg.json says d_sae = {config.d_sae}, but W_dec has shape "
            f"{list(W_dec.shape)}, which should be [d_sae, d_in]. The two files do not belong "
            "together."
        )
    return Features.from_array(
        W_dec,
        name="sae" if config.layer is None else f"sae.{config.layer}",
        origin={
            "format": "saelens",
            **folder.origin,
            "architecture": config.architecture,
            "trained_on": config.model,
        },
        hook=config.hook,
        layer=config.layer,
        neuronpedia=config.neuronpedia,
        log10_density=_density(folder, int(W_dec.shape[0])),
    )


def parse_config(config: dict[str, Any]) -> SAEConfig:
    """Return the fields of a `cfg.json` of any generation.

    >>> parse_config({"hook_point": "blocks.8.hook_resid_pre"}).layer
    8
    """
    metadata = config.get("metadata")
    fields = {**config, **metadata} if isinstance(metadata, dict) else config
    hook = _first(fields, "hook_name_out", "hook_name", "hook_point")
    layer = _first(fields, "hook_layer_out", "hook_layer", "hook_point_layer")
    if layer is None and hook:
        found = _LAYER.search(f"{hook}.")
        layer = found[1] if found else None
    return SAEConfig(
        hook=hook,
        layer=_whole(layer),
        model=fields.get("model_name"),
        neuronpedia=fields.get("neuronpedia_id"),
        architecture=fields.get("architecture"),
        d_sae=fields.get("d_sae"),
    )


def _whole(layer: object) -> int | None:
    try:
        return None if layer is None else int(str(layer))
    except ValueError as error:
        raise FormatError(
            f"The SAE's {CONFIG} says that its layer is {layer!r}; expected a whole number."
        ) from error


def _first(fields: dict[str, Any], *names: str) -> Any:
    """Return the first field that is there; a transcoder writes to its `…_out` hook."""
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _json(folder: Folder) -> dict[str, Any]:
    path = folder.fetch(CONFIG)
    try:
        config = json.loads(path.read_bytes())
    except ValueError as error:
        raise FormatError(f"{path} is not JSON: {error}. Download it again.") from error
    if not isinstance(config, dict):
        raise FormatError(f"{path} should be a JSON object, as SAELens writes it.")
    return config


def _density(folder: Folder, n_features: int) -> npt.NDArray[np.float32] | None:
    """The log10 firing density of each feature, where the SAE comes with it."""
    if not folder.has(SPARSITY):
        return None
    density = folder.tensors(SPARSITY).read("sparsity").to(torch.float32).numpy()
    if density.shape != (n_features,):
        raise FormatError(
            f"{folder.name}: {SPARSITY} has shape {list(density.shape)}, but W_dec has "
            f"{n_features:,} features. The two files do not belong together."
        )
    return density
