"""Files of lenses in every layout, as their writers write them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

D = 12
BLOCKS = 5


@dataclass
class SomeModel:
    """As much of a model as a lens is held against."""

    repo: str = "org/some-model"
    n_layers: int = BLOCKS
    d_model: int = D
    origin: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.origin = self.origin or {"repo": self.repo, "commit": "1a2b", "subfolder": ""}

    @property
    def name(self) -> str:
        return self.repo


def matrices(layers: int = BLOCKS - 1, d: int = D, seed: int = 0) -> dict[int, Tensor]:
    random = torch.Generator().manual_seed(seed)
    return {layer: torch.randn(d, d, generator=random) for layer in range(layers)}


def torch_file(value: object, stem: str = "archive", *, new: bool = True) -> bytes:
    """What `torch.save(value, f"{stem}.pt")` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{stem}.pt")
        torch.save(value, path, _use_new_zipfile_serialization=new)
        return path.read_bytes()


def published(J: Mapping[int, Tensor], **more: Any) -> dict[str, Any]:
    """What the reference implementation saves: float16 by layer."""
    width = len(next(iter(J.values())))
    value = {"n_prompts": 100, "source_layers": sorted(J), "d_model": width}
    return {"J": {layer: each.half() for layer, each in J.items()}, **value, **more}


def sums(J: Mapping[int, Tensor], done: int, **more: Any) -> dict[str, Any]:
    """What a fit keeps while it is under way: float32 sums over prompts."""
    value = {"n_done": done, "next_idx": done + 2, "source_layers": sorted(J), "skip_first": 16}
    return {"jacobian_sum": {layer: each * done for layer, each in J.items()}, **value, **more}


def own(J: Mapping[int, Tensor], **said: Any) -> bytes:
    """Our own: safetensors whose header says the rest, as texts or as JSON."""
    texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in said.items()}
    return save({f"J.{layer}": each.half() for layer, each in J.items()}, texts)


def translators(layers: int = BLOCKS, d: int = D, seed: int = 1) -> torch.nn.ModuleList:
    """What `tuned-lens` trains: a linear layer for each of `hidden_states`, but the last."""
    torch.default_generator.manual_seed(seed)  # of the CPU alone: others may be pretended
    return torch.nn.ModuleList([torch.nn.Linear(d, d) for _ in range(layers)])


def tuned_config(layers: int = BLOCKS, d: int = D, **more: Any) -> dict[str, Any]:
    return {
        "base_model_name_or_path": "org/some-model", "d_model": d, "num_hidden_layers": layers,
        "bias": True, "base_model_revision": None, "unembed_hash": "0a", **more,
        "lens_type": more.get("lens_type", "linear_tuned_lens"),
    }  # fmt: skip


def tuned(folder: Path, module: torch.nn.Module | None = None, **config: Any) -> Path:
    """A folder as `TunedLens.save` writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save((module or translators()).state_dict(), folder / "params.pt")
    (folder / "config.json").write_text(json.dumps(tuned_config(**config)))
    return folder
