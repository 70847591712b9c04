"""Make the tables of published SAEs and of models' short names: facts alone, MIT.

    pip download --no-deps sae-lens==6.54.12 transformer-lens==4.3.0
    python scripts/make_registry.py sae_lens-*.whl transformer_lens-*.whl

It writes `published/releases.json.xz` and `models/short_names.json` below `src/unembed/load`.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

from unembed.load.models.short_names import SHORT_NAMES
from unembed.load.published.table import DIRECTORY, SHIPPED, compact, dump

MODEL_ALIASES = "transformer_lens/tools/model_registry/data/model_aliases.json"


def main(sae_lens: Path, transformer_lens: Path) -> None:
    """Write both tables, from the two wheels."""
    table = compact(_read(sae_lens, f"sae_lens/{DIRECTORY}"), sae_lens.name.split("-")[1])
    SHIPPED.write_bytes(dump(table))
    saes = sum(len(release["saes"]) for release in table["releases"].values())
    print(f"{len(table['releases'])} releases, {saes:,} SAEs, {SHIPPED.stat().st_size:,} bytes")

    aliases = json.loads(_read(transformer_lens, MODEL_ALIASES))["aliases"]
    repositories = {
        alias.lower(): repo
        for repo, names in aliases.items()
        if "/" in repo or repo == "gpt2"
        for alias in names
    }
    text = json.dumps(dict(sorted(repositories.items())), indent=0, ensure_ascii=False)
    SHORT_NAMES.write_text(f"{text}\n")
    print(f"{len(repositories)} short names of models")


def _read(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
