"""What every layout is made of: sizes, seeded numbers, containers, and what is expected of them."""

from __future__ import annotations

import io
import json
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch
import yaml
from safetensors.torch import save

Array = npt.NDArray[np.float64]
Tensors = Mapping[str, torch.Tensor]
Make = Callable[[], bytes]
Files = dict[str, Make]


@dataclass(frozen=True)
class Size:
    """How large the tiny files are.

    Attributes:
        d_model: of the residual stream.
        n_heads, d_head: of the attention; their product, the width of z, is not d_model.
        features: in a dictionary; None makes it as many as its directions are wide (square).
    """

    d_model: int = 8
    n_heads: int = 2
    d_head: int = 3
    features: int | None = 20

    @property
    def z(self) -> int:
        return self.n_heads * self.d_head

    def count(self, width: int) -> int:
        return width if self.features is None else self.features


TINY = Size()
SQUARE = Size(features=None)


class Bank(NamedTuple):
    """What a bank should hold, by the format's definition.

    Attributes:
        W_dec: [F, d_model] as it reaches the residual stream.
        hook: where its directions are written, as the publisher names it.
        layer: of that hook; None for the embedding.
        reads: [F, width] what each feature's pre-activation reads at `read_hook`, up to a factor
            above 0; None where no direction is read.
        read_hook: where it is read, as the publisher names it; None: where it is written.
        centred: whether what is read goes through a LayerNorm first.
    """

    W_dec: Array
    hook: str | None
    layer: int | None
    reads: Array | None = None
    read_hook: str | None = None
    centred: bool = False


class Laid(NamedTuple):
    """Files as they lie in a repository, and the banks they hold."""

    files: Files
    banks: Callable[[], list[Bank]]


# --- numbers ---

_POOL = np.random.default_rng(13).standard_normal(1 << 14).astype(np.float32)


def numbers(seed: str, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Normal numbers of a seed, out of one pool: fast, and different from seed to seed."""
    count = int(np.prod(shape))
    start = zlib.crc32(seed.encode()) % len(_POOL)
    if start + count <= len(_POOL):
        drawn = _POOL[start : start + count]
    else:
        drawn = np.resize(np.roll(_POOL, -start), count)
    return torch.from_numpy(drawn.reshape(shape).copy()).to(dtype)


def exact(tensor: torch.Tensor) -> Array:
    return tensor.double().numpy()


# --- containers ---


def as_json(content: Any) -> Make:
    return lambda: json.dumps(content).encode()


def as_yaml(content: Any) -> Make:
    return lambda: yaml.safe_dump(content).encode()


def as_safetensors(tensors: Callable[[], Tensors]) -> Make:
    return lambda: save({name: t.contiguous() for name, t in tensors().items()}, {"format": "pt"})


def as_npz(tensors: Callable[[], Tensors]) -> Make:
    def make() -> bytes:
        content = io.BytesIO()
        np.savez(content, **{name: t.numpy() for name, t in tensors().items()})
        return content.getvalue()

    return make


def as_torch(content: Callable[[], Any], location: str = "cpu") -> Make:
    """A zip by `torch.save`; `location` is the device that the tensors were on."""

    def make() -> bytes:
        written = io.BytesIO()
        with patch("torch.serialization.location_tag", lambda _: location):
            torch.save(content(), written)
        return written.getvalue()

    return make


def state_dict(tensors: Tensors) -> OrderedDict[str, torch.Tensor]:
    """What `module.state_dict()` returns: an ordered dict that carries versions beside."""
    state = OrderedDict(tensors)
    state._metadata = OrderedDict([("", {"version": 1})])  # type: ignore[attr-defined]
    return state


def readme(text: str = "# SAEs") -> Make:
    return lambda: f"---\nlicense: mit\n---\n{text}\n".encode()
