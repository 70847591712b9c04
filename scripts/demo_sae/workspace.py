"""Where each stage leaves its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unembed.store.atomic import write_atomically

ROOT = Path(__file__).parents[2]
GGUF = ROOT / ".inputs" / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
WORK = ROOT / ".demo_sae"

DOWNLOADS = WORK / "downloads"
DOCUMENTS = WORK / "documents"
TOKENS = WORK / "tokens"
ACTIVATIONS = WORK / "activations"
SAES = WORK / "saes"


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))
