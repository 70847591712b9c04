"""`fetch_neuronpedia`: what Neuronpedia says of features, fetched and kept beside the run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from unembed.errors import QueryError, did_you_mean
from unembed.load.neuronpedia import BASE, KINDS, FromFiles, FromSite, Gathered, Kind
from unembed.load.neuronpedia.records import Whose
from unembed.progress import Progress, report_of, silent
from unembed.questions.neuronpedia import source_of, sources_of
from unembed.store.added import NEURONPEDIA_COLUMNS
from unembed.store.folder import check_is_here
from unembed.store.neuronpedia import Beside, merge_beside
from unembed.store.tables import RunTables

EXAMPLES = 5
"""Texts that are kept of each feature."""


class Fetched(NamedTuple):
    """What was found of one bank.

    Attributes:
        bank: its name.
        source: `model/source` on Neuronpedia.
        features: how many were asked for.
        explained: of these with an explanation.
        with_density: of these with a density.
        with_texts: of these with a text that they fire on.
        beyond: features that the files speak of, and the bank does not have or nobody asked for.
        asked: kinds that were asked for.
    """

    bank: str
    source: str
    features: int
    explained: int
    with_density: int
    with_texts: int
    beyond: int
    asked: tuple[Kind, ...]


def fetch_neuronpedia(
    run: RunTables,
    features: Sequence[str] | None = None,
    *,
    kinds: Collection[str] | None = None,
    files: Sequence[str | Path] = (),
    base: str = BASE,
    ids: Iterable[str] = (),
    examples: int = EXAMPLES,
    progress: Progress = silent,
) -> list[Fetched]:
    """Return what was found of each bank, after it was written beside the run.

    What is kept of other features stays. Nothing is written of a bank before all of it is there.

    Args:
        run: a finished run.
        features: addresses; all features of the banks that are known there, if None.
        kinds: of `explanations`, `features` (densities) and `activations` (texts that features fire
            on). All three for features that are named; for whole banks not the last, which has
            hundreds of megabytes a bank.
        files: exports or dashboards that are read in the place of the site.
        base: where the exports are.
        ids: as for `questions.neuronpedia.sources_of`.
        examples: texts that are kept of each feature.
        progress: told how many files of how many are read.

    Raises:
        QueryError: when a feature or a bank's id is not known, or a kind.
        SourceError: when there is no such export or file, or the site cannot be reached.
        FormatError: when a file cannot be understood, or is of other features.
        RunError: when the run cannot be written to, or lies on the hub.
    """
    check_is_here(run.path)
    asked = _kinds(kinds, named=features is not None, from_files=bool(files))
    wanted = _wanted(run, features, ids, from_files=bool(files))
    site = FromFiles([Path(each) for each in files]) if files else FromSite(base)
    found = []
    for bank, (source, indices) in wanted.items():
        gathered = Gathered(indices, examples)
        whose = Whose(source, run.manifest.bank(bank).layer)
        site.gather(gathered, whose, asked, report_of(progress, f"Reading {source or bank}"))
        if files and not any(gathered.seen.values()):
            raise _none_of(bank, indices, gathered)
        found.append(_kept(run, bank, whose.source or "", gathered, asked))
    return found


def _kinds(given: Collection[str] | None, *, named: bool, from_files: bool) -> tuple[Kind, ...]:
    if given is None:
        return KINDS if named or from_files else ("explanations", "features")
    for each in given:
        if each not in KINDS:
            raise QueryError(
                f"Exports have no {each!r}.{did_you_mean(each, KINDS)} They have: "
                f"{', '.join(KINDS)}."
            )
    return tuple(kind for kind in KINDS if kind in given)


def _wanted(
    run: RunTables, features: Sequence[str] | None, ids: Iterable[str], *, from_files: bool
) -> dict[str, tuple[str | None, list[int]]]:
    """Return the source and the wanted indices of each bank that is meant."""
    known = sources_of(run, ids)
    scalars = run.scalars.select("bank", "index")
    if features is not None:
        scalars = scalars[[run.row_of(each) for each in features]]
        meant = list(dict.fromkeys(scalars["bank"]))
    else:
        meant = [bank for bank in run.banks if bank in known]
        if not meant and from_files and len(run.banks) == 1:
            meant = run.banks
    if not meant:
        source_of(run.banks[0], known)  # says what is missing
    found = {}
    for bank in meant:
        # of files, one bank may have none: they say what they are of
        may_be_unknown = from_files and len(meant) == 1
        source = known.get(bank) if may_be_unknown else source_of(bank, known)
        found[bank] = (source, scalars.filter(pl.col("bank") == bank)["index"].to_list())
    return found


def _none_of(bank: str, indices: list[int], gathered: Gathered) -> QueryError:
    beyond = sorted(gathered.passed_over)
    speak = f"they speak of {beyond[0]:,} to {beyond[-1]:,}" if beyond else "they hold none"
    return QueryError(
        f"The files have none of the {len(indices):,} features of {bank} that are asked for "
        f"({min(indices):,} to {max(indices):,}): {speak}. Give the files that hold them."
    )


def _kept(
    run: RunTables, bank: str, source: str, gathered: Gathered, asked: tuple[Kind, ...]
) -> Fetched:
    tables = gathered.tables()
    indices = pl.DataFrame({"index": sorted(gathered.wanted)}, schema={"index": pl.Int64})
    features = indices.join(tables.features, on="index", how="left", maintain_order="left")
    features = features.with_columns(
        pl.lit(source).alias("source"),
        *(pl.lit(kind in asked).alias(f"has_{kind}") for kind in KINDS),
    ).select(*NEURONPEDIA_COLUMNS)
    if "features" not in asked:  # their files are read to find texts by, too
        none = pl.lit(None, pl.Float64)
        features = features.with_columns(density=none, max_activation=none)
    new = Beside(features, tables.explanations, tables.activations)
    merge_beside(run.path, run.manifest, bank, new, asked)
    seen = gathered.seen
    return Fetched(
        bank, source, len(gathered.wanted), len(seen["explanations"]),
        int(features["density"].is_not_null().sum()), len(seen["activations"]),
        len(gathered.passed_over), asked,
    )  # fmt: skip
