"""What the MLPs of a `transformers` model read, and what its tokens are when they enter it.

What writes to the residual stream beside the MLP is silenced, so that the stream which the MLP
reads is what the layer is given. Biases are zero: they are no directions. What goes into the
output matrix is then an activation of our gate times our up, both of the stream over its root mean
square (of the centred stream for a LayerNorm).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tests.oracle.jacobians import _LINEAR, FAR, Key, Projection, layers_of, projections, run
from tests.oracle.tiny_transformers import VOCAB
from unembed.errors import SourceError
from unembed.load import load_model
from unembed.load.models.model import Expert, Model, ReadNorm

SEEDS = 4
PADDING = 0
"""A token that has no position in some models."""

_BESIDE = re.compile(
    r"(?:self_attn|attn|attention|self_attention|multi_head_attention|encoder_attn|layer\.[01]|"
    r"temporal_block|mamba|conv|linear_attn|short_conv)\."
)
_BIAS = re.compile(r".*bias$")
_ACTIVATIONS = ("act_fn", "act", "activation_fn", "activation", "gelu_impl")
_POSITIONS = re.compile(r".*(?:embed_positions|position_embedding).*")

Activation = Callable[[Tensor], Tensor]


class Seen(NamedTuple):
    """One token in one layer."""

    stream: Tensor
    """[d_model] what the layer is given"""
    written: Tensor
    """[d_ff] what goes into an output matrix"""
    scale: float = 1.0
    """what the norm's output is multiplied by before it is read"""


class Reading(NamedTuple):
    """The largest errors; None with a reason where there is nothing to hold."""

    W_E: float
    reads: float | None = None
    no_reads: str | None = None


def measured_reading(truth: nn.Module, folder: Path) -> Reading:
    """Return the errors of a saved model, in float64 but for what unembed reads.

    Afterwards the model is another one: much of it is silenced.
    """
    truth, ours = truth.double(), load_model(folder)
    torch.set_default_dtype(torch.float64)
    try:
        W_E = error_of_embedding(truth, ours)
        try:
            found = errors_of_reading(truth, ours)
        except SourceError as error:
            return Reading(W_E, None, str(error))
        if not found:
            return Reading(W_E, None, _why_none(ours))
        return Reading(W_E, max(found.values()))
    finally:
        torch.set_default_dtype(torch.float32)


def _why_none(ours: Model) -> str:
    """Return what we say where transformers' model has no MLP."""
    try:
        ours.mlp_in(0)
    except SourceError as error:
        return str(error)
    raise AssertionError(f"{ours.name} is read to have an MLP, and has none")


def errors_of_reading(truth: nn.Module, ours: Model) -> dict[Key, float]:
    """Return the error of what each MLP reads, by layer and projection.

    Args:
        truth: in float64, of which all is silenced that is not asked for.
        ours: the same, as unembed reads it.
    """
    _silence(truth)
    return {
        (number, name): _error(truth, ours, number, name, projection)
        for number, layer in enumerate(layers_of(truth))
        for name, projection in projections(layer, "mlp").items()
    }


def _error(truth: nn.Module, ours: Model, layer: int, name: str, projection: Projection) -> float:
    expert: Expert | None = int(name[1:]) if name.startswith("e") else None
    if expert is None and ours.n_experts(layer):
        expert = "shared"
    norm, matrices = ours.before_mlp(layer, expert), ours.mlp_in(layer, expert)
    errors = []
    for seed in range(SEEDS):
        seen = _seen(truth, layer, projection, norm, seed)
        if seen is None:  # the expert was not chosen
            continue
        up = _read(norm, matrices.up, seen)
        gate = None if matrices.gate is None else _read(norm, matrices.gate, seen)
        expected = put_out(layers_of(truth)[layer], projection, gate, up)
        assert torch.count_nonzero(expected) > 0
        errors.append(float((seen.written - expected).norm() / expected.norm()))
    assert errors
    return max(errors)


def _read(norm: ReadNorm, rows: Tensor, seen: Seen) -> Tensor:
    stream = seen.stream
    size = stream - stream.mean() if norm.kind == "layernorm" else stream
    sigma = 1.0 if norm.kind == "none" else float(size.square().mean().sqrt())
    return norm.read_by(rows).double() @ stream / sigma * seen.scale


def put_out(layer: nn.Module, projection: Projection, gate: Tensor | None, up: Tensor) -> Tensor:
    """Return what neurons put out, with what their modules do on the way."""
    module = _owner(layer, projection.parameter)
    name = type(module).__name__
    if name == "GptOssExperts":
        assert gate is not None
        gate, up = gate.clamp(max=module.limit), up.clamp(-module.limit, module.limit)
        return (up + 1) * gate * torch.sigmoid(gate * module.alpha)
    activation = _activation(module)
    if gate is None:
        return activation(up)
    if hasattr(module, "gate_multiplier"):  # Falcon-H1
        gate = gate * module.gate_multiplier
    both = activation(gate) * up
    return module.ffn_sub_norm(both) if hasattr(module, "ffn_sub_norm") else both  # BitNet


def _owner(layer: nn.Module, parameter: nn.Parameter) -> nn.Module:
    """Return the smallest module around a matrix that has an activation."""
    (path,) = (name for name, p in layer.named_parameters() if p is parameter)
    parts = path.split(".")[:-1]
    for length in range(len(parts), -1, -1):
        module = layer.get_submodule(".".join(parts[:length]))
        if any(hasattr(module, name) for name in _ACTIVATIONS) or hasattr(module, "limit"):
            return module
    return layer.get_submodule(".".join(parts[:-1]))


