"""How much what is read under a lens depends on which half of the prompts it was fitted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from unembed.errors import UnembedError
from unembed.fitting.halves import Halves
from unembed.load import load_features, load_unembedding
from unembed.load.models.model import Model
from unembed.products import product
from unembed.unembedding import Unembedding

DIRECTIONS = 256
"""So many of a layer are read: the error of the mean overlap of their top tokens is about 0.02."""
TOP = 10
SEED = 0


@dataclass(frozen=True)
class Stability:
    """How far two halves of the prompts agree on one layer.

    Attributes:
        frobenius: ‖J_even − J_odd‖ / ‖J‖: about twice the relative error of J.
        top10: of the ten tokens that a direction promotes most, the share that both halves name, as
            a mean over directions; None where the model's W_U cannot be read.
        directions: whose: `neurons` of the block, or `random` where it has none that are known.
    """

    frobenius: float
    top10: float | None
    directions: str

    def as_json(self) -> dict[str, float | str | None]:
        """Return it as a file's metadata has it."""
        return {
            "frobenius": self.frobenius, "top10": self.top10, "directions": self.directions,
        }  # fmt: skip


def measure(
    halves: Halves, layers: tuple[int, ...], model: Model, said: Callable[[int, int], None]
) -> dict[int, Stability]:
    """Return by layer how far the halves agree; nothing where there is one prompt.

    Args:
        halves: of the prompts.
        layers: of the lens.
        model: whose W_U and neurons are read.
        said: told how many layers are done.
    """
    if halves.done < 2:
        return {}
    unembedding = _unembedding(model)
    found = {}
    for number, layer in enumerate(layers):
        kind, W_dec = directions_of(model, layer, len(halves.sums[0][layer]))
        top10 = None
        if unembedding is not None:
            tops = [
                top_tokens(W_dec, halves.of_half(half, layer).float(), unembedding.W_U)
                for half in (0, 1)
            ]
            top10 = overlap(*tops)
        found[layer] = Stability(halves.frobenius(layer), top10, kind)
        said(number + 1, len(layers))
    return found


def directions_of(model: Model, layer: int, d_model: int) -> tuple[str, Tensor]:
    """Return up to `DIRECTIONS` directions [k, d_model] that are written behind a block.

    Its neurons' output rows, evenly of all, where the model is known to have such; else random
    ones.

    Args:
        model: that they are of.
        layer: the block.
        d_model: the width of the stream.
    """
    if layer >= 0:
        try:
            W_dec = load_features(f"mlp:{layer}", model=model)[0].W_dec
        except UnembedError:
            pass  # experts, or a family that is not known: J is measured all the same
        else:
            return "neurons", W_dec[:: max(1, -(-len(W_dec) // DIRECTIONS))]
    draw = torch.Generator("cpu").manual_seed(SEED)
    return "random", torch.randn(DIRECTIONS, d_model, generator=draw, device="cpu")


def top_tokens(W_dec: Tensor, J: Tensor, W_U: Tensor) -> Tensor:
    """Return [k, `TOP`] the rows of W_U that directions promote most under a lens.

    Args:
        W_dec: [k, d_model].
        J: [out, in].
        W_U: [tokens, d_model].
    """
    weights = product(product(W_dec, J.T), W_U.T)
    return weights.topk(min(TOP, len(W_U)), dim=1).indices


def overlap(one: Tensor, other: Tensor) -> float:
    """Return the mean share of each row's entries that stand in the same row of the other.

    >>> overlap(torch.tensor([[1, 2], [3, 4]]), torch.tensor([[2, 5], [4, 3]]))
    0.75
    """
    return float((one[:, :, None] == other[:, None, :]).any(2).double().mean())


def _unembedding(model: Model) -> Unembedding | None:
    try:
        return load_unembedding(model)
    except UnembedError:  # transformers runs families whose W_U we do not know
        return None
