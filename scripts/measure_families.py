"""Hold every model type against `transformers`, and write the errors for the docs.

    python scripts/measure_families.py

It makes a tiny random model of each type, as the tests of tests/oracle do, and writes the largest
relative errors of its unembedding, neurons, heads, of what the neurons read and of its embedding
into `docs/data/families.json`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
warnings.filterwarnings("ignore")

import transformers  # noqa: E402

from tests.oracle.measure import measured  # noqa: E402
from tests.oracle.reading import measured_reading  # noqa: E402
from tests.oracle.survey import family_name, reason_against  # noqa: E402
from tests.oracle.tiny_transformers import save_tiny  # noqa: E402
from unembed.load.models.families import family_of, known_model_types, nested_of  # noqa: E402

MEASURED = ("W_U", "mlp", "heads", "reads", "W_E")
TABLE = ROOT / "docs" / "data" / "families.json"


def main() -> None:
    """Measure and write."""
    table = {
        "transformers": transformers.__version__,
        "model_types": [_row(model_type) for model_type in known_model_types()],
    }
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(json.dumps(table, indent=1) + "\n")
    errors = [row[key] for row in table["model_types"] for key in MEASURED]
    held = [row for row in table["model_types"] if row["reason"] is None]
    worst = max(error for error in errors if error is not None)
    print(f"{len(held)} of {len(table['model_types'])} model types; largest error {worst:.1e}")


def _row(model_type: str) -> dict[str, Any]:
    nested = nested_of(model_type)
    family = family_of(nested.text if nested else model_type)
    assert family is not None
    row: dict[str, Any] = {
        "model_type": model_type,
        "family": family_name(model_type),
        "norm": ("1 + " if family.plus_one else "") + family.norm_kind,
        "reason": reason_against(model_type),
        **dict.fromkeys((*MEASURED, "no_mlp", "no_heads", "no_reads")),
    }
    if row["reason"] is None:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / model_type
            written = measured(save_tiny(model_type, place), place)
            read = measured_reading(save_tiny(model_type, place), place)
        found = written._asdict() | read._asdict()
        row |= {key: _rounded(value) for key, value in found.items()}
    return row


def _rounded(value: float | str | None) -> float | str | None:
    return float(f"{value:.1e}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
