"""Write the page of the documents that lists what loads: formats, families, releases.

    python scripts/document_reach.py

Formats and releases are those of the code's own tables; what was measured of each model type is in
`docs/data/families.json` (`scripts/measure_families.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from unembed.load.catalogue.listing import list_saes
from unembed.load.formats import FORMATS
from unembed.load.published.table import published, saelens_version
from unembed.terminal.saes import RELEASE, SITE, short

ROOT = Path(__file__).parents[1]
MEASURED = ("W_U", "mlp", "heads", "reads", "W_E")
FAMILIES = ROOT / "docs" / "data" / "families.json"
PAGE = ROOT / "docs" / "what-loads.md"

_HEAD = """# What loads, and how it was checked

Written by `python scripts/document_reach.py` from the tables that the loaders themselves use. How
to name models and features is [another page](loading.md).
"""
_FORMATS = """
## Formats

One small reader each, told by the listing and the configs, never by a file's ending alone. Each
was held against tiny files in its true layout, written from its own writer or loader
independently of ours (`tests/load/published_layouts`), decoders and encoders, and those that
SAELens reads also against SAELens' own loaders (`tests/oracle/test_saelens.py`).

| format | where the decoder lies | where the encoder lies | published SAEs |
|---|---|---|---|
"""
_FAMILIES = """
## Model families

{held} of {all} model types were held against `transformers` {version}: a tiny random model of
each (random norms and biases too), saved as it saves them. `W_U`: our folded unembedding against
the Jacobian of the model's logits with respect to the last residual. `mlp`, `heads`: the
directions of `mlp:` and `head:` against the Jacobian of a layer's output with respect to the
input of its output projection. `reads`: what an MLP's gate and up read of the stream, through its
norm, against what goes into that projection; where neurons cannot be followed, what they read
cannot either. `W_E`: the embedding, and the norm that it goes through, against what the first layer
is given. Errors are relative, the largest of all is {worst:.0e}; – says
that there is none to measure. Written by `python scripts/measure_families.py`.

| model type | final norm | W_U | mlp | heads | reads | W_E | notes |
|---|---|---|---|---|---|---|---|
"""
_RELEASES = """
## Published SAEs

SAELens {version} knows {releases} releases with {saes:,} SAEs. All of them load by name:
{direct:,} as they are, {through:,} through the model's own matrices. `python
benchmarks/registry.py` loads every one from a stand-in hub that holds tiny files in each
release's true layout, and compares what comes out ([its
table](benchmarks.md#published-saes-by-name)).

| release | model | SAEs | loads | written to |
|---|---|---|---|---|
"""


def page() -> str:
    """Return the page, in Markdown."""
    table = json.loads(FAMILIES.read_text())
    return "".join([_HEAD, _FORMATS, *_formats(), *_families(table), *_releases()])


def _formats() -> Iterator[str]:
    for each in FORMATS:
        count = sum(entry.loader in each.loaders for entry in published())
        number = f"{count:,}" if count else ""
        yield f"| {each.title} | {each.stores} | {each.encodes} | {number} |\n"


def _families(table: dict[str, Any]) -> Iterator[str]:
    rows = table["model_types"]
    errors = [row[key] for row in rows for key in MEASURED if row[key] is not None]
    held = sum(row["W_U"] is not None for row in rows)
    yield _FAMILIES.format(
        held=held, all=len(rows), version=table["transformers"], worst=max(errors)
    )
    for row in rows:
        cells = [_error(row[key]) for key in MEASURED]
        yield f"| `{row['model_type']}` | {row['norm']} | {' | '.join(cells)} | {_note(row)} |\n"


def _error(value: float | None) -> str:
    return "–" if value is None else f"{value:.0e}"


def _note(row: dict[str, Any]) -> str:
    """Why something of a model type was not, or cannot be, measured."""
    notes = {"": row["reason"], "mlp: ": row["no_mlp"], "heads: ": row["no_heads"]}
    return "; ".join(f"{of}{note}" for of, note in notes.items() if note)


def _releases() -> Iterator[str]:
    found = list_saes()
    through = found.filter(pl.col("note") != "").height
    yield _RELEASES.format(
        version=saelens_version(),
        releases=found.select(RELEASE.n_unique()).item(),
        saes=found.height, direct=found.height - through, through=through,
    )  # fmt: skip
    for (name,), group in found.group_by(RELEASE, maintain_order=True):
        cells = (f"`{name}`", group["model"][0], f"{group.height:,}", _loads(group), _site(group))
        yield f"| {' | '.join(cells)} |\n"


def _loads(group: pl.DataFrame) -> str:
    notes = group["note"].str.replace(r" of layer .*", "").unique(maintain_order=True).to_list()
    if not group["loads"].all():
        return f"no: {notes[0]}"
    return "; ".join(f"yes, {note}" if note else "yes" for note in notes)


def _site(group: pl.DataFrame) -> str:
    sites = group.select(SITE).to_series().unique(maintain_order=True)
    widths = group["width"].drop_nulls().unique().sort().to_list()
    wide = f" ({', '.join(short(width) for width in widths)})" if widths else ""
    return f"{', '.join(f'`{site}`' for site in sites)}{wide}"


if __name__ == "__main__":
    PAGE.write_text(page())
