"""`steer`: features of a run, added to the stream of its model, and what that does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import torch

from unembed.addresses import split
from unembed.errors import QueryError, RunError
from unembed.fitting.about import name_of
from unembed.fitting.model import Opened
from unembed.products import strictly
from unembed.progress import Progress, report_of, silent
from unembed.questions.steering import steered
from unembed.steering.model import open_for
from unembed.steering.moved import Steered
from unembed.steering.passes import BehindBlock
from unembed.steering.prompts import hash_of, ids_of, prompts_of
from unembed.steering.settings import SteerSettings
from unembed.steering.targets import Bank, token_ids_of
from unembed.steering.writing import written
from unembed.store.added import STEERING_COLUMNS, steering_path
from unembed.store.folder import adding
from unembed.store.steering import add_steering, read_steering
from unembed.store.tables import RunTables
from unembed.sweep.device import device_named
from unembed.version import __version__

SCORED = "From my experience,"
"""The prompt of the output score, as it is published."""


def steer(
    run: RunTables,
    features: str | Sequence[str],
    *,
    model: str | Path | None = None,
    prompts: str | Path | Sequence[str] | None = None,
    settings: SteerSettings | None = None,
    keep: bool = True,
    progress: Progress = silent,
) -> pl.DataFrame:
    """Return what features do when they are added to the model where they are written.

    Each is added to the stream behind its block at every position of some prompts, as long as a
    share of the stream there; random directions drawn like its bank are added likewise. Columns, a
    row for each feature and strength:

    - feature, bank, index, layer, lens, class, label;
    - strength, in lengths of the stream; length, of the stream behind the block (a median over
      positions); block, −1 for the embedding; exact, false where the feature is written inside the
      block, so that what the block's MLP makes of it is left out;
    - correlations, of each lens of the run: `correlation` of the change of the logits with the
      logit weights, over all tokens; `random`, the median of that of the random directions;
    - sets, of each that the label names: `sign` that it says; `log_p`, the logarithm of the
      probability that the next token is one of it; `change` of that; `matched` random sets of the
      same frequencies, the median of their `matched_change`, and `matched_rank`, 1 where the set
      moved further than all of them as the label says; `random` directions, their
      `random_change` of the set, `random_rank` of the feature among them, and `random_first`, of
      how many of them the set moved further than all matched ones;
    - output_score, output_score_unsteered, output_score_random (`measures.output_score`), at
      score_strength;
    - texts, that the model writes on greedily: prompt, added (`nothing`, `feature`, `random`),
      strength, text;
    - prompts, how many; prompts_sha256, model, seed, unembed_version.

    Args:
        run: a finished run.
        features: `bank/index`, or several.
        model: a reference to the run's model, all of it; None where the run's W_U was read from it.
        prompts: a text file with one a line, or a list; None for the neutral ones that ship.
        settings: strengths, and what features are held against.
        keep: write what is found into the run, where `Run.steering` has it.
        progress: told of each step.

    Raises:
        QueryError: when the run has no such feature, or it is not known where it is written.
        SourceError: when the model is not there, or is another one.
        MissingExtraError: when the extra `steer` is not installed.
        RunError: when the run's folder cannot be written to.
    """
    settings = settings or SteerSettings()
    named = _by_bank(run, [features] if isinstance(features, str) else list(features))
    texts = prompts_of(prompts)
    if keep:
        _check_keeping(run, named)
    device = device_named(settings.device)
    with strictly(device.type), torch.inference_mode(False), torch.device("cpu"):
        banks = [Bank(run, bank) for bank in named]
        for bank, indices in zip(banks, named.values(), strict=True):
            _check_lengths(bank, indices)
        progress("Opening the model", 0, 1)
        opened = open_for(run, model, getattr(torch, settings.dtype), device)
        progress("Opening the model", 1, 1)
        session = _Session(run, opened, texts, settings, progress)
        rows = [
            row
            for bank, indices in zip(banks, named.values(), strict=True)
            for row in session.rows(bank, indices, keep)
        ]
    return steered(run, pl.concat(rows))


def _by_bank(run: RunTables, features: Sequence[str]) -> dict[str, list[int]]:
    """Return the indices of the features that are named, by bank.

    Raises:
        QueryError: when there is no such feature, or none is named.
    """
    if not features:
        raise QueryError("No feature was named. Name some, such as sae.26/157.")
    found: dict[str, list[int]] = {}
    for each in dict.fromkeys(features):
        run.row_of(each)  # or there is none
        bank, index = split(each, run.banks)
        if index not in found.setdefault(bank, []):
            found[bank].append(index)
    return found


def _check_keeping(run: RunTables, banks: Iterable[str]) -> None:
    """Check that the run can be written to, before the model is run.

    Raises:
        RunError: when it cannot.
    """
    try:
        for bank in banks:
            with adding(run.path, steering_path(bank)):
                read_steering(run.path, run.manifest, bank)
    except RunError as error:
        raise RunError(f"{error} Or keep nothing: --no-keep (keep=False).") from error


def _check_lengths(bank: Bank, indices: Sequence[int]) -> None:
    for index in indices:
        if not bank.direction(index).any():
            raise QueryError(
                f"{bank.address(index)} writes nothing (its decoder row is zero): there is nothing "
                "to add."
            )


class _Session:
    """One model and its prompts, for all features that are steered."""

    def __init__(
        self,
        run: RunTables,
        opened: Opened,
        prompts: Sequence[str],
        settings: SteerSettings,
        progress: Progress,
    ) -> None:
        self._run, self._opened, self._settings = run, opened, settings
        self._progress, self._prompts = progress, prompts
        self._ids = ids_of(prompts, opened.tokenizer)
        self._scored = ids_of([SCORED], opened.tokenizer)
        self._tokens = token_ids_of(run)
        self._said = {
            "prompts": len(prompts),
            "prompts_sha256": hash_of(prompts),
            "score_strength": settings.score_strength,
            "model": name_of(opened.origin),
            "seed": settings.seed,
            "unembed_version": __version__,
        }

    def rows(self, bank: Bank, indices: Sequence[int], keep: bool) -> list[pl.DataFrame]:
        """Return the rows of features of one bank, each kept as soon as it is there."""
        name = bank.facts.name
        block = self._block(bank)
        passes = Steered(
            bank, BehindBlock(self._opened.blocks, block, self._ids),
            BehindBlock(self._opened.blocks, block, self._scored), self._tokens, self._settings,
            report_of(self._progress, f"Random directions like those of {name}"),
        )  # fmt: skip
        found = []
        for done, index in enumerate(indices):
            self._progress(f"Features of {name}", done, len(indices))
            rows = self._rows_of(bank, index, passes)
            if keep:
                with adding(self._run.path, steering_path(name)):
                    add_steering(self._run.path, self._run.manifest, name, rows)
            found.append(rows.with_columns(bank=pl.lit(name)))
        self._progress(f"Features of {name}", len(indices), len(indices))
        return found

    def _rows_of(self, bank: Bank, index: int, passes: Steered) -> pl.DataFrame:
        direction = bank.direction(index)
        of_feature = {
            "index": index,
            "length": passes.length,
            "block": bank.where.block,
            "exact": bank.where.exact,
            "texts": self._texts(bank, direction, passes),
            **self._said,
        }
        measured = passes.measured(direction, bank.sets(index))
        rows = [{**of_feature, **each} for each in measured]
        return pl.DataFrame(rows, schema=STEERING_COLUMNS)

    def _texts(self, bank: Bank, direction: torch.Tensor, passes: Steered) -> list[dict[str, Any]]:
        """Return what the model writes with nothing added, with the feature, and a random one."""
        settings = self._settings
        added: list[tuple[str, float, torch.Tensor]] = [
            ("nothing", 0.0, torch.zeros_like(direction))
        ]
        for kind, row in (("feature", direction), ("random", passes.random[0])):
            added += [(kind, s, passes.scaled(row, s)) for s in settings.text_strengths]
        vectors = torch.stack([vector for _, _, vector in added])
        found = []
        if settings.tokens:
            for prompt, ids in list(zip(self._prompts, self._ids, strict=True))[: settings.texts]:
                texts = written(self._opened, ids, bank.where.block, vectors, settings.tokens)
                found += [
                    {"prompt": prompt, "added": kind, "strength": strength, "text": text}
                    for (kind, strength, _), text in zip(added, texts, strict=True)
                ]
        return found

    def _block(self, bank: Bank) -> int:
        block, count = bank.where.block, len(self._opened.blocks)
        if block >= count:
            raise QueryError(
                f"{bank.facts.name} is written behind block {block}, and the model has blocks 0 to "
                f"{count - 1}: it is another one. Give the run's own with --model."
            )
        return block
