"""Directions at a hook, as they reach the residual stream: against the model's own arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from unembed.errors import FormatError, ShapeError, SourceError
from unembed.load.models.model import Passage
from unembed.load.stream import Site, to_stream

D, HEADS, D_HEAD, D_FF, F = 8, 2, 3, 12, 5


class Tiny:
    """A model of one layer, with a norm and a factor behind both sub-layers."""

    name, n_layers, d_model = "tiny", 1, D

    def __init__(self, norm: str = "post_attention_layernorm") -> None:
        random = torch.Generator().manual_seed(0)
        self.W_O = torch.randn(HEADS * D_HEAD, D, generator=random)
        self.W_out = torch.randn(D_FF, D, generator=random)
        self.gamma = torch.rand(2, D, generator=random) + 0.5
        self.norm = norm

    def attention_out(self, layer: int) -> Tensor:
        return self.W_O

    def n_heads(self, layer: int) -> int:
        return HEADS

    def mlp_out(self, layer: int, expert: int | None = None) -> Tensor:
        return self.W_out

    factors_inside_mlp = False

    def norm_behind_attention(self, layer: int) -> bool:
        return self.norm == "post_attention_layernorm"

    def after_attention(self, layer: int) -> Passage:
        return Passage(self.gamma[0], 0.5, (f"⊙ {self.norm}.weight",), ("× 0.5",))

    def after_mlp(self, layer: int) -> Passage:
        return Passage(self.gamma[1], 0.25, ("⊙ post_mlp.weight",), ("× 0.25",))


def directions(width: int) -> Tensor:
    return torch.randn(F, width, generator=torch.Generator().manual_seed(1))


def reached(width: int, kind: Any, head: int | None = None, model: Any = None) -> Any:
    return to_stream(directions(width), Site(kind, 0), model or Tiny(), head)


def by_hand(rows: Tensor, through: Tensor | None, gamma: Tensor, factor: float) -> np.ndarray:
    """What one unit of each feature adds to the stream, one feature and dimension at a time."""
    passed = rows.double() if through is None else rows.double() @ through.double()
    return np.array([[float(x) * float(g) * factor for x, g in zip(row, gamma, strict=True)]
                     for row in passed])  # fmt: skip


def test_heads_go_through_W_O_and_the_norm() -> None:
    found, model = reached(HEADS * D_HEAD, "heads"), Tiny()
    expected = by_hand(directions(HEADS * D_HEAD), model.W_O, model.gamma[0], 0.5)
    np.testing.assert_allclose(found.W_dec.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert found.steps == ("@ W_O of layer 0", "⊙ post_attention_layernorm.weight", "× 0.5")


def test_one_head_goes_through_its_own_rows() -> None:
    found, model = reached(D_HEAD, "heads", head=1), Tiny()
    expected = by_hand(directions(D_HEAD), model.W_O[D_HEAD:], model.gamma[0], 0.5)
    np.testing.assert_allclose(found.W_dec.numpy(), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(SourceError, match="Layer 0 of tiny has no head 2: its 2 heads"):
        reached(D_HEAD, "heads", head=2)


def test_neurons_go_through_W_out_and_the_norm() -> None:
    found, model = reached(D_FF, "neurons"), Tiny()
    expected = by_hand(directions(D_FF), model.W_out, model.gamma[1], 0.25)
    np.testing.assert_allclose(found.W_dec.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "at", "factor"), [("attention", 0, 0.5), ("mlp", 1, 0.25)])
def test_a_modules_output_goes_through_the_norm_alone(kind: str, at: int, factor: float) -> None:
    found, model = reached(D, kind), Tiny()
    expected = by_hand(directions(D), None, model.gamma[at], factor)
    np.testing.assert_allclose(found.W_dec.numpy(), expected, rtol=1e-6)


def test_behind_the_attentions_own_norm_only_the_factor_is_left() -> None:
    found = reached(D, "post_attention_norm")
    np.testing.assert_allclose(found.W_dec.numpy(), directions(D).numpy() * 0.5, rtol=1e-6)
    with pytest.raises(FormatError, match="what the MLP reads"):
        reached(D, "post_attention_norm", model=Tiny(norm="other_norm"))


def test_a_factor_inside_the_module_is_not_applied_again() -> None:
    model = Tiny()
    model.factors_inside_mlp = True
    found = reached(D, "mlp", model=model)
    expected = by_hand(directions(D), None, model.gamma[1], 1.0)
    np.testing.assert_allclose(found.W_dec.numpy(), expected, rtol=1e-6)
    assert found.steps == ("⊙ post_mlp.weight",)
    whole = by_hand(directions(D_FF), model.W_out, model.gamma[1], 0.25)
    through = reached(D_FF, "neurons", model=model).W_dec
    np.testing.assert_allclose(through.numpy(), whole, rtol=1e-5, atol=1e-6)


def test_a_width_that_happens_to_fit_changes_nothing() -> None:
    """Heads that together are as wide as the stream still go through W_O."""
    model = Tiny()
    model.W_O = torch.randn(D, D, generator=torch.Generator().manual_seed(2))
    found = reached(D, "heads", model=model)
    expected = by_hand(directions(D), model.W_O, model.gamma[0], 0.5)
    np.testing.assert_allclose(found.W_dec.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "message"),
    [("heads", "5 wide, but what W_O of layer 0 reads of tiny is 6"),
     ("neurons", "5 wide, but what W_out of layer 0 reads of tiny is 12"),
     ("mlp", "5 wide, but the residual stream of tiny is 8")],
)  # fmt: skip
def test_another_width_is_refused(kind: str, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        reached(5, kind)


def test_many_rows_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reached(D_FF, "neurons").W_dec
    monkeypatch.setattr("unembed.products._ROWS_AT_ONCE", 2)
    torch.testing.assert_close(reached(D_FF, "neurons").W_dec, whole)
