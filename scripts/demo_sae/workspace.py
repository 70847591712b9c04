"""Where each stage leaves its files, and how it writes them so that a stop harms nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
GGUF = ROOT / ".inputs" / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
WORK = ROOT / ".demo_sae"

DOWNLOADS = WORK / "downloads"
DOCUMENTS = WORK / "documents"
TOKENS = WORK / "tokens"
ACTIVATIONS = WORK / "activations"
SAES = WORK / "saes"


def write(path: Path, save: Callable[[Path], object]) -> None:
    """Let `save` write a file that has its name only once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    save(part)
    part.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write(path, lambda part: part.write_text(text, encoding="utf-8"))
