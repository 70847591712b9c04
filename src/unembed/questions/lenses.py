"""The lenses of a run: what each bank is read through, and what a feature is through each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from unembed.addresses import address, split
from unembed.facts import BankFacts
from unembed.questions.banks import by_depth, require_classes
from unembed.questions.labels import labels
from unembed.store.tables import RunTables

UNSHAPED = ("diffuse", "dead", "flat")
"""Classes of features of which neither tail is heavy, and which split nothing."""


def lens_facts(bank: BankFacts) -> dict[str, Any] | None:
    """Return what is known of the layer lens that a bank is read through, None where there is none.

    name, kind; layer, whose output's directions it takes to the last one; n_prompts that it was
    fitted on, where that is known; notes, sentences that a reader must know.
    """
    if bank.lens is None:
        return None
    lens = bank.lens
    return {
        "name": lens.name,
        "kind": lens.kind,
        "layer": lens.layer,
        "n_prompts": lens.details.get("n_prompts"),
        "notes": lens.notes,
    }


def read_facts(bank: BankFacts) -> dict[str, Any] | None:
    """Return what is known of a bank of what features read, None of one of what they write.

    part, of the features; bank, the name of the one that they write, whether the run holds it or
    not; notes, sentences that a reader must know.
    """
    if bank.reads is None:
        return None
    return {"part": bank.reads.part, "bank": bank.reads.bank, "notes": bank.reads.notes}


def written_as(bank: BankFacts) -> str:
    """Return a bank's name without its lens or side: the same for all that its features are."""
    if bank.reads:
        return bank.reads.bank
    return bank.lens.bank if bank.lens else bank.name


def same_but_for_lens(run: RunTables, banks: str | Sequence[str] | None) -> list[str]:
    """Return banks, and those that are the same but for the lens, in the run's order.

    Raises:
        QueryError: when the run has no such bank.
    """
    wanted = {_of(run.manifest.bank(name)) for name in run.banks_named(banks)}
    return [bank.name for bank in run.manifest.banks if _of(bank) in wanted]


def _of(bank: BankFacts) -> tuple[str, str | None]:
    """Return whose directions a bank has, whatever the lens: written, or of a part that reads."""
    return written_as(bank), bank.reads.part if bank.reads else None


def other_lenses(run: RunTables, feature: str) -> list[dict[str, Any]]:
    """Return the same feature through the other lenses of a run, and by what it reads.

    Each with feature, lens, part (of the feature, where it is what it reads), class and label.

    Raises:
        QueryError: when the run has no such feature.
    """
    run.row_of(feature)  # or there is none
    name, index = split(feature, run.banks)
    own = run.manifest.bank(name)
    others = [
        bank
        for bank in run.manifest.banks
        if bank.name != own.name and written_as(bank) == written_as(own)
    ]
    rows = [run.row_of(address(bank.name, index)) for bank in others]
    parts = pl.Series("part", [bank.reads and bank.reads.part for bank in others], pl.String)
    found = run.scalars[rows].select("feature", "lens", parts, "class", "label")
    return found.to_dicts()


def compare_lenses(run: RunTables) -> pl.DataFrame:
    """Return one row a bank and lens: how many of its features are shaped, and have a label.

    Columns: written (the bank's name without a lens or side), bank, layer, lens, features, shaped
    (with a heavy tail, or partition), labelled, shaped_labelled. Banks that are the same but for
    the lens, or the side, stand one after the other, from the first layer on.

    Raises:
        QueryError: when the run's features have no classes.
    """
    require_classes(run)
    labelled_rows = labels(run)["row"].to_list()
    shaped, labelled = ~pl.col("class").is_in(UNSHAPED), pl.col("at").is_in(labelled_rows)
    counted = (
        run.scalars.with_row_index("at")
        .group_by("bank")
        .agg(
            features=pl.len().cast(pl.Int64),
            shaped=shaped.sum().cast(pl.Int64),
            labelled=labelled.sum().cast(pl.Int64),
            shaped_labelled=(shaped & labelled).sum().cast(pl.Int64),
        )
    )
    written = {bank.name: written_as(bank) for bank in run.manifest.banks}
    banks = by_depth(run).with_columns(written=pl.col("bank").replace_strict(written))
    banks = pl.concat(of_one for _, of_one in banks.group_by("written", maintain_order=True))
    return banks.select("written", "bank", "layer", "lens").join(
        counted, on="bank", how="left", maintain_order="left"
    )