def _activation(module: nn.Module) -> Activation:
    for name in _ACTIVATIONS:
        if hasattr(module, name):
            found: Activation = getattr(module, name)
            return found
    if isinstance(module, nn.Sequential):  # CTRL
        return torch.relu
    return nn.functional.silu


def _silence(model: nn.Module) -> None:
    """Silence for good all that writes beside the MLPs, and all biases."""
    with torch.no_grad():
        for layer in layers_of(model):
            for name, parameter in layer.named_parameters():
                if _BESIDE.match(name) or _BIAS.match(name):
                    parameter.zero_()


def _seen(
    model: nn.Module, number: int, projection: Projection, norm: ReadNorm, seed: int
) -> Seen | None:
    """Return a layer's stream and what goes into one of its output matrices."""
    random = torch.Generator().manual_seed(seed)
    layer = layers_of(model)[number]
    streams: list[Tensor] = []
    read: list[Tensor] = []

    def replace(_: nn.Module, args: Any) -> Any:
        noise = torch.randn(args[0].shape[-1], generator=random, dtype=torch.float64)
        streams.append(noise * (1 if norm.kind == "none" else FAR))
        return (streams[-1].expand_as(args[0]), *args[1:])

    def keep(_: nn.Module, args: Any) -> None:
        read.append(args[0].detach().reshape(-1, args[0].shape[-1]))

    handles = [layer.register_forward_pre_hook(replace)]
    moe = getattr(layer, "feed_forward", None)
    if type(moe).__name__ == "Llama4TextMoe" and projection.expert is not None:
        # What each expert reads is first multiplied by how far it is chosen.
        handles += [m.register_forward_pre_hook(keep) for m in (moe, moe.experts)]
    try:
        with _Keep(projection) as kept:
            run(model)
    finally:
        for handle in handles:
            handle.remove()
    if kept.found is None:
        return None
    scale = float(read[1][projection.expert].norm() / read[0].norm()) if read else 1.0
    return Seen(streams[-1], kept.found, scale)


class _Keep(TorchFunctionMode):
    """Keeps what is multiplied with a matrix."""

    def __init__(self, projection: Projection) -> None:
        super().__init__()
        self.parameter, self.expert = projection
        part = self.parameter if self.expert is None else self.parameter[self.expert]
        self.pointer = part.data_ptr()
        self.found: Tensor | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        at = _LINEAR.get(func)
        if at is not None and len(args) > at and isinstance(args[at], Tensor):
            weight, before = args[at], args[at - 1]
            if weight.ndim == 3 and weight.data_ptr() == self.parameter.data_ptr():
                self.found = before[self.expert].detach().reshape(-1)
            elif weight.ndim == 2 and weight.data_ptr() == self.pointer:
                self.found = before.detach().reshape(-1)
        return func(*args, **(kwargs or {}))


# --- the embedding ---


def error_of_embedding(truth: nn.Module, ours: Model) -> float:
    """Return the error of the token embeddings, but for one positive number.

    Without a norm as they differ from their mean, so that what all positions add drops out.
    """
    raw = ours.embedding()
    W_E = raw.W_E.whole().double()[PADDING + 1 :]
    if raw.norm_kind == "none":
        found, expected = _entered(truth), W_E - W_E.mean(0)
        found = found - found.mean(0)
    else:
        with torch.no_grad():
            for name, parameter in truth.named_parameters():
                if _POSITIONS.match(name):
                    parameter.zero_()
            truth.get_input_embeddings().weight.mul_(FAR)
        found, expected = _entered(truth), _normed(W_E, raw)
    factor = float((found * expected).sum() / expected.square().sum())
    assert factor > 0
    if raw.norm_kind != "none":
        assert abs(factor - 1) < 1e-6
    return float((found - factor * expected).norm() / found.norm())


def _normed(W_E: Tensor, raw: Any) -> Tensor:
    if raw.norm_kind == "layernorm":
        W_E = W_E - W_E.mean(1, keepdim=True)
    normed = W_E / W_E.square().mean(1, keepdim=True).sqrt()
    if raw.norm_weight is not None:
        normed = normed * raw.norm_weight.double()
    return normed if raw.norm_bias is None else normed + raw.norm_bias.double()


def _entered(model: nn.Module) -> Tensor:
    """Return what each token but padding is in the first layer, or behind its first norm."""
    kept: list[Tensor] = []
    first = layers_of(model)[0]

    def keep_input(_: nn.Module, args: Any) -> None:
        kept.append(args[0])

    def keep_output(_: nn.Module, __: Any, output: Tensor) -> None:
        kept.append(output)

    if hasattr(first, "pre_ln"):  # RWKV
        handle = first.pre_ln.register_forward_hook(keep_output)
    else:
        handle = first.register_forward_pre_hook(keep_input)
    ids = torch.arange(PADDING + 1, VOCAB)[:, None]
    inputs: dict[str, Any] = {"input_ids": ids}
    if "decoder_input_ids" in signature(model.forward).parameters:
        inputs["decoder_input_ids"] = ids
    try:
        with torch.no_grad():
            model(**inputs, use_cache=False)
    finally:
        handle.remove()
    streams = kept[0] if kept[0].ndim == 3 else kept[0][0]  # Gemma 3n has several
    return streams[:, 0].double()
