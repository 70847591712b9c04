"""Errors of what unembed reads of a model against what `transformers` computes with it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tests.oracle.jacobians import (
    AtTheEnd,
    OfALayer,
    by_projection,
    logits_by_residual,
)
from tests.oracle.tiny_transformers import VOCAB, WIDTH
from unembed import Vocabulary, prepare_unembedding
from unembed.errors import SourceError
from unembed.load import load_model
from unembed.load.models.model import Expert, Model
from unembed.load.own.heads import read_head
from unembed.load.own.neurons import read_neurons

WORDS = Vocabulary.from_texts([f" word{i}" for i in range(VOCAB)])


class Measured(NamedTuple):
    """Relative errors (Frobenius); None with a reason where there is nothing to hold."""

    W_U: float
    mlp: float | None = None
    heads: float | None = None
    no_mlp: str | None = None
    no_heads: str | None = None


def measured(model: nn.Module, folder: Path) -> Measured:
    """Return the errors of a saved model, in float64 but for what unembed reads."""
    truth, ours = model.double(), load_model(folder)
    torch.set_default_dtype(torch.float64)
    try:
        mlp, no_mlp = _worst(truth, ours, "mlp")
        heads, no_heads = _worst(truth, ours, "attention")
        return Measured(error_of_unembedding(truth, ours), mlp, heads, no_mlp, no_heads)
    finally:
        torch.set_default_dtype(torch.float32)


def error_of_unembedding(truth: nn.Module, ours: Model) -> float:
    """Hold the folded W_U against the Jacobian, the factor included.

    With r the residual and σ its root mean square (of r − mean r for a LayerNorm), the Jacobian is
    W_U γ / σ less what points along r: both are compared where they are applied to directions at
    right angles to r (and, for a LayerNorm, to ones). Without a norm it is W_U itself.
    """
    raw = ours.unembedding()
    prepared = prepare_unembedding(raw.W_U, WORDS, norm=raw.norm, name=ours.name)
    found = logits_by_residual(truth, ours.d_model)
    expected = found.jacobian - found.jacobian.mean(0)
    W_U = prepared.W_U.double()
    if raw.norm.kind == "none":
        return _relative(W_U, expected)
    across, sigma = _across(found, centred=raw.norm.kind == "layernorm")
    return _relative(W_U / sigma @ across, expected @ across)


def _across(found: AtTheEnd, *, centred: bool) -> tuple[Tensor, Tensor]:
    """Return the projector on what a norm leaves of a direction, and the norm's σ."""
    residual = found.residual - (found.residual.mean() if centred else 0)
    along = residual / residual.norm()
    return torch.eye(len(along)).double() - torch.outer(
        along, along
    ), residual.square().mean().sqrt()


def _worst(truth: nn.Module, ours: Model, kind: str) -> tuple[float | None, str | None]:
    """Return the largest error over all layers and experts, or why none can be held."""
    errors: list[float] = []
    reasons: list[str] = []
    for (layer, name), found in by_projection(truth, kind).items():
        try:
            directions = _read(ours, layer, name)
            after = ours.after_mlp(layer) if kind == "mlp" else ours.after_attention(layer)
        except SourceError as error:
            reasons.append(str(error))
            continue
        errors.append(_error(directions, found, normed=after.gamma is not None, name=name))
    if errors:
        return max(errors), None
    return None, reasons[0] if reasons else _why_none(ours, kind)


def _why_none(ours: Model, kind: str) -> str:
    """Return what we say where transformers' model has no such projection."""
    try:
        ours.mlp_out(0) if kind == "mlp" else ours.attention_out(0)
    except SourceError as error:
        return str(error)
    raise AssertionError(f"{ours.name} is read to have {kind}, and has none")


def _read(ours: Model, layer: int, name: str) -> Tensor:
    """Return our directions, [d_model, neurons]."""
    if name == "attention":
        heads = [read_head(ours, layer, head).W_dec for head in range(ours.n_heads(layer))]
        return torch.cat(heads).double().T
    if name == "mlp" and ours.n_experts(layer):
        name = "shared"
    expert: Expert | None = None if name == "mlp" else "shared"
    if name.startswith("e"):
        expert = int(name[1:])
    return read_neurons(ours, layer, expert).W_dec.double().T


def _error(directions: Tensor, found: OfALayer, *, normed: bool, name: str) -> float:
    """Return the error but for one positive number, where a norm or a gate multiplies by one."""
    truth = found.jacobian
    if normed:
        along, _ = torch.linalg.qr(torch.stack(found.normed, dim=1))
        across = torch.eye(WIDTH).double() - along @ along.T
        truth, directions = across @ truth, across @ directions
    if not normed and name in ("mlp", "attention"):
        return _relative(directions, truth)
    factor = float((truth * directions).sum() / directions.square().sum())
    assert factor > 0, f"{name} is read with the wrong sign"
    return _relative(directions * factor, truth)


def _relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())
