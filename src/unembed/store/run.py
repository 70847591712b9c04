"""`Run`: a finished analysis, read back from its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.addresses import split
from unembed.errors import QueryError, RunError, did_you_mean
from unembed.store.check import check_tables
from unembed.store.display import Explorer, display
from unembed.store.explanation import CLASS_COLUMNS, StoredExplanations, is_explained
from unembed.store.manifest import read_manifest
from unembed.store.query import Score, StoredEnrichment
from unembed.store.schema import FEATURE_COLUMNS, SCALAR_COLUMNS
from unembed.store.shards import TOKENS, first_rows, read_table, rows_of_shards, shards

_WITH_SETS = "Make the run again with them: `unembed run … --sets default`."


class FeatureRow(dict[str, Any]):
    """One feature's row of `Run.features`; a notebook shows it as a card."""

    def _repr_html_(self) -> str:
        return display().feature(self)


@dataclass(frozen=True, eq=False)
class Run:
    """One analysis on disk: feature banks against one unembedding.

    Attributes:
        path: the run folder.
        manifest: what it was made of (`manifest.json`).
    """

    path: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Return the run in a folder.

        Raises:
            RunError: when there is none, it is not finished, or of another schema, or holds a table
                of another run.
        """
        folder = Path(path)
        manifest = read_manifest(folder)
        missing = [shard.path for shard in shards(manifest) if not (folder / shard.path).is_file()]
        if missing or not (folder / TOKENS).is_file():
            raise RunError(
                f"{folder} is not finished: {len(missing)} of {len(list(shards(manifest)))} parts "
                "are missing. Give the command that started it again; it goes on where it stopped."
            )
        check_tables(folder, manifest)
        return cls(folder, manifest)

    def __repr__(self) -> str:
        banks = ", ".join(
            f"{bank['name']} ({bank['features']:,})" for bank in self.manifest["banks"]
        )
        return f"Run({self.path}: {self.model}; {banks})"

    def _repr_html_(self) -> str:
        return display().run(self)

    def explore(self, *, port: int | None = None, height: int = 900) -> Explorer:
        """Return the explorer of this run, which a notebook shows in the cell.

        It runs as long as the program, or until `stop`. Needs `pip install 'unembed[explore]'`.

        Args:
            port: to listen at; any that is free, unless given.
            height: of the cell, in pixels.

        Raises:
            UnembedError: when the port is taken, or the extra is not installed.
        """
        return display().explore(self, port=port, height=height)

    @property
    def model(self) -> str:
        """The model whose unembedding was used, as it was named."""
        return str(self.manifest["unembedding"]["name_of_model"])

    @property
    def banks(self) -> list[str]:
        """The names of its feature banks, in order."""
        return [bank["name"] for bank in self.manifest["banks"]]

    @cached_property
    def tokens(self) -> pl.DataFrame:
        """All V tokens: id, text, bytes, special, unused, partial_utf8, masked."""
        return read_table(self.path / TOKENS)

    @cached_property
    def features(self) -> pl.DataFrame:
        """One row a feature: bank, index, statistics, histogram, top and bottom tokens, class.

        Token columns hold ids, outermost first; `token_texts` turns them into text. In runs made
        without token sets, class and label and what they rest on are null.
        """
        table = read_table(*self._shard_paths).select(*FEATURE_COLUMNS)
        return pl.concat([table, self._classes], how="horizontal")

    @cached_property
    def scalars(self) -> pl.DataFrame:
        """`features` without histogram and tokens: light with a million features."""
        table = read_table(*self._shard_paths, columns=SCALAR_COLUMNS)
        return pl.concat([table, self._classes], how="horizontal")

    def rows(self, start: int, stop: int) -> pl.DataFrame:
        """Return the rows `start` to `stop` of `features`, without reading all of it.

        Token columns are there as text, too: `top_tokens` and `bottom_tokens`.
        """
        table = rows_of_shards(self.path, self.manifest, range(start, stop)).select(
            *FEATURE_COLUMNS
        )
        texts = (self.token_texts(table[f"{end}_ids"]) for end in ("top", "bottom"))
        classes = self._classes[start:stop]
        return pl.concat([table.with_columns(texts), classes], how="horizontal")

    def outermost(self, rows: Sequence[int]) -> pl.DataFrame:
        """Return `top_ids` and `bottom_ids` of some rows of `features`, in the order given."""
        columns = ["top_ids", "bottom_ids"]
        if not len(rows):
            return pl.DataFrame(schema={name: FEATURE_COLUMNS[name] for name in columns})
        return rows_of_shards(self.path, self.manifest, rows, columns)

    @property
    def _shard_paths(self) -> list[Path]:
        return [self.path / shard.path for shard in shards(self.manifest)]

    @cached_property
    def _explanations(self) -> StoredExplanations | None:
        """None where features were not explained."""
        if not is_explained(self.manifest):
            return None
        return StoredExplanations(self.path, self.manifest, self._enrichment.tested)

    @property
    def _classes(self) -> pl.DataFrame:
        stored = self._explanations
        if stored is None:
            features = sum(bank["features"] for bank in self.manifest["banks"])
            return pl.DataFrame(schema=CLASS_COLUMNS).clear(features)
        return stored.classes

    def token_texts(self, ids: pl.Series) -> pl.Series:
        """Return lists of token ids as lists of texts, in the same order.

        Args:
            ids: a column such as `run.features["top_ids"]`.
        """
        name = ids.name.removesuffix("_ids") + "_tokens"
        each = pl.DataFrame({"row": range(len(ids)), "id": ids}).drop_nulls("id").explode("id")
        texts = each.select("row", self.tokens["text"].gather(each["id"]).alias(name))
        lists = texts.group_by("row", maintain_order=True).agg(name)
        rows = pl.DataFrame({"row": range(len(ids))}, schema={"row": each.schema["row"]})
        return rows.join(lists, on="row", how="left", maintain_order="left")[name]

    def feature(self, address: str) -> FeatureRow:
        """Return one feature's row, with `top_tokens` and `bottom_tokens` as text.

        A notebook shows it as a card.

        Args:
            address: `bank/index`, such as `mlp.26/1329`; the bank may be left out of a run
                with only one.

        Raises:
            QueryError: when the run has no such feature.
        """
        at = self.row_of(address)
        return FeatureRow(self.rows(at, at + 1).row(0, named=True))

    def row_of(self, address: str) -> int:
        """Return a feature's place in `features`.

        Args:
            address: `bank/index`, as for `feature`.

        Raises:
            QueryError: when the run has no such feature.
        """
        bank, index = self._parse(address)
        start = first_rows(self.manifest)[bank]
        count = self.manifest["banks"][self.banks.index(bank)]["features"]
        indices = self.scalars["index"].slice(start, count).to_numpy()
        found = np.flatnonzero(indices == index)
        if not len(found):
            raise QueryError(
                f"{bank} has no feature {index}: its {len(indices):,} indices are "
                f"{indices.min()} to {indices.max()}."
            )
        return start + int(found[0])

    @property
    def is_explained(self) -> bool:
        """Whether features have a class and a label."""
        return is_explained(self.manifest)

    def explain(self, address: str) -> dict[str, Any]:
        """Return what is known of one feature's class and label, and what they rest on.

        `class`, `label`; the cut-offs `kurtosis_above`, `skewness_below`, `skewness_above`;
        `partition_set`, `partition_r2`; `parts`, the token sets that are named, and `rejected`,
        significant ones that are not, with the reason; `variance_explained`, `kurtosis_left`,
        `covered_top` and `covered_bottom`.

        Args:
            address: `bank/index`.

        Raises:
            QueryError: when the run has no such feature, or was made without token sets.
        """
        row = self.row_of(address)
        if self._explanations is None:
            raise QueryError(f"{self.path} was made without token sets. {_WITH_SETS}")
        return self._explanations.case(row)

    @property
    def has_enrichment(self) -> bool:
        """Whether features were tested against token sets."""
        return "enrichment" in self.manifest

    @cached_property
    def token_sets(self) -> pl.DataFrame:
        """One row a token set: name, family, description, provenance, size and ids.

        Those that were tested come first; of the others, `set_aside` says why.

        Raises:
            QueryError: when the run has none.
        """
        return self._enrichment.token_sets

    def enrichment(
        self,
        feature: str | None = None,
        *,
        token_set: str | None = None,
        family: str | None = None,
        bank: str | None = None,
        sign: Literal["+", "-"] | None = None,
        max_q: float | None = None,
    ) -> pl.DataFrame:
        """Return pairs of features and token sets with their scores, strongest first.

        Of one feature, or one token set, every pair, unless max_q says otherwise; else the
        significant ones, q up to the run's own max_q. TSEA's columns are kept for those only, and
        null for others. The false discovery rate is each bank's own, over all of its pairs.

        Args:
            feature: `bank/index`.
            token_set: a set's name or alias.
            family: only sets of this family, such as `grammar` or `time`.
            bank: only features of this bank.
            sign: `+` promotes, `-` suppresses.
            max_q: largest q-value.

        Returns:
            feature, token_set, family, size; z, log10_p, log10_q of the direction test; es, peak,
            auroc, nes, log10_p_directions, log10_p_tokens of TSEA.

        Raises:
            QueryError: when the run has no such feature, set, family or bank, or no enrichment.
        """
        return self._enrichment.query(
            self.row_of(feature) if feature is not None else None,
            token_set=token_set, family=family, bank=bank, sign=sign, max_q=max_q,
        )  # fmt: skip

    def scores_of_set(self, number: int, score: Score) -> npt.NDArray[np.float32]:
        """Return one score of every feature with one token set, in the order of `features`.

        Quicker than `enrichment`, which sorts and names them. z is as the run keeps it for all
        pairs, in float16.

        Args:
            number: the set's place in `tested_sets`.
            score: `z`, `log10_p` or `log10_q`, of the direction test.

        Raises:
            QueryError: when the run has no enrichment.
        """
        return self._enrichment.scores_of_set(number, score)

    @property
    def tested_sets(self) -> pl.DataFrame:
        """The rows of `token_sets` that were tested, in the order of their numbers.

        Raises:
            QueryError: when the run has none.
        """
        return self._enrichment.tested

    @cached_property
    def significant(self) -> pl.DataFrame:
        """The significant pairs by number, the strongest first: feature (its row), token_set, z.

        Raises:
            QueryError: when the run has no enrichment.
        """
        return self._enrichment.significant

    @property
    def discoveries(self) -> dict[str, Any]:
        """How many pairs were tested, and pass; what the classical null would have claimed.

        `pairs`; `passing`, at false discovery rates of 0.01 and 0.05; `classical`, the same
        by the null of random token sets, None where it was not read; `nulls`, what the random
        directions of each bank say of the direction test: the standard deviation of z, which
        should be 1, and the share beyond its 1 % point.

        Raises:
            QueryError: when the run has no enrichment.
        """
        return self._enrichment.discoveries

    @cached_property
    def _enrichment(self) -> StoredEnrichment:
        if not self.has_enrichment:
            raise QueryError(f"{self.path} was made without token sets. {_WITH_SETS}")
        table = read_table(*self._shard_paths, columns=["index"])
        return StoredEnrichment(self.path, self.manifest, table["index"])

    def _parse(self, address: str) -> tuple[str, int]:
        bank, index = split(address)
        if not bank and len(self.banks) == 1:
            bank = self.banks[0]
        if bank not in self.banks:
            raise QueryError(
                f"There is no bank {bank!r} in this run; write bank/index."
                f"{did_you_mean(bank, self.banks)} "
                f"Its banks: {', '.join(self.banks)}."
            )
        if not index.isdecimal():
            raise QueryError(f"{address!r} is no feature: write bank/index, such as {bank}/0.")
        return bank, int(index)
