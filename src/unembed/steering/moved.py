"""What directions of one bank do behind its block, and what random ones of the same length do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.progress import Report
from unembed.steering.matched import matched_sets, strata
from unembed.steering.measures import (
    correlation,
    log_probabilities,
    output_score,
    ranked,
    set_log_probabilities,
)
from unembed.steering.passes import BehindBlock
from unembed.steering.settings import SteerSettings
from unembed.steering.targets import Bank, NamedSet

TOP = 20
"""Tokens that the output score is of, as it is published."""


class Changes(NamedTuple):
    """What a direction did to the logits behind the prompts.

    Attributes:
        log_p: [prompts, n] of the tokens that take part.
        logits: [n] the change of each logit, a mean over prompts.
    """

    log_p: Float[Tensor, "prompts n"]
    logits: Float[Tensor, " n"]


class Steered:
    """The passes of one bank: with nothing added, with its random directions, with a feature.

    Attributes:
        length: of the stream behind the block.

    Args:
        bank: whose features are added.
        behind: passes over the prompts.
        scored: passes over the prompt of the output score.
        ids: [n] of the tokens that take part.
        settings: strengths, and how many random directions.
        report: told how many random directions are done.
    """

    def __init__(
        self,
        bank: Bank,
        behind: BehindBlock,
        scored: BehindBlock,
        ids: Tensor,
        settings: SteerSettings,
        report: Report,
    ) -> None:
        self._bank, self._behind, self._scored, self._ids = bank, behind, scored, ids
        self._settings, self.length = settings, behind.length
        self._before = log_probabilities(behind.unsteered, ids)
        self._strata = strata(self._before.double().exp().mean(0).numpy())
        self.random = bank.random(settings.random, settings.seed)
        self._by_random: dict[float, list[Changes]] = {each: [] for each in settings.strengths}
        passes = [(s, row) for s in settings.strengths for row in self.random]
        for done, (strength, row) in enumerate(passes):
            report(done, len(passes))
            self._by_random[strength].append(self._changes(row, strength))
        report(len(passes), len(passes))
        weights = [bank.logit_weights(row) for row in self.random]
        self._correlations = {
            strength: [
                {lens: correlation(each.logits.numpy(), w) for lens, w in of_lens.items()}
                for each, of_lens in zip(found, weights, strict=True)
            ]
            for strength, found in self._by_random.items()
        }
        each_with = zip(self.random, weights, strict=True)
        scores = [self._score(row, of_lens[bank.own])[0] for row, of_lens in each_with]
        self._random_score = float(np.median(scores))

    def measured(self, direction: Tensor, sets: Sequence[NamedSet]) -> list[dict[str, Any]]:
        """Return what a feature does: a record for each strength (`store.steering`).

        Args:
            direction: of it, where it is written.
            sets: that its label names.
        """
        weights = self._bank.logit_weights(direction)
        score, unsteered = self._score(direction, weights[self._bank.own])
        draws = np.random.default_rng(self._settings.seed)
        matched = [self._with_matched(each, draws) for each in sets]
        found = []
        for strength in self._settings.strengths:
            did = self._changes(direction, strength)
            random = self._correlations[strength]
            found.append(
                {
                    "strength": strength,
                    "correlations": [
                        {
                            "lens": lens,
                            "correlation": correlation(did.logits.numpy(), of_lens),
                            "random": float(np.median([each[lens] for each in random])),
                        }
                        for lens, of_lens in weights.items()
                    ],
                    "sets": [
                        self._set(named, each, did, strength)
                        for named, each in zip(sets, matched, strict=True)
                    ],
                    "output_score": score,
                    "output_score_unsteered": unsteered,
                    "output_score_random": self._random_score,
                }
            )
        return found

    def scaled(self, direction: Tensor, strength: float) -> Tensor:
        """Return what is added for a direction: so many lengths of the stream along it."""
        found: Tensor = direction / direction.norm() * (strength * self.length)
        return found

    def _changes(self, direction: Tensor, strength: float) -> Changes:
        logits = self._behind.logits(self.scaled(direction, strength))
        change = (logits - self._behind.unsteered)[:, self._ids].double().mean(0)
        return Changes(log_probabilities(logits, self._ids), change)

    def _score(self, direction: Tensor, weights: np.ndarray) -> tuple[float, float]:
        """Return the output score with a direction added at the last position, and without."""
        top = self._ids[torch.from_numpy(weights).topk(min(TOP, len(weights))).indices]
        added = self.scaled(direction, self._settings.score_strength)
        with_it = self._scored.logits(added, at_last=True)
        return output_score(with_it[0], top), output_score(self._scored.unsteered[0], top)

    def _with_matched(self, named: NamedSet, draws: np.random.Generator) -> Tensor:
        """Return a set, and sets of the same frequencies, [1 + matched, members]."""
        others = matched_sets(named.members, self._strata, self._settings.matched, draws)
        return torch.from_numpy(np.concatenate([named.members[None], others]))

    def _set(self, named: NamedSet, sets: Tensor, did: Changes, strength: float) -> dict[str, Any]:
        """Return how far a set moved, beside matched sets and under random directions."""
        before = set_log_probabilities(self._before, sets)

        def moved(changes: Changes) -> np.ndarray:
            after = set_log_probabilities(changes.log_p, sets)
            found: np.ndarray = (after - before).mean(0)
            return found

        own = ranked(moved(did), named.sign)
        random = [ranked(moved(each), named.sign) for each in self._by_random[strength]]
        return {
            "token_set": named.name,
            "sign": named.sign,
            "log_p": float(before[:, 0].mean()),
            "change": named.sign * own.change,
            "matched": len(sets) - 1,
            "matched_change": named.sign * own.matched,
            "matched_rank": own.rank,
            "random": len(random),
            "random_change": named.sign * float(np.median([each.change for each in random])),
            "random_rank": 1 + sum(each.change >= own.change for each in random),
            "random_first": sum(each.rank == 1 for each in random),
        }
