"""Runs of a model that begin behind a block: what comes before gives again what it gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from unembed.fitting.blocks import Blocks
from unembed.fitting.probe import stream_of

_WHAT_A_RUN_RAISES = (RuntimeError, ValueError, TypeError, LookupError, AttributeError)
_ALIKE = 1e-3
"""How far logits may lie apart, as a share of the largest: a GPU adds up as it likes."""


class Replay:
    """Runs of a model on the same prompts that begin behind a block, which is what takes the time.

    The blocks up to there give what they gave in a first run, and work nothing out. Whether the
    logits are those of a whole run is tried: in some models a later block takes more of an earlier
    one than the stream, its keys and values say. There every run goes through all blocks.

    Attributes:
        logits: [batch, vocabulary] behind the last token of each prompt, of the first run.
        stream: [batch, tokens, d_model] behind the block, in the first run.
        is_shorter: whether runs are shorter.

    Args:
        blocks: of the model.
        ids: [batch, tokens] of the prompts, all of one length.
        layer: of the block; −1 for what enters the first, so that all of them run.
        may_be: whether runs may be shorter, where it is known not to be so.
    """

    def __init__(self, blocks: Blocks, ids: Tensor, layer: int, *, may_be: bool = True) -> None:
        self._blocks, self._ids, self._layer = blocks, ids, layer
        self._given: list[tuple[nn.Module, Any]] = []
        self._run_whole()
        self.is_shorter = may_be and layer >= 0 and len(self._given) == layer + 1
        if self.is_shorter:
            self.is_shorter = self._is_alike()

    @contextmanager
    def behind(self) -> Iterator[bool]:
        """Have each run on the prompts begin behind the block; yield whether they do."""
        given = self._given if self.is_shorter else []
        own = [vars(module).get("forward") for module, _ in given]
        try:
            for module, output in given:
                module.forward = _giving(output)
            yield self.is_shorter
        finally:
            for (module, _), was in zip(given, own, strict=True):
                del module.forward
                if was is not None:
                    module.forward = was

    def _run_whole(self) -> None:
        """Keep the logits, the stream, and what each block up to the one gives."""
        seen: list[Tensor] = []

        def see(stream: Tensor) -> Tensor:
            seen.append(stream)
            return stream

        before = self._blocks.blocks[: self._layer + 1]
        handles = [block.register_forward_hook(self._keep) for block in before]
        try:
            with torch.no_grad(), self._blocks.changed(self._layer, see):
                self.logits = self._blocks.last_logits(self._ids)
        finally:
            for handle in handles:
                handle.remove()
        self.stream = seen[0]

    def _keep(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """Keep what goes beside the stream of each block, and of the last the stream, too."""
        is_last = len(self._given) == self._layer
        if is_last or isinstance(output, Tensor):
            self._given.append((module, output if is_last else None))
        else:
            self._given.append((module, (None, *output[1:])))

    def _is_alike(self) -> bool:
        """Return whether a shortened run ends as a whole one does; later blocks get a copy."""
        try:
            with torch.no_grad(), self.behind(), self._blocks.changed(self._layer, torch.clone):
                found = self._blocks.last_logits(self._ids)
        except _WHAT_A_RUN_RAISES:
            return False
        near = _ALIKE * float(self.logits.abs().max())
        return found.shape == self.logits.shape and float((found - self.logits).abs().max()) <= near


def _giving(output: Any) -> Callable[..., Any]:
    """Return what stands for a block: it gives what the block gave, or the stream it is given."""

    def forward(*inputs: Any, **named: Any) -> Any:
        if isinstance(output, Tensor) or (output is not None and output[0] is not None):
            return output
        stream = stream_of(inputs) if inputs else named["hidden_states"]
        return stream if output is None else (stream, *output[1:])

    return forward
