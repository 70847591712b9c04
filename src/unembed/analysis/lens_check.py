"""`check_lenses`: the lenses of a run, held against what its features do when they are added."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from unembed.analysis.added_at import Written, written_banks
from unembed.analysis.same_model import Times, at_the_end, check_fits
from unembed.enrichment.second_moment import SecondMoment
from unembed.errors import UnembedError, WeightError
from unembed.fitting.about import name_of
from unembed.fitting.causal import logit_changes
from unembed.fitting.check_settings import NEUTRAL, CheckPlan, CheckSettings
from unembed.fitting.model import Opened, open_causal_model
from unembed.fitting.neutral import by_length, neutral_prompts
from unembed.fitting.prompts import prompts_in
from unembed.fitting.truth import Truth, correlations
from unembed.fitting.whole_model import whole_model
from unembed.products import product, strictly
from unembed.progress import Progress, Report, report_of, report_within, silent
from unembed.questions.lens_truth import lens_check
from unembed.questions.weights import weights_of
from unembed.store.lens_check import check_can_be_kept, keep_lens_check
from unembed.store.tables import RunTables
from unembed.sweep.device import device_named, enough_memory
from unembed.unembedding import Unembedding


@dataclass(frozen=True)
class _Bench:
    """What all banks are checked with.

    Attributes:
        opened: the model.
        prompts: in batches of one length.
        unembedding: of the run.
        settings: of the check.
        said: what is kept with every result.
    """

    opened: Opened
    prompts: Sequence[Tensor]
    unembedding: Unembedding
    settings: CheckSettings
    said: dict[str, Any]

    def changes(self, block: int, directions: Tensor, report: Report) -> Tensor:
        """Return [k, n] the change of each token of the run."""
        moved = logit_changes(
            self.opened.blocks, self.prompts, block, directions,
            strength=self.settings.strength, report=report,
        )  # fmt: skip
        if not bool(torch.isfinite(moved).all()):
            raise WeightError(
                f"The logits of {self.said['model']} are NaN or infinite when something is added "
                f"behind block {block}. Compute in float32 (--dtype); or its weights are broken."
            )
        return moved[:, torch.from_numpy(self.unembedding.token_ids)]


def check_lenses(
    run: RunTables,
    *,
    model: str | Path | None = None,
    bank: str | Sequence[str] | None = None,
    text: str | Path = NEUTRAL,
    settings: CheckSettings | None = None,
    progress: Progress = silent,
    before: Callable[[CheckPlan], object] = lambda plan: None,
) -> pl.DataFrame:
    """Return how well each lens of a run tells what its features do, and keep it with the run.

    Some features of each bank, and random directions like them, are added to the model's stream
    behind the block that they are written by, on some prompts; the mean change of the logits at the
    last position is correlated, over all tokens of the run, with the logit weights of every lens
    that the run has of the bank. What is found of a bank is kept as it is found, in place of what
    was known of it (`questions.lens_check`).

    Args:
        run: a finished run, of whose banks one at least is written to the stream behind a block.
        model: its model, whole, that `transformers` can run; where W_U was read, by default.
        bank: only these, whatever the lens.
        text: a file that prompts are cut from, or `neutral`: 100 sentences that are broken off.
        settings: how many features, random directions and prompts, and how strongly.
        progress: told of each step.
        before: told, before the work, what is to be done, and how long it takes.

    Returns:
        What `questions.lens_check` returns, of all banks that were checked, now or before.

    Raises:
        MissingExtraError: when the extra `fit` is not installed.
        SourceError: when the model is not there, or not the run's.
        QueryError: when the run has no such bank.
        WeightError: when the model's logits are not finite.
        UnembedError: when no bank can be checked, or the prompts are not what they must be.
        RunError: when the run cannot be written to.
    """
    settings = settings or CheckSettings()
    device = device_named(settings.device)
    check_can_be_kept(run.path, run.manifest)
    weights = weights_of(run)
    written, left_out = written_banks(run, run.banks_named(bank))
    place = whole_model(run.manifest.unembedding, model)
    with _as_it_is(device), enough_memory(device):
        opened = open_causal_model(place, dtype=getattr(torch, settings.dtype), device=device)
        check_fits(opened, written, weights.unembedding)
        prompts = by_length(_prompts(opened, text, settings))
        said = {
            "prompts": sum(map(len, prompts)), "text": _told(text), "strength": settings.strength,
            "seed": settings.seed, "model": name_of(opened.origin),
        }  # fmt: skip
        said["at_the_end"], times = at_the_end(opened, prompts, weights.unembedding)
        bench = _Bench(opened, prompts, weights.unembedding, settings, said)
        before(_plan(bench, written, left_out, times))
        report = report_of(progress, "Directions added, with each batch of prompts")
        done, work = 0, [len(prompts) * _directions(settings, each) for each in written]
        for each, steps in zip(written, work, strict=True):
            within = report_within(report, done, sum(work))
            keep_lens_check(run.path, run.manifest, _checked(bench, each, within))
            done += steps
    found = lens_check(run)
    assert found is not None
    return found


@contextmanager
def _as_it_is(device: torch.device) -> Iterator[None]:
    """Let what a caller allows torch, or has set, change no result."""
    with strictly(device.type), torch.inference_mode(False), torch.device("cpu"):
        yield


def _checked(bench: _Bench, written: Written, report: Report) -> pl.DataFrame:
    """Return the rows of one bank, through every lens that the run has of it."""
    before, settings = written.before, bench.settings
    there = np.flatnonzero(before.W_dec.any(1).numpy())
    random = np.random.default_rng(settings.seed)
    some = np.sort(random.choice(there, min(settings.features, len(there)), replace=False))
    drawn = SecondMoment.of(before).draw(settings.random, settings.seed)
    directions = torch.cat([before.W_dec[torch.from_numpy(some)], drawn])
    moved = bench.changes(written.block, directions, report)
    rows = []
    for bank in written.banks:
        seen = directions if bank.lens is None else bank.lens.take(directions)
        found = correlations(moved, product(seen, bench.unembedding.W_U.T)).numpy()
        for kind, first, count in (
            ("features", 0, len(some)), ("random", len(some), len(drawn)),
        ):  # fmt: skip
            truth = asdict(Truth.of(found, first, count))
            rows.append(
                {"bank": bank.name, "directions": kind, "block": written.block, **truth}
                | bench.said
            )
    return pl.DataFrame(rows)


def _plan(
    bench: _Bench, written: Sequence[Written], left_out: dict[str, str], times: Times
) -> CheckPlan:
    settings, blocks = bench.settings, len(bench.opened.blocks)
    runs = (
        2 * _directions(settings, each) * times.from_block(each.block, blocks) + 2 * times.whole
        for each in written
    )
    return CheckPlan(
        {each.name: each.block for each in written}, left_out,
        settings.features + settings.random, bench.said["prompts"], bench.said["model"],
        str(bench.opened.blocks.device), sum(runs),
    )  # fmt: skip


def _directions(settings: CheckSettings, written: Written) -> int:
    return min(settings.features, int(written.before.W_dec.any(1).sum())) + settings.random


def _prompts(opened: Opened, text: str | Path, settings: CheckSettings) -> list[Tensor]:
    if str(text) == NEUTRAL:
        found = neutral_prompts(opened.tokenizer, settings.prompts)
    else:
        found = prompts_in(
            Path(text), opened.tokenizer, count=settings.prompts, tokens=settings.tokens
        )
    if not all(map(len, found)):
        raise UnembedError("The model's tokenizer makes no tokens of some prompts.")
    return found


def _told(text: str | Path) -> str:
    return NEUTRAL if str(text) == NEUTRAL else Path(text).name
