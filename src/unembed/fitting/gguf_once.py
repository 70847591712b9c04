"""A GGUF file that transformers opens, read once.

transformers (5.24) reads such a file for its config, for its tokenizer and for its weights, each
time every text of its vocabulary in Python; and asks `gguf` for the names of the tensors anew for
every module. Of SmolLM2 that is two thirds of the time that it takes to open it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

_CONVERTS = "transformers.modeling_gguf_pytorch_utils"


@contextmanager
def gguf_read_once() -> Iterator[None]:
    """Have `gguf` give the reader of a file, and its map of names, that it gave before.

    Where either package is missing, or arranged otherwise, nothing is changed.
    """
    with ExitStack() as stack:
        for name, attribute, instead in (
            ("gguf", "GGUFReader", _once),
            ("gguf", "get_tensor_name_map", _once),
            (_CONVERTS, "tqdm", lambda shown: lambda each, *args, **named: each),  # draws a bar
        ):
            try:
                module = importlib.import_module(name)
            except ImportError:
                continue
            if callable(getattr(module, attribute, None)):
                old = getattr(module, attribute)
                stack.callback(setattr, module, attribute, old)
                setattr(module, attribute, instead(old))
        yield


def _once(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return what makes each thing once."""
    return cache(make)
