"""The fit itself: prompt after prompt, kept on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unembed.errors import UnembedError, WeightError
from unembed.fitting.blocks import Blocks
from unembed.fitting.checkpoint import keep, kept
from unembed.fitting.halves import Halves
from unembed.fitting.jacobian import prompt_jacobians
from unembed.progress import Report, report_within

_SECONDS = 60
"""Sums are kept so often, at the end of a prompt: those of a large model are gigabytes."""


def summed(
    blocks: Blocks,
    prompts: Sequence[Tensor],
    layers: Sequence[int],
    *,
    skip: int,
    batch: int,
    path: Path,
    identity: Mapping[str, Any],
    overwrite: bool,
    report: Report,
) -> Halves:
    """Return the sums of all prompts' Jacobians, going on from those that were kept.

    What has been summed is kept when the work is stopped, whatever stops it but a kill.

    Args:
        blocks: of the model.
        prompts: their tokens, in the order in which they are added up.
        layers: of the lens.
        skip: positions at the beginning that do not count.
        batch: rows of J made in one pass.
        path: of the checkpoint.
        identity: of this fit.
        overwrite: begin anew where the checkpoint is another fit's.
        report: told how many rows are made, of those of all prompts.

    Raises:
        WeightError: when a Jacobian is not finite.
        UnembedError: when the checkpoint is another fit's and stays, or memory does not suffice.
    """
    wide = torch.float64 if blocks.dtype == torch.float64 else torch.float32
    halves = kept(path, identity, Halves.empty(layers, blocks.d_model, wide), overwrite=overwrite)
    rows = blocks.d_model
    on_disk, at = halves.done, time.monotonic()
    try:
        for number in range(halves.done, len(prompts)):
            of_this = report_within(report, number * rows, len(prompts) * rows)
            with _enough_memory(blocks.device):
                found = prompt_jacobians(
                    blocks, prompts[number], layers, skip=skip, batch=batch, report=of_this
                )
            _check_finite(found, number)
            halves.add(found)
            if time.monotonic() - at > _SECONDS:
                keep(path, halves, identity)
                on_disk, at = halves.done, time.monotonic()
    finally:
        if halves.done > on_disk:
            keep(path, halves, identity)
    return halves


def _check_finite(jacobians: Mapping[int, Tensor], number: int) -> None:
    wrong = [layer for layer, J in jacobians.items() if not bool(torch.isfinite(J).all())]
    if wrong:
        raise WeightError(
            f"The Jacobian of prompt {number} has NaN or infinite values at layer {wrong[0]}. Fit "
            "in float32 (--dtype); if it was, look at the model's weights."
        )


@contextmanager
def _enough_memory(device: torch.device) -> Iterator[None]:
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise UnembedError(
            f"The device {str(device)!r} has too little memory left for the graph of a prompt's "
            "copies. Make fewer rows in a pass (--batch), fit in bfloat16 (--dtype), or leave out "
            f"the lowest layers (--layers). ({str(error).splitlines()[0][:200]})"
        ) from error
