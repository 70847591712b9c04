"""Features of a graph in the tables of a run, and what is said of each.

A feature of a cross-layer transcoder is in several banks, one for each layer that it writes to, and
each has a label. The one that moves logits most stands first: by the standard deviation of its
logit weights, which is right among directions that one activation scales.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.outside.text import shown
from unembed.questions.circuits.placing import Placing, writes_to
from unembed.questions.labels import labels
from unembed.store.tables import RunTables

_CLAUSES = 3
"""Different labels that are said of one feature."""


class Writing(NamedTuple):
    """A feature as one bank of a run has it.

    Attributes:
        row: its place in the run.
        to: what the bank writes to, as `→9`; nothing where there is one bank alone.
        std: of its logit weights.
        label: what is said of it, with numbers.
        names: the token sets that the label names, and which way; none where it names none.
    """

    row: int
    to: str
    std: float
    label: str
    names: tuple[tuple[int, int], ...]


class FeatureRows:
    """The features of a run by the layer that they read and their index.

    Args:
        run: a finished run.
        placing: which of its banks are of which layer.
    """

    def __init__(self, run: RunTables, placing: Placing) -> None:
        self._run, self._placing = run, placing
        self._scalars = run.scalars.select("index", "std", "label")
        self._indices = {
            bank: self._of(bank)["index"].to_numpy()
            for banks in placing.names.values()
            for bank in banks
        }
        self._named = labels(run) if run.is_explained else None

    def indices(self, layer: int) -> list[int]:
        """Return the indices of the features of a layer, in order."""
        every = [self._indices[bank] for bank in self._placing.names.get(layer, ())]
        found: list[int] = np.unique(np.concatenate(every)).tolist() if every else []
        return found

    def writings(self, layer: int, index: int) -> list[Writing]:
        """Return a feature as each bank has it, what moves logits most first; none if none has."""
        found = []
        banks = self._placing.banks.get(layer, [])
        for bank in banks:
            at = _place(self._indices[bank.name], index)
            if at is None:
                continue
            row = self._run.manifest.first_rows[bank.name] + at
            _, std, label = self._scalars.row(row)
            to = writes_to(bank) if len(banks) > 1 else ""
            std = 0.0 if std is None else std
            found.append(Writing(row, to, std, label or "", self._names(row)))
        return sorted(found, key=lambda each: -each.std)  # stable: equal ones as in the run

    def _names(self, row: int) -> tuple[tuple[int, int], ...]:
        """Return the sets that a feature's label names, with signs."""
        if self._named is None:
            return ()
        at = self._named["row"].search_sorted(row)  # they are in the order of the run
        if at == self._named.height or self._named["row"][at] != row:
            return ()
        return tuple(zip(self._named["sets"][at], self._named["signs"][at], strict=True))

    def _of(self, bank: str) -> pl.DataFrame:
        start = self._run.manifest.first_rows[bank]
        return self._scalars.slice(start, self._run.manifest.bank(bank).features)


def said(writings: Sequence[Writing]) -> str:
    r"""Return what is said of a feature in one line.

    >>> sets = ((7, 1),)
    >>> said([Writing(0, "", 1.0, "promotes months (z +9.1)", sets)])
    'promotes months (z +9.1)'
    >>> layers = [("→9", 2.0, sets), ("→10", 1.0, sets), ("→11", 0.5, ())]
    >>> said([Writing(0, to, std, f"label {to[1:]}", names) for to, std, names in layers])
    '→9, →10: label 9'

    Args:
        writings: of the feature, what moves logits most first. Where it has several, those whose
            labels name the same token sets are said once, by the first, with all they write to; and
            what names none, only where nothing does.
    """
    if len(writings) == 1 or not writings[0].label:  # without token sets nothing has one
        return shown(writings[0].label)
    naming = [each for each in writings if each.names] or list(writings[:1])
    groups: dict[Any, list[Writing]] = {}
    for each in naming:
        groups.setdefault(each.names, []).append(each)
    clauses = [
        f"{', '.join(each.to for each in group)}: {group[0].label}" for group in groups.values()
    ]
    more = len(clauses) - _CLAUSES
    shortened = [*clauses[:_CLAUSES], *([f"and {more} more"] if more > 0 else [])]
    return shown(" | ".join(shortened))


def _place(indices: npt.NDArray[np.int64], index: int) -> int | None:
    """Return the place of an index in its bank, where mostly it is the index itself."""
    if index < len(indices) and indices[index] == index:
        return index
    found = np.flatnonzero(indices == index)
    return int(found[0]) if len(found) else None
