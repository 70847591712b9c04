"""Writing a fitted lens: the published layout (`.pt`), or safetensors with all that is known of it.

`.pt` is a dictionary `{"J": {layer: float16 [d, d]}, "n_prompts", "source_layers", "d_model",
"metadata"}`, which `torch.load(path, weights_only=True)` opens. `.safetensors` has `J.LAYER`,
float16 [d, d], and in its header one entry, `unembed`: the same fields and all of the metadata, as
JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unembed.errors import UnembedError, WeightError
from unembed.fitting.extras import save_tensors
from unembed.output_file import output_file
from unembed.strict_json import dumps

ENDINGS = (".safetensors", ".pt")


def check_ending(path: Path) -> None:
    """Check that a file's ending says how a lens is written.

    Raises:
        UnembedError: when it does not.
    """
    if path.suffix.lower() not in ENDINGS:
        raise UnembedError(f"{path} is no name of a lens: it ends in {' or '.join(ENDINGS)}.")


def write_lens(path: Path, J: Mapping[int, Tensor], said: Mapping[str, Any]) -> None:
    """Write a lens, whole or not at all.

    Args:
        path: whose ending says the layout.
        J: [d, d] by layer.
        said: its metadata, as plain values of JSON; of it `n_prompts` that it is the mean over.

    Raises:
        WeightError: when a number of J is none that float16 has.
        UnembedError: when the disk refuses.
    """
    halves = {layer: _half(J[layer], layer) for layer in sorted(J)}
    d_model = len(next(iter(halves.values())))
    with output_file(path) as part:
        if path.suffix.lower() == ".pt":
            with part.open("wb") as file:  # torch would write the name of `part` into it
                torch.save(_published(halves, d_model, said), file)
        else:
            fields = {**said, "d_model": d_model, "source_layers": [*halves]}
            tensors = {f"J.{layer}": each for layer, each in halves.items()}
            # One entry: of several safetensors writes the order by chance, so that bytes differ.
            save_tensors(tensors, part, {"unembed": dumps(fields)})


def _published(J: dict[int, Tensor], d_model: int, said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "J": J,
        "n_prompts": said["n_prompts"],
        "source_layers": [*J],
        "d_model": d_model,
        "metadata": dict(said),
    }


def _half(J: Tensor, layer: int) -> Tensor:
    found = J.to(torch.float16).contiguous()
    if not bool(torch.isfinite(found).all()):
        raise WeightError(
            f"J of layer {layer} has numbers that are infinite, or none, in float16. If the model "
            "computed in float16, fit in float32 or bfloat16 (--dtype)."
        )
    return found
