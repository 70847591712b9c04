"""A layer lens takes the directions of a layer to the last one, and says what it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from unembed import Features
from unembed.errors import ShapeError, UnembedError, WeightError
from unembed.layer_lens import LayerLens

D = 12


def lens(matrix: Any = None, name: str = "jacobian", layer: int = 3) -> LayerLens:
    random = torch.Generator().manual_seed(1)
    found = torch.randn(D, D, generator=random) if matrix is None else matrix
    return LayerLens(name, "jacobian", layer, found, notes=("a note",), details={"n_prompts": 7})


def bank(features: int = 9000) -> Features:
    random = torch.Generator().manual_seed(2)
    rows = torch.randn(features, D, generator=random)
    return Features.from_array(rows, name="mlp.3", layer=3, hook="blocks.3.hook_mlp_out")


def test_a_direction_w_is_A_w_at_the_last_layer() -> None:
    """Row by row, by the definition; more of them than are taken at once."""
    taken = lens().take(bank().W_dec)
    A = lens().matrix.double().numpy()
    for row in (0, 1, 8191, 8192, 8999):
        expected = A @ bank().W_dec[row].double().numpy()
        np.testing.assert_allclose(taken[row].numpy(), expected, rtol=1e-5, atol=1e-5)
    assert taken.dtype == torch.float32
    assert lens().take(bank(3).W_dec.double()).dtype == torch.float64


def test_a_bank_through_a_lens_says_so() -> None:
    before = bank(20)
    through = before.through(lens())
    assert through.name == "mlp.3.jacobian"
    assert (through.layer, through.hook) == (before.layer, before.hook)
    assert through.before is before
    assert torch.equal(through.W_dec, lens().take(before.W_dec))
    assert through.digest != before.digest
    facts = through.facts
    assert facts.kind == "mlp.jacobian"
    assert facts.lens is not None
    assert (facts.lens.bank, facts.lens.layer, facts.lens.notes) == ("mlp.3", 3, ["a note"])
    assert facts.lens.details == {"n_prompts": 7}
    assert facts.lens.sha256 == lens().digest
    assert before.facts.lens is None


def test_the_identity_leaves_directions_as_they_are() -> None:
    through = bank(20).through(lens(torch.eye(D), "mine"))
    assert torch.equal(through.W_dec, bank(20).W_dec)
    assert through.name == "mlp.3.mine"


def test_a_lens_is_not_looked_through_twice() -> None:
    with pytest.raises(UnembedError, match="through the jacobian lens already"):
        bank(20).through(lens()).through(lens(name="tuned"))


@pytest.mark.parametrize(
    ("matrix", "kind", "said"),
    [
        (torch.ones(D, D + 1), ShapeError, r"should be \[d_model, d_model\], but has shape"),
        (torch.ones(D), ShapeError, r"should be \[d_model, d_model\]"),
        (torch.full((D, D), torch.nan), WeightError, "for layer 3 holds NaN or infinite"),
        (torch.full((D, D), torch.inf), WeightError, "for layer 3 holds NaN or infinite"),
        (torch.zeros(D, D), WeightError, "nothing but zeros"),
    ],
)
def test_what_is_no_lens(matrix: torch.Tensor, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        lens(matrix)


@pytest.mark.parametrize("name", ["logit", "cosine", "", "a/b", "my lens"])
def test_a_name_that_no_lens_can_have(name: str) -> None:
    with pytest.raises(UnembedError, match="A layer lens is called by"):
        lens(name=name)


def test_a_lens_of_another_model() -> None:
    with pytest.raises(ShapeError, match=r"mlp\.3: The jacobian lens is 5 wide, and"):
        bank(3).through(lens(torch.eye(5)))
