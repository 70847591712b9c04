"""Steering a tiny model whose features do what their labels say: numbers against a plain loop."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from scipy import special, stats

from tests.fitting.tiny import LAYERS, blocks_of, tiny_folder
from tests.steering.runs import FLAT, PROMOTES, SETS, SUPPRESSES
from unembed import Features, Run, SteerSettings, UnembedError, check_run, find, steer, weights_of
from unembed.errors import QueryError, RunError, SourceError
from unembed.questions import list_features
from unembed.store.added import steering_path

transformers = pytest.importorskip("transformers")

PROMPTS = ["w4 w9 w1", "w2 w2", "w7 w30 w5 w6", "w11 w3"]
QUICK = SteerSettings(random=3, matched=50, tokens=0)
BANK, ADDED = f"sae.{LAYERS - 1}", f"sae.{LAYERS - 1}/{PROMOTES}"
TAKEN = f"sae.{LAYERS - 1}/{SUPPRESSES}"


def steered(run: Run, *features: str, **how: Any) -> pl.DataFrame:
    return steer(run, list(features), **{"prompts": PROMPTS, "settings": QUICK, **how})


def naive(folder: Path, direction: np.ndarray, strength: float) -> dict[str, Any]:
    """What a direction does behind the last block, prompt by prompt in float64."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = [torch.tensor([tokenizer(text).input_ids]) for text in PROMPTS]
    block, seen, added = blocks_of(model)[-1], [], torch.zeros(1, dtype=torch.float64)

    def hook(module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        seen.append(output[0, 1:])
        return output + added

    block.register_forward_hook(hook)
    with torch.no_grad():
        before = np.stack([model(each).logits[0, -1].numpy() for each in ids])
        length = float(torch.cat(seen).norm(dim=1).median())
        added = torch.from_numpy(direction / np.linalg.norm(direction) * strength * length)
        after = np.stack([model(each).logits[0, -1].numpy() for each in ids])
    return {"length": length, "before": before, "after": after}


def log_p(logits: np.ndarray, members: list[int]) -> float:
    inside = special.logsumexp(logits[:, members], axis=1)
    return float((inside - special.logsumexp(logits, axis=1)).mean())


@pytest.mark.parametrize("strength", [0.1, 2.0])
def test_the_numbers_are_those_of_a_plain_loop(run: Run, made: Path, strength: float) -> None:
    settings = SteerSettings(strengths=(strength,), random=3, matched=50, tokens=0)
    for address, sign in ((ADDED, 1), (TAKEN, -1)):
        (row,) = steered(run, address, settings=settings, keep=False).to_dicts()
        direction = weights_of(run).bank(BANK).W_dec[row["index"]].double().numpy()
        known = naive(made.parent / "model", direction, strength)
        assert row["length"] == pytest.approx(known["length"], rel=1e-5)
        (moved,) = row["sets"]
        before, after = (log_p(known[each], SETS["few"]) for each in ("before", "after"))
        assert moved["log_p"] == pytest.approx(before, abs=1e-4)
        assert moved["change"] == pytest.approx(after - before, abs=1e-4)
        assert (moved["token_set"], moved["sign"], moved["matched_rank"]) == ("few", sign, 1)
        assert moved["change"] * sign > 0
        unembedding = weights_of(run).unembedding
        weights = (unembedding.W_U.double() @ torch.from_numpy(direction)).numpy()
        change = (known["after"] - known["before"]).mean(0)[unembedding.token_ids]
        (of_lens,) = row["correlations"]
        expected = stats.pearsonr(change, weights).statistic
        assert of_lens == {
            **of_lens,
            "lens": "logit",
            "correlation": pytest.approx(expected, abs=1e-4),
        }
        assert row["block"] == LAYERS - 1
        assert row["exact"]


def test_the_output_score_is_that_of_its_prompt(run: Run, made: Path) -> None:
    folder = made.parent / "model"
    (row,) = steered(run, ADDED, keep=False).to_dicts()
    direction = weights_of(run).bank(BANK).W_dec[PROMOTES].double()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    ids = transformers.AutoTokenizer.from_pretrained(folder)("From my experience,").input_ids
    step = direction / direction.norm() * 5 * row["length"]

    def at_last(module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        return torch.cat([output[:, :-1], output[:, -1:] + step], 1)

    blocks_of(model)[-1].register_forward_hook(at_last)
    with torch.no_grad():
        p = model(torch.tensor([ids])).logits[0, -1].softmax(0).numpy()
    unembedding = weights_of(run).unembedding
    weights = (unembedding.W_U.double() @ direction).numpy()
    top = unembedding.token_ids[np.argsort(-weights)[:20]]
    order = list(np.argsort(-p))
    expected = (1 - min(order.index(each) for each in top) / len(p)) * p[top].max()
    assert row["output_score"] == pytest.approx(expected, abs=1e-4)


def test_it_is_kept_and_shown_where_it_was_run(run: Run) -> None:
    assert run.steering().height == 0
    assert "output_score" not in list_features(run).columns
    found = steered(run, ADDED, "mlp.1/3")
    again = Run.open(run.path)
    assert again.steering().equals(found)
    assert again.steering(ADDED).equals(found[:1])
    listed = list_features(again, where="steer_rank = 1", sort="output_score")
    assert listed["feature"].to_list() == [ADDED]
    assert find(again, where="output_score > 0", sort="output_score").columns == listed.columns
    row = listed.row(0, named=True)
    own = found["correlations"][0][0]["correlation"]
    assert (row["steer_strength"], row["steer_correlation"]) == (0.1, own)
    assert row["output_score"] == found["output_score"][0]
    files = {row["file"]: row["verdict"] for row in check_run(run.path).iter_rows(named=True)}
    assert files[steering_path(BANK)] == files[steering_path("mlp.1")] == "whole"
    assert set(files.values()) == {"whole"}


def test_a_strength_that_was_tried_is_replaced_and_others_stay(run: Run) -> None:
    steered(run, ADDED)
    stronger = SteerSettings(strengths=(0.5, 0.1), random=2, matched=20, tokens=0)
    found = steered(run, ADDED, settings=stronger)
    kept = run.steering()
    assert kept["strength"].to_list() == [0.1, 0.5]
    assert found["strength"].to_list() == [0.5, 0.1]
    assert [each[0]["random"] for each in kept["sets"]] == [2, 2]


def test_nothing_is_kept_where_that_is_not_wanted(run: Run) -> None:
    steered(run, ADDED, keep=False)
    assert not (run.path / "steering").exists()


def test_equal_runs_give_equal_bytes(run: Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "other")
    tables = []
    for each in (run, Run.open(tmp_path / "other")):
        steered(each, ADDED, TAKEN)
        tables.append((each.path / steering_path(BANK)).read_bytes())
    assert tables[0] == tables[1]


def test_what_is_done_stays_when_it_is_stopped(run: Run) -> None:
    def stop(step: str, done: int, total: int) -> None:
        if step == f"Features of {BANK}" and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        steered(run, ADDED, TAKEN, progress=stop)
    assert Run.open(run.path).steering()["feature"].to_list() == [ADDED]


def test_a_run_that_is_being_written_is_known_before_the_model_is_opened(run: Run) -> None:
    (run.path / steering_path(BANK)).mkdir(parents=True)
    with pytest.raises(RunError, match=r"is a folder.* Or keep nothing: --no-keep"):
        steered(run, ADDED, model="nowhere/at-all")


def test_a_table_of_another_run_is_refused(run: Run, tmp_path: Path) -> None:
    steered(run, ADDED)
    wrong = run.path / steering_path("mlp.1")
    shutil.copy(run.path / steering_path(BANK), wrong)
    with pytest.raises(RunError, match=r"mlp\.1\.parquet is not this run's: it is a copy of"):
        run.steering()


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ([], "No feature was named"),
        ([f"{BANK}/{FLAT}"], "writes nothing"),
        ([f"{BANK}/999"], "999"),
        (["sea.2/1"], "Did you mean 'sae.2'"),
    ],
)
def test_features_that_cannot_be_added(run: Run, features: list[str], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        steer(run, features, prompts=PROMPTS)


def test_another_model_is_refused(run: Run, tmp_path: Path) -> None:
    other = tiny_folder(tmp_path / "other", "llama", seed=5)
    with pytest.raises(SourceError, match=r"not the model of the run: their unembeddings corr"):
        steered(run, ADDED, model=other)
    config = transformers.AutoConfig.from_pretrained(other)
    config.hidden_size, config.head_dim, wide = 32, 8, tmp_path / "wide"
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(wide)
    transformers.AutoTokenizer.from_pretrained(other).save_pretrained(wide)
    with pytest.raises(SourceError, match="d_model 32, and the run's unembedding 16"):
        steered(run, ADDED, model=wide)


def test_a_bank_that_does_not_say_where_it_is_written(tmp_path: Path, made: Path) -> None:
    from unembed import analyze

    run = Run.open(made)
    unembedding = weights_of(run).unembedding
    bank = Features.from_array(torch.randn(4, 16), name="any")
    other = analyze(unembedding, bank, tmp_path / "any")
    with pytest.raises(QueryError, match="does not say where its directions are written"):
        steer(other, "any/0")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"strengths": ()}, "No strength"),
        ({"strengths": (0.1, -1.0)}, "above 0"),
        ({"strengths": (float("nan"),)}, "above 0"),
        ({"random": 0}, "one random direction or more"),
        ({"dtype": "int8"}, "no dtype"),
        ({"tokens": 10_000}, "0 to 512 tokens"),
    ],
)
def test_settings_that_tell_nothing(how: dict[str, Any], said: str) -> None:
    with pytest.raises(UnembedError, match=said):
        SteerSettings(**how)


def test_prompts_that_are_none(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("\n  \n")
    with pytest.raises(UnembedError, match="has no prompt"):
        steered(run, ADDED, prompts=empty)
    with pytest.raises(UnembedError, match="1 to 256 tokens"):
        steered(run, ADDED, prompts=["w1 " * 300])
