"""Which directions are added for the features that were named, behind which block."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unembed.addresses import address
from unembed.enrichment.second_moment import SecondMoment
from unembed.errors import QueryError
from unembed.facts import BankFacts
from unembed.features import Features
from unembed.load.lenses.of_bank import block_behind
from unembed.load.stream.along import point_of
from unembed.products import product
from unembed.questions.explanation import explain
from unembed.questions.lenses import same_but_for_lens
from unembed.questions.weights import RunWeights, weights_of
from unembed.store.tables import RunTables

_INSIDE = ("attention", "between")


class Where(NamedTuple):
    """Where a bank is added.

    Attributes:
        block: behind which; −1 for what enters the first.
        exact: whether nothing of the block comes behind its hook: of what attention adds, the
            block's MLP is left out.
    """

    block: int
    exact: bool


class NamedSet(NamedTuple):
    """A token set that a label names.

    Attributes:
        name: of it.
        sign: 1 where it is promoted, −1 where it is suppressed.
        members: places among the tokens that take part.
    """

    name: str
    sign: int
    members: npt.NDArray[np.int64]


def where_added(facts: BankFacts) -> Where:
    """Return where a bank's features are added, by its hook or its lens.

    Raises:
        QueryError: when neither is known, or it is what features read.
        FormatError: when the hook is not.
    """
    if facts.reads is not None:
        raise QueryError(
            f"{facts.name} is what features read: what is added to a model is what they write, "
            f"which {facts.reads.bank} is."
        )
    if facts.hook is not None:
        point = point_of(facts.hook)
        return Where(block_behind(point), point.along not in _INSIDE)
    if facts.lens is not None:
        return Where(facts.lens.layer, True)
    raise QueryError(
        f"{facts.name} does not say where its directions are written, so that it is not known "
        "where to add them. Make the run again with --hook, such as --hook "
        "blocks.8.hook_resid_post."
    )


class Bank:
    """A bank of a run, whose features are added to the model.

    Attributes:
        facts: of it.
        where: its features are added.
        own: the lens that it is read through.

    Args:
        run: a finished run.
        name: of the bank.

    Raises:
        QueryError: when it is not known where it is written.
        SourceError: when the weights cannot be read again.
    """

    def __init__(self, run: RunTables, name: str) -> None:
        self.facts = run.manifest.bank(name)
        self.where = where_added(self.facts)
        self.own = run.manifest.lens_of(self.facts)
        self._run = run
        self._weights: RunWeights = weights_of(run)
        self._written: Features = self._weights.bank(name).before or self._weights.bank(name)
        alike = [run.manifest.bank(each) for each in same_but_for_lens(run, name)]
        self._lenses = {
            run.manifest.lens_of(each): self._weights.bank(each.name).lens for each in alike
        }

    def address(self, index: int) -> str:
        """Return what a feature is called."""
        return address(self.facts.name, index)

    def direction(self, index: int) -> Tensor:
        """Return a feature as it is written [d_model]."""
        return self._written.W_dec[self._written.position(index)].float()

    def random(self, count: int, seed: int) -> Tensor:
        """Return random directions [count, d_model] drawn like the bank's, where it is written."""
        return SecondMoment.of(self._written).draw(count, seed)

    def logit_weights(self, direction: Tensor) -> dict[str, npt.NDArray[np.float64]]:
        """Return [n] the logit weights of a direction of the bank's layer, by each lens."""
        found = {}
        for name, lens in self._lenses.items():
            seen = direction if lens is None else lens.take(direction[None])[0]
            weights = product(self._weights.unembedding.W_U, seen.float().contiguous())
            found[name] = weights.double().numpy()
        return found

    def sets(self, index: int) -> list[NamedSet]:
        """Return the token sets that a feature's label names; none where it has no label."""
        run = self._run
        if not run.is_explained:
            return []
        parts: list[dict[str, Any]] = explain(run, self.address(index))["parts"]
        token_ids = self._weights.unembedding.token_ids
        return [
            NamedSet(
                part["token_set"],
                1 if part["z"] > 0 else -1,
                np.searchsorted(token_ids, run.sets.info(part["token_set"])["ids"]),
            )
            for part in parts
        ]


def token_ids_of(run: RunTables) -> Tensor:
    """Return the ids [n] of the tokens that take part in a run."""
    return torch.from_numpy(weights_of(run).unembedding.token_ids)
