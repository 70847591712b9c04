"""What a lens's file says of how it was fitted; and of it, what decides the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from unembed.fitting.identity import prompts_hash, weights_hash
from unembed.fitting.model import Opened
from unembed.fitting.settings import FitSettings
from unembed.version import __version__

_DECIDES = (
    "weights_xxh3_128", "prompts_sha256", "n_prompts", "source_layers", "skip", "dtype", "batch",
    "device",
)  # fmt: skip


def about(
    opened: Opened,
    layers: Sequence[int],
    prompts: Sequence[Tensor],
    text: str,
    settings: FitSettings,
) -> dict[str, Any]:
    """Return the metadata of a lens, as plain values of JSON.

    Args:
        opened: the model.
        layers: that are fitted.
        prompts: their tokens.
        text: where they are from.
        settings: of the fit.
    """
    blocks = opened.blocks
    return {
        "model": name_of(opened.origin),
        **({"revision": opened.origin["commit"]} if "commit" in opened.origin else {}),
        "architecture": type(blocks.model).__name__,
        "weights_xxh3_128": weights_hash(blocks.model),
        "n_layers": len(blocks),
        "capture_point": "block_output",
        "target_layer": len(blocks) - 1,
        "n_prompts": len(prompts),
        "source_layers": list(layers),
        "text": text,
        "prompts_sha256": prompts_hash(prompts),
        "tokens": settings.tokens,
        "skip": settings.skip,
        "dtype": settings.dtype,
        "batch": settings.rows(blocks.device.type),
        "device": blocks.device.type,
        "written_by": f"unembed {__version__}",
    }


def identity_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a lens's metadata decides its numbers to the last bit."""
    return {key: said[key] for key in _DECIDES}


def name_of(origin: Mapping[str, str]) -> str:
    """Return what a model is called: its repository, or as its folder or file is.

    >>> name_of({"path": "/models/tiny.Q4_1.gguf"}), name_of({"repo": "org/tiny", "commit": "0"})
    ('tiny.Q4_1', 'org/tiny')
    """
    if "repo" in origin:
        return origin["repo"]
    path = Path(origin["path"], origin.get("file", ""))
    return path.stem if path.suffix == ".gguf" else path.name
