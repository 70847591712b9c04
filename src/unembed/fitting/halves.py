"""Sums of the prompts' Jacobians, of the even and the odd prompts apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class Halves:
    """Sums of J_l over the even and over the odd prompts, and how many are in each.

    They are kept apart so that what is read under one half can be held against the other, and are
    added up in the order of the prompts, so that what was stopped and went on is the same to the
    bit.

    Attributes:
        sums: of each half, by layer.
        done: prompts so far.
    """

    def __init__(self, sums: tuple[dict[int, Tensor], dict[int, Tensor]], done: int = 0) -> None:
        self.sums = sums
        self.done = done

    @classmethod
    def empty(cls, layers: Sequence[int], d_model: int, dtype: torch.dtype) -> Halves:
        """Return sums of no prompts yet."""
        even, odd = (
            {layer: torch.zeros(d_model, d_model, dtype=dtype, device="cpu") for layer in layers}
            for _ in "eo"
        )
        return cls((even, odd))

    def add(self, jacobians: Mapping[int, Tensor]) -> None:
        """Add those of the next prompt."""
        for layer, J in jacobians.items():
            self.sums[self.done % 2][layer] += J
        self.done += 1

    def mean(self, layer: int) -> Tensor:
        """Return J_l: the mean over all prompts, each of which counts the same."""
        even, odd = self.sums
        return (even[layer] + odd[layer]) / self.done

    def of_half(self, half: int, layer: int) -> Tensor:
        """Return the mean over the even (0) or the odd (1) prompts, where there are any."""
        return self.sums[half][layer] / ((self.done + 1 - half) // 2)

    def frobenius(self, layer: int) -> float:
        """Return ‖J_even − J_odd‖ / ‖J‖, which is about twice the relative error of J.

        Of independent prompts the difference of two halves varies four times as much as the mean
        over all of them. It is infinite where the prompts are one, or J is zero.
        """
        size = float(self.mean(layer).norm())
        if self.done < 2 or not size:
            return float("inf")
        return float((self.of_half(0, layer) - self.of_half(1, layer)).norm()) / size
