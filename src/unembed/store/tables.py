"""`RunTables`: the tables of a finished run, read back from its folder as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.addresses import address, bank_named, position_of, split
from unembed.disk import told
from unembed.errors import QueryError, RunError
from unembed.outside.text import shown
from unembed.store.check import check_finished, check_tables
from unembed.store.discoveries import discoveries
from unembed.store.enrichment import TOKEN_SETS
from unembed.store.explanation import CLASS_COLUMNS, StoredExplanations
from unembed.store.manifest import EnrichmentFacts, Manifest
from unembed.store.published import COLLISION_COLUMNS, collisions_path, row_published
from unembed.store.schema import ADDRESS, FEATURE_COLUMNS, SCALAR_COLUMNS
from unembed.store.scores import Score, StoredScores
from unembed.store.sets import SetCatalogue
from unembed.store.shards import TOKENS, read_table, rows_of_shards
from unembed.store.where import is_elsewhere, text_of

Opened = TypeVar("Opened", bound="RunTables")


@dataclass(frozen=True, eq=False)
class RunTables:
    """One analysis on disk: feature banks against one unembedding.

    Attributes:
        path: the run folder; of a run on the hub, the one that stands for it here.
        manifest: what it was made of (`manifest.json`).
        elsewhere: what a run on the hub is called there, None for one in a folder.
    """

    path: Path
    manifest: Manifest
    elsewhere: str | None = field(default_factory=lambda: None)

    @classmethod
    def open(cls: type[Opened], path: str | Path) -> Opened:
        """Return the run in a folder, or on the hub.

        Of one on the hub, `hf:org/name@revision/folder`, tables are fetched as they are read, only
        what is read of them, and each piece is verified by the hash that was published of it. What
        was fetched once is there without a network.

        Raises:
            RunError: when there is none, it is not finished, or of another schema, or holds a table
                of another run.
            SourceError: when it is on the hub, which cannot be reached and was never asked for it.
        """
        if is_elsewhere(path):
            from unembed.store.elsewhere import open_elsewhere  # which loads what speaks to the hub

            return cls(*open_elsewhere(text_of(path)))
        folder = Path(path)
        manifest = Manifest.load(folder)
        with told(folder, "cannot be read", RunError):
            check_finished(folder, manifest)
        check_tables(folder, manifest)
        return cls(folder, manifest)

    def __repr__(self) -> str:
        banks = ", ".join(f"{bank.name} ({bank.features:,})" for bank in self.manifest.banks)
        return f"Run({shown(self.place)}: {shown(self.model)}; {shown(banks)})"

    @property
    def place(self) -> str:
        """Where it lies, as it may be opened again."""
        return self.elsewhere or str(self.path)

    @property
    def name(self) -> str:
        """What it is called: its folder's name, or its name on the hub."""
        return self.elsewhere or self.path.resolve().name

    @property
    def model(self) -> str:
        """The model whose unembedding was used, as it was named."""
        return self.manifest.unembedding.name_of_model

    @property
    def banks(self) -> list[str]:
        """The names of its feature banks, in order."""
        return self.manifest.names

    @cached_property
    def tokens(self) -> pl.DataFrame:
        """All V tokens: id, text, bytes, special, unused, partial_utf8, masked."""
        return read_table(self.path / TOKENS)

    @cached_property
    def features(self) -> pl.DataFrame:
        """One row a feature: its address, statistics, histogram, top and bottom tokens, class.

        `feature` is the address, `bank` and `index` its parts, `layer` that of the bank. Token
        columns hold ids, outermost first; `token_texts` turns them into text. In runs made
        without token sets, class and label and what they rest on are null.
        """
        table = read_table(*self._shard_paths).select(*FEATURE_COLUMNS)
        return self._described(table, self._classes)

    @cached_property
    def scalars(self) -> pl.DataFrame:
        """`features` without histogram and tokens: light with a million features."""
        return self._described(
            read_table(*self._shard_paths, columns=SCALAR_COLUMNS), self._classes
        )

    def rows(self, start: int, stop: int) -> pl.DataFrame:
        """Return the rows `start` to `stop` of `features`, without reading all of it.

        Token columns are there as text, too: `top_tokens` and `bottom_tokens`.
        """
        table = rows_of_shards(self.path, self.manifest, range(start, stop)).select(
            *FEATURE_COLUMNS
        )
        texts = (self.token_texts(table[f"{end}_ids"]) for end in ("top", "bottom"))
        return self._described(table.with_columns(texts), self._classes[start:stop])

    def row(self, at: int) -> dict[str, Any]:
        """Return one row of `rows`, the quickest way to all that is kept of one feature.

        Raises:
            QueryError: when there is no such row.
        """
        found = rows_of_shards(self.path, self.manifest, [at]).row(0, named=True)
        ends = {end: found[f"{end}_ids"] for end in ("top", "bottom")}
        return {
            "feature": address(found["bank"], found["index"]),
            "bank": found["bank"],
            "index": found["index"],
            "layer": self.manifest.bank(found["bank"]).layer,
            "lens": self.manifest.lens_of(self.manifest.bank(found["bank"])),
            **{name: found[name] for name in FEATURE_COLUMNS if name not in ("bank", "index")},
            **{
                f"{end}_tokens": ids and self._texts_at(pl.Series(ids)).to_list()
                for end, ids in ends.items()
            },
            **self._classes.row(at, named=True),
        }

    def outermost(self, rows: Sequence[int], limit: int | None = None) -> pl.DataFrame:
        """Return the outermost tokens of some rows of `features`, in the order given.

        Args:
            rows: places in the run.
            limit: of either end; as many as the run keeps, if None.

        Returns:
            `top_ids`, `top_weights`, `bottom_ids`, `bottom_weights`, lists, the outermost first.
        """
        columns = [f"{end}_{what}" for end in ("top", "bottom") for what in ("ids", "weights")]
        if not len(rows):
            return pl.DataFrame(schema={name: FEATURE_COLUMNS[name] for name in columns})
        found = rows_of_shards(self.path, self.manifest, rows, columns)
        return found if limit is None else found.select(pl.all().list.head(limit))

    def _described(self, table: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
        """Return features with their addresses, layers and lenses before, and classes behind."""
        layers = {bank.name: bank.layer for bank in self.manifest.banks}
        lenses = {bank.name: self.manifest.lens_of(bank) for bank in self.manifest.banks}
        before = (
            ADDRESS, "bank", "index",
            pl.col("bank").replace_strict(layers, return_dtype=pl.Int64).alias("layer"),
            pl.col("bank").replace_strict(lenses, return_dtype=pl.String).alias("lens"),
        )  # fmt: skip
        addressed = table.select(*before, pl.exclude("bank", "index"))
        return pl.concat([addressed, classes], how="horizontal")

    @property
    def _shard_paths(self) -> list[Path]:
        return [self.path / shard.path for shard in self.manifest.shards()]

    @cached_property
    def explanations(self) -> StoredExplanations | None:
        """What classes and labels rest on, None where features were not explained."""
        if not self.is_explained:
            return None
        return StoredExplanations(self.path, self.manifest, self.tested_sets)

    @property
    def _classes(self) -> pl.DataFrame:
        stored = self.explanations
        if stored is None:
            return pl.DataFrame(schema=CLASS_COLUMNS).clear(self.manifest.features)
        return stored.classes

    def token_texts(self, ids: pl.Series) -> pl.Series:
        """Return lists of token ids as lists of texts, in the same order.

        Args:
            ids: a column such as `run.features["top_ids"]`.
        """
        name = ids.name.removesuffix("_ids") + "_tokens"
        each = pl.DataFrame({"row": range(len(ids)), "id": ids}).drop_nulls("id").explode("id")
        texts = each.select("row", self._texts_at(each["id"]).alias(name))
        lists = texts.group_by("row", maintain_order=True).agg(name)
        rows = pl.DataFrame({"row": range(len(ids))}, schema={"row": each.schema["row"]})
        return rows.join(lists, on="row", how="left", maintain_order="left")[name]

    def _texts_at(self, ids: pl.Series) -> pl.Series:
        """Return the texts of tokens.

        Raises:
            RunError: when a table names a token that there is not, which no sealed one does.
        """
        known = ids.drop_nulls().to_numpy()
        if len(known) and not 0 <= known.min() <= known.max() < len(self.tokens):
            raise RunError(
                f"{self.place} is damaged: its features name tokens that {TOKENS} does not have. "
                "Make the run again."
            )
        return self.tokens["text"].gather(ids)

    def row_of(self, address: str) -> int:
        """Return a feature's place in `features`.

        Args:
            address: `bank/index`, such as `mlp.26/1329`; the bank may be left out of a run with
                only one.

        Raises:
            QueryError: when the run has no such feature.
        """
        bank, index = split(address, self.banks)
        start, count = self.manifest.first_rows[bank], self.manifest.bank(bank).features
        indices = self._indices.slice(start, count).to_numpy()
        return start + position_of(index, indices, bank)

    @cached_property
    def _indices(self) -> pl.Series:
        return read_table(*self._shard_paths, columns=["index"])["index"]

    def place_of(self, row: int) -> tuple[str, int]:
        """Return the bank of a row of `features`, and its position there."""
        starts = self.manifest.first_rows.items()
        start, bank = max((start, bank) for bank, start in starts if start <= row)
        return bank, row - start

    def addresses_of(self, bank: pl.Expr, position: pl.Expr, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with the columns feature, bank and index before its others.

        Args:
            bank: each row's bank.
            position: each row's place in its bank.
            frame: of these.
        """
        starts = self.manifest.first_rows
        first = bank.replace_strict(starts, return_dtype=pl.Int64)
        rows = frame.select(first + position).to_series()
        index = self._indices.gather(rows).alias("index")
        known = frame.with_columns(bank.alias("bank"), index)
        return known.select(ADDRESS, "bank", "index", pl.exclude("feature", "bank", "index"))

    @property
    def is_explained(self) -> bool:
        """Whether features have a class and a label."""
        return self.manifest.is_explained

    @property
    def has_enrichment(self) -> bool:
        """Whether features were tested against token sets."""
        return self.manifest.enrichment is not None

    @property
    def tested(self) -> EnrichmentFacts:
        """How features were tested against token sets.

        Raises:
            QueryError: when the run has none.
        """
        self.require_sets()
        assert self.manifest.enrichment is not None
        return self.manifest.enrichment

    def require_sets(self) -> None:
        """Check that features were tested against token sets.

        Raises:
            QueryError: when the run has none.
        """
        if not self.has_enrichment:
            raise QueryError(
                f"{self.place} was made without token sets. Make the run again with them: "
                "`unembed run … --sets default`."
            )

    @cached_property
    def sets(self) -> SetCatalogue:
        """The token sets by name.

        Raises:
            QueryError: when the run has none.
        """
        self.require_sets()
        return SetCatalogue(read_table(self.path / TOKEN_SETS))

    @property
    def token_sets(self) -> pl.DataFrame:
        """One row a token set: name, family, description, provenance, size and ids.

        Those that were tested come first; of the others, `set_aside` says why.

        Raises:
            QueryError: when the run has none.
        """
        return self.sets.token_sets

    @property
    def tested_sets(self) -> pl.DataFrame:
        """The rows of `token_sets` that were tested, in the order of their numbers.

        Raises:
            QueryError: when the run has none.
        """
        return self.sets.tested

    @cached_property
    def scores(self) -> StoredScores:
        """The scores of its pairs of feature and token set, by number.

        Raises:
            QueryError: when the run has none.
        """
        self.require_sets()
        return StoredScores(self.path, self.manifest)

    def published_collision(self, row: int) -> dict[str, Any] | None:
        """Return what was published of what sets a feature apart; None of a run in a folder.

        Args:
            row: the feature's place in `features`.
        """
        return row_published(self.path, self.manifest, row, collisions_path, [*COLLISION_COLUMNS])

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
        of_banks = [self.scores.scores_of_set(bank, number, score) for bank in self.banks]
        return np.concatenate(of_banks).astype(np.float32)

    @property
    def significant(self) -> pl.DataFrame:
        """The significant pairs by number, the strongest first: feature (its row), token_set, z.

        Raises:
            QueryError: when the run has no enrichment.
        """
        return self.scores.significant

    @cached_property
    def discoveries(self) -> dict[str, Any]:
        """How many features and pairs pass, and how far that can be trusted.

        | key | |
        |---|---|
        | `pairs` | that were tested |
        | `passing` | pairs that pass, at false discovery rates of 0.01 and 0.05 |
        | `features` | features that pass, likewise; None in runs before schema 4 |
        | `permuted` | `pairs` and `features` that would pass if tokens changed places, and the \
standard `error` of the pairs; None likewise |
        | `classical` | pairs that pass by the null of random token sets, None where it was not \
read; where that is told from a random sample of features, `classical_error`, its standard error, \
and `classical_features`, how many they are |
        | `nulls` | by bank, what random directions say of the direction test: the standard \
deviation of z, which should be 1, and the share beyond its 1 % point |
        | `checks` | by bank, what the checks of its test found (`enrichment.checks`): `name`, \
`measured`, `limit` and whether it `holds` |

        Raises:
            QueryError: when the run has no enrichment.
        """
        self.require_sets()
        return discoveries(self.path, self.manifest)

    def banks_named(self, banks: str | Sequence[str] | None) -> list[str]:
        """Return the banks that are meant, in the run's order; all where none is named.

        Raises:
            QueryError: for a bank that the run does not have.
        """
        if banks is None:
            return self.banks
        named = [banks] if isinstance(banks, str) else banks
        meant = {bank_named(name, self.banks) for name in named}
        return [name for name in self.banks if name in meant] if meant else self.banks
