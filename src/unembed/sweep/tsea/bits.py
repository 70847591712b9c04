"""Bits of 64-bit words, for kernels: how many, where the first is, and 64 × 64 turned over."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba.extending import intrinsic

from unembed.compiled import compiled

U64 = npt.NDArray[np.uint64]

WORD = 64


def _popcount(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return numba.uint64(numba.uint64), generate


def _first_bit(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], context.get_constant(numba.boolean, True))

    return numba.uint64(numba.uint64), generate


popcount: Any = intrinsic(_popcount)
"""How many bits of a word are set (in kernels only)."""
first_bit: Any = intrinsic(_first_bit)
"""The position of the lowest set bit of a word that is not zero (in kernels only)."""


@compiled()
def transpose(words: U64) -> None:
    """Turn words [64, G] over in place: bit i of word [j, g] becomes bit j of word [i, g].

    Blocks of half the size change places, six times (Hacker's Delight, 7-3); the G words of a row
    are worked on side by side.
    """
    lanes = words.shape[1]
    mask = np.uint64(0x00000000FFFFFFFF)
    half = 32
    while half:
        shift = np.uint64(half)
        for start in range(0, WORD, 2 * half):
            for i in range(start, start + half):
                for g in range(lanes):
                    upper, lower = words[i, g], words[i + half, g]
                    swapped = ((upper >> shift) ^ lower) & mask
                    words[i, g] = upper ^ (swapped << shift)
                    words[i + half, g] = lower ^ swapped
        half //= 2
        mask ^= mask << np.uint64(half)
