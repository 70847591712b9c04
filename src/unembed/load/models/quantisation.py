"""Weights stored as small numbers with scales beside them, read as what they stand for.

A weight q [rows, columns] in int8 or float8 stands for (q − zero point) · scale, with one scale
for the tensor, for each row, or for each block of it (`compressed-tensors`, DeepSeek's
`weight_scale_inv`, which multiplies too, bitsandbytes' `SCB`, which is 127 times the scale).
Whatever else lies beside a weight and might change its values is refused, never passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch
from torch import Tensor

from unembed.errors import FormatError
from unembed.outside import limits
from unembed.outside.fields import Fields, is_whole

SCALED_DTYPES = (torch.int8, torch.float8_e4m3fn, torch.float8_e5m2)

_SCALES = ("_scale", "_scale_inv")
_ZERO_POINT = "_zero_point"
_OUTSIDE = ("bias", "input_scale", "output_scale", "input_zero_point", "weight_format")
"""What may lie beside a weight and says nothing about its values."""

_PACKED = {
    "qweight": "GPTQ or AWQ",
    "weight_packed": "compressed-tensors, several values in one integer",
    "scales": "MLX",
    "weight.absmax": "bitsandbytes, 4 bit",
    "weight.quant_state.bitsandbytes__nf4": "bitsandbytes, 4 bit",
    "weight.quant_state.bitsandbytes__fp4": "bitsandbytes, 4 bit",
    "weight_scale_2": "NVFP4",
    "W_q": "HQQ",
    "weight._data": "quanto",
}
_PACKED_EXPERTS = {"_blocks": "MXFP4", "_qweight": "GPTQ or AWQ", "_packed": "packed integers"}


def packed_as(name: str, names: Collection[str]) -> str | None:
    """Return how a weight that is not there as it is was quantised, or None.

    Args:
        name: of the weight, such as `model.layers.0.mlp.down_proj.weight`.
        names: of all tensors of the checkpoint.
    """
    stem = name.removesuffix("weight")
    endings = _PACKED if stem != name else _PACKED_EXPERTS
    beside = {stem + ending: how for ending, how in endings.items()}
    return next((how for other, how in beside.items() if other in names), None)


def refuse_packed(place: str, name: str, how: str) -> FormatError:
    """Return the error for a weight whose values are packed."""
    return FormatError(
        f"{place}: {name} is quantised ({how}), and unembed does not unpack that. The "
        "unembedding is usually left as it was; for neurons and heads take an unquantised "
        "checkpoint."
    )


def stands_alone(name: str, dtype: torch.dtype, names: Collection[str]) -> bool:
    """Return whether a weight is in floats, and nothing lies beside it that might change them.

    Args:
        name: of the weight.
        dtype: that it is stored in.
        names: of all tensors of the checkpoint.
    """
    g_idx, beside = name.removesuffix("weight") + "g_idx", (name + "_", name + ".")
    is_plain = dtype.is_floating_point and dtype not in SCALED_DTYPES
    return is_plain and not any(n == g_idx or n.startswith(beside) for n in names)


def dequantised(
    place: str,
    name: str,
    weight: Tensor,
    names: Collection[str],
    read: Callable[[str], Tensor],
    settings: Fields,
) -> Tensor:
    """Return a weight as it is where it is in floats, else as its scales say.

    Args:
        place: the checkpoint, as errors name it.
        name: of the weight.
        weight: as it is stored.
        names: of all tensors of the checkpoint.
        read: returns another tensor of the checkpoint.
        settings: `quantization_config` of config.json.

    Raises:
        FormatError: when scales or zero points are missing or not understood.
    """
    scales = [name + ending for ending in _SCALES if name + ending in names]
    codes = name.removesuffix("weight") + "SCB"
    if codes in names and weight.dtype == torch.int8:
        return weight.float() * (read(codes).float().reshape(-1, 1) / 127)
    plain = weight.is_floating_point() and weight.dtype not in SCALED_DTYPES
    _refuse_strange(place, name, weight, names)
    if plain and not scales:
        return weight
    if plain or weight.dtype not in SCALED_DTYPES or len(scales) != 1 or weight.ndim != 2:
        raise FormatError(
            f"{place}: tensor {name} is stored as {weight.dtype} {list(weight.shape)} with "
            f"{', '.join(scales) or f'no {name}_scale'} beside it, so its values are not known. "
            "Take an unquantised checkpoint."
        )
    scale = read(scales[0])
    spread = _spread(place, scales[0], scale, weight, settings)
    values = weight.float()
    zero_point = name + _ZERO_POINT
    if zero_point in names:
        zero = read(zero_point)
        if zero.numel() != scale.numel():
            raise FormatError(
                f"{place}: {zero_point} has shape {list(zero.shape)}, but {scales[0]} has "
                f"{list(scale.shape)}; a zero point belongs to a scale. Take another checkpoint."
            )
        values = values - spread(zero.float())
    return values * spread(scale.float())


def _refuse_strange(place: str, name: str, weight: Tensor, names: Collection[str]) -> None:
    """Refuse a weight beside which lies something that is not understood."""
    known = {name + ending for ending in (*_SCALES, _ZERO_POINT)}
    parent = name.removesuffix("weight")
    known |= {parent + other for other in _OUTSIDE}
    beside = (name + "_", name + ".")  # made once: a checkpoint may have 90,000 names
    strange = [other for other in names if other.startswith(beside) and other not in known]
    if parent + "g_idx" in names:
        strange.append(parent + "g_idx")
    if strange:
        raise FormatError(
            f"{place}: {', '.join(sorted(strange))} lies beside {name} ({weight.dtype}), and "
            "unembed does not know what it does to the values. Take an unquantised checkpoint."
        )


def _spread(
    place: str, scale_name: str, scale: Tensor, weight: Tensor, settings: Fields
) -> Callable[[Tensor], Tensor]:
    """Return what spreads one number a tensor, row or block over the weight's shape.

    Its shape decides, never how many there are: [2, 4] belongs to blocks of a weight with 8 rows
    as much as of any other.
    """
    rows, columns = weight.shape
    shape = tuple(scale.shape)
    if scale.numel() == 1:
        return lambda values: values.reshape(1, 1)
    if shape in ((rows,), (rows, 1)):
        return lambda values: values.reshape(rows, 1)
    block = _block(shape, (rows, columns), settings)
    if block is None:
        raise FormatError(
            f"{place}: {scale_name} has shape {list(shape)}, which is neither one scale a row nor "
            f"one a block of a weight of shape [{rows}, {columns}]. Take an unquantised checkpoint."
        )
    height, width = block

    def over_blocks(values: Tensor) -> Tensor:
        wide = values.reshape(shape).repeat_interleave(height, 0).repeat_interleave(width, 1)
        return wide[:rows, :columns]

    return over_blocks


def _block(
    shape: tuple[int, ...], whole: tuple[int, int], settings: Fields
) -> tuple[int, int] | None:
    """Return the height and width of a block, or None where no block fits."""
    if len(shape) != 2:
        return None
    said = _said_block(settings)
    if said and all(
        -(-n // size) == count for n, size, count in zip(whole, said, shape, strict=True)
    ):
        return said
    if any(n % count for n, count in zip(whole, shape, strict=True)):
        return None
    return whole[0] // shape[0], whole[1] // shape[1]


def _said_block(settings: Fields) -> tuple[int, int] | None:
    """Return the size of blocks that config.json states, where it does."""
    groups = settings.table("config_groups")
    weights = [groups.table(name).table("weights") for name in groups]
    for fields, key in [
        (settings, "weight_block_size"),
        *((w, "block_structure") for w in weights),
    ]:
        size = fields.content.get(key)
        if isinstance(size, list):
            if len(size) != 2 or not all(is_whole(n, limits.WIDTH, 1) for n in size):
                raise fields.wrong(key, "a list of a height and a width")
            return size[0], size[1]
    return None
