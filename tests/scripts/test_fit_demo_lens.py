"""The equations with which the demo's lens was fitted, against automatic differentiation."""

from __future__ import annotations

import pytest
import torch

from scripts.llama_backward import llama_jacobians
from tests.fitting.tiny import D, ids_of, tiny_model
from unembed.fitting.blocks import Blocks
from unembed.fitting.jacobian import prompt_jacobians

pytestmark = pytest.mark.slow  # importing transformers takes seconds


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("batch", [5, 64])
def test_the_equations_of_a_llama(dtype: torch.dtype, bound: float, batch: int) -> None:
    model = tiny_model("llama")
    expected = prompt_jacobians(Blocks(model), ids_of(12), [0, 1], skip=3, batch=8)
    found = llama_jacobians(model, ids_of(12), [0, 1], skip=3, batch=batch, dtype=dtype)
    for layer, J in expected.items():
        assert float((found[layer] - J).norm()) < bound * float(J.norm())
    some = llama_jacobians(model, ids_of(12), [0], skip=3, batch=batch, dtype=dtype, rows=7)
    assert some[0].shape == (7, D)
    assert torch.allclose(some[0], found[0][:7], atol=bound)
