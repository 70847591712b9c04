"""The weights behind a finished run, opened again once and kept.

A run's tables answer most questions. The others (any token's logit weight, another test, who is
alike) need W_U or W_dec again: they are read from where the manifest says they came from, and must
be what they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from threading import Lock
from weakref import WeakKeyDictionary

from unembed.addresses import bank_named
from unembed.enrichment.direction_null import DirectionNull
from unembed.enrichment.directions import Null, second_moment
from unembed.enrichment.second_moment import SecondMoment
from unembed.errors import QueryError, SourceError, UnembedError
from unembed.facts import NullFacts
from unembed.features import Features
from unembed.lens import EMBEDDING
from unembed.load.models.open import load_model
from unembed.load.reopen import reopen_embedding, reopen_features, reopen_unembedding
from unembed.recent import Recent
from unembed.store.manifest import Manifest
from unembed.store.tables import RunTables
from unembed.unembedding import Unembedding

_lock = Lock()
_kept: WeakKeyDictionary[RunTables, RunWeights] = WeakKeyDictionary()


class RunWeights:
    """The weights of one run, each read when it is first asked for.

    Threads that ask for what is being read wait for it; what was read is had without a wait.

    Args:
        manifest: of the run.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._facts = {bank.name: bank for bank in manifest.banks}
        self._open = cache(load_model)  # its header takes seconds where a model is a GGUF file
        self._reading = Lock()  # of one model one thing is read at a time
        self._unembedding = Recent[str, Unembedding]()
        self._banks = Recent[str, Features]()
        self._nulls = Recent[str, DirectionNull]()

    @property
    def unembedding(self) -> Unembedding:
        """The unembedding of the run.

        Raises:
            SourceError: when it cannot be had, or is not what it was.
        """
        return self._unembedding.get("", self._read_unembedding)

    @property
    def embedding(self) -> Unembedding:
        """The embedding that what features read is held against.

        Raises:
            QueryError: when the run holds nothing of what features read.
            SourceError: when it cannot be had, or is not what it was.
        """
        return self._unembedding.get(EMBEDDING, self._read_embedding)

    def against(self, name: str) -> Unembedding:
        """Return what a bank is held against: the unembedding, or the embedding.

        Raises:
            QueryError: when the run has no such bank.
            SourceError: when it cannot be had, or is not what it was.
        """
        reads = self._facts[bank_named(name, self._facts)].reads
        return self.unembedding if reads is None else self.embedding

    def _read_unembedding(self) -> Unembedding:
        try:
            with self._reading:
                return reopen_unembedding(self._manifest.unembedding, self._open)
        except UnembedError as error:
            raise _gone(error, "unembedding=…") from error

    def _read_embedding(self) -> Unembedding:
        facts = self._manifest.embedding
        if facts is None:
            raise QueryError("The run holds nothing of what features read: --side both has it.")
        try:
            with self._reading:
                return reopen_embedding(facts, self._open)
        except UnembedError as error:
            raise _gone(error, "unembedding=…, with its embedding") from error

    def bank(self, name: str) -> Features:
        """Return a bank of the run.

        Raises:
            QueryError: when the run has no such bank.
            SourceError: when it cannot be had, or is not what it was.
        """
        name = bank_named(name, self._facts)
        return self._banks.get(name, lambda: self._read_bank(name))

    def _read_bank(self, name: str) -> Features:
        try:
            with self._reading:
                return reopen_features(self._facts[name], self._open)
        except UnembedError as error:
            raise _gone(error, "banks=[…]") from error

    def null_of(self, name: str) -> DirectionNull:
        """Return the random directions that a bank was tested against, for other tests.

        Raises:
            QueryError: when the run has no such bank, or was made without token sets.
            SourceError: when they were like those of a bank that is not in the run.
        """
        name = bank_named(name, self._facts)
        if self._manifest.enrichment is None:
            raise QueryError("The run was made without token sets, so its banks have no null.")
        facts = self._manifest.enrichment.nulls[self._manifest.names.index(name)]
        bank = self._facts[name]
        alike = f"{bank.lens.sha256 if bank.lens else ''}/{bank.reads is not None}"
        return self._nulls.get(
            f"{facts.origin}/{alike}",
            lambda: DirectionNull(self.against(name).covariance, self._moment(name, facts)),
        )

    def _moment(self, name: str, facts: NullFacts) -> SecondMoment:
        origin = facts.origin
        if origin == "identity" and self._facts[name].lens is None:
            return SecondMoment.identity(self.unembedding.d_model)
        if origin == "identity" or origin in self._facts:
            bank = self.bank(name)
            null: Null = "identity" if origin == "identity" else "bank"
            if origin not in ("identity", name):
                null = self.bank(origin)
            moment = second_moment(null, bank, self.unembedding)
            if moment.features == facts.features and _near(moment, facts.shrinkage):
                return moment
        raise SourceError(
            f"The run was tested against random directions like those of {origin!r}, a bank that "
            "is not in it, and which it does not keep. Make the run again with that bank in it "
            f"(--null-bank {origin}), or test with unembed.direction_test(…, null=bank)."
        )

    def give(self, unembedding: Unembedding | None, banks: Iterable[Features]) -> None:
        """Use weights that are in memory; a bank may have another name than in the run.

        Raises:
            SourceError: when they are not those of the run.
        """
        wanted = self._manifest.unembedding
        if unembedding is not None and unembedding.digest != wanted.sha256:
            raise SourceError(
                f"{unembedding!r} is not the unembedding of the run, {wanted.name_of_model} "
                f"with {wanted.tokens:,} tokens and the {wanted.lens} lens: weights, "
                "tokens or preparation differ. Prepare the same arrays in the same way."
            )
        found: dict[str, Features] = {}
        for bank in banks:
            names = [n for n, facts in self._facts.items() if facts.sha256 == bank.digest]
            if not names:
                raise SourceError(
                    f"{bank!r} is no bank of the run: no bank there has the same directions, "
                    f"indices and densities. Its banks: {', '.join(self._facts)}."
                )
            found |= {name: bank.renamed(name) for name in names}
        if unembedding is not None:
            self._unembedding.put("", unembedding)
            self._give_embedding(unembedding.embedding)
        for name, bank in found.items():
            self._banks.put(name, bank)

    def _give_embedding(self, embedding: Unembedding | None) -> None:
        """Use an embedding that is in memory.

        Raises:
            SourceError: when it is not that of the run.
        """
        wanted = self._manifest.embedding
        if embedding is None or wanted is None:
            return
        if embedding.digest != wanted.sha256:
            raise SourceError(
                f"{embedding!r} is not the embedding of the run: weights, tokens or preparation "
                "differ. Prepare the same arrays in the same way."
            )
        self._unembedding.put(EMBEDDING, embedding)


def weights_of(
    run: RunTables, *, unembedding: Unembedding | None = None, banks: Iterable[Features] = ()
) -> RunWeights:
    """Return the weights behind a run; they are opened once, and kept as long as the run is.

    A run that was made of arrays in memory cannot open them again: give them here once, and all
    that is asked of the run later uses them.

    >>> weights_of(run).bank("sae.8").W_dec  # doctest: +SKIP

    Args:
        run: a finished run.
        unembedding: the run's, if it is in memory.
        banks: banks of the run, if they are in memory.

    Raises:
        SourceError: when what is given is not what the run was made of.
    """
    with _lock:
        weights = _kept.get(run)
        if weights is None:
            weights = _kept[run] = RunWeights(run.manifest)
    if unembedding is not None or banks:
        weights.give(unembedding, banks)
    return weights


def _near(moment: SecondMoment, shrinkage: float) -> bool:
    return abs(moment.shrinkage - shrinkage) <= 1e-6


def _gone(error: UnembedError, argument: str) -> SourceError:
    return SourceError(
        f"The run's weights cannot be read again. {error} If you have them elsewhere, give them in "
        f"Python: unembed.weights_of(run, {argument})."
    )
