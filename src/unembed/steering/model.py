"""The model that a run's features are added to, held against the run."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from unembed.errors import SourceError
from unembed.fitting.model import Opened, open_causal_model
from unembed.fitting.whole_model import whole_model
from unembed.questions.weights import weights_of
from unembed.store.tables import RunTables
from unembed.unembedding import Unembedding

_SAMPLE = 1024
"""Tokens whose rows are compared."""
_ALIKE = 0.9


def open_for(
    run: RunTables, model: str | Path | None, dtype: torch.dtype, device: torch.device
) -> Opened:
    """Return the model of a run, to be run.

    Args:
        run: a finished run.
        model: a reference to it; None for where the run's W_U was read. (Of the demo, which has
            little more than that, it is looked for where it was taken from.)
        dtype: to compute in.
        device: to compute on.

    Raises:
        SourceError: when there is none, or it is another model than the run's.
        MissingExtraError: when a package that this needs is not installed.
        FormatError: when it cannot be run.
    """
    opened = open_causal_model(
        whole_model(run.manifest.unembedding, model), dtype=dtype, device=device
    )
    check_same(weights_of(run).unembedding, opened)
    return opened


def check_same(unembedding: Unembedding, opened: Opened) -> None:
    """Check that a model is the one whose unembedding a run has.

    Over tokens each column of W_U is the model's own, but for the factor of the final norm and a
    constant; the correlation sees neither.

    Raises:
        SourceError: when it is not.
    """
    name, model = opened.origin.get("repo") or opened.origin.get("path"), opened.blocks
    if model.d_model != unembedding.d_model:
        raise SourceError(
            f"{name} has d_model {model.d_model:,}, and the run's unembedding "
            f"{unembedding.d_model:,}: they are two models. Give the run's own with --model."
        )
    head = getattr(model.model, "get_output_embeddings", lambda: None)()
    rows = getattr(head, "weight", None)
    last = int(unembedding.token_ids[-1])
    if rows is None or rows.ndim != 2 or rows.shape[1] != unembedding.d_model:
        return  # a head of another make, which is no proof of anything
    if len(rows) <= last:
        raise SourceError(
            f"{name} has {len(rows):,} tokens, and the run's go up to {last:,}: they are two "
            "models. Give the run's own with --model."
        )
    alike = _alikeness(unembedding, rows.detach())
    if not alike >= _ALIKE:
        raise SourceError(
            f"{name} is not the model of the run: their unembeddings correlate by {alike:.2f}, "
            "and should by 1. Give the run's own with --model."
        )


def _alikeness(unembedding: Unembedding, rows: Tensor) -> float:
    """Return the median correlation of the columns of W_U with the model's, over some tokens."""
    at = torch.linspace(0, len(unembedding.token_ids) - 1, _SAMPLE, device="cpu").long()
    ids = torch.from_numpy(unembedding.token_ids)[at]
    ours, theirs = unembedding.W_U[at].double(), rows[ids.to(rows.device)].double().cpu()
    ours, theirs = ours - ours.mean(0), theirs - theirs.mean(0)
    size = ours.norm(dim=0) * theirs.norm(dim=0)
    return float(((ours * theirs).sum(0) / size.clamp(min=1e-30)).abs().median())
