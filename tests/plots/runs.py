"""Runs for figures: small ones with a slope planted, and one with a million rows in memory."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
import torch

from tests.planted import Planting, bank_of, planted_run, slope
from unembed import EnrichmentSettings, ExplanationSettings, Features, Run, Unembedding
from unembed.enrichment.discovery_rate import DiscoveryRate
from unembed.facts import BankFacts, NullFacts, UnembeddingFacts
from unembed.questions.run import FeatureRow
from unembed.store.enrichment import rate_path, write_rate
from unembed.store.manifest import EnrichmentFacts, Manifest, SettingsFacts
from unembed.store.sets import SetCatalogue

N, D = 1500, 24


def planting() -> Planting:
    """Rows of which those of the set `low` lie along a direction; token 0 is masked."""
    random = torch.Generator().manual_seed(0)
    texts = ["<s>", *(f" t{i}" for i in range(1, N - 2)), "<b>$x$", "&amp;"]
    W_U = torch.randn(N, D, generator=random)
    axis = torch.nn.functional.normalize(torch.randn(D, generator=random), dim=0)
    made = Planting(W_U, texts, special=[0], name="model")
    made.token_set("low", range(1, 30), family="plain/first", along=5 * axis)
    made.token_set("next", range(30, 70), family="plain/first")
    made.token_set("thirds", range(3, N, 3), family="broad")
    made.token_set("<odd>", [5, 900, N - 2, N - 1], family="broad")
    made.token_set("few", [9, 99, 999], family="plain/second", aliases=["some"])
    return made


def model() -> Unembedding:
    return planting().unembedding


def banks(made: Planting) -> list[Features]:
    """The slope towards `low`, and a second bank whose feature 10 promotes it."""
    random = torch.Generator().manual_seed(1)
    low = made.mean("low")
    first = torch.randn(300, D, generator=random)
    second = torch.randn(40, D, generator=random)
    return [
        bank_of("mlp.7", first, slope(first, low), layer=7),
        bank_of("mlp.2", second, {1: 40 * low}, layer=2, indices=np.arange(40) * 10),
    ]


def small(folder: Path, *, with_sets: bool = True, weight: str = "none") -> Run:
    """A run of 340 features; its weights are given to it, for what reads them again."""
    made = planting()
    settings = EnrichmentSettings(directions=200, weight=weight)  # type: ignore[arg-type]
    sets = made.sets if with_sets else None
    return planted_run(folder, made.unembedding, banks(made), sets, enrichment=settings).run


class LargeRun(Run):
    """A run with as many features as asked for, made of random numbers, in memory."""

    @cached_property
    def features(self) -> pl.DataFrame:
        n = self.manifest.features
        random = np.random.default_rng(0)
        skewness = random.standard_t(3, n) * 0.1
        kurtosis = 3 + 0.1 * random.random(n) + (0.5 + 3 * random.random(n)) * skewness**2
        classes = np.where(kurtosis < 3.4, "diffuse", np.where(skewness > 0, "prediction",
                                                               "suppression"))  # fmt: skip
        ids = pl.Series([[1, 2, 3]], dtype=pl.List(pl.Int32)).new_from_index(0, n)
        return pl.DataFrame(
            {
                "feature": np.char.add("large/", np.arange(n).astype(str)),
                "bank": pl.repeat("large", n, eager=True), "index": np.arange(n),
                "std": random.random(n), "skewness": skewness, "kurtosis": kurtosis,
                "top_ids": ids, "bottom_ids": ids, "class": classes,
                "label": pl.repeat("promotes a set with a long name (z +12.3)", n, eager=True),
                "kurtosis_above": np.full(n, 3.4), "skewness_below": np.full(n, -0.2),
                "skewness_above": np.full(n, 0.2),
            }
        )  # fmt: skip

    @property
    def scalars(self) -> pl.DataFrame:  # type: ignore[override]
        return self.features

    @cached_property
    def tokens(self) -> pl.DataFrame:
        return pl.DataFrame({"id": [0, 1, 2, 3], "text": [" a", " b", " c", " d"]})

    @cached_property
    def sets(self) -> SetCatalogue:
        empty = pl.Series([[], []], dtype=pl.List(pl.String))
        named = {"name": ["one", "other"], "description": ["One.", "Other."], "family": ["", ""]}
        aside = pl.Series([None, None], dtype=pl.String)
        return SetCatalogue(pl.DataFrame({**named, "aliases": empty, "set_aside": aside}))

    def feature(self, address: str) -> FeatureRow:
        return FeatureRow({"top_tokens": [" b"], "bottom_tokens": [" c"]})

    def enrichment(self, *arguments: object, token_set: str, **others: object) -> pl.DataFrame:  # type: ignore[override]
        n = self.manifest.features
        random = np.random.default_rng(len(token_set))
        z = random.standard_normal(n)
        z[:50] *= 4
        log10_p = -0.2 * z**2
        return pl.DataFrame(
            {
                "feature": np.char.add("large/", np.arange(n).astype(str)),
                "bank": pl.repeat("large", n, eager=True), "index": np.arange(n),
                "token_set": pl.repeat(token_set, n, eager=True),
                "family": pl.repeat("", n, eager=True),
                "size": pl.repeat(10, n, eager=True), "z": z, "log10_p": log10_p,
                "log10_q": np.minimum(log10_p + np.log10(max(n, 1)) - 1, 0),
            }
        )  # fmt: skip


def large(n: int, folder: Path) -> LargeRun:
    """A run of n features, of which the discovery rate alone is on disk."""
    manifest = Manifest(
        1, "0",
        UnembeddingFacts("large", D, 4, "large", "logit", {}, ""),
        (BankFacts("large", n, None, 1, None, {}, ""),),
        SettingsFacts(50, 512, "cpu", 4096),
        EnrichmentFacts(2, 20, "", (NullFacts("large", n, 0.0),), 0.05, 100, 0,
                        explanation=ExplanationSettings()),
        content={},
    )  # fmt: skip
    run = LargeRun(folder, manifest)
    rate = DiscoveryRate()
    log10_p = run.enrichment(token_set="one")["log10_p"].to_numpy().astype(np.float32)
    rate.add(log10_p[:, None], np.ones(1, bool))
    write_rate(folder / rate_path("large"), rate)
    return run
