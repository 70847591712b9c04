"""A small run with planted features: what each question must find is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from unembed import (
    EnrichmentSettings,
    Features,
    Run,
    Unembedding,
    Vocabulary,
    analyze,
    prepare_unembedding,
    weights_of,
)
from unembed.tokensets import SetInfo, TokenSets

N, D = 1500, 24
FEW = EnrichmentSettings(directions=200, tsea=False)


@dataclass(frozen=True)
class Planted:
    """A run, and what it was made of."""

    run: Run
    unembedding: Unembedding
    banks: dict[str, Features]
    sets: TokenSets

    def logits(self, bank: str) -> np.ndarray:
        """Every logit weight [F, n] in float64, from the whole product."""
        weights = self.banks[bank].W_dec.double() @ self.unembedding.W_U.double().T
        found: np.ndarray = weights.numpy()
        return found


def _vocabulary() -> Vocabulary:
    texts = ["<s>", " Paris", "Paris", " London", "\n", "twice", "twice"]
    texts += [f" word{i}" for i in range(len(texts), N)]
    return Vocabulary.from_texts(texts, special=[0])


def _sets(vocabulary: Vocabulary) -> TokenSets:
    def named(name: str, ids: range, *aliases: str) -> tuple[SetInfo, range]:
        return SetInfo(name, "names", aliases=aliases), ids

    return TokenSets.from_drafts(
        [
            named("names:female", range(100, 140), "girls", "post:girls_names"),
            named("names:male", range(200, 240)),
            named("both", range(120, 220)),
            named("same", range(200, 240)),
            named("none", range(0)),
        ],
        vocabulary,
    )


def planted(lens: str = "logit") -> tuple[Unembedding, list[Features], TokenSets]:
    """Two banks of random directions; the first features of `a` do something.

    a/0 promotes girls' names against boys', a/1 the reverse, a/2 promotes one token, a/3 is like
    a/20 and a/4 its opposite, a/5 writes nothing. Bank b, of layer 9, has indices 0, 10, 20 ….
    """
    random = torch.Generator().manual_seed(0)
    vocabulary = _vocabulary()
    W_U = torch.randn(N, D, generator=random) + 0.3
    unembedding = prepare_unembedding(W_U, vocabulary, lens=lens, name="tiny")
    rows = unembedding.W_U[np.searchsorted(unembedding.token_ids, range(100, 240))]
    girls, boys = rows[:40].mean(0), rows[100:].mean(0)
    first = torch.randn(300, D, generator=random)
    first[0] = 5 * (girls - boys) / (girls - boys).norm()
    first[1] = -3 * first[0]
    first[2] = 2 * unembedding.W_U[0]
    first[3] = 4 * first[20] + 0.1 * torch.randn(D, generator=random)
    first[4] = -first[20]
    first[5] = 0
    second = torch.randn(60, D, generator=random)
    banks = [
        Features.from_array(first, name="a", layer=3, neuronpedia="tiny/3-a"),
        Features.from_array(second, name="b", layer=9, indices=np.arange(60) * 10),
    ]
    return unembedding, banks, _sets(vocabulary)


def tiny_run(out: Path, enrichment: EnrichmentSettings = FEW) -> Planted:
    """The run of it."""
    unembedding, banks, sets = planted()
    run = analyze(unembedding, banks, out, token_sets=sets, enrichment=enrichment)
    weights_of(run, unembedding=unembedding, banks=banks)
    return Planted(run, unembedding, {bank.name: bank for bank in banks}, sets)


def plain_run(out: Path) -> Planted:
    """The same without token sets, with the cosine lens."""
    unembedding, banks, sets = planted("cosine")
    run = analyze(unembedding, banks, out)
    weights_of(run, unembedding=unembedding, banks=banks)
    return Planted(run, unembedding, {bank.name: bank for bank in banks}, sets)
