"""Which features are searched at all: those of some banks, layers and lenses."""

from __future__ import annotations

from collections.abc import Sequence

from unembed.errors import QueryError
from unembed.store.tables import RunTables


def banks_of(
    run: RunTables, banks: Sequence[str], layers: Sequence[int], lenses: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the banks with one of these names, layers and lenses; all where none is named.

    Raises:
        QueryError: for a bank, layer or lens that the run does not have, or when no bank fits all.
    """
    named = _through(run, run.banks_named(banks or None), lenses)
    layer_of = {bank.name: bank.layer for bank in run.manifest.banks}
    known = sorted({layer for layer in layer_of.values() if layer is not None})
    for layer in layers:
        if layer not in known:
            has = f"Its layers: {', '.join(map(str, known))}." if known else "None of its banks has"
            raise QueryError(
                f"There is no bank of layer {layer} in this run. "
                f"{has if known else f'{has} a layer: choose with --bank.'}"
            )
    fitting = tuple(
        name for name in run.banks if name in named and (not layers or layer_of[name] in layers)
    )
    if not fitting:
        of_layers = [name for name in run.banks if layer_of[name] in layers]
        raise QueryError(
            f"No bank is both one of {', '.join(named)} and of layer "
            f"{', '.join(map(str, layers))}, whose banks are {', '.join(of_layers)}."
        )
    return fitting


def _through(run: RunTables, named: Sequence[str], lenses: Sequence[str]) -> list[str]:
    """Return those of some banks that are read through one of these lenses; all where none is."""
    manifest = run.manifest
    for lens in lenses:
        if lens not in manifest.lenses:
            raise QueryError(
                f"No bank of this run is read through a lens {lens!r}. Its lenses: "
                f"{', '.join(manifest.lenses)}."
            )
    through = [n for n in named if not lenses or manifest.lens_of(manifest.bank(n)) in lenses]
    if not through:
        raise QueryError(
            f"None of {', '.join(named)} is read through {' or '.join(lenses)}. Name a bank that "
            "is: the name ends with its lens."
        )
    return through
