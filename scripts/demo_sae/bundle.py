"""Write the SAE that the package ships: the decoder in float16, no encoder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from scripts.demo_sae import density
from scripts.demo_sae.workspace import ROOT, write_json
from unembed.store.atomic import write_atomically

BUNDLE = ROOT / "src" / "unembed" / "demo" / "SmolLM2-135M-Instruct-SAE"


def bundle(folder: Path) -> None:
    """Write W_dec, the biases, the densities and `cfg.json`; the model card is kept by hand."""
    weights = load_file(folder / "sae_weights.safetensors")
    kept = {
        name: value.to(torch.float16) if name == "W_dec" else value
        for name, value in weights.items()
        if name != "W_enc"
    }
    write_atomically(BUNDLE / "sae_weights.safetensors", lambda file: save_file(kept, file))
    write_json(BUNDLE / "cfg.json", json.loads((folder / "cfg.json").read_text()))
    for name in (density.FILE, "evaluation.json"):
        shutil.copyfile(folder / name, BUNDLE / name)
