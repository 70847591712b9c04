"""`Run`: a finished analysis, read back from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from unembed.errors import QueryError, RunError, did_you_mean
from unembed.store.manifest import read_manifest
from unembed.store.schema import FEATURE_COLUMNS
from unembed.store.shards import TOKENS, shards


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
            RunError: when there is none, it is not finished, or of another schema.
        """
        folder = Path(path)
        manifest = read_manifest(folder)
        missing = [shard.path for shard in shards(manifest) if not (folder / shard.path).is_file()]
        if missing or not (folder / TOKENS).is_file():
            raise RunError(
                f"{folder} is not finished: {len(missing)} of {len(list(shards(manifest)))} parts "
                "are missing. Give the command that started it again; it goes on where it stopped."
            )
        return cls(folder, manifest)

    def __repr__(self) -> str:
        banks = ", ".join(
            f"{bank['name']} ({bank['features']:,})" for bank in self.manifest["banks"]
        )
        return f"Run({self.path}: {self.model}; {banks})"

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
        return _read([self.path / TOKENS])

    @cached_property
    def features(self) -> pl.DataFrame:
        """One row a feature: bank, index, its statistics, histogram, top and bottom tokens.

        Token columns hold ids, outermost first; `token_texts` turns them into text.
        """
        paths = [self.path / shard.path for shard in shards(self.manifest)]
        return _read(paths).select(*FEATURE_COLUMNS)

    def token_texts(self, ids: pl.Series) -> pl.Series:
        """Return lists of token ids as lists of texts, in the same order.

        Args:
            ids: a column such as `run.features["top_ids"]`.
        """
        texts = self.tokens["text"]
        return pl.Series(
            ids.name.removesuffix("_ids") + "_tokens",
            [None if row is None else texts.gather(row).to_list() for row in ids],
            dtype=pl.List(pl.String),
        )

    def feature(self, address: str) -> dict[str, Any]:
        """Return one feature's row, with `top_tokens` and `bottom_tokens` as text.

        Args:
            address: `bank/index`, such as `mlp.26/1329`; the bank may be left out of a run
                with only one.

        Raises:
            QueryError: when the run has no such feature.
        """
        bank, index = self._parse(address)
        found = self.features.filter(bank=bank, index=index)
        if found.is_empty():
            indices = self.features.filter(bank=bank)["index"].to_numpy()
            raise QueryError(
                f"{bank} has no feature {index}: its {len(indices):,} indices are "
                f"{indices.min()} to {indices.max()}."
            )
        row = found.with_columns(self.token_texts(found[f"{end}_ids"]) for end in ("top", "bottom"))
        return row.row(0, named=True)

    def _parse(self, address: str) -> tuple[str, int]:
        bank, slash, index = address.rpartition("/")
        if not slash and len(self.banks) == 1:
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


def _read(paths: list[Path]) -> pl.DataFrame:
    try:
        return pl.read_parquet(paths)
    except (PolarsError, OSError) as error:
        raise RunError(
            f"A table of {paths[0].parent} cannot be read: {str(error).splitlines()[0]} It is "
            "damaged: make the run again, with --overwrite."
        ) from error
