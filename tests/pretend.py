"""A device beside the CPU where there is none: what it holds is on the CPU, but nobody may look.

Within `pretended()`, `torch.device("pretend")` can be asked for tensors. As on a GPU, these have no
`.numpy()`, and no operation mixes them with tensors of the CPU but single numbers; what is brought
to the CPU, and whatever else waits for the device, is counted.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

DEVICE = "pretend"
CPU = torch.device("cpu")

MOVES = {"_to_copy", "copy_"}
WAITS = {"_local_scalar_dense", "nonzero", "is_nonzero", "equal", "_unique2", "masked_select"}
"""Operations whose results, or whose shapes, the host has to know before it goes on."""


class There(torch.Tensor):
    """A tensor of the device."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> There:
        """Hold a tensor of the CPU."""
        made = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(),
            dtype=held.dtype, device=torch.device(DEVICE),
        )  # fmt: skip
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, kinds: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        raise AssertionError(f"{func} of a tensor of the device, outside pretended()")


class Pretended(TorchDispatchMode):
    """Does what is asked of the device on what its tensors hold.

    Attributes:
        fetched: how often something was brought to the CPU.
        waited: how often else the host had to wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fetched = 0
        self.waited = 0

    def __torch_dispatch__(
        self, func: Any, kinds: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        kwargs = dict(kwargs or {})
        name = func.overloadpacket.__name__
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        there = any(isinstance(each, There) for each in tensors)
        if there and name not in MOVES:
            strays = [t for t in tensors if not isinstance(t, There) and t.ndim]
            assert not strays, f"{name} of a tensor of the CPU and one of the device"
        asked = kwargs.get("device")
        if asked is not None:
            goes, kwargs["device"] = torch.device(asked).type == DEVICE, CPU
            self.fetched += there and not goes
            there = goes
        elif name == "copy_" and there:
            there = isinstance(args[0], There)
            self.fetched += not there
        self.waited += there and name in WAITS
        if there and name == "index":  # a mask's shape is known by counting
            self.waited += any(i is not None and i.dtype == torch.bool for i in args[1])
        if there and name == "repeat_interleave":
            self.waited += kwargs.get("output_size") is None
        own_args, own_kwargs = tree_map(_held, (args, kwargs))
        found = func(*own_args, **own_kwargs)
        return tree_map(There, found) if there and name != "_local_scalar_dense" else found


def _held(value: Any) -> Any:
    return value.held if isinstance(value, There) else value


@cache
def _register() -> None:
    module = types.SimpleNamespace(get_amp_supported_dtype=lambda: [torch.float16])
    _setup_privateuseone_for_python_backend(DEVICE, module)


@contextmanager
def pretended() -> Iterator[Pretended]:
    """Have the device there."""
    _register()
    with Pretended() as mode:
        yield mode
