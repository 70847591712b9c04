"""A run whose labels are known, and explanations of its features, fetched from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from tests.load.neuronpedia.bucket import activation, explanation, feature, packed
from tests.planted import Planted, Planting, bank_of, planted_run
from unembed import EnrichmentSettings, fetch_neuronpedia

MONTHS = "January February March April June July August September".split()
ANIMALS = "dog cat horse cow sheep goat".split()
TEXTS = ["<s>", *(f" {word}" for word in (*MONTHS, *ANIMALS)), "JUNE"]
COUNT = 60
SAID: Mapping[int, str] = {
    0: "references to months, and April in particular",
    1: "legal contracts and agreements",
    2: "phrases related to horses",
    3: "the word ' April'",
    10: "mentions of cats",
    11: "quantum mechanics",
}


def explained_run(folder: Path) -> Planted:
    """Features 0 to 4 of bank a write months, 10 to 14 animals, 20 one token; b has no id."""
    random = torch.Generator().manual_seed(3)
    n, d = 1500, 24
    planting = Planting(torch.randn(n, d, generator=random), TEXTS, special=[0], name="tiny")
    along = torch.randn(2, d, generator=random)
    planting.token_set("months", range(1, 9), family="time", along=2 * along[0])
    planting.token_set("animals", range(9, 15), family="nature", along=2 * along[1])
    planting.token_set("broad", range(1, 400), family="nature")
    rows = torch.randn(COUNT, d, generator=random)
    doing = {index: 9 * planting.mean("months") + 0.2 * rows[index] for index in range(5)}
    doing |= {index: 9 * planting.mean("animals") + 0.2 * rows[index] for index in range(10, 15)}
    doing[20] = 4 * planting.unembedding.W_U[699]  # the token of id 700
    banks = [
        bank_of("a", rows, doing, layer=3, neuronpedia="tiny/3-a"),
        bank_of("b", torch.randn(20, d, generator=random), layer=9),
    ]
    enrichment = EnrichmentSettings(directions=200, tsea="none")
    return planted_run(folder, planting.unembedding, banks, planting.sets, enrichment=enrichment)


def fetched(run: Planted, folder: Path, said: Mapping[int, str] = SAID) -> None:
    """Fetch explanations, densities and texts of all features of bank a from a file."""
    lines = [explanation(index, text) for index, text in said.items()]
    lines += [feature(index) for index in range(COUNT)]
    lines += [activation(index, ["x", " y"], [0.5, 1.0 + index]) for index in (0, 1, 20)]
    (folder / "lines.jsonl.gz").write_bytes(packed(lines))
    fetch_neuronpedia(run.run, files=[folder / "lines.jsonl.gz"])
