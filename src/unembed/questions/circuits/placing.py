"""Which banks of a run are a graph's transcoders, layer by layer.

A transcoder's bank is told by what it was read from, not by its hook: SAEs of an MLP's output and
its neurons are written at the same place. A cross-layer transcoder reads one layer and writes to
several, each a bank of the run (`clt.5→9`); a graph names its features by the layer that they read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unembed.errors import QueryError, listed
from unembed.facts import BankFacts
from unembed.questions.lenses import written_as
from unembed.store.tables import RunTables

SUM = "→sum"
"""What the sum over all layers writes to, a bank where it was asked for (`REFERENCE:sum`)."""
_SAYS = ("architecture", "published", "repo", "subfolder", "file", "format")
_TRANSCODER = re.compile(r"transcoder|(?<![a-z])clt(?![a-z])", re.IGNORECASE)
_CHOSEN = re.compile(r"(?:(\d{1,9})=)?(.+)")


@dataclass(frozen=True)
class Placing:
    """Banks of a run by the layer that their features read.

    Attributes:
        banks: of each layer, one; of a cross-layer transcoder those of all layers it writes to.
        lens: that they are read through, or those.
    """

    banks: dict[int, list[BankFacts]]
    lens: str

    @property
    def names(self) -> dict[int, list[str]]:
        """The names of the banks of each layer."""
        return {layer: [bank.name for bank in banks] for layer, banks in self.banks.items()}

    @property
    def sources(self) -> list[str]:
        """Where the banks came from: repositories, folders or files."""
        every = [bank for banks in self.banks.values() for bank in banks]
        return list(dict.fromkeys(filter(None, (_source(bank.origin) for bank in every))))


def place_banks(
    run: RunTables,
    *,
    chosen: Sequence[str] = (),
    lens: str | None = None,
    transcoders: Sequence[str] = (),
) -> Placing:
    """Return the transcoders of a run by the layer that they read.

    Args:
        run: a finished run.
        chosen: banks to take instead of those that are known to be transcoders: `BANK`, or
            `LAYER=BANK` where the run does not know its layer, or another one is meant.
        lens: that banks are read through; the run's first, if None.
        transcoders: the id of each layer's transcoder, as a graph has it, which tells two of one
            layer apart.

    Raises:
        QueryError: for what the run does not have, when it has no transcoders, or two of a layer.
    """
    lens_of = run.manifest.lens_of
    if chosen:
        placed = [_chosen(run, text, lens) for text in chosen]
    else:
        lens = _lens_of(run, lens)
        written = [bank for bank in run.manifest.banks if bank.reads is None]
        seen = [bank for bank in written if lens_of(bank) == lens]
        told = [(_reads(bank), bank) for bank in seen if is_transcoder(bank)]
        placed = [(layer, bank) for layer, bank in told if layer is not None]
    if not placed:
        raise QueryError(_no_transcoder(run))
    banks: dict[int, list[BankFacts]] = {}
    for layer, bank in placed:
        banks.setdefault(layer, []).append(bank)
    lenses = dict.fromkeys(lens_of(bank) for _, bank in placed)
    found = {layer: _of_one(layer, banks[layer], transcoders) for layer in sorted(banks)}
    return Placing(found, ", ".join(lenses))


def is_transcoder(bank: BankFacts) -> bool:
    """Return whether a bank was read from a transcoder, or is a cross-layer transcoder's share."""
    said = [bank.name, *(str(bank.origin.get(name, "")) for name in _SAYS)]
    return "reads_layer" in bank.origin or any(map(_TRANSCODER.search, said))


def writes_to(bank: BankFacts) -> str:
    """Return what a bank of a cross-layer transcoder writes to, in a word: `→9`, or `→sum`."""
    return "→" + str(bank.origin.get("part", written_as(bank))).rpartition("→")[2]


def _reads(bank: BankFacts) -> int | None:
    said = bank.origin.get("reads_layer", bank.layer)
    return said if isinstance(said, int) else bank.layer


def _lens_of(run: RunTables, lens: str | None) -> str:
    lenses = run.manifest.lenses
    if lens is not None and lens not in lenses:
        raise QueryError(
            f"The run has no banks that are read through {lens!r}. Its lenses: {listed(lenses)}."
        )
    return lens or lenses[0]


def _chosen(run: RunTables, text: str, lens: str | None) -> tuple[int, BankFacts]:
    found = _CHOSEN.fullmatch(text)
    name = run.banks_named(found[2] if found else text)[0]
    bank = run.manifest.bank(name)
    if bank.reads is not None:
        raise QueryError(
            f"{name} is what features read; a graph's nodes are labelled by what they write: name "
            f"{bank.reads.bank}."
        )
    if lens is not None and run.manifest.lens_of(bank) != lens:
        raise QueryError(
            f"{name} is read through the lens {run.manifest.lens_of(bank)}, not through {lens}. "
            "Leave out --lens, or name another bank."
        )
    layer = int(found[1]) if found and found[1] else _reads(bank)
    if layer is None:
        raise QueryError(
            f"The run does not know which layer {name} is of. Say it: LAYER={name}, such as "
            f"5={name}."
        )
    return layer, bank


def _of_one(layer: int, banks: list[BankFacts], ids: Sequence[str]) -> list[BankFacts]:
    """Return the banks of a layer that are one transcoder's.

    Raises:
        QueryError: when they are of several, and no id tells which is meant.
    """
    if len(banks) > 1 and not _is_one(banks) and layer < len(ids):
        banks = [bank for bank in banks if _is_called(bank, ids[layer])] or banks
    if not _is_one(banks):
        raise QueryError(
            f"Layer {layer} has several transcoders in this run: "
            f"{listed(bank.name for bank in banks)}. Say which of them is the graph's: "
            f"--bank {banks[0].name}, one for each layer."
        )
    total = [bank for bank in banks if writes_to(bank) == SUM]
    return total or banks


def _is_one(banks: Sequence[BankFacts]) -> bool:
    """Whether banks are one transcoder's: one alone, or a cross-layer one's, each to a layer."""
    if len(banks) == 1:
        return True
    places = {_source(bank.origin) for bank in banks}
    across = all("reads_layer" in bank.origin for bank in banks)
    return across and len(places) == 1 and len({*map(writes_to, banks)}) == len(banks)


def _is_called(bank: BankFacts, transcoder: str) -> bool:
    said = [bank.name, *map(str, bank.origin.values())]
    return any(transcoder.lower() in each.lower() for each in said)


def _source(origin: dict[str, Any]) -> str:
    parts = (origin.get("repo") or origin.get("path"), origin.get("subfolder"))
    return "/".join(str(part) for part in parts if part)


def _no_transcoder(run: RunTables) -> str:
    lines = [f"{bank.name} ({bank.hook or 'no hook'})" for bank in run.manifest.banks]
    return (
        f"No bank of {run.place} is known to be a transcoder's; it has {listed(lines, most=6)}. If "
        "the graph is of one of them, say so: --bank BANK, or --bank LAYER=BANK."
    )
