"""What the explorer shows of a run: each thing a pure function of what it is called.

Features, sets and tokens are numbers here, so that arrays can be short: a feature its place in the
run, a set its place among those that were tested, a token its row of W_U.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed import questions
from unembed.addresses import address
from unembed.errors import QueryError
from unembed.explanation import CLASSES
from unembed.explorer import answers
from unembed.questions import neuronpedia, search
from unembed.questions.by_layer import layers
from unembed.questions.exam import label_exam
from unembed.questions.explanation import case
from unembed.questions.feature import own_facts
from unembed.questions.lens_truth import untrue
from unembed.questions.neuronpedia.comparison import STATES
from unembed.questions.run import Run
from unembed.questions.search.scored import Searched
from unembed.questions.summary import banks_at_a_glance, classes_of_banks
from unembed.store.published import published_overview
from unembed.store.scores import Score
from unembed.sweep.bins import bin_edges

Array = npt.NDArray[np.generic]

PAGE = 64
"""Features in a page of rows."""
TOKENS_IN_ROW = 8
SETS_OF_FEATURE = 200
NEAREST = 20
SETS_BY_LAYER = 40
NO_CLASS = 255
_FLOATS = (
    "std", "skewness", "kurtosis", "mean", "log10_density", "left_tail", "right_tail",
    "partition_r2",
)  # fmt: skip
COLUMNS = ("index", "class", "agreement", *_FLOATS)
_SCORES = ("z", "log10_p", "log10_q", "es", "peak", "auroc", "nes", "log10_p_directions",
           "log10_p_tokens")  # fmt: skip
_ENVELOPE = (
    "kurtosis_above", "skewness_below", "skewness_above", "left_tail_above", "right_tail_above"
)  # fmt: skip


class Contents:
    """All that can be asked of one run.

    Args:
        run: a finished run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._all = Searched(run, tuple(run.banks))

    def overview(self) -> answers.RunFacts:
        """Return what every view needs to know of the run, and its summary."""
        return self._overview

    @cached_property
    def _overview(self) -> answers.RunFacts:
        run, manifest = self.run, self.run.manifest
        known = published_overview(run.path, manifest)
        if known is not None:
            return cast(answers.RunFacts, {**known, "name": run.name})
        unembedding, enrichment = manifest.unembedding, manifest.enrichment
        facts = {
            "name": run.name,
            "model": run.model,
            "lens": unembedding.lens,
            "folded": unembedding.is_folded,
            "tokens": unembedding.tokens,
            "vocabulary": len(run.tokens),
            "unembed_version": manifest.unembed_version,
            "features": run.scalars.height,
            "page": PAGE,
            "classes": list(CLASSES),
            "bin_edges": bin_edges()[1:-1].round(6).tolist(),
            "banks": self._bank_facts(),
            "summary": banks_at_a_glance(run).to_dicts(),
            "has_sets": run.has_enrichment,
            "is_explained": run.is_explained,
            "agreement": self._states(),
            "weight": enrichment and enrichment.weight,
            "max_q": enrichment and enrichment.max_q,
            "classes_by_bank": classes_of_banks(run).to_dicts() if run.is_explained else None,
            "label_exam": label_exam(run).to_dicts() if run.is_explained else None,
            "discoveries": run.discoveries if run.has_enrichment else None,
        }
        return cast(answers.RunFacts, facts)

    def _states(self) -> list[str] | None:
        """Return the kinds of agreement of label and explanation, None where none was fetched."""
        try:
            found = self._agreement
        except QueryError:
            return None
        return list(STATES) if (found != NO_CLASS).any() else None

    @cached_property
    def _agreement(self) -> Array:
        """The place in `STATES` of each feature, 255 where it has none.

        Raises:
            QueryError: when no explanations were fetched.
        """
        found = neuronpedia.agreements(self.run).select("feature", "agreement")
        every = self.run.scalars.select("feature").join(
            found, on="feature", how="left", maintain_order="left"
        )
        numbers = dict(zip(STATES, range(len(STATES)), strict=True))
        places = every["agreement"].replace_strict(numbers, default=NO_CLASS, return_dtype=pl.UInt8)
        return places.fill_null(NO_CLASS).to_numpy().astype(np.uint8)

    def _bank_facts(self) -> list[answers.Bank]:
        manifest = self.run.manifest
        nulls = manifest.enrichment.nulls if manifest.enrichment else [None] * len(manifest.banks)
        found_untrue = untrue(self.run)
        facts = []
        for bank, null in zip(manifest.banks, nulls, strict=True):
            start = manifest.first_rows[bank.name]
            envelope = self.run.scalars[start].select(_ENVELOPE).row(0, named=True)
            facts.append(
                {
                    "name": bank.name,
                    "features": bank.features,
                    "layer": bank.layer,
                    "hook": bank.hook,
                    "neuronpedia": bank.neuronpedia,
                    "start": start,
                    "kind": bank.kind,
                    "null": null and null.origin,
                    "envelope": envelope if envelope["kurtosis_above"] is not None else None,
                    "lens": manifest.lens_of(bank),
                    "notes": [
                        *(bank.lens.notes if bank.lens else ()),
                        *((found_untrue[bank.name],) if bank.name in found_untrue else ()),
                    ],
                }
            )
        return cast(list[answers.Bank], facts)

    def columns(self) -> list[str]:
        """Return the names of the columns that this run has: no agreement without explanations."""
        had = self.overview()["agreement"]
        return [name for name in COLUMNS if name != "agreement" or had]

    def column(self, name: str) -> Array:
        """Return one value a feature, NaN (of classes and agreement 255) where there is none.

        Raises:
            QueryError: when there is no such column, or what it is made of was not fetched.
        """
        if name not in COLUMNS:
            raise QueryError(f"There is no column {name!r}. Columns: {', '.join(COLUMNS)}.")
        if name == "agreement":
            return self._agreement
        values = self.run.scalars[name]
        if name == "index":
            return values.to_numpy().astype(np.int32)
        if name == "class":
            numbers = dict(zip(CLASSES, range(len(CLASSES)), strict=True))
            found = values.replace_strict(numbers, default=NO_CLASS, return_dtype=pl.UInt8)
            return found.to_numpy().astype(np.uint8)
        return values.cast(pl.Float32).fill_null(np.nan).to_numpy().astype(np.float32)

    def rows(self, page: int) -> answers.Rows:
        """Return label and outermost tokens of the features of one page.

        Raises:
            QueryError: when there is no such page.
        """
        start = page * PAGE
        count = self.run.scalars.height
        if not 0 <= start < count:
            raise QueryError(f"There is no page {page}: there are {-(-count // PAGE):,}.")
        stop = min(start + PAGE, count)
        outermost = self.run.outermost(range(start, stop), TOKENS_IN_ROW)
        return {
            "start": start,
            "label": self.run.scalars["label"][start:stop].to_list(),
            "top": self.run.token_texts(outermost["top_ids"]).to_list(),
            "bottom": self.run.token_texts(outermost["bottom_ids"]).to_list(),
        }

    def feature(self, bank: str, index: int) -> answers.Feature:
        """Return all that the run keeps of one feature.

        Raises:
            QueryError: when there is none.
        """
        run, feature = self.run, address(bank, index)
        facts = own_facts(run, feature)
        source = run.manifest.bank(bank).neuronpedia
        facts |= {
            "row": run.row_of(feature),
            "embed": source and neuronpedia.embedded(source, index),
            "case": case(run, feature) if run.is_explained else None,
            "sets": self.sets_of(feature) if run.has_enrichment else None,
        }
        return cast(answers.Feature, facts)

    def sets_of(self, feature: str) -> answers.SetsOfFeature:
        """Return the sets that a feature moves most, by number, and how many of all pass.

        Raises:
            QueryError: when there is no such feature, or the run has no token sets.
        """
        scores, place = self.run.scores, self.run.place_of(self.run.row_of(feature))
        found, passing = scores.strongest_pairs(*place, SETS_OF_FEATURE)
        facts = {
            "set": found["token_set"].to_list(),
            **found.select(_SCORES).to_dict(as_series=False),
            "passing": passing,
            "tested": self.run.tested_sets.height,
        }
        return cast(answers.SetsOfFeature, facts)

    def weights(self, bank: str, index: int) -> Array:
        """Return a feature's logit weights by row of W_U, read from the weights.

        Raises:
            QueryError: when there is no such feature.
            SourceError: when the weights cannot be had.
        """
        return self.run.logit_weights(address(bank, index)).weights

    def nearest(self, bank: str, index: int) -> answers.Nearest:
        """Return the features whose logit weights are most like a feature's.

        Raises:
            QueryError: when there is no such feature, or it writes nothing.
            SourceError: when the weights cannot be had.
        """
        found = search.nearest(self._all, address(bank, index), limit=NEAREST, tokens=6)
        columns = ("feature", "cosine", "class", "label", "top_tokens", "bottom_tokens")
        return cast(answers.Nearest, found.select(columns).to_dict(as_series=False))

    def token_sets(self) -> answers.Sets:
        """Return the tested sets, one list a column, and those set aside with the reason.

        Raises:
            QueryError: when the run has none.
        """
        tested, counts = self.run.tested_sets, self._features_of_sets
        aside = self.run.sets.aside
        facts = {
            **tested.select("name", "family", "size").to_dict(as_series=False),
            **{name: counts[name].tolist() for name in counts},
            "aliases": self._aliases,
            "aside": aside.select("name", "family", "set_aside").to_dict(as_series=False),
        }
        return cast(answers.Sets, facts)

    @cached_property
    def _aliases(self) -> dict[str, int]:
        """The number of each set by what else it may be called."""
        names = set(self.run.tested_sets["name"])
        return {name: at for name, at in self.run.sets.numbers.items() if name not in names}

    @cached_property
    def _features_of_sets(self) -> dict[str, npt.NDArray[np.int64]]:
        """How many features promote and suppress each set at the run's max_q."""
        pairs = self.run.significant
        numbers, up = pairs["token_set"].to_numpy(), (pairs["z"] > 0).to_numpy()
        count = self.run.tested_sets.height
        return {
            "promoting": np.bincount(numbers[up], minlength=count),
            "suppressing": np.bincount(numbers[~up], minlength=count),
        }

    def token_set(self, number: int) -> answers.SetFacts:
        """Return what a set is, and the features that promote and suppress it most.

        Raises:
            QueryError: when there is none.
        """
        info = self._info(number)
        kept = ("name", "family", "size", "description", "source", "definition", "aliases",
                "words", "missed")  # fmt: skip
        counts = {name: int(values[number]) for name, values in self._features_of_sets.items()}
        facts = {"set": number, **{name: info[name] for name in kept}, **counts}
        return cast(answers.SetFacts, facts)

    def members(self, number: int) -> Array:
        """Return the rows of W_U that a set's tokens have, ascending.

        Raises:
            QueryError: when there is no such set.
        """
        ids = np.asarray(self._info(number)["ids"])
        return np.searchsorted(self._token_ids, np.sort(ids)).astype(np.int32)

    def scores_of_set(self, number: int, score: Score) -> Array:
        """Return `z`, `log10_p` or `log10_q` of every feature with one set.

        Raises:
            QueryError: when there is no such set, or score.
        """
        self._info(number)
        return self.run.scores_of_set(number, score)

    def contrast(self, promoted: int, against: int) -> Array:
        """Return z of every feature for one set against another: its mean, less the other's.

        Raises:
            QueryError: when there is no such set, or both are alike.
            SourceError: when the weights cannot be had.
        """
        names = (self._info(promoted)["name"], self._info(against)["name"])
        return search.contrast_z(self._all, *names).astype(np.float32)

    def _info(self, number: int) -> dict[str, Any]:
        if not 0 <= number < self.run.tested_sets.height:
            raise QueryError(
                f"There is no token set {number}: there are {self.run.tested_sets.height:,} in "
                "this run."
            )
        return self.run.tested_sets.row(number, named=True)

    @cached_property
    def _token_ids(self) -> npt.NDArray[np.int64]:
        masked = self.run.tokens["masked"].to_numpy()
        return np.flatnonzero(~masked)

    def tokens(self) -> answers.Tokens:
        """Return id and text of the tokens that take part, by row of W_U."""
        texts = self.run.tokens["text"].gather(self._token_ids)
        return {"id": self._token_ids.tolist(), "text": texts.to_list()}

    def ties(self, *, reads: bool = False) -> Array:
        """Return [K, 2] rows of W_U that are identical to others, each with the first of these.

        Args:
            reads: of W_E, that what features read is held against.

        Raises:
            SourceError: when the weights cannot be had.
        """
        weights = questions.weights_of(self.run)
        ties = (weights.embedding if reads else weights.unembedding).ties
        return np.stack([ties.rows, ties.heads[ties.group]], 1).astype(np.int32)

    def token(self, row: int) -> answers.Token:
        """Return one token and the sets that it is in.

        Raises:
            QueryError: when there is no such row.
        """
        token = self._token(row)
        found = self._sets_of_tokens.get(token["id"], [])
        return {"row": row, "id": token["id"], "text": token["text"],
                "bytes": token["bytes"].hex(" "), "sets": found}  # fmt: skip

    def token_weights(self, row: int) -> Array:
        """Return one token's logit weight in every feature, read from the weights.

        Raises:
            QueryError: when there is no such row.
            SourceError: when the weights cannot be had.
        """
        chosen = self._token(row)["id"]
        return search.token_weights(self._all, chosen).astype(np.float32)

    def _token(self, row: int) -> dict[str, Any]:
        if not 0 <= row < len(self._token_ids):
            raise QueryError(f"There is no token row {row}: there are {len(self._token_ids):,}.")
        return self.run.tokens.row(int(self._token_ids[row]), named=True)

    @cached_property
    def _sets_of_tokens(self) -> dict[int, list[int]]:
        if not self.run.has_enrichment:
            return {}
        sets = self.run.tested_sets.select("ids").with_row_index("set").explode("ids")
        grouped = sets.group_by("ids").agg("set")
        return dict(zip(grouped["ids"].to_list(), grouped["set"].to_list(), strict=True))

    def layers(self) -> answers.Layers:
        """Return the banks by depth: spread, classes, and the sets that are written most."""
        return self._layers

    @cached_property
    def _layers(self) -> answers.Layers:
        facts = layers(self.run, limit=SETS_BY_LAYER)
        return cast(answers.Layers, {name: facts[name] for name in facts if name != "run"})

    def warm(self) -> None:
        """Read what later questions need, so that a person need not wait for it."""
        first = self.run.scalars.row(0, named=True)
        place = (first["bank"], first["index"])
        self.feature(*place)
        self.token(0)
        self.layers()
        self.weights(*place)
        self.token_weights(0)
        if self.run.has_enrichment:
            self.scores_of_set(0, "log10_q")
            for name in self.run.banks:
                questions.weights_of(self.run).null_of(name)
