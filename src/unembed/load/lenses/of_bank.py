"""Which layer of a lens a bank of features is seen through: by its hook, and by nothing else.

| directions are … | layer of a lens that was fitted on outputs of blocks |
|---|---|
| in the stream that block L reads (`hook_resid_pre`) | L-1; of block 0 the embedding, -1 |
| in the output of block L (`hook_resid_post`) | L |
| added by the MLP of block L (neurons, `hook_mlp_out`) | L: the MLP's output joins it last |
| added by the attention of block L, or between it and the MLP | L, which leaves out that MLP |

A lens that was fitted on what attention or MLP add (`attn_out`, `mlp_out`), or on what the MLP
reads (`mlp_in`), serves banks of that point alone. The last block's output is the end itself: its
matrix is the identity, whether the file has it or not.
"""

from __future__ import annotations

from typing import NamedTuple

from unembed.errors import FormatError, SourceError
from unembed.load.lenses.layers import EMBEDDING, spans
from unembed.load.lenses.lens_file import CapturePoint, LensFile
from unembed.load.stream.along import Along, Point, point_of

_SERVED: dict[CapturePoint, tuple[Along, ...]] = {
    "attn_out": ("attention", "between"),
    "mlp_in": ("attention", "between"),
    "mlp_out": ("mlp",),
}
"""What lenses that were not fitted on outputs of blocks are right for, in a block of their own."""
_WORDS: dict[Along, str] = {
    "attention": "is what the attention of block {block} adds",
    "between": "is the stream between attention and MLP of block {block}",
    "mlp": "is what the MLP of block {block} adds",
    "block_input": "is the stream that block {block} reads",
    "block_output": "is the output of block {block}",
    "embedding": "is the embedding",
}
_LEFT_OUT = (
    ", which leaves out what the MLP of that block makes of it (nothing, where attention and MLP "
    "read the stream side by side)"
)


class LensLayer(NamedTuple):
    """The layer of a lens that a bank is seen through.

    Attributes:
        layer: the output of that block; -1 for the embedding.
        said: a sentence that says which, and what it leaves out.
        is_exact: whether it leaves nothing out.
    """

    layer: int
    said: str
    is_exact: bool = True


def layer_for(hook: str | None, lens: LensFile, *, bank: str = "The bank") -> LensLayer:
    """Return the layer of a lens that directions of a hook are seen through.

    Args:
        hook: where they are written.
        lens: which layers it has, and where in a block it was fitted.
        bank: what they are called in errors.

    Raises:
        FormatError: when the hook is not known, so that the layer has to be said.
        SourceError: when the lens does not have that layer.
    """
    if hook is None:
        raise FormatError(
            f"{bank} does not say where its directions are written, so that it is not known which "
            f"layer of the lens is theirs. {_say(lens)}"
        )
    try:
        point = point_of(hook)
    except FormatError as error:
        raise FormatError(f"{bank}: {error} {_say(lens)}") from error
    if lens.capture_point != "block_output":
        return _served(hook, point, lens)
    layer = block_behind(point)
    if not lens.has(layer):
        raise SourceError(f"{bank} ({hook} {_worded(point)}): {lens.lacks(layer)}")
    exact = point.along not in ("attention", "between")
    whose = "the embedding" if layer == EMBEDDING else f"block {layer}'s output"
    return LensLayer(layer, _sentence(hook, point, whose, layer, lens, exact), exact)


def block_behind(point: Point) -> int:
    """Return the block whose output is nearest behind a point, or is that point."""
    if point.block is None:
        return EMBEDDING
    return point.block - 1 if point.along == "block_input" else point.block


def _served(hook: str, point: Point, lens: LensFile) -> LensLayer:
    """Return the layer of a lens that was not fitted on outputs of blocks."""
    served = _SERVED[lens.capture_point]
    if point.along not in served or point.block is None:
        raise SourceError(
            f"{lens.place} was fitted at {lens.capture_point}, and {hook} {_worded(point)}: it "
            "says nothing of that. Take a lens that was fitted on the outputs of blocks."
        )
    if not lens.has(point.block):
        raise lens.lacks(point.block)
    whose = f"block {point.block}, fitted at {lens.capture_point}"
    return LensLayer(point.block, _sentence(hook, point, whose, point.block, lens, True))


def _sentence(hook: str, point: Point, whose: str, layer: int, lens: LensFile, exact: bool) -> str:
    said = f"{hook} {_worded(point)}: seen through the lens of {whose}{'' if exact else _LEFT_OUT}."
    if layer != lens.last_block or layer in lens.layers:
        return said
    return f"{said} That block is the last: its output is the end, as under the logit lens."


def _worded(point: Point) -> str:
    return _WORDS[point.along].format(block=point.block)


def _say(lens: LensFile) -> str:
    return f"Say which with --lens-layer (one of {spans(lens.layers)}), or the hook with --hook."
