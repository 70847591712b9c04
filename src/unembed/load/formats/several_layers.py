"""Decoders that write to several places: one bank for each layer, or model, they write to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unembed.errors import FormatError
from unembed.load.formats.format import Decoder, Encoder
from unembed.load.formats.reading import matrix, no_decoder, scaled
from unembed.load.stream.sites import site_of
from unembed.load.tensors.file import Part, TensorFile
from unembed.outside import limits

SUM = "→sum"
"""How the part ends that is asked for by `REFERENCE:sum`."""


@dataclass(frozen=True)
class Slice:
    """One layer's share of a cross-layer decoder.

    Attributes:
        source: the layer that its features read.
        to: the layer that this slice writes to.
        tensor: where it is.
        part: which part of the tensor.
        factor: what it is multiplied by.
    """

    source: int
    to: int
    tensor: str
    part: Part
    factor: float = 1.0

    @property
    def name(self) -> str:
        """The part's name: `5→9`."""
        return f"{self.source}→{self.to}"


def cross_layer_shape(file: TensorFile, tensor: str, place: str) -> tuple[int, ...]:
    """Return the shape of a cross-layer decoder: [features, layers, d_model].

    Raises:
        FormatError: when it has another one, or there is none.
    """
    shape = file.shapes().get(tensor)
    if shape is None:
        raise no_decoder(place, file)
    if len(shape) != 3:
        raise FormatError(
            f"{place}: {tensor} has shape {list(shape)}; a cross-layer transcoder's is "
            "[features, layers, d_model]."
        )
    check_count(shape[1], tensor, place)
    return shape


def check_count(count: int, tensor: str, place: str) -> int:
    """Return how many places one tensor writes to, by its shape.

    Raises:
        FormatError: when no dictionary has as many.
    """
    if not 0 < count <= limits.WRITTEN_TO:
        raise FormatError(
            f"{place}: {tensor} should write to between 1 and {limits.WRITTEN_TO} layers or "
            f"models; by its shape it writes to {count:,}. The file is damaged."
        )
    return count


def share_of(count: int) -> str:
    """Return, in words, that what features read is added up over several places."""
    return f"its share of the {count} places that are added up"


def decoders_of_slices(
    file: TensorFile,
    place: str,
    slices: Sequence[Slice],
    *,
    hooks: Sequence[str],
    model: str | None,
    encoder: Encoder | str,
) -> list[Decoder]:
    """Return a bank for each slice, named `clt.5→9`, and their sum, which is read on request.

    Args:
        file: where the decoder is.
        place: the file, as errors name it.
        slices: from one source layer.
        hooks: what is written to in each layer of the model, from the first.
        model: the model they were made for.
        encoder: what the features read in that layer, or why that is not known.
    """
    readers = [
        scaled(matrix(file, each.tensor, place, part=each.part), each.factor) for each in slices
    ]
    apart = [
        Decoder(
            name=f"clt.{each.name}",
            read=read,
            hook=hooks[each.to],
            layer=each.to,
            part=each.name,
            model=model,
            steps=() if each.factor == 1 else (f"× {each.factor:g} (average norms)",),
            details={"reads_layer": each.source},
        ).that_reads(encoder)
        for each, read in zip(slices, readers, strict=True)
    ]
    source, last = slices[0].source, slices[-1].to
    together = Decoder(
        name=f"clt.{source}{SUM}",
        read=_sum(readers, place, hooks[slices[0].to : last + 1]),
        hook=hooks[last],
        layer=source,
        part=f"{source}{SUM}",
        model=model,
        steps=(f"summed over the layers {slices[0].to} to {last} that it writes to",),
        details={"reads_layer": source},
    ).that_reads(encoder)
    return [*apart, together]


def _sum(
    readers: Sequence[Callable[[int | None], Tensor]], place: str, hooks: Sequence[str]
) -> Callable[[int | None], Tensor]:
    """Return what reads the sum of all layers' directions in the residual stream.

    It is refused where they are written before norms, which differ from layer to layer.
    """

    def read(width: int | None) -> Tensor:
        if any(site_of(hook).kind != "stream" for hook in hooks):
            raise FormatError(
                f"{place} writes to {hooks[0]}, before norms that differ from layer to layer: its "
                "layers cannot be summed. Name one layer, as REFERENCE:9."
            )
        total = readers[0](width).to(torch.float32, copy=True)
        for each in readers[1:]:
            total += each(width)
        return total

    return read


def wanted(decoders: Sequence[Decoder], part: str | None) -> list[Decoder]:
    """Return the banks that are meant: all but the sum, or the part that was asked for.

    Args:
        decoders: of one place.
        part: what stands behind `:`, such as `sum`, `5→9`, or `9` for what writes to layer 9.
    """
    if part is None:
        return [each for each in decoders if not each.part.endswith(SUM)]
    return [each for each in decoders if each.part == part or each.part.endswith(f"→{part}")]
