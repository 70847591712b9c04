"""What a model says behind some prompts, with something added to its stream behind a block.

What stands before that block is the same whatever is added: it is run once, and each pass begins
with what the block gave then. Whether that is right of a model is not assumed. A pass with nothing
added must give the logits of the whole model; where it does not, every pass is run whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from unembed.fitting.blocks import Blocks
from unembed.fitting.probe import stream_of

_AGREES = 1e-3
"""How far logits may differ by rounding, in standard deviations of theirs."""
_WHAT_A_RUN_RAISES = (RuntimeError, ValueError, TypeError, LookupError, AttributeError)


class BehindBlock:
    """Passes of a model over some prompts, with something added behind one block.

    Attributes:
        unsteered: [prompts, vocabulary] the logits behind each prompt with nothing added, float32
            on the CPU.
        length: of the stream behind the block, a median over positions. The first of each prompt
            is left out: its stream can be a hundred times as long as all others.

    Args:
        blocks: of the model.
        layer: of the block; −1 for what enters the first.
        prompts: the tokens of each.
    """

    def __init__(
        self, blocks: Blocks, layer: int, prompts: Sequence[Int[Tensor, " tokens"]]
    ) -> None:
        lengths = [len(each) for each in prompts]
        self._places = [
            [at for at, length in enumerate(lengths) if length == wanted]
            for wanted in sorted(set(lengths))
        ]
        groups = [torch.stack([prompts[at] for at in group]) for group in self._places]
        with torch.no_grad():
            self._rests = [_Rest(blocks, layer, ids) for ids in groups]
            is_whole = not self._rests[0].agrees()
        for rest in self._rests:
            rest.is_whole = is_whole
        self.unsteered = self._in_order([rest.unsteered for rest in self._rests])
        self.length = float(torch.cat([rest.lengths() for rest in self._rests]).median())

    def logits(
        self, added: Float[Tensor, " d_model"], *, at_last: bool = False
    ) -> Float[Tensor, "prompts vocabulary"]:
        """Return the logits behind each prompt, float32 on the CPU.

        Args:
            added: to the stream of every position.
            at_last: to that of the last position alone.
        """
        with torch.no_grad():
            return self._in_order([rest.logits(added, at_last) for rest in self._rests])

    def _in_order(self, of_groups: list[Tensor]) -> Float[Tensor, "prompts vocabulary"]:
        rows = torch.cat(of_groups).float().cpu()
        back = torch.tensor([at for group in self._places for at in group], device="cpu").argsort()
        return rows[back]


class _Rest:
    """The blocks behind one, for prompts of one length.

    Attributes:
        unsteered: the logits [prompts, vocabulary] behind the last token, with nothing added.
        is_whole: whether passes go through the blocks before it, too.
    """

    def __init__(self, blocks: Blocks, layer: int, ids: Tensor) -> None:
        self._blocks, self._layer, self._ids = blocks, layer, ids
        self.is_whole = layer < 0
        self._outputs: list[Any] = []
        seen: list[Tensor] = []
        before = [*blocks.blocks[: layer + 1]]
        handles = [each.register_forward_hook(self._keep) for each in before]
        try:
            with blocks.changed(layer, lambda stream: seen.append(stream) or stream):  # type: ignore[func-returns-value]
                self.unsteered = blocks.last_logits(ids)
        finally:
            for handle in handles:
                handle.remove()
        self._stream = seen[0]
        if len(self._outputs) != layer + 1:  # one of them ran twice
            self.is_whole = True

    def lengths(self) -> Tensor:
        """Return how long the stream is at each position but the first, where there are others."""
        stream = self._stream[:, 1:] if self._stream.shape[1] > 1 else self._stream
        found: Tensor = stream.float().norm(dim=-1).flatten()
        return found

    def agrees(self) -> bool:
        """Return whether a pass that begins behind the block gives the logits of a whole one."""
        if self.is_whole:
            return False
        try:
            again = self.logits(torch.zeros(self._stream.shape[-1]), at_last=False)
        except _WHAT_A_RUN_RAISES:
            return False
        off = (again - self.unsteered).abs().max()
        return bool(off <= _AGREES * self.unsteered.std())  # not where it is no number either

    def logits(self, added: Tensor, at_last: bool) -> Tensor:
        """Return the logits [prompts, vocabulary] behind the last token."""
        added = added.to(self._blocks.device, self._blocks.dtype)

        def add(stream: Tensor) -> Tensor:
            if not at_last:
                return stream + added
            return torch.cat([stream[:, :-1], stream[:, -1:] + added], 1)

        with self._skipped(), self._blocks.changed(self._layer, add):
            return self._blocks.last_logits(self._ids)

    def _keep(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """Keep what goes beside the stream of each block, and of the last the stream, too."""
        is_last = len(self._outputs) == self._layer
        if is_last or isinstance(output, Tensor):
            self._outputs.append(output if is_last else None)
        else:
            self._outputs.append((None, *output[1:]))

    @contextmanager
    def _skipped(self) -> Iterator[None]:
        """Have the blocks up to this one give what they gave, without running."""
        if self.is_whole:
            yield
            return
        before = [*self._blocks.blocks[: self._layer + 1]]
        own = [each.__dict__.get("forward") for each in before]
        try:
            for each, output in zip(before, self._outputs, strict=True):
                each.forward = _giving(output)
            yield
        finally:
            for each, was in zip(before, own, strict=True):
                del each.forward
                if was is not None:
                    each.forward = was


def _giving(output: Any) -> Callable[..., Any]:
    """Return what stands for a block: it gives what the block gave, or the stream it is given."""

    def forward(*inputs: Any, **named: Any) -> Any:
        if isinstance(output, Tensor) or (output is not None and output[0] is not None):
            return output
        stream = stream_of(inputs) if inputs else named["hidden_states"]
        return stream if output is None else (stream, *output[1:])

    return forward
