"""Matrices and vectors without a format."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import torch

from tests.load.published_layouts.dictionary_learning import columns_first
from tests.load.published_layouts.parts import (
    Bank,
    Make,
    Size,
    as_npz,
    as_safetensors,
    as_torch,
    exact,
    numbers,
)
from tests.load.published_layouts.unlisted.case import Case, case


def _npy(tensor: torch.Tensor) -> Make:
    def make() -> bytes:
        content = io.BytesIO()
        np.save(content, tensor.numpy())
        return content.getvalue()

    return make


def _compressed(tensor: torch.Tensor) -> Make:
    def make() -> bytes:
        content = io.BytesIO()
        np.savez_compressed(content, vectors=tensor.numpy())
        return content.getvalue()

    return make


def _plain(name: str, file: str, write: Callable[[torch.Tensor], Make], *, vector: bool) -> None:
    @case(name)
    def make(size: Size) -> Case:
        d = size.d_model
        tensor = numbers(name, d) if vector else numbers(name, size.count(d), d)
        W_dec = exact(tensor).reshape(-1, d)
        return Case({file: write(tensor)}, file, banks=[Bank(W_dec, None, None)])


_plain("matrix in npy", "vectors.npy", _npy, vector=False)
_plain("matrix in npz", "vectors.npz", lambda t: as_npz(lambda: {"vectors": t}), vector=False)
_plain("matrix in compressed npz", "vectors.npz", _compressed, vector=False)
_plain(
    "matrix in npy, column by column", "vectors.npy", lambda t: _npy(columns_first(t)), vector=False
)
_plain(
    "matrix in pt, column by column",
    "v.pt",
    lambda t: as_torch(lambda: columns_first(t)),
    vector=False,
)
_plain("matrix in pt", "vectors.pt", lambda t: as_torch(lambda: t), vector=False)
_plain("vector in npy", "steer.npy", _npy, vector=True)
_plain("vector in pt", "steer.pt", lambda t: as_torch(lambda: t), vector=True)
_plain(
    "vector in safetensors",
    "steer.safetensors",
    lambda t: as_safetensors(lambda: {"direction": t}),
    vector=True,
)
