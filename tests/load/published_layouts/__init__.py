"""Tiny files of every published dictionary, laid out exactly as on the hub.

They are written from the publishers' own loaders and writers, with true file names, configs,
tensor names, dtypes, orientations and companions, and independently of what `unembed` reads them
with. What a file should yield is computed here in float64 from the format's definition.

Contents are made when they are asked for: `files_of` for one entry, `tests.load.published_hub`
for a hub of them all.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.load.published_layouts import (
    dictionary_learning,
    gemma_scope,
    openmoss,
    saelens,
    single_files,
    transcoders,
)
from tests.load.published_layouts.models import SPECS, model_files, tiny_model
from tests.load.published_layouts.parts import SQUARE, TINY, Bank, Laid, Size
from tests.load.published_layouts.registry import Entry, by_name, entries

__all__ = [
    "LAYOUTS",
    "SPECS",
    "SQUARE",
    "TINY",
    "Bank",
    "Entry",
    "Laid",
    "Size",
    "by_name",
    "entries",
    "expected",
    "files_of",
    "lay",
    "model_files",
    "tiny_model",
]

LAYOUTS: dict[str, Callable[[Entry, Size], Laid]] = {
    "sae_lens": saelens.native,
    "gemma_2": gemma_scope.gemma_2,
    "gemma_2_transcoder": gemma_scope.gemma_2_transcoder,
    "gemma_3": gemma_scope.gemma_3,
    "llama_scope": openmoss.llama_scope,
    "llama_scope_r1_distill": openmoss.r1_distill,
    "dictionary_learning_1": dictionary_learning.published,
    "connor_rob_hook_z": single_files.hook_z,
    "goodfire": single_files.goodfire,
    "deepseek_r1": single_files.deepseek_r1,
    "qwen_scope": single_files.qwen_scope,
    "temporal": single_files.temporal,
    "mwhanna_transcoder": transcoders.mwhanna,
    "mntss_clt_layer_transcoder": transcoders.cross_layer,
}
"""By the name of SAELens' loader."""


def lay(entry: Entry, size: Size = TINY) -> Laid:
    """An entry's files, made when asked for, and what they should yield."""
    return LAYOUTS[entry.loader](entry, size)


def files_of(release: str, sae: str, size: Size = TINY) -> dict[str, bytes]:
    """The files of one entry, by their path in the repository."""
    laid = lay(by_name()[f"{release}/{sae}"], size)
    return {path: make() for path, make in laid.files.items()}


def expected(release: str, sae: str, size: Size = TINY) -> list[Bank]:
    """What one entry should yield: a bank, or one for each layer that it writes to."""
    return lay(by_name()[f"{release}/{sae}"], size).banks()
