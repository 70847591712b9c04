"""Banks through the lenses that a person names, and through the same ones again from a manifest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.load.lenses.files import published, torch_file
from tests.load.tiny_models import D_MODEL, tiny_gpt2
from unembed import Features
from unembed.errors import SourceError, UnembedError
from unembed.load import load_features, load_model
from unembed.load.lenses.open import load_lens
from unembed.load.lenses.through import split_lenses, through, through_lenses
from unembed.load.models.model import Model
from unembed.load.reopen import reopen_features


@pytest.fixture
def model(tmp_path: Path) -> Model:
    folder = tmp_path / "model"
    folder.mkdir()
    for name, content in tiny_gpt2().items():
        (folder / name).write_bytes(content)
    return load_model(folder)


@pytest.fixture
def lens(tmp_path: Path) -> Path:
    """A Jacobian lens of the first layer."""
    path = tmp_path / "lens.pt"
    J = {0: torch.randn(D_MODEL, D_MODEL, generator=torch.Generator().manual_seed(2))}
    path.write_bytes(torch_file(published(J)))
    return path


def banks(model: Model) -> list[Features]:
    return load_features("mlp:0,1", model=model)


def test_every_bank_through_every_lens(model: Model, lens: Path) -> None:
    plain = banks(model)
    found = through_lenses(plain, ["logit", f"mine={lens}", str(lens)], model=model)
    assert [bank.name for bank in found] == [
        "mlp.0", "mlp.1", "mlp.0.mine", "mlp.1.mine", "mlp.0.jacobian", "mlp.1.jacobian",
    ]  # fmt: skip
    J = torch.load(lens, weights_only=True)["J"][0].double().numpy()
    expected = plain[0].W_dec.double().numpy() @ J.T
    np.testing.assert_allclose(found[2].W_dec.numpy(), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(found[3].W_dec, plain[1].W_dec)  # of the last block: its output is the end


def test_two_lenses_of_one_name(model: Model, lens: Path) -> None:
    with pytest.raises(UnembedError, match="Two lenses are named 'jacobian'"):
        through_lenses(banks(model), [str(lens), f"jacobian={lens}"], model=model)


@pytest.mark.parametrize("text", ["", "logit,", "logit,logit", "a.pt,a.pt"])
def test_what_names_no_lenses(text: str) -> None:
    with pytest.raises(UnembedError, match="names no lens, or one twice"):
        split_lenses(text)


def test_the_cosine_stands_alone() -> None:
    with pytest.raises(UnembedError, match="cannot stand beside another lens"):
        split_lenses("logit,cosine")


def test_a_bank_that_does_not_say_where_it_is(model: Model, lens: Path) -> None:
    bank = Features.from_array(np.ones((2, D_MODEL)), name="vectors")
    opened = load_lens(lens, model=model)
    with pytest.raises(UnembedError, match="--lens-layer"):
        through([bank], opened)
    (found,) = through([bank], opened, layer=0)
    assert found.lens is not None
    assert found.lens.layer == 0
    with pytest.raises(SourceError, match="has no layer 7"):
        through([bank], opened, layer=7)


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("blocks.0.hook_mlp_out", ()),
        ("blocks.1.hook_resid_pre", ()),
        ("residual_3", ()),
        (
            "blocks.1.hook_resid_post",
            ("The lens of layer 0 was asked for; blocks.1.hook_resid_post has that of 1.",),
        ),
    ],
)
def test_another_layer_than_the_hooks_is_said(
    model: Model, lens: Path, hook: str, said: tuple[str, ...]
) -> None:
    bank = Features.from_array(np.ones((2, D_MODEL)), name="vectors", hook=hook)
    opened = load_lens(lens, model=model)
    (found,) = through([bank], opened, layer=0)
    assert found.lens is not None
    assert found.lens.layer == 0
    assert found.lens.notes == (*opened.notes, *said)


def test_an_unstable_layer_is_said(model: Model, lens: Path) -> None:
    opened = load_lens(lens, model=model)
    (bank,) = load_features("mlp:0", model=model)
    for top10, said in ((0.4, True), (0.9, False)):
        measured = replace(opened, stability={0: {"frobenius": 0.5, "top10": top10}})
        facts = through([bank], measured)[0].facts.lens
        assert facts is not None
        assert any("is not stable" in note and "40%" in note for note in facts.notes) == said
        assert facts.details["stability"]["top10"] == top10


def test_it_is_opened_again_from_what_a_manifest_says(model: Model, lens: Path) -> None:
    for bank in through_lenses(banks(model), [f"mine={lens}"], model=model):
        again = reopen_features(bank.facts)
        assert torch.equal(again.W_dec, bank.W_dec)
        assert (again.name, again.before and again.before.name) == (bank.name, bank.name[:5])
        assert again.facts == bank.facts


def test_another_lens_at_its_place_is_told(model: Model, lens: Path) -> None:
    bank = through_lenses(banks(model)[:1], [str(lens)], model=model)[0]
    lens.write_bytes(torch_file(published({0: torch.eye(D_MODEL) * 2})))
    with pytest.raises(SourceError, match="is not what it was when the run was made"):
        reopen_features(bank.facts)
    lens.unlink()
    with pytest.raises(SourceError, match="where the lens was"):
        reopen_features(bank.facts)


def test_a_lens_of_another_model_is_taken_where_it_is_meant(model: Model, tmp_path: Path) -> None:
    """As its file says: that of GPT-2, which is known, and not of this one."""
    path = tmp_path / "other.pt"
    J = {0: torch.randn(D_MODEL, D_MODEL, generator=torch.Generator().manual_seed(2))}
    path.write_bytes(torch_file(published(J, model_name="google/gemma-2-2b")))
    (bank,) = load_features("mlp:0", model=model)
    (noted,) = through_lenses([bank], [str(path)], model=model)
    assert noted.lens is not None
    assert any("google/gemma-2-2b" in note for note in noted.lens.notes)
    (meant,) = through_lenses([bank], [str(path)], model=model, another_model=True)
    assert meant.lens is not None
    assert not any("gemma" in note for note in meant.lens.notes)
