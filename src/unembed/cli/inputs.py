"""What a run is made of, read from what a person names on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from unembed import demo, load
from unembed.cli.output import aside, stoppable
from unembed.lens import LENSES
from unembed.outside.text import shown

if TYPE_CHECKING:
    from unembed import Features, Unembedding
    from unembed.enrichment import Null
    from unembed.facts import Side
    from unembed.load.models.model import Model


def load_inputs(
    references: Sequence[str],
    *,
    model: str | Path | None = None,
    hook: str | None = None,
    lens: str = "logit",
    lens_layer: int | None = None,
    another_model: bool = False,
    tokenizer: str | None = None,
    null_bank: str | None = None,
    side: Side = "write",
    fold: bool = True,
) -> tuple[Unembedding, list[Features], Null]:
    """Return the unembedding, the banks and the null of a run.

    Args:
        references: `[MODEL] FEATURES…`; without MODEL where `model` is given, or the features say
            what they were made for.
        model: the model, whatever the features say.
        hook: where features are written whose files do not say it.
        lens: what `--lens` names, one or several.
        lens_layer: of the lens, where features do not say their own.
        another_model: whether a lens of another model is meant.
        tokenizer: where the vocabulary is, if not beside the model.
        null_bank: what `--null-bank` names.
        side: what features write, what they read, or both; lenses are of what they write.
        fold: take the final norm into W_U.
    """
    with stoppable("Stopped while reading; no run was begun."):
        named, features = split_inputs(references, model)
        opened = load.load_model(named)
        aside().print(f"Reading {shown(opened.name)} …", style="dim")
        of_W_U, lenses = load.split_lenses(lens)
        _check_lenses(lenses, side)
        unembedding = load.load_unembedding(
            opened, lens=of_W_U, tokenizer=tokenizer, fold=fold, embedding=side != "write"
        )
        loaded = load.load_features(features, model=opened, hook=hook, side=side)
        written = [bank for bank in loaded if bank.reads is None]
        through = load.through_lenses(
            written, lenses, model=opened, layer=lens_layer, another_model=another_model
        )
        banks = [*through, *(bank for bank in loaded if bank.reads)]
        known = {bank.name: bank for bank in (*written, *banks)}
        return unembedding, banks, _null(null_bank, list(known.values()), opened)


def load_demo(side: Side = "write") -> tuple[Unembedding, list[Features]]:
    """Return what `unembed demo` analyses: its banks, and some of them through its lens.

    Args:
        side: `both` for what the last layer's neurons read, too; `read` for that alone.
    """
    with stoppable("Stopped while reading; no run was begun."):
        model = load.load_model(demo.MODEL)
        aside().print(f"Reading {shown(model.name)} …", style="dim")
        banks = load.load_features(demo.FEATURES, model=model)
        some = [bank for bank in banks if bank.name in demo.THROUGH_LENS]
        through = load.through_lenses(some, [str(demo.LENS)], model=model)
        reads = [] if side == "write" else load.load_features(demo.READ, model=model, side="read")
        written = [] if side == "read" else [*banks, *through]
        return load.load_unembedding(model, embedding=bool(reads)), [*written, *reads]


def _check_lenses(lenses: Sequence[str], side: Side) -> None:
    if side == "read" and any(lens not in LENSES for lens in lenses):
        raise typer.BadParameter(
            "--side read and a layer lens do not go together: a lens says what becomes of what is "
            "written. Leave --lens out, or take --side both."
        )


def split_inputs(
    references: Sequence[str], model: str | Path | None
) -> tuple[str | Path, Sequence[str]]:
    """Return the model and the features that are meant.

    The first reference is the model unless `model` is given, or it is a published SAE, or it stands
    alone: then the features say what they were made for.

    Raises:
        SourceError: when they do not.
    """
    if model is not None:
        return model, references
    if len(references) == 1 or load.is_published(references[0]):
        return load.model_of(references), references
    return references[0], references[1:]


def _null(named: str | None, banks: Sequence[Features], model: Model) -> Null:
    """Return the null that `--null-bank` names."""
    if named is None:
        return "bank"
    if named == "identity":
        return "identity"
    found = [bank for bank in banks if bank.name == named] or load.load_features(named, model=model)
    if len(found) > 1:
        raise typer.BadParameter(
            f"--null-bank {shown(named)} names {len(found)} banks; random directions are drawn "
            "like one."
        )
    return found[0]
