"""What is gathered of a bank's features from any number of files, and brought into tables.

A line of an export is one feature, one explanation, or one text that a feature fires on. Of the
texts those are kept that it fires on most, and of each what stands around the token it fires on.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

import polars as pl

from unembed.load.neuronpedia.records import Density, Explanation, Text

Kind = Literal["explanations", "features", "activations"]
KINDS: tuple[Kind, ...] = ("explanations", "features", "activations")
"""Folders of an export: what features are said to be, how often they fire, what they fire on."""

BEFORE, AFTER = 24, 8
"""Tokens of a text that are kept before and after the one that the feature fires on most."""

FEATURE_COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "density": pl.Float64(),
    "max_activation": pl.Float64(),
}
EXPLANATION_COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "text": pl.String(),
    "type": pl.String(),
    "model": pl.String(),
}
ACTIVATION_COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "value": pl.Float32(),
    "tokens": pl.List(pl.String()),
    "values": pl.List(pl.Float32()),
    "at": pl.Int32(),
}


class Found(NamedTuple):
    """The tables of what was gathered, each sorted by `index`, the feature's number in its bank.

    Attributes:
        features: density, the share of tokens that it fires on; max_activation.
        explanations: text; type, how it was made; model, that wrote it.
        activations: the texts that it fires on most, the strongest first: value, of its strongest
            token; tokens and values, around that; at, its place among them.
    """

    features: pl.DataFrame
    explanations: pl.DataFrame
    activations: pl.DataFrame


class Gathered:
    """What is known of some features so far.

    Args:
        wanted: their indices; all others are passed over.
        examples: texts that are kept of each.
    """

    def __init__(self, wanted: Collection[int], examples: int) -> None:
        self.wanted = frozenset(wanted)
        self.examples = examples
        self.passed_over: set[int] = set()
        self._densities: dict[int, Density] = {}
        self._explanations: dict[Explanation, None] = {}
        self._texts: dict[int, list[tuple[float, int, Text]]] = {}
        self._count = 0

    def add(self, record: Density | Explanation | Text) -> None:
        """Take in one record, if it is of a feature that is wanted."""
        if record.feature not in self.wanted:
            self.passed_over.add(record.feature)
        elif isinstance(record, Density):
            known = self._densities.get(record.feature)
            self._densities[record.feature] = record if known is None else known.with_(record)
        elif isinstance(record, Explanation):
            self._explanations[record] = None
        elif record.value > 0:
            self._add_text(record)

    def _add_text(self, text: Text) -> None:
        """Keep a text if it is among the strongest; of equal ones those that came first."""
        kept = self._texts.setdefault(text.feature, [])
        if any(text == other for _, _, other in kept):  # quantiles of a dashboard repeat them
            return
        self._count += 1
        entry = (text.value, -self._count, text)
        if len(kept) < self.examples:
            heapq.heappush(kept, entry)
        elif kept and entry[:2] > kept[0][:2]:
            heapq.heapreplace(kept, entry)

    @property
    def seen(self) -> Mapping[Kind, Collection[int]]:
        """The indices of which something of each kind is known."""
        return {
            "explanations": {each.feature for each in self._explanations},
            "features": self._densities.keys(),
            "activations": self._texts.keys(),
        }

    def tables(self) -> Found:
        """Return what was gathered."""
        explanations = [_row(each) for each in self._explanations]
        texts = [
            _text_row(text)
            for index in sorted(self._texts)
            for _, _, text in sorted(self._texts[index], reverse=True, key=lambda each: each[:2])
        ]
        densities = [_row(each) for each in self._densities.values()]
        return Found(
            pl.DataFrame(densities, schema=FEATURE_COLUMNS).sort("index"),
            pl.DataFrame(explanations, schema=EXPLANATION_COLUMNS).sort(
                "index", "model", "type", maintain_order=True
            ),
            pl.DataFrame(texts, schema=ACTIVATION_COLUMNS),
        )


def _row(found: Density | Explanation) -> dict[str, Any]:
    return {"index": found.feature, **dict(zip(found._fields[1:], found[1:], strict=True))}


def _text_row(text: Text) -> dict[str, Any]:
    start = max(0, text.at - BEFORE)
    part = slice(start, text.at + AFTER + 1)
    return {
        "index": text.feature,
        "value": text.value,
        "tokens": list(text.tokens[part]),
        "values": list(text.values[part]),
        "at": text.at - start,
    }
