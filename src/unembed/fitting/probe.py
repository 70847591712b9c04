"""What passes through the blocks of a model in a short run, and whether that is one stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from unembed.errors import FormatError


@dataclass
class Probe:
    """What was seen of a run.

    Attributes:
        inputs: that each block took, in the order in which they ran.
        outputs: that each gave.
        behind: the name of what ran after the last block; `""` for nothing.
        taken: the first of what that took.
    """

    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    behind: str = ""
    taken: Any = None


def probe(decoder: nn.Module, blocks: Sequence[nn.Module], run: Callable[[], object]) -> Probe:
    """Return what is seen of a run.

    Args:
        decoder: what runs.
        blocks: of it, in their order.
        run: runs it.

    Raises:
        FormatError: when it cannot be run.
    """
    seen = Probe()

    def before(module: nn.Module, inputs: Any, named: dict[str, Any]) -> None:
        seen.inputs.append(inputs[0] if inputs else named.get("hidden_states"))

    def behind(module: nn.Module, inputs: Any, output: Any) -> None:
        seen.outputs.append(stream_of(output))

    def after(name: str) -> Callable[[nn.Module, Any], None]:
        def hook(module: nn.Module, inputs: Any) -> None:
            if len(seen.outputs) >= len(blocks) and not seen.behind:
                seen.behind, seen.taken = name, inputs[0] if inputs else None

        return hook

    handles = [block.register_forward_pre_hook(before, with_kwargs=True) for block in blocks]
    handles += [block.register_forward_hook(behind) for block in blocks]
    handles += [
        each.register_forward_pre_hook(after(name)) for name, each in _outside(decoder, blocks)
    ]
    try:
        with torch.no_grad():
            run()
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise refused(decoder, f"it cannot be run on a few tokens ({error})") from error
    finally:
        for handle in handles:
            handle.remove()
    return seen


def check_in_a_row(decoder: nn.Module, seen: Probe, count: int) -> None:
    """Check that one stream passes through all blocks in order, and leaves the last as it is.

    Raises:
        FormatError: when it does not.
    """
    if len(seen.outputs) != count:
        raise refused(decoder, f"of {count} blocks {len(seen.outputs)} ran")
    for layer, (taken, given) in enumerate(zip(seen.inputs, seen.outputs, strict=True)):
        if not isinstance(given, Tensor) or given.ndim != 3 or not isinstance(taken, Tensor):
            raise refused(decoder, f"block {layer} does not give one vector a token")
        if layer and not torch.equal(taken, seen.outputs[layer - 1]):
            raise refused(decoder, f"block {layer} does not take what the one before it gave")
    if isinstance(seen.taken, Tensor) and not torch.equal(seen.taken, seen.outputs[-1]):
        raise refused(decoder, f"its {seen.behind} does not take what the last block gave")


def check_causal(decoder: nn.Module, one: Probe, other: Probe) -> None:
    """Check that the last token of two runs, the only one in which they differ, changed no other.

    Raises:
        FormatError: when it did.
    """
    before, after = one.outputs[-1][:, :-1].float(), other.outputs[-1][:, :-1].float()
    if not torch.allclose(before, after, rtol=0, atol=1e-3 * float(before.abs().max())):
        raise refused(decoder, "a token changes what stands before it, so that it is not causal")


def stream_of(output: Any) -> Any:
    """Return the stream in what a block gives: itself, or the first of several things."""
    return output[0] if isinstance(output, tuple | list) and output else output


def refused(model: nn.Module, why: str) -> FormatError:
    """Return what is said of a model that no lens can be fitted to."""
    return FormatError(
        f"No Jacobian lens can be fitted to {type(model).__name__}: {why}. It takes a causal "
        "language model whose blocks write into one residual stream, each behind the other."
    )


def _outside(decoder: nn.Module, blocks: Sequence[nn.Module]) -> list[tuple[str, nn.Module]]:
    """Return the modules that are in no block, by name, but for the decoder itself."""
    inside = {id(each) for block in blocks for each in block.modules()}
    return [
        (name, each) for name, each in decoder.named_modules() if name and id(each) not in inside
    ]
