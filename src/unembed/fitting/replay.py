"""Runs of a model that begin behind a block: what comes before gives again what it gave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from unembed.fitting.blocks import Blocks

_WHAT_A_RUN_RAISES = (RuntimeError, ValueError, TypeError, LookupError, AttributeError)
_ALIKE = 1e-3
"""How far logits may lie apart, as a share of the largest: a GPU adds up as it likes."""


@contextmanager
def run_from(blocks: Blocks, ids: Tensor, layer: int) -> Iterator[bool]:
    """Have each run on some prompts begin behind a block, which is what takes the time.

    The blocks up to there give what they gave in a first run, and work nothing out. Whether the
    logits are those of a whole run is tried: in some models a later block takes more of an earlier
    one than the stream, its keys and values say. There every run goes through all blocks.

    Args:
        blocks: of the model.
        ids: [batch, tokens] of the prompts, the same in every run.
        layer: of the block; −1 for what enters the first, so that all of them run.

    Yields:
        Whether runs are shorter now.
    """
    given, wanted = _whole_run(blocks, ids, layer)
    with ExitStack() as stack:
        shorter = stack.enter_context(ExitStack())
        for module, output in given:
            shorter.enter_context(_giving(module, output))
        if given and not _is_alike(blocks, ids, layer, wanted):
            shorter.close()
            given = []
        yield bool(given)


def _whole_run(
    blocks: Blocks, ids: Tensor, layer: int
) -> tuple[list[tuple[nn.Module, Any]], Tensor]:
    """Return the blocks up to one, and what each gives, and the logits behind the last token."""
    found: list[tuple[nn.Module, Any]] = []

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        found.append((module, output))

    handles = [block.register_forward_hook(keep) for block in blocks.blocks[: layer + 1]]
    try:
        with torch.no_grad():
            logits = blocks.last_logits(ids)
    finally:
        for handle in handles:
            handle.remove()
    return found, logits


@contextmanager
def _giving(module: nn.Module, output: Any) -> Iterator[None]:
    """Have a module give one thing, whatever it takes."""
    own = vars(module).get("forward")
    module.forward = lambda *given, **named: output
    try:
        yield
    finally:
        del module.forward
        if own is not None:
            module.forward = own


def _is_alike(blocks: Blocks, ids: Tensor, layer: int, wanted: Tensor) -> bool:
    """Return whether a shortened run ends as a whole one does; later blocks get a copy."""
    try:
        with torch.no_grad(), blocks.changed(layer, torch.clone):
            found = blocks.last_logits(ids)
    except _WHAT_A_RUN_RAISES:
        return False
    near = _ALIKE * float(wanted.abs().max())
    return found.shape == wanted.shape and float((found - wanted).abs().max()) <= near
