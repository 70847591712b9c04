"""The blocks of a model of `transformers`, found by its structure and checked by running it.

No list of names says where a family keeps its blocks. They are the outermost list of as many
modules as the model has layers, and a short run shows whether that is right: one stream passes
through them in order, each taking what the one before it gave, what stands behind the last (the
final norm) takes what that gave, and no position hears of a later one. Whatever does not look like
that is refused in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from unembed.fitting.probe import check_causal, check_in_a_row, probe, refused, stream_of

_PROBE = 6
"""Tokens of the short run."""

Stream = Callable[[Tensor], Tensor]


class Blocks:
    """A causal language model as its residual stream sees it: blocks in a row.

    Attributes:
        model: put into evaluation, and with parameters that want no gradients.
        config: of its text part.
        blocks: in order.
        d_model: the width of the stream.
        followed_by: the name of what takes the last block's output, such as `norm`.

    Args:
        model: of `transformers`, with its weights.

    Raises:
        FormatError: when its blocks cannot be told apart, or do not stand in a row.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model.eval().requires_grad_(False)
        whole: Any = model.config
        self.config: Any = whole.get_text_config() if hasattr(whole, "get_text_config") else whole
        if getattr(whole, "is_encoder_decoder", False):
            raise refused(model, "it has an encoder beside its decoder")
        self._decoder = _decoder(model)
        self._wants_mask = "attention_mask" in signature(self._decoder.forward).parameters
        count = getattr(self.config, "num_hidden_layers", 0)
        self.blocks: Sequence[nn.Module] = list(_blocks(self._decoder, count))
        vocabulary = max(2, int(getattr(self.config, "vocab_size", 2)))
        ids = torch.arange(_PROBE, device="cpu")[None] % vocabulary
        seen = probe(self._decoder, self.blocks, lambda: self.run(ids))
        check_in_a_row(model, seen, count)
        changed = torch.cat([ids[:, :-1], (ids[:, -1:] + 1) % vocabulary], 1)
        other = probe(self._decoder, self.blocks, lambda: self.run(changed))
        check_causal(model, seen, other)
        self.d_model = int(seen.outputs[-1].shape[-1])
        self.followed_by = seen.behind

    def __len__(self) -> int:
        return len(self.blocks)

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """What the model computes in."""
        return next(self.model.parameters()).dtype

    def run(self, ids: Tensor) -> None:
        """Run the model up to its final norm, for its hooks' sake.

        Args:
            ids: [batch, tokens].
        """
        ids = ids.to(self.device)
        self._decoder(input_ids=ids, use_cache=False, **self._whole(ids))

    def logits(self, ids: Tensor) -> Tensor:
        """Return the model's logits [batch, tokens, vocabulary].

        Args:
            ids: [batch, tokens].
        """
        ids = ids.to(self.device)
        found: Tensor = self.model(input_ids=ids, use_cache=False, **self._whole(ids)).logits
        return found

    def last_logits(self, ids: Tensor) -> Tensor:
        """Return the logits [batch, vocabulary] behind the last token; no others are made.

        Args:
            ids: [batch, tokens].
        """
        head = getattr(self.model, "get_output_embeddings", lambda: None)()
        if head is None:
            return self.logits(ids)[:, -1]
        handle = head.register_forward_pre_hook(_last_position)
        try:
            return self.logits(ids)[:, -1]
        finally:
            handle.remove()

    def _whole(self, ids: Tensor) -> dict[str, Tensor]:
        """Say to a model that wants to know it that no token is there to fill a row."""
        return {"attention_mask": torch.ones_like(ids)} if self._wants_mask else {}

    @contextmanager
    def streams(self, layers: Sequence[int]) -> Iterator[dict[int, Tensor]]:
        """Yield what each run fills: the stream [batch, tokens, d_model] behind blocks.

        Gradients reach down to the lowest of them and no further: its stream is a leaf, so that
        nothing below it is kept, or gone through again.

        Args:
            layers: of the blocks; −1 for what enters the first.
        """
        found: dict[int, Tensor] = {}
        lowest = min(layers)

        def keep(layer: int, stream: Tensor) -> Tensor:
            found[layer] = stream.detach().requires_grad_() if layer == lowest else stream
            return found[layer]

        handles = [self._on(layer, partial(keep, layer)) for layer in {*layers}]
        try:
            yield found
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def changed(self, layer: int, stream: Stream) -> Iterator[None]:
        """Have each run go on from what a function makes of the stream behind a block.

        Args:
            layer: of the block; −1 for what enters the first.
            stream: from the stream [batch, tokens, d_model] to another.
        """
        handle = self._on(layer, stream)
        try:
            yield
        finally:
            handle.remove()

    def _on(self, layer: int, stream: Stream) -> RemovableHandle:
        """Have the stream behind a block, or before the first, pass through a function."""
        if layer == -1:
            return self.blocks[0].register_forward_pre_hook(_before(stream), with_kwargs=True)
        return self.blocks[layer].register_forward_hook(_behind(stream))


def _last_position(head: nn.Module, inputs: Any) -> Any:
    """Give W_U the last position alone, laid out so that all prompts are one product."""
    return (inputs[0][:, -1:].contiguous(), *inputs[1:]) if inputs else None


def _behind(stream: Stream) -> Callable[..., Any]:
    def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
        changed = stream(stream_of(output))
        return changed if isinstance(output, Tensor) else (changed, *output[1:])

    return hook


def _before(stream: Stream) -> Callable[..., Any]:
    def hook(module: nn.Module, inputs: Any, named: dict[str, Any]) -> Any:
        if inputs:
            return (stream(inputs[0]), *inputs[1:]), named
        return inputs, {**named, "hidden_states": stream(named["hidden_states"])}

    return hook


def _decoder(model: nn.Module) -> nn.Module:
    """Return the part that ends before W_U, so that no logits are made; else the whole model."""
    get = getattr(model, "get_decoder", None)
    for part in (get() if callable(get) else None, getattr(model, "base_model", None)):
        if isinstance(part, nn.Module) and any(_lists(part)):
            return part
    return model


def _lists(model: nn.Module) -> Iterator[nn.ModuleList]:
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module):
            yield module


def _blocks(decoder: nn.Module, count: int) -> nn.ModuleList:
    """Return the list of as many modules as the model has layers, the outermost of such.

    Raises:
        FormatError: when there is none.
    """
    lengths = set()
    for each in _lists(decoder):
        if len(each) == count:
            return each
        lengths.add(len(each))
    there = f"lists of {sorted(lengths)} modules" if lengths else "no list of modules"
    raise refused(decoder, f"it should have {count} layers, and has {there}")
