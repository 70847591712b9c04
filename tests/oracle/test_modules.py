"""What a layer's modules put out, followed to the layer's end by `transformers`.

What leaves the module is replaced and the layer's output differentiated: γ, the factor and whether
the module multiplies by it itself are then those of the code that runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("transformers")

from tests.oracle.jacobians import FAR, jacobian, layers_of, of_mlp, run, silenced
from tests.oracle.survey import MEASURED, VARIANTS, Variant
from tests.oracle.tiny_transformers import WIDTH, save_tiny
from unembed.load import load_model
from unembed.load.models.families import family_of

BOUND = 1e-6
NAMES = {
    "mlp": ("mlp", "feed_forward", "block_sparse_moe", "shared_mlp"),
    "attention": ("self_attn", "self_attention"),
}

pytestmark = pytest.mark.filterwarnings("ignore")  # of transformers' own code


def has_something_behind(model_type: str) -> bool:
    """Whether we say that something comes after an output matrix."""
    family = family_of(model_type)
    return family is not None and bool(
        family.after_mlp or family.after_attention or family.mlp_factors or family.layer_scalar
    )


MODELS = {name: Variant(name, {}) for name in MEASURED if has_something_behind(name)} | {
    name: VARIANTS[name] for name in ("gemma4 with experts", "hyperclovax, no post-norms")
}


@pytest.mark.parametrize("kind", ["mlp", "attention"])
@pytest.mark.parametrize("name", MODELS)
def test_what_a_module_puts_out(name: str, kind: str, tmp_path: Path) -> None:
    model_type, changes = MODELS[name]
    truth = save_tiny(model_type, tmp_path, **changes).double()
    ours = load_model(tmp_path)
    after = ours.after_mlp(1) if kind == "mlp" else ours.after_attention(1)
    factor = 1.0 if kind == "mlp" and ours.factors_inside_mlp else after.factor
    gamma = torch.ones(WIDTH) if after.gamma is None else after.gamma
    expected = torch.diag(gamma.double() * factor)
    torch.set_default_dtype(torch.float64)
    try:
        found, along = by_module(layers_of(truth)[1], kind, truth)
    finally:
        torch.set_default_dtype(torch.float32)
    if after.gamma is not None:  # a norm lets nothing through along what it puts out
        found, expected = _across(along, found), _across(along, expected)
        found = found * (expected.norm() / found.norm())
    assert float((found - expected).norm() / expected.norm()) < BOUND


@pytest.mark.parametrize("name", [*MODELS, "llama", "glm4_moe", "gpt_oss", "seed_oss"])
def test_what_the_norm_called_post_attention_reads(name: str, tmp_path: Path) -> None:
    """What the attention puts out, or the residual stream."""
    model_type, changes = MODELS.get(name, Variant(name, {}))
    truth = save_tiny(model_type, tmp_path, **changes)
    layer = layers_of(truth)[1]
    norm = getattr(layer, "post_attention_layernorm", None)
    seen: dict[str, Tensor] = {}

    def keep_output(_: nn.Module, __: Any, output: Any) -> None:
        seen["attention"] = output[0] if isinstance(output, tuple) else output

    def keep_input(_: nn.Module, args: Any) -> None:
        seen["norm"] = args[0]

    module_of(layer, "attention").register_forward_hook(keep_output)
    if norm is not None:
        norm.register_forward_pre_hook(keep_input)
    run(truth)
    behind = norm is not None and torch.equal(seen["norm"], seen["attention"])
    assert load_model(tmp_path).norm_behind_attention(1) == behind


def module_of(layer: nn.Module, kind: str) -> nn.Module:
    """Return the module of a layer's MLP or attention."""
    return next(getattr(layer, name) for name in NAMES[kind] if hasattr(layer, name))


def by_module(layer: nn.Module, kind: str, model: nn.Module) -> tuple[Tensor, Tensor]:
    """Return the Jacobian of a layer's output by its module's, and what that comes to there.

    Experts beside the MLP are silenced, and the MLP behind the attention.
    """
    module = module_of(layer, kind)
    random = torch.Generator().manual_seed(5)
    leaf = (FAR * torch.randn(WIDTH, generator=random, dtype=torch.float64)).requires_grad_()
    kept: list[Tensor] = []
    beside = of_mlp(layer) if kind == "attention" else getattr(layer, "experts", nn.Module())
    rest = list(beside.parameters()) if isinstance(beside, nn.Module) else beside

    def replace(scale: float) -> Any:
        def put(_: nn.Module, __: Any, output: Any) -> Any:
            first = output[0] if isinstance(output, tuple) else output
            new = (scale * leaf).expand_as(first)
            return (new, *output[1:]) if isinstance(output, tuple) else new

        return put

    def keep(_: nn.Module, __: Any, output: Any) -> None:
        kept.append((output[0] if isinstance(output, tuple) else output)[..., -1, :].reshape(-1))

    with silenced(*rest):
        for scale in (1.0, 0.0):
            put = module.register_forward_hook(replace(scale))
            end = layer.register_forward_hook(keep)
            run(model)
            put.remove()
            end.remove()
        return jacobian(kept[0], leaf).detach(), (kept[0] - kept[1]).detach()


def _across(along: Tensor, matrix: Tensor) -> Tensor:
    unit = along / along.norm()
    return matrix - torch.outer(unit, unit @ matrix)
