"""Features as a control vector of llama.cpp: a GGUF file that its programs add to a model's stream.

Facts from llama.cpp (`common_control_vector_load_one`, `llama_adapter_cvec`): the tensor
`direction.N`, float32 and of one axis, is added at every position to the output of block N, blocks
counted from 0. There is none for block 0. `--control-vector-scaled FILE:SCALE` multiplies it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from unembed.addresses import split
from unembed.errors import MissingExtraError, QueryError, SourceError
from unembed.load import load_model
from unembed.load.models.gguf_model import GGUFModel
from unembed.load.models.huggingface import HuggingFaceModel
from unembed.load.reopen import model_reference
from unembed.output_file import check_free, output_file
from unembed.questions.lenses import written_as
from unembed.questions.steering import steering
from unembed.steering.targets import Bank
from unembed.store.tables import RunTables

ARCHITECTURE = "controlvector"


class ControlVector(NamedTuple):
    """What was written.

    Attributes:
        path: of the file.
        model_hint: what the model's architecture is called.
        blocks: behind which something is added, in order.
        lengths: of what is added there.
    """

    path: Path
    model_hint: str
    blocks: tuple[int, ...]
    lengths: tuple[float, ...]


def write_control_vector(
    run: RunTables,
    features: str | Sequence[str],
    out: str | Path,
    *,
    strength: float | None = None,
    overwrite: bool = False,
) -> ControlVector:
    """Return what was written: features as a control vector that llama.cpp reads.

    Features that are written behind one block are added up.

    Args:
        run: a finished run, whose weights can be read again.
        features: `bank/index`, or several.
        out: the `.gguf` file.
        strength: how long each is, in lengths of the stream behind its block, as the run keeps it
            of features of that block that were steered; None for one unit of the feature.
        overwrite: replace a file that is there.

    Raises:
        QueryError: when the run has no such feature, llama.cpp adds nothing where it is written, or
            no length is known of the stream there.
        MissingExtraError: when the extra `gguf` is not installed.
        UnembedError: when the file is there, or the disk refuses.
    """
    path = Path(out)
    check_free(path, overwrite=overwrite)
    writer = _writer_class()
    hint, n_layers = _model(run)
    directions: dict[int, torch.Tensor] = {}
    for feature in _each_once(run, [features] if isinstance(features, str) else features):
        block, direction = _added(run, feature, strength, n_layers)
        directions[block] = directions.get(block, torch.zeros_like(direction)) + direction
    if not directions:
        raise QueryError("No feature was named. Name some, such as sae.26/157.")
    with output_file(path) as part:
        _write(writer, part, hint, directions)
    blocks = tuple(sorted(directions))
    lengths = tuple(float(directions[block].norm()) for block in blocks)
    return ControlVector(path, hint, blocks, lengths)


def _each_once(run: RunTables, features: Sequence[str]) -> list[str]:
    """Return features, each once, through whatever lens it was named."""
    first: dict[tuple[str, int], str] = {}
    for feature in features:
        run.row_of(feature)  # or there is none
        name, index = split(feature, run.banks)
        first.setdefault((written_as(run.manifest.bank(name)), index), feature)
    return [*first.values()]


def _added(
    run: RunTables, feature: str, strength: float | None, n_layers: int
) -> tuple[int, torch.Tensor]:
    """Return behind which block a feature is added, and what is."""
    name, index = split(feature, run.banks)
    bank = Bank(run, name)
    block, direction = bank.where.block, bank.direction(index)
    if not 1 <= block < n_layers:
        where = "what enters the first block" if block < 0 else f"the output of block {block}"
        raise QueryError(
            f"{feature} is written to {where}, and llama.cpp adds control vectors to the output of "
            f"blocks 1 to {n_layers - 1} of this model alone."
        )
    if not direction.any():
        raise QueryError(f"{feature} writes nothing (its decoder row is zero).")
    if strength is not None:
        direction = direction / direction.norm() * strength * _length(run, block)
    return block, direction


def _length(run: RunTables, block: int) -> float:
    """Return how long the stream is behind a block, as the run keeps it of what was steered."""
    known = steering(run)
    lengths = known.filter(known["block"] == block)["length"]
    if not len(lengths):
        raise QueryError(
            f"How long the stream is behind block {block} is not known: no feature that is written "
            "there was steered. Steer one first (`unembed steer RUN FEATURE`), or leave out "
            "--strength, for one unit of the feature, and scale it in llama.cpp "
            "(--control-vector-scaled FILE:SCALE)."
        )
    return float(np.median(lengths.to_numpy()))


def _model(run: RunTables) -> tuple[str, int]:
    """Return what the architecture of a run's model is called, and how many blocks it has."""
    model = load_model(model_reference(run.manifest.unembedding))
    if not isinstance(model, GGUFModel | HuggingFaceModel):
        raise SourceError(f"{model.name} is of no architecture that has a name.")
    return model.architecture, model.n_layers


def _writer_class() -> Any:
    try:
        from gguf import GGUFWriter
    except ImportError as error:
        raise MissingExtraError(
            "Writing a GGUF file needs the gguf package: pip install 'unembed[gguf]'."
        ) from error
    return GGUFWriter


def _write(writer_class: Any, path: Path, hint: str, directions: dict[int, torch.Tensor]) -> None:
    writer = writer_class(path, ARCHITECTURE)
    writer.add_string(f"{ARCHITECTURE}.model_hint", hint)
    writer.add_uint32(f"{ARCHITECTURE}.layer_count", len(directions))
    for block, direction in sorted(directions.items()):
        writer.add_tensor(f"direction.{block}", direction.float().numpy().astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
