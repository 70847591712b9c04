"""What a `transformers` model does, differentiated: the truth that weights are held against.

(a) The Jacobian of the logits with respect to the last residual stream, all that follows the
last layer included. (b) The Jacobian of a layer's output with respect to what its down (or
output) projection reads, with the projection's input replaced wherever its weight is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

TOKENS = torch.tensor([[5]])
FAR = 1e4
"""The scale of the residual stream, next to which a norm's epsilon is nothing."""

_LINEAR = {
    nn.functional.linear: 1, torch.matmul: 1, torch.Tensor.matmul: 1, torch.Tensor.__matmul__: 1,
    torch.bmm: 1, torch.Tensor.bmm: 1, torch.addmm: 2, torch.mm: 1,
}  # fmt: skip
"""Products, with the place of the weight among their arguments (the input is before it)."""

_LAYERS = re.compile(r"(?:^|.*\.)(?:layers|h|blocks|block)")
_NOT_DECODER = re.compile(
    r"vision|visual|encoder\.|encoder$|audio|expert|tower|connector|perceiver"
)
_MLP = re.compile(
    r"(?:mlp|feed_forward|ffn|block_sparse_moe|mlp_block|shared_mlp|mixer|experts|"
    r"mlp\.experts)\.(?:.*\.)?(?:down_proj|fc2|fc_out|c_proj|dense_4h_to_h|output_linear|w2|2)"
    r"(?:\.weight)?|fc2\.weight|layer\.2\.DenseReluDense\.wo\.weight"
)
_MLP_BIAS = re.compile(r"(?:mlp|feed_forward|ffn|experts|fc2).*bias")
_ATTENTION = re.compile(
    r"(?:self_attn|attn|attn\.attention|attention|self_attention|multi_head_attention|"
    r"layer\.0\.SelfAttention|temporal_block)\.(?:o_proj|out_proj|c_proj|dense|o)\.weight|"
    r"mixer\.o_proj\.weight"
)


def layers_of(model: nn.Module) -> nn.ModuleList:
    """Return the layers of the (language) decoder."""
    found = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList)
        and _LAYERS.fullmatch(name)
        and not _NOT_DECODER.search(name)
    ]
    return min(found, key=lambda item: item[0].count("."))[1]


def run(model: nn.Module) -> Tensor:
    """Return the logits of one token, [vocab]."""
    inputs: dict[str, Any] = {"input_ids": TOKENS}
    if "decoder_input_ids" in signature(model.forward).parameters:
        inputs["decoder_input_ids"] = TOKENS
    return model(**inputs, use_cache=False).logits[0, -1]


def jacobian(outputs: Tensor, leaf: Tensor) -> Tensor:
    """Return [outputs, *leaf.shape]."""
    flat = outputs.reshape(-1)
    each = torch.eye(len(flat), dtype=flat.dtype)
    (rows,) = torch.autograd.grad(flat, leaf, each, retain_graph=True, is_grads_batched=True)
    return rows


class AtTheEnd(NamedTuple):
    """(a) at a residual stream r."""

    jacobian: Tensor
    """[vocab, d_model]"""
    residual: Tensor
    """[d_model]"""


def logits_by_residual(model: nn.Module, width: int) -> AtTheEnd:
    """Return the Jacobian of the logits with respect to the output of the last layer.

    Where several streams are merged behind it (Gemma 3n), with respect to what the norm reads.
    """
    random = torch.Generator().manual_seed(2)
    leaf = (FAR * torch.randn(width, generator=random, dtype=torch.float64)).requires_grad_()

    def replace(_: nn.Module, __: Any, output: Any) -> Any:
        first = output[0] if isinstance(output, tuple | list) else output
        new = leaf.to(first.dtype).expand_as(first)
        return (new, *output[1:]) if isinstance(output, tuple | list) else new

    layers = layers_of(model)
    if hasattr(layers[-1], "altup"):
        handle = model.model.norm.register_forward_pre_hook(lambda m, x: (replace(m, x, x[0]),))
    else:
        handle = layers[-1].register_forward_hook(replace)
    try:
        return AtTheEnd(jacobian(run(model), leaf).detach(), leaf.detach())
    finally:
        handle.remove()


class Projection(NamedTuple):
    """The weight of an output projection, of which an expert may be one part."""

    parameter: nn.Parameter
    expert: int | None = None


def projections(layer: nn.Module, kind: str) -> dict[str, Projection]:
    """Return a layer's output projections: `mlp`, `e0` … or `shared`; or `attention`."""
    pattern = _MLP if kind == "mlp" else _ATTENTION
    found: dict[str, Projection] = {}
    for name, parameter in layer.named_parameters():
        if not pattern.fullmatch(name) or parameter.ndim < 2:
            continue
        if kind != "mlp":
            found["attention"] = Projection(parameter)
        elif "shared" in name:
            found["shared"] = Projection(parameter)
        elif parameter.ndim == 3:
            found |= {f"e{e}": Projection(parameter, e) for e in range(len(parameter))}
        else:
            found["mlp"] = Projection(parameter)
    return found


class OfALayer(NamedTuple):
    """(b) of one projection."""

    jacobian: Tensor
    """[d_model, width of what the projection reads]"""
    normed: list[Tensor]
    """[d_model] what norms behind the projection put out, as it reaches the stream: the directions
    in which such a norm, or two in a row (Gemma 4), lets nothing through"""


