"""A run's lenses held against a model: a linear one, whose lenses are known, and tiny real ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor

import unembed
from tests.fitting.linear import LinearModel
from tests.fitting.tiny import LAYERS, WORDS, behind_last, tiny_folder, transformers
from tests.planted import planted_run
from unembed import (
    CheckSettings,
    Features,
    LayerLens,
    Run,
    Vocabulary,
    check_lenses,
    prepare_unembedding,
    questions,
    terminal,
)
from unembed.analysis import lens_check as checking
from unembed.errors import SourceError, UnembedError
from unembed.fitting.blocks import Blocks
from unembed.fitting.model import Opened

WIDTH, TOKENS = 24, 300
FEW = CheckSettings(features=8, random=4, prompts=6, device="cpu")


def tokenizer(text: str) -> SimpleNamespace:
    """Each letter is a token."""
    return SimpleNamespace(input_ids=[ord(each) % TOKENS for each in text])


def bank_of(name: str, hook: str | None, seed: int, **more: Any) -> Features:
    rows = torch.randn(40, WIDTH, generator=torch.Generator().manual_seed(seed))
    return Features.from_array(rows, name=name, hook=hook, **more)


@pytest.fixture
def linear(monkeypatch: pytest.MonkeyPatch) -> LinearModel:
    """A linear model of four blocks, which is opened whatever is named."""
    model = LinearModel(WIDTH, 4, TOKENS)
    opened = Opened(Blocks(model), tokenizer, {"path": "linear"})
    monkeypatch.setattr(checking, "open_causal_model", lambda *given, **how: opened)
    monkeypatch.setattr(checking, "whole_model", lambda *given: None)
    return model


@pytest.fixture
def run(linear: LinearModel, tmp_path: Path) -> Run:
    """Bank `early`, behind block 0, through the logit lens, the true J, and a wrong one; `end`
    behind the last block; `inside` where nothing can be added."""
    W_U = linear.lm_head.weight.detach()
    vocabulary = Vocabulary.from_texts([f" t{i}" for i in range(TOKENS)], special=[0, 7])
    unembedding = prepare_unembedding(W_U, vocabulary, name="linear")
    early = bank_of("early", "blocks.1.hook_resid_pre", 1, layer=1)
    early.W_dec[3] = 0
    end = bank_of("end", "blocks.3.hook_mlp_out", 2, layer=3)
    inside = bank_of("inside", "blocks.2.hook_attn_out", 3, layer=2)
    wrong = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(4))
    banks = [
        early, end, inside,
        early.through(LayerLens("jacobian", "jacobian", 0, linear.lens(0))),
        early.through(LayerLens("wrong", "tuned", 0, wrong)),
        end.through(LayerLens("wrong", "tuned", 3, wrong)),
    ]  # fmt: skip
    return planted_run(tmp_path / "run", unembedding, banks).run


def test_the_right_lens_is_true_and_a_wrong_one_is_not(run: Run, linear: LinearModel) -> None:
    found = check_lenses(run, settings=FEW)
    assert found.select("bank", "written", "lens", "features", "block", "is_true").rows() == [
        ("early", "early", "logit", 8, 0, False),
        ("early.jacobian", "early", "jacobian", 8, 0, True),
        ("early.wrong", "early", "wrong", 8, 0, False),
        ("end", "end", "logit", 8, 3, True),
        ("end.wrong", "end", "wrong", 8, 3, False),
    ]  # fmt: skip
    by_bank = {row["bank"]: row for row in found.to_dicts()}
    for bank in ("early.jacobian", "end"):
        row = by_bank[bank]
        assert row["correlation"] == pytest.approx(1, abs=1e-5)
        assert row["random"] == pytest.approx(1, abs=1e-5)
        assert abs(row["chance"]) < 0.3 < row["chance_high"] < 0.6
    for bank in ("early.wrong", "end.wrong"):
        assert abs(by_bank[bank]["correlation"]) < 0.4
        assert abs(by_bank[bank]["random"]) < 0.4
    assert found["at_the_end"].to_list() == pytest.approx([1] * 5, abs=1e-5)
    said = found.select("prompts", "text", "strength", "seed", "model").unique().rows()
    assert said == [(6, "neutral", 0.1, 0, "linear")]


def test_the_run_says_so_exactly_there(run: Run) -> None:
    assert questions.untrue(run) == {}
    assert questions.overview(run)["lens_check"] is None
    assert "true" not in drawn(run)
    check_lenses(run, settings=FEW)
    again = Run.open(run.path)
    said = questions.untrue(again)
    assert list(said) == ["early", "early.wrong", "end.wrong"]
    assert "The logit lens was found untrue here" in said["early"]
    assert said["early"].endswith("Read early.jacobian instead (1.00).")
    assert said["end.wrong"].endswith("Read end instead (1.00).")
    text = drawn(again)
    assert [bank for bank in again.banks if f"{bank}: The" in text] == list(said)
    kept = questions.overview(again)["lens_check"]
    assert [row["is_true"] for row in kept] == [False, True, False, True, False]


def test_the_explorer_says_so_too(run: Run) -> None:
    from unembed.explorer.contents import Contents

    check_lenses(run, settings=FEW)
    banks = Contents(run).overview()["banks"]
    noted = {bank["name"]: bank["notes"] for bank in banks if bank["notes"]}
    assert noted == {name: [said] for name, said in questions.untrue(run).items()}


def drawn(run: Run) -> str:
    import io

    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, width=200)
    for part in terminal.lenses.draw(run):
        console.print(part)
    return out.getvalue()


def test_what_is_written_inside_a_block_is_left_out_and_said(run: Run) -> None:
    plans: list[unembed.CheckPlan] = []
    check_lenses(run, settings=FEW, before=plans.append)
    assert plans[0].banks == {"early": 0, "end": 3}
    assert list(plans[0].left_out) == ["inside"]
    assert "inside a block, at blocks.2.hook_attn_out" in plans[0].left_out["inside"]
    assert (plans[0].directions, plans[0].prompts, plans[0].device) == (12, 6, "cpu")
    assert plans[0].seconds > 0
    with pytest.raises(UnembedError, match=r"No bank can be added .* inside: it is written inside"):
        check_lenses(run, bank="inside", settings=FEW)


def test_a_bank_checked_again_takes_its_own_place_alone(run: Run) -> None:
    first = check_lenses(run, settings=FEW)
    later = CheckSettings(features=5, random=4, prompts=3, seed=9, device="cpu")
    second = check_lenses(run, bank="early.jacobian", settings=later)
    assert second["bank"].to_list() == first["bank"].to_list()
    assert second["seed"].to_list() == [9, 9, 9, 0, 0]
    assert second["features"].to_list() == [5, 5, 5, 8, 8]
    assert second.filter(written="end").equals(first.filter(written="end"))
    assert check_lenses(run, bank="early", settings=later).equals(second)  # of a seed, the same


def test_what_is_stopped_keeps_the_banks_that_are_done(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, done = checking.logit_changes, []

    def stopped(*given: Any, **how: Any) -> Tensor:
        if done:
            raise KeyboardInterrupt
        done.append(given)
        return make(*given, **how)

    monkeypatch.setattr(checking, "logit_changes", stopped)
    with pytest.raises(KeyboardInterrupt):
        check_lenses(run, settings=FEW)
    found = questions.lens_check(run)
    assert found is not None
    assert set(found["written"]) == {"early"}
    assert run.check()["verdict"].unique().to_list() == ["whole"]


def test_another_model_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(model: LinearModel) -> Opened:
        return Opened(Blocks(model), tokenizer, {"path": "other"})

    for model, said in (
        (LinearModel(WIDTH, 4, TOKENS, seed=1), r"last block of other correlates with .* by -?0\."),
        (LinearModel(WIDTH, 3, TOKENS), "other has 3 blocks, and end is written behind block 3"),
        (LinearModel(WIDTH, 4, TOKENS - 9), "other has 291 logits, and the run's tokens go up to"),
        (LinearModel(WIDTH + 4, 4, TOKENS), "other is 28 wide, and the run's W_U .linear. 24"),
    ):
        monkeypatch.setattr(checking, "open_causal_model", lambda *given, m=model, **how: opened(m))
        with pytest.raises(SourceError, match=said):
            check_lenses(run, settings=FEW)
    assert questions.lens_check(run) is None


def test_logits_that_are_not_finite_are_no_result(run: Run, linear: LinearModel) -> None:
    make = linear.lm_head.forward
    count: list[int] = []

    def broken(stream: Tensor) -> Tensor:
        count.append(1)
        return make(stream) * (float("nan") if len(count) > 60 else 1)

    linear.lm_head.forward = broken  # type: ignore[method-assign]
    with pytest.raises(UnembedError, match="NaN or infinite when something is added behind block"):
        check_lenses(run, settings=FEW)
    assert questions.lens_check(run) is None


def test_banks_without_a_hook_are_added_where_their_lens_is(
    linear: LinearModel, tmp_path: Path
) -> None:
    W_U = linear.lm_head.weight.detach()
    vocabulary = Vocabulary.from_texts([f" t{i}" for i in range(TOKENS)])
    unembedding = prepare_unembedding(W_U, vocabulary)
    bare = bank_of("bare", None, 1)
    lens = LayerLens("jacobian", "jacobian", 2, linear.lens(2))
    made = planted_run(tmp_path / "run", unembedding, [bare, bare.through(lens)]).run
    found = check_lenses(made, settings=FEW)
    assert found.select("bank", "block").rows() == [("bare", 2), ("bare.jacobian", 2)]
    alone = planted_run(tmp_path / "alone", unembedding, [bare]).run
    with pytest.raises(UnembedError, match=r"does not say where it is written.*--hook"):
        check_lenses(alone, settings=FEW)


# --- a real family, and a run made of its folder ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture
def of_folder(folder: Path, tmp_path: Path) -> Run:
    model = unembed.load_model(folder)
    banks = unembed.load_features("mlp:0,2", model=model)
    unembedding = unembed.load_unembedding(model)
    return unembed.analyze(unembedding, banks, tmp_path / "run")


def text_of(folder: Path) -> Path:
    path = folder / "text.txt"
    path.write_text(" ".join(WORDS[at * 7 % len(WORDS)] for at in range(40)))
    return path


def test_it_is_what_is_computed_by_hand(of_folder: Run, folder: Path, tmp_path: Path) -> None:
    """With transformers alone, a prompt and a direction at a time, in float64."""
    settings = CheckSettings(
        features=5, random=3, prompts=4, tokens=6, strength=0.3, dtype="float64", device="cpu"
    )
    found = check_lenses(of_folder, text=text_of(tmp_path), settings=settings)
    assert found["lens"].to_list() == ["logit", "logit"]
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).double()
    ids = torch.tensor([1 + at * 7 % len(WORDS) for at in range(40)])  # as the words were written
    prompts = [ids[6 * at : 6 * at + 6] for at in (0, 1, 3, 4)]  # of six, evenly
    keep = torch.from_numpy(unembed.load_unembedding(folder).token_ids)
    for row, layer in zip(found.to_dicts(), (0, 2), strict=True):
        W_dec = model.model.layers[layer].mlp.down_proj.weight.detach().T
        draw = np.random.default_rng(0).choice(np.arange(len(W_dec)), 5, replace=False)
        chosen = [W_dec[at] for at in np.sort(draw)]
        streams = [behind_last(model, each, layer)[0].detach() for each in prompts]
        length = 0.3 * float(torch.cat([each.norm(dim=-1) for each in streams]).median())
        own = []
        for direction in chosen:
            step = length * direction / direction.norm()
            moved = torch.zeros(len(model.lm_head.weight), dtype=torch.float64)
            for each, stream in zip(prompts, streams, strict=True):
                up, down = (
                    model.lm_head(
                        model.model.norm(behind_last(model, each, layer, stream + sign * step)[1])
                    )[-1]
                    for sign in (1, -1)
                )
                moved += (up - down).detach() / 2 / len(prompts)
            weights = model.lm_head.weight.detach() @ (model.model.norm.weight * direction)
            own.append(np.corrcoef(moved[keep], weights.detach()[keep])[0, 1])
        assert row["correlation"] == pytest.approx(np.median(own), abs=2e-4)
        assert row["quarter"] == pytest.approx(np.percentile(own, 25), abs=2e-4)
        assert row["text"] == "text.txt"


def test_the_model_of_the_run_needs_no_name(of_folder: Run, folder: Path) -> None:
    found = check_lenses(of_folder, settings=FEW)
    assert found["model"].unique().to_list() == [folder.name]
    last = found.filter(pl.col("block") == LAYERS - 1)
    assert last["correlation"].item() > 0.8


def test_a_run_of_arrays_asks_for_the_model(tiny: Any, tmp_path: Path) -> None:
    with pytest.raises(UnembedError, match="does not say where it is written"):
        check_lenses(tiny.run)
    bank = Features.from_array(torch.eye(24), name="bank", hook="blocks.0.hook_resid_post")
    made = planted_run(tmp_path / "run", tiny.unembedding, [bank]).run
    with pytest.raises(SourceError, match=r"made of arrays in memory.*Say which model.*--model"):
        check_lenses(made)
