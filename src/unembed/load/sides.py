"""What features write, what they read, or both: the banks of each side, named alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unembed.errors import SourceError, UnembedError
from unembed.facts import SIDES, Side
from unembed.features import Features
from unembed.load.names import Source, named, names_of


def banks_of(sources: Sequence[Source], side: Side) -> list[Features]:
    """Return the banks of some sources on one side, or on both: first all that features write.

    A bank of what features read is called as the one that they write, with the part of them that
    it is behind it: `mlp.20.gate`, `mlp.20.up`, `sae.8.encoder`. Nothing is read of a side that is
    not asked for.

    Args:
        sources: of features.
        side: `write`, `read` or `both`.

    Raises:
        SourceError: when features have nothing that reads, or two banks would have one name.
        UnembedError: for another side.
    """
    if side not in SIDES:
        raise UnembedError(f"The side is write, read or both, not {side!r}.")
    if side == "write":
        return named(sources)
    read = [_reads(source) for source in sources]  # before much is read of the other side
    if side == "read":
        names = names_of(sources, [_as_written(banks[0]) for banks in read])
        return _as_read(read, names)
    written = named(sources)
    return [*written, *_as_read(read, [bank.name for bank in written])]


def _reads(source: Source) -> list[Features]:
    if source.reads is None:
        raise SourceError(
            f"{source.path} has nothing that reads: it is directions that are written, and no "
            "more. Leave it out, or take --side write."
        )
    return source.reads()


def _as_written(bank: Features) -> Features:
    """Return a bank of what features read, called as the one that they write."""
    assert bank.reads is not None
    return bank.renamed(bank.reads.bank)


def _as_read(read: Sequence[Sequence[Features]], names: Sequence[str]) -> list[Features]:
    """Return banks of what features read, by the names of what these write."""
    found = []
    for banks, name in zip(read, names, strict=True):
        for bank in banks:
            assert bank.reads is not None
            facts = replace(bank.reads, bank=name)
            found.append(replace(bank.renamed(f"{name}.{facts.part}"), reads=facts))
    return found
