"""The order of a row's tokens by logit weight, by a radix sort: as fast for any distribution."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled

I32 = npt.NDArray[np.int32]
U64 = npt.NDArray[np.uint64]

_DIGIT = np.uint64(11)
_DIGITS = 2048
_LOW = np.uint64(_DIGITS - 1)
_HALF = np.uint64(32)
_ROW = np.uint64(0xFFFFFFFF)


@compiled()
def order_of(bits: I32, keys: U64, spare: U64, order: I32) -> None:
    """Fill `order` with the rows of W_U, largest weight first; equal weights in row order.

    A float's bits order as the float does once those of positive ones are turned round (here so
    that the largest come first). The key stands above the row in a 64-bit word; three passes of
    eleven bits sort by it, each keeping the order of the one before.

    Args:
        bits: [n] finite float32 weights, viewed as int32. −0.0 counts as 0.0.
        keys: [n] scratch.
        spare: [n] scratch.
        order: [n] the result.
    """
    n = bits.shape[0]
    counts = np.zeros((3, _DIGITS), np.int32)
    for i in range(n):
        x = bits[i]
        x = np.int32(0) if x == np.int32(-2147483648) else x
        keys[i] = (np.uint64(np.uint32(x if x < 0 else ~x & 0x7FFFFFFF)) << _HALF) | np.uint64(i)
    for i in range(n):
        key = keys[i] >> _HALF
        counts[0, key & _LOW] += 1
        counts[1, (key >> _DIGIT) & _LOW] += 1
        counts[2, key >> (_DIGIT + _DIGIT)] += 1
    for digit in range(3):
        before = 0
        for value in range(_DIGITS):
            here = counts[digit, value]
            counts[digit, value] = before
            before += here
    _pass(keys, spare, _HALF, counts[0])
    _pass(spare, keys, _HALF + _DIGIT, counts[1])
    _pass(keys, spare, _HALF + _DIGIT + _DIGIT, counts[2])
    for place in range(n):
        order[place] = np.int32(spare[place] & _ROW)


@compiled()
def _pass(source: U64, target: U64, shift: np.uint64, starts: I32) -> None:
    for i in range(source.shape[0]):
        word = source[i]
        digit = (word >> shift) & _LOW
        target[starts[digit]] = word
        starts[digit] += 1