Key = tuple[int, str]


def by_projection(model: nn.Module, kind: str) -> dict[Key, OfALayer]:
    """Return, by layer and projection, the Jacobians of the layers' outputs.

    All inputs are replaced at once: of one layer none depends on another. For attention what
    comes after it in a layer is silenced.
    """
    layers = layers_of(model)
    where = {
        (number, name): projection
        for number, layer in enumerate(layers)
        for name, projection in projections(layer, kind).items()
    }
    if not where:
        return {}
    rest = [p for layer in layers for p in of_mlp(layer)] if kind == "attention" else []
    inner: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, _: Any, output: Tensor) -> None:
        inner.setdefault(module, output.detach())

    norms = [module for layer in layers for module in _inner_norms(layer)]
    handles = [module.register_forward_hook(keep) for module in norms]
    with silenced(*rest):
        outputs, leaves = _forward(model, where, 1.0)
        nothing, _ = _forward(model, where, 0.0)
        found = {}
        for (number, name), leaf in leaves.items():
            rows = jacobian(outputs[number], leaf)
            if where[number, name].expert is not None and leaf.ndim == 3:
                rows = rows[:, where[number, name].expert]
            rows = rows.reshape(len(rows), -1, leaf.shape[-1]).sum(1).detach()
            normed = [(outputs[number] - nothing[number]).detach()]
            normed += _inner(layers[number], name, inner)
            found[number, name] = OfALayer(rows, normed)
    for handle in handles:
        handle.remove()
    return found


def _inner_norms(layer: nn.Module) -> list[nn.Module]:
    """Return the norms after a layer's dense MLP and after its experts, before their sum."""
    names = [f"post_feedforward_layernorm_{n}" for n in (1, 2)]
    return [getattr(layer, name) for name in names if hasattr(layer, name)]


def _inner(layer: nn.Module, name: str, put_out: dict[nn.Module, Tensor]) -> list[Tensor]:
    norms = _inner_norms(layer)
    if not norms or name == "attention":
        return []
    output = put_out[norms[name.startswith("e")]].reshape(-1)
    return [output * layer.get_parameter("post_feedforward_layernorm.weight").detach()]


def of_mlp(layer: nn.Module) -> list[nn.Parameter]:
    """Return all that lets a layer's MLP write: its output projections and their biases."""
    weights = [projection.parameter for projection in projections(layer, "mlp").values()]
    biases = [p for name, p in layer.named_parameters() if _MLP_BIAS.search(name)]
    return list({id(p): p for p in [*weights, *biases]}.values())


def _forward(
    model: nn.Module, where: dict[Key, Projection], scale: float
) -> tuple[list[Tensor], dict[Key, Tensor]]:
    """Return every layer's output [d_model], and the leaf in the place of each input."""
    outputs: list[Tensor] = []
    handles = []
    random = torch.Generator().manual_seed(4)

    def restart(_: nn.Module, args: Any) -> Any:
        """Give each layer an input of its own, so that none hangs on the one before."""
        return (torch.randn(args[0].shape, generator=random, dtype=args[0].dtype), *args[1:])

    def keep(_: nn.Module, __: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple | list) else output
        outputs.append(first[..., -1, :].reshape(-1))

    for layer in layers_of(model):
        handles += [layer.register_forward_pre_hook(restart), layer.register_forward_hook(keep)]
    try:
        with _Replace(where, scale) as replaced:
            run(model)
    finally:
        for handle in handles:
            handle.remove()
    return outputs, replaced.leaves


class _Replace(TorchFunctionMode):
    """Puts a random leaf in the place of what a weight is multiplied with."""

    def __init__(self, where: dict[Key, Projection], scale: float) -> None:
        super().__init__()
        self.single: dict[int, Key] = {}
        self.whole: dict[int, list[Key]] = {}
        for key, (weight, expert) in where.items():
            self.single[(weight if expert is None else weight[expert]).data_ptr()] = key
            self.whole.setdefault(weight.data_ptr(), []).append(key)
        self.scale = scale
        self.random = torch.Generator().manual_seed(3)
        self.leaves: dict[Key, Tensor] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        at = _LINEAR.get(func)
        if at is not None and len(args) > at and isinstance(args[at], Tensor):
            weight = args[at]
            if weight.ndim == 3:
                keys = self.whole.get(weight.data_ptr(), [])
            else:
                keys = [self.single[p] for p in [weight.data_ptr()] if p in self.single]
            if keys:
                before = args[at - 1]
                noise = torch.randn(before.shape, generator=self.random, dtype=torch.float64)
                leaf = (self.scale * FAR * noise).to(before.dtype).requires_grad_()
                self.leaves |= dict.fromkeys(keys, leaf)
                args = (*args[: at - 1], leaf, *args[at:])
        return func(*args, **(kwargs or {}))


@contextmanager
def silenced(*parameters: nn.Parameter) -> Iterator[None]:
    """Run with some weights at zero, so that nothing goes through them."""
    kept = [parameter.detach().clone() for parameter in parameters]
    with torch.no_grad():
        for parameter in parameters:
            parameter.zero_()
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, values in zip(parameters, kept, strict=True):
                parameter.copy_(values)
