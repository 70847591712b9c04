"""Small models in which something is planted, and their runs: what must be found is known.

`Planting` grows all of them: rows of W_U are given, token sets are named, the tokens of some share
a direction, and banks of noise get rows that point where a test wants. Modules with a question of
their own plant for themselves; what several ask is here:

- `planted`: girls' and boys' names, one token, a feature alike and one opposite (fixture `tiny`;
  the fixture `plain` is the same with the cosine lens and without token sets);
- `slope`: one direction promoted, suppressed and promoted more and more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unembed import (
    EnrichmentSettings,
    Features,
    Run,
    TokenSets,
    Unembedding,
    Vocabulary,
    analyze,
    prepare_unembedding,
    weights_of,
)
from unembed.tokensets import SetInfo
from unembed.unembedding import Lens

FEW = EnrichmentSettings(directions=200, tsea="none")
"""Enough for a run whose scores are not looked at to the last digit."""


@dataclass(frozen=True)
class Planted:
    """A run, and what it was made of."""

    run: Run
    unembedding: Unembedding
    banks: dict[str, Features]
    sets: TokenSets | None = None

    def logits(self, bank: str) -> np.ndarray:
        """Every logit weight [F, n] in float64, from the whole product."""
        weights = self.banks[bank].W_dec.double() @ self.unembedding.W_U.double().T
        found: np.ndarray = weights.numpy()
        return found


class Planting:
    """A model and its token sets, to which sets are added until either is asked for.

    Args:
        W_U: its rows, one a token.
        texts: of the first tokens; the others are ` t7`, ` t8` ….
        special: tokens that take no part.
        lens: and name, of the unembedding.
    """

    def __init__(
        self,
        W_U: Tensor,
        texts: Sequence[str] = (),
        *,
        special: Sequence[int] = (),
        lens: Lens = "logit",
        name: str = "planted",
    ) -> None:
        texts = [*texts, *(f" t{i}" for i in range(len(texts), len(W_U)))]
        self.vocabulary = Vocabulary.from_texts(texts, special=special)
        self._W_U, self._lens, self._name = W_U.clone(), lens, name
        self._drafts: dict[str, tuple[SetInfo, np.ndarray]] = {}

    def token_set(
        self,
        name: str,
        ids: Iterable[int],
        *,
        family: str = "planted",
        aliases: Sequence[str] = (),
        along: Tensor | None = None,
    ) -> None:
        """Name a set of tokens, whose rows get a direction in common where one is given."""
        members = np.fromiter(ids, int)
        self._drafts[name] = SetInfo(name, family, aliases=tuple(aliases)), members
        if along is not None:
            self._W_U[members] += along

    @cached_property
    def unembedding(self) -> Unembedding:
        W_U = self._W_U.float()
        return prepare_unembedding(W_U, self.vocabulary, lens=self._lens, name=self._name)

    @cached_property
    def sets(self) -> TokenSets:
        return TokenSets.from_drafts(self._drafts.values(), self.vocabulary)

    def mean(self, name: str) -> Tensor:
        """The mean of a set's rows: the direction that shifts the set most."""
        rows = np.searchsorted(self.unembedding.token_ids, self._drafts[name][1])
        return self.unembedding.W_U[rows].mean(0)


def bank_of(
    name: str, rows: Tensor, doing: Mapping[int, Tensor] | None = None, **details: Any
) -> Features:
    """Return a bank of the given rows, some of them replaced by rows that do something."""
    rows = rows.clone()
    for index, row in (doing or {}).items():
        rows[index] = row
    return Features.from_array(rows, name=name, **details)


def planted_run(
    out: Path,
    unembedding: Unembedding,
    banks: Sequence[Features],
    sets: TokenSets | None = None,
    **how: Any,
) -> Planted:
    """Return a run that has its weights in memory, for what reads them again."""
    run = analyze(unembedding, banks, out, token_sets=sets, **how)
    weights_of(run, unembedding=unembedding, banks=banks)
    return Planted(run, unembedding, {bank.name: bank for bank in banks}, sets)


def slope(rows: Tensor, towards: Tensor) -> dict[int, Tensor]:
    """Return what to plant: 3 promotes, 4 suppresses, 5 writes nothing, 6 to 15 more and more."""
    rising = zip(range(6, 16), torch.linspace(3, 15, 10), strict=True)
    return {
        3: 40 * towards, 4: -40 * towards, 5: torch.zeros_like(towards),
        **{index: rows[index] + share * towards for index, share in rising},
    }  # fmt: skip


def planted(lens: Lens = "logit") -> tuple[Unembedding, list[Features], TokenSets]:
    """Return a model, two banks and sets of names; the first features of `a` do something.

    a/0 promotes girls' names against boys', a/1 the reverse, a/2 promotes the token ` Paris`, a/3
    is like a/20 and a/4 its opposite, a/5 writes nothing; the others are random. Bank a, of layer
    3, is on Neuronpedia; b, of layer 9, is not, and has the indices 0, 10, 20 ….

    Token 0 is masked, and `twice` is the text of two. The set `both` holds some of each kind of
    name, `same` what `names:male` holds, `none` nothing.
    """
    n, d = 1500, 24
    random = torch.Generator().manual_seed(0)
    texts = ["<s>", " Paris", "Paris", " London", "\n", "twice", "twice"]
    texts += [f" word{i}" for i in range(len(texts), n)]
    W_U = torch.randn(n, d, generator=random) + 0.3
    planting = Planting(W_U, texts, special=[0], lens=lens, name="tiny")
    girls = ("girls", "post:girls_names")
    planting.token_set("names:female", range(100, 140), family="names", aliases=girls)
    planting.token_set("names:male", range(200, 240), family="names")
    planting.token_set("both", range(120, 220), family="names")
    planting.token_set("same", range(200, 240), family="names")
    planting.token_set("none", (), family="names")

    contrast = planting.mean("names:female") - planting.mean("names:male")
    contrast /= contrast.norm()
    rows = torch.randn(300, d, generator=random)
    alike = 4 * rows[20] + 0.1 * torch.randn(d, generator=random)
    doing = {
        0: 5 * contrast, 1: -15 * contrast, 2: 2 * planting.unembedding.W_U[0], 3: alike,
        4: -rows[20], 5: torch.zeros(d),
    }  # fmt: skip
    others = torch.randn(60, d, generator=random)
    banks = [
        bank_of("a", rows, doing, layer=3, neuronpedia="tiny/3-a"),
        bank_of("b", others, layer=9, indices=np.arange(60) * 10),
    ]
    return planting.unembedding, banks, planting.sets


def tiny_run(out: Path, enrichment: EnrichmentSettings = FEW) -> Planted:
    """The run of it."""
    return planted_run(out, *planted(), enrichment=enrichment)


def plain_run(out: Path) -> Planted:
    """The same without token sets, with the cosine lens."""
    unembedding, banks, _ = planted("cosine")
    return planted_run(out, unembedding, banks)
