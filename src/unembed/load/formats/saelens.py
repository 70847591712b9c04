"""An SAE in SAELens' layout: `cfg.json`, `sae_weights.safetensors`, `sparsity.safetensors`.

Three generations of `cfg.json` are in use: flat with `hook_point` (SAELens 1 and 2), flat with
`hook_name` (3 to 5), and with the model's fields nested under `metadata` (6). What features read is
in `saelens_encoder`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unembed.errors import FormatError
from unembed.load.folder import Folder
from unembed.load.formats.format import Decoder, Format, Seen, bank_of
from unembed.load.formats.reading import matrix, numbers_of
from unembed.load.formats.saelens_encoder import encoder_of
from unembed.load.stream.sites import layer_of
from unembed.load.tensors.file import TensorFile
from unembed.outside import limits
from unembed.outside.fields import Fields
from unembed.products import product

CONFIG = "cfg.json"
WEIGHTS = "sae_weights.safetensors"
SPARSITY = "sparsity.safetensors"
WHITENING = "activation_whitening.safetensors"
_FACTORS = ("finetuning_scaling_factor", "scaling_factor")


@dataclass(frozen=True)
class SAEConfig:
    """What `unembed` reads of a `cfg.json`, whatever its generation.

    Attributes:
        hook: what is written to.
        layer: the layer of it.
        model: the model it was trained on.
        neuronpedia: Neuronpedia's `model/source`.
        architecture: of the dictionary.
        d_sae: how many features it has.
        head: the one head it is of.
        normalize: how activations were normalised in training.
        scaled: whether features have factors of their own, from finetuning.
        unit_rows: whether decoding divides by the rows' lengths, which inference folds in.
    """

    hook: str | None
    layer: int | None
    model: str | None
    neuronpedia: str | None
    architecture: str | None
    d_sae: int | None
    head: int | None = None
    normalize: str | None = None
    scaled: bool = False
    unit_rows: bool = False


def _fits(seen: Seen) -> bool:
    return seen.holds(CONFIG, WEIGHTS)


def _decoders(seen: Seen) -> list[Decoder]:
    """Return the decoder of a SAELens SAE, named `sae.LAYER`, or `transcoder.LAYER`.

    Raises:
        FormatError: when config and weights contradict each other, or W_dec is missing.
    """
    folder = seen.folder
    stated = seen.config(CONFIG)
    config = parse_config(stated)
    file = seen.tensors(WEIGHTS)
    shape = file.shapes().get("W_dec")
    if shape and config.d_sae is not None and config.d_sae != shape[0]:
        raise FormatError(
            f"{folder.name}: cfg.json says d_sae = {config.d_sae}, but W_dec has shape "
            f"{list(shape)}, which should be [d_sae, d_in]. The two files do not belong together."
        )
    whitening = _whitening(folder, config)
    factor = next((name for name in _FACTORS if config.scaled and name in file.shapes()), None)
    kind = "transcoder" if "transcoder" in str(config.architecture) else "sae"
    n_features = shape[0] if shape else 0
    overrides = seen.published.overrides if seen.published is not None else None
    place = f"{folder.name}/{WEIGHTS}"
    return [
        Decoder(
            name=bank_of(kind, config.layer),
            read=_reader(file, place, config, factor, whitening),
            hook=config.hook,
            layer=config.layer,
            head=config.head,
            model=config.model,
            neuronpedia=config.neuronpedia,
            log10_density=_density(folder, n_features) if folder.has(SPARSITY) else None,
            steps=(*([f"⊙ {factor}"] if factor else []),
                   *(["/ ‖W_dec‖ (rescale_acts_by_decoder_norm)"] if config.unit_rows else []),
                   *([f"@ inverse_matrix of {WHITENING}"] if whitening else [])),
            details={"architecture": config.architecture},
        ).that_reads(encoder_of(file, place, _flat(stated, overrides), whitening))
    ]  # fmt: skip


def parse_config(config: Fields) -> SAEConfig:
    """Return the fields of a `cfg.json` of any generation.

    >>> parse_config(Fields({"hook_point": "blocks.8.hook_resid_pre"}, "cfg.json")).layer
    8

    Raises:
        FormatError: when one is not of its type.
    """
    fields = _flat(config)
    hook = fields.text(_first(fields, "hook_name_out", "hook_name", "hook_point"))
    layer = _number(fields, _first(fields, "hook_layer_out", "hook_layer", "hook_point_layer"))
    head = _first(fields, "hook_head_index_out", "hook_head_index", "hook_point_head_index")
    normalize = "normalize_activations"
    plain = isinstance(fields.content.get(normalize), bool)  # before it named a way
    return SAEConfig(
        hook=hook,
        layer=layer_of(hook) if layer is None else layer,
        model=fields.text("model_name"),
        neuronpedia=fields.text("neuronpedia_id"),
        architecture=fields.text("architecture"),
        d_sae=fields.whole("d_sae", limits.FEATURES),
        head=_number(fields, head) if hook and "hook_z" in hook else None,
        normalize=None if plain else fields.text(normalize),
        scaled=bool(fields.flag("finetuning_scaling_factor")),
        unit_rows=bool(fields.flag("rescale_acts_by_decoder_norm")),
    )


def _flat(config: Fields, overrides: Mapping[str, Any] | None = None) -> Fields:
    """Return the fields of a config in one table, and what its release says instead."""
    metadata = config.table("metadata").content
    return Fields({**config.content, **metadata, **(overrides or {})}, config.where)


def _number(fields: Fields, key: str) -> int | None:
    """Return a layer or a head, which some files write in quotes."""
    found = fields.content.get(key)
    if isinstance(found, str) and re.fullmatch(r"\d{1,4}", found, re.ASCII):
        return int(found)
    return fields.whole(key, limits.LAYERS)


def _first(fields: Fields, *names: str) -> str:
    """Return the first field that is there; a transcoder writes to its `…_out` hook."""
    return next(filter(fields.says, names), names[-1])


def _whitening(folder: Folder, config: SAEConfig) -> TensorFile | None:
    """Return the whitening that is not folded into the decoder, where the SAE was trained so.

    Raises:
        FormatError: when it is not there.
    """
    if config.normalize != "covariance_whitening":
        return None
    if not folder.has(WHITENING):
        raise FormatError(
            f"{folder.name} was trained on whitened activations (normalize_activations: "
            f"covariance_whitening in {CONFIG}), but {WHITENING} is not beside it, so its decoder "
            "cannot be brought back. Take it from the same checkpoint, or take a finished SAE."
        )
    return folder.tensors(WHITENING)


def _reader(
    file: TensorFile,
    place: str,
    config: SAEConfig,
    factor: str | None,
    whitening: TensorFile | None,
) -> Callable[[int | None], Tensor]:
    """Return what reads W_dec as one unit of each feature writes it, out of whitened activations.

    While a TopK SAE is trained, its decoding divides by the rows' lengths
    (`rescale_acts_by_decoder_norm`); what SAELens saves for inference has that folded in.
    """
    read = matrix(file, "W_dec", place, bias="b_dec")

    def finished(width: int | None) -> Tensor:
        W_dec = read(width)
        if factor is not None:
            W_dec = W_dec * numbers_of(file, factor, place, (len(W_dec),))[:, None]
        if config.unit_rows:
            W_dec = _of_unit_length(W_dec)
        if whitening is not None:
            d = W_dec.shape[1]
            W_dec = product(W_dec, numbers_of(whitening, "inverse_matrix", place, (d, d)))
        return W_dec

    return finished


def _density(folder: Folder, n_features: int) -> Callable[[], npt.NDArray[np.float32]]:
    """Return what reads the log10 firing density of each feature."""

    def read() -> npt.NDArray[np.float32]:
        file = folder.tensors(SPARSITY)
        shape = file.shapes().get("sparsity")
        if shape is not None and shape != (n_features,):
            raise FormatError(
                f"{folder.name}: {SPARSITY} has shape {list(shape)}, but W_dec has "
                f"{n_features:,} features. The two files do not belong together."
            )
        return numbers_of(file, "sparsity", f"{folder.name}/{SPARSITY}", (n_features,)).numpy()

    return read


SAELENS = Format(
    "saelens", "SAELens", "`sae_weights.safetensors`: `W_dec` [F, d]", "`W_enc` [d, F]",
    _fits, _decoders,
    loaders=("sae_lens",), file=f"{{}}/{WEIGHTS}",
)  # fmt: skip


def _of_unit_length(W_dec: Tensor) -> Tensor:
    """Return float32 rows of length 1; rows of zeros stay.

    In float32, as SAELens does it and earlier runs have hashed it, but where squares leave float32.
    """
    unit = W_dec / _or_one(torch.linalg.vector_norm(W_dec, dim=1, keepdim=True))
    largest = W_dec.abs().amax(1)
    extreme = (largest < 1e-12) | (largest > 1e12)
    if extreme.any():
        rows = W_dec[extreme].double()
        lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
        unit[extreme] = (rows / _or_one(lengths)).float()
    return unit


def _or_one(lengths: Tensor) -> Tensor:
    return torch.where(lengths == 0, 1.0, lengths)
