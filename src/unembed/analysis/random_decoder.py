"""A random decoder in a bank's place, analysed as the bank was: what the method says of nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

from unembed.analysis.pipeline import analyze
from unembed.cache import cache_folder
from unembed.enrichment import EnrichmentSettings, Null, SecondMoment
from unembed.errors import SourceError
from unembed.features import Features
from unembed.progress import Progress, silent
from unembed.questions import Run, weights_of
from unembed.questions.banks import require_classes
from unembed.store.tables import RunTables
from unembed.sweep import SweepSettings
from unembed.sweep.settings import AUTO
from unembed.tokensets.frame import from_frame
from unembed.version import __version__

_FOLDER = "random-decoders"


def analyze_random(
    run: RunTables,
    bank: str,
    out: str | Path | None = None,
    *,
    seed: int = 0,
    device: str = AUTO,
    progress: Progress = silent,
) -> Run:
    """Return a run like another one, with random directions in the place of one bank.

    As many directions as the bank has, drawn from a normal distribution of its second moment (in
    its own layer, and taken through the lens, where it is read through one), are tested, classed
    and labelled as the bank was: against the same sets, with the same settings, and a null that
    is made of them as the bank's was made of it. Whatever is found in it, the method finds in
    nothing. TSEA, which decides no class and no label, is left out.

    >>> control = analyze_random(run, "sae.26")  # doctest: +SKIP
    >>> control.scalars["class"].value_counts()  # doctest: +SKIP

    Args:
        run: with token sets, whose weights are still there.
        bank: a bank of it.
        out: the folder of the new run; one in the cache folder, kept for the next time, if None.
        seed: decides the directions.
        device: a torch device.
        progress: told how each step goes.

    Raises:
        QueryError: when the run has no such bank, or its features have no classes.
        SourceError: when the run's weights are not there any more, or changed.
        RunError: when `out` holds another run.
    """
    require_classes(run)
    weights, tested = weights_of(run), run.tested
    like, unembedding = weights.bank(bank), weights.unembedding
    if like.reads is not None:
        unembedding = unembedding.with_embedding(weights.embedding)
    folder = Path(out) if out is not None else _kept(run, like.name, seed)
    enrichment = EnrichmentSettings(
        tsea="none", directions=tested.directions, seed=tested.seed, max_q=tested.max_q
    )
    settings = run.manifest.settings
    return analyze(
        unembedding, random_decoder(like, seed), folder,
        token_sets=from_frame(run.token_sets, unembedding.vocabulary),
        null=_null_of(run, like.name),
        settings=SweepSettings(settings.top_k, settings.tile, device),
        enrichment=enrichment, explanation=tested.explanation, progress=progress,
    )  # fmt: skip


def random_decoder(bank: Features, seed: int = 0) -> Features:
    """Return a bank of as many random directions, of another one's second moment, under its name.

    Args:
        bank: what they are like.
        seed: decides them, another set for each name.

    Raises:
        WeightError: when every direction of the bank is zero.
    """
    of_bank = hashlib.sha256(f"random decoder/{seed}/{bank.name}".encode()).digest()
    number, own = int.from_bytes(of_bank[:7], "big"), bank.before or bank
    rows = SecondMoment.of(own).draw(len(bank), number)
    origin = {"format": "random decoder", "like": bank.digest, "seed": seed}
    drawn = Features.from_array(
        rows, name=own.name, indices=own.indices, hook=own.hook, layer=own.layer, origin=origin,
        reads=own.reads,
    )  # fmt: skip
    return drawn if bank.lens is None else drawn.through(bank.lens)


def _null_of(run: RunTables, bank: str) -> Null:
    """Return what the random decoder is tested against: what the bank was, of its own making.

    Raises:
        SourceError: when that was a bank that is not in the run.
    """
    origin = run.tested.nulls[run.banks.index(bank)].origin
    if origin == "identity":
        return "identity"
    if origin == bank:
        return "bank"
    if origin not in run.banks:
        raise SourceError(
            f"{bank} was tested against random directions like those of {origin!r}, a bank that is "
            "not in the run. Make the run again with that bank in it, or compare without random "
            "decoders (--no-control)."
        )
    return weights_of(run).bank(origin)


def _kept(run: RunTables, bank: str, seed: int) -> Path:
    """Return the folder of the cache for a random decoder."""
    what = f"{run.manifest.digest}/{bank}/{seed}/{__version__}"
    return cache_folder() / _FOLDER / hashlib.sha256(what.encode()).hexdigest()[:32]
