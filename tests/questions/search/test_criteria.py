"""Each criterion against an oracle of its own, and what was planted first with the right sign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.stats
import torch

from tests.planted import FEW, Planted, planted
from unembed import Contrast, Features, SecondMoment, analyze, direction_test, find, weights_of
from unembed.errors import QueryError, SourceError


def in_order(found: pl.DataFrame, planted: Planted, bank: str) -> pl.DataFrame:
    """Return the rows of a bank in the order of its features, nulls for those not found."""
    order = pl.DataFrame({"feature": [f"{bank}/{i}" for i in planted.banks[bank].indices]})
    return order.join(found, on="feature", how="left", maintain_order="left")


def test_a_token_is_the_whole_products_column(
    tiny: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unembed.questions.search.criteria.RANKED", 1000)
    found = find(tiny.run, token=" Paris", limit=None)
    assert found["feature"][0] == "a/2"
    for bank in "ab":
        logits = tiny.logits(bank)
        rows = in_order(found, tiny, bank)
        alive = rows["token_z"].is_not_null().to_numpy()
        assert (~alive).sum() == (bank == "a")
        weight = rows["token_weight"].to_numpy()[alive]
        np.testing.assert_allclose(weight, logits[alive, 0], rtol=2e-5, atol=2e-5)
        z = (logits[:, 0] - logits.mean(1))[alive] / logits.std(1)[alive]
        np.testing.assert_allclose(rows["token_z"].to_numpy()[alive], z, rtol=1e-4, atol=1e-4)
        rank = 1 + (logits > logits[:, :1]).sum(1)
        assert (rows["token_rank"].to_numpy()[alive] == rank[alive]).all()


def test_a_tokens_rank_is_that_of_the_run(tiny: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unembed.questions.search.criteria.RANKED", 1000)
    found = find(tiny.run, token=" word77", limit=None)
    ranks = dict(found.select("feature", "token_rank").iter_rows())
    stored = tiny.run.features.with_columns(address=pl.format("{}/{}", "bank", "index"))
    checked = 0
    for address, top in stored.drop_nulls("top_ids").select("address", "top_ids").iter_rows():
        if 77 in top:
            assert ranks[address] == top.index(77) + 1
            checked += 1
    assert checked > 3


def test_a_token_with_the_cosine_lens(plain: Planted) -> None:
    found = in_order(find(plain.run, token=" Paris", bank="b", limit=None), plain, "b")
    W_U = plain.unembedding.W_U + plain.unembedding.mean_row
    directions = plain.banks["b"].W_dec
    cosines = torch.nn.functional.cosine_similarity(directions, W_U[:1]).numpy()
    np.testing.assert_allclose(found["token_weight"], cosines, rtol=1e-4, atol=1e-5)
    every = torch.nn.functional.cosine_similarity(directions[:, None], W_U[None], dim=2).numpy()
    z = (every[:, 0] - every.mean(1)) / every.std(1)
    np.testing.assert_allclose(found["token_z"], z, rtol=1e-3, atol=1e-3)


def test_likeness_is_the_correlation_of_logit_weights(tiny: Planted) -> None:
    found = find(tiny.run, like="a/20", limit=None)
    assert found["feature"][0] == "a/3"
    assert found["feature"][-1] == "a/4"
    assert found["cosine"][-1] == pytest.approx(-1, abs=1e-5)
    assert not {"a/20", "a/5"} & {*found["feature"]}
    for bank in "ab":
        logits = tiny.logits(bank)
        rows = in_order(found, tiny, bank)["cosine"].to_numpy()
        given = tiny.logits("a")[20]
        for at in np.flatnonzero(np.isfinite(rows))[::17]:
            assert rows[at] == pytest.approx(np.corrcoef(given, logits[at])[0, 1], abs=1e-5)


def test_like_a_feature_of_another_bank(tiny: Planted) -> None:
    found = find(tiny.run, like="a/20", bank="b", limit=1)
    every = [np.corrcoef(tiny.logits("a")[20], row)[0, 1] for row in tiny.logits("b")]
    assert found["feature"][0] == f"b/{10 * int(np.argmax(every))}"
    opposite = find(tiny.run, like="a/20", sign="-", limit=1)
    assert opposite["feature"][0] == "a/4"


@pytest.mark.parametrize(
    ("pair", "first", "last"),
    [(("names:female", "names:male"), "a/0", "a/1"), (("names:male", "girls"), "a/1", "a/0")],
)
def test_a_contrast_finds_both_ends(
    tiny: Planted, pair: tuple[str, str], first: str, last: str
) -> None:
    found = find(tiny.run, contrast=pair, limit=None)
    assert {*found["feature"][:2]} == {first, last}
    assert find(tiny.run, contrast=pair, sign="+")["feature"][0] == first
    assert find(tiny.run, contrast=pair, sign="-")["feature"][0] == last
    sizes = found["contrast_z"].abs()
    assert sizes.to_list() == sizes.sort(descending=True).to_list()


@pytest.mark.parametrize("pair", [("names:female", "names:male"), ("both", "names:male")])
def test_a_contrast_is_the_direction_test(tiny: Planted, pair: tuple[str, str]) -> None:
    found = find(tiny.run, contrast=pair, limit=None)
    for name, bank in tiny.banks.items():
        rows = in_order(found, tiny, name)
        scores = direction_test(bank, tiny.unembedding, [Contrast(tiny.sets, *pair)])
        alive = rows["contrast_z"].is_not_null().to_numpy()
        z = rows["contrast_z"].to_numpy()[alive]
        np.testing.assert_allclose(z, scores.z[alive, 0], rtol=1e-4, atol=1e-4)
        log10_p = rows["contrast_log10_p"].to_numpy()[alive]
        np.testing.assert_allclose(log10_p, scores.log10_p[alive, 0], rtol=2e-3, atol=1e-3)


def test_a_contrast_agrees_with_random_directions(tiny: Planted) -> None:
    """p as the share of directions drawn like the bank's that shift the difference as much."""
    found = in_order(find(tiny.run, contrast=("names:female", "names:male"), limit=None), tiny, "b")
    drawn = SecondMoment.of(tiny.banks["b"]).draw(100_000, seed=3).double()
    W_U = tiny.unembedding.W_U.double()
    row_of = np.searchsorted(tiny.unembedding.token_ids, np.arange(100, 240))
    delta = W_U[row_of[:40]].mean(0) - W_U[row_of[100:]].mean(0)
    sigma = W_U.T @ W_U / len(W_U)
    t = (drawn @ delta).abs() / ((drawn @ sigma) * drawn).sum(1).sqrt()
    bank = tiny.banks["b"].W_dec.double()
    own = (bank @ delta).abs() / ((bank @ sigma) * bank).sum(1).sqrt()
    share = np.array([float((t >= each).double().mean()) for each in own])
    often = share > 0.01
    assert often.sum() > 30
    p = 10 ** found["contrast_log10_p"].to_numpy()
    np.testing.assert_allclose(p[often], share[often], rtol=0.1)


def test_a_contrasts_q_is_that_of_its_bank(tiny: Planted) -> None:
    found = find(tiny.run, contrast=("names:female", "names:male"), limit=None)
    for bank in "ab":
        rows = in_order(found, tiny, bank).drop_nulls("contrast_z")
        p = 10.0 ** rows["contrast_log10_p"].to_numpy()
        q = scipy.stats.false_discovery_control(p)
        ours = 10.0 ** rows["contrast_log10_q"].to_numpy()
        np.testing.assert_allclose(ours, q, rtol=0.006)
    alone = find(tiny.run, contrast=("names:female", "names:male"), bank="b", limit=None)
    both = in_order(found, tiny, "b")["contrast_log10_q"]
    assert in_order(alone, tiny, "b")["contrast_log10_q"].to_list() == both.to_list()


def test_a_contrast_with_the_cosine_lens(tmp_path: Path) -> None:
    unembedding, (bank, _), sets = planted("cosine")
    run = analyze(unembedding, bank, tmp_path / "run", token_sets=sets, enrichment=FEW)
    weights_of(run, unembedding=unembedding, banks=[bank])
    pair = ("names:female", "names:male")
    z = dict(find(run, contrast=pair, limit=None).select("feature", "contrast_z").iter_rows())
    scores = direction_test(bank, unembedding, [Contrast(sets, *pair)])
    assert len(z) == 299
    for address, found in z.items():
        assert found == pytest.approx(scores.z[int(address[2:]), 0], rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("null", ["identity", "b", "elsewhere"])
def test_a_contrast_uses_the_null_of_the_run(tmp_path: Path, null: str) -> None:
    unembedding, banks, sets = planted()
    named = {bank.name: bank for bank in banks}
    skewed = torch.randn(90, 24, generator=torch.Generator().manual_seed(9)) * torch.arange(24)
    named["elsewhere"] = Features.from_array(skewed, name="elsewhere")
    chosen = "identity" if null == "identity" else named[null]
    run = analyze(
        unembedding, banks, tmp_path / "run", token_sets=sets, enrichment=FEW, null=chosen
    )
    weights_of(run, unembedding=unembedding, banks=banks)
    pair = ("names:female", "names:male")
    if null == "elsewhere":
        with pytest.raises(SourceError, match="'elsewhere', a bank that is not in it"):
            find(run, contrast=pair)
        return
    found = find(run, contrast=pair, bank="a", limit=None)
    scores = direction_test(named["a"], unembedding, [Contrast(sets, *pair)], null=chosen)
    z = dict(found.select("feature", "contrast_z").iter_rows())
    for index, expected in enumerate(scores.z[:, 0]):
        if index != 5:
            assert z[f"a/{index}"] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_a_null_of_the_same_name_from_elsewhere_is_no_match(tmp_path: Path) -> None:
    unembedding, banks, sets = planted()
    other = Features.from_array(torch.randn(300, 24).cumsum(1), name="a")
    run = analyze(unembedding, banks, tmp_path / "run", token_sets=sets, enrichment=FEW, null=other)
    weights_of(run, unembedding=unembedding, banks=banks)
    with pytest.raises(SourceError, match="a bank that is not in it"):
        find(run, contrast=("names:female", "names:male"))


def test_a_set_is_the_runs_own_test(tiny: Planted) -> None:
    found = find(tiny.run, token_set="girls", limit=None)
    stored = tiny.run.enrichment(token_set="names:female").filter(pl.col("feature") != "a/5")
    assert found["feature"].to_list() == stored["feature"].to_list()
    for name in ("z", "log10_p", "log10_q"):
        np.testing.assert_array_equal(found[f"set_{name}"], stored[name])
    assert find(tiny.run, token_set="girls_names", limit=None).equals(found)
    assert find(tiny.run, token_set="girls", sign="+")["feature"][0] == "a/0"
    assert find(tiny.run, token_set="girls", sign="-")["feature"][0] == "a/1"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"token_set": "names:femal"}, "among the 5 of this run. Did you mean 'names:female'"),
        (
            {"token_set": "boys_names"},
            "Did you mean 'post:girls_names'.*With a word of it: names:female",
        ),
        ({"contrast": ("names:femal", "none")}, "Did you mean 'names:female'"),
        ({"contrast": ("names:male", "same")}, "hold the same tokens"),
        ({"contrast": ("girls", "names:female")}, "hold the same tokens"),
        ({"contrast": ("names:male", "none")}, "'none' is empty"),
        ({"token": " paris"}, r"' paris' is no single token.* Near it: ' Paris', 'Paris'"),
        ({"token": "wrod77"}, "no single token"),
        ({"token": " Londn"}, "Near it: ' London'"),
        ({"token": "<s>"}, r"Token 0 \('<s>'\) is masked"),
        ({"token": 0}, "is masked"),
        ({"token": -1}, "ids are 0 to 1499"),
        ({"token": 1500}, "ids are 0 to 1499"),
        ({"token": "twice"}, "the text of 2 tokens.* 5, 6"),
        ({"like": "a/5"}, "writes nothing"),
        ({"like": "a/999"}, "has no feature 999"),
        ({"like": "c/1"}, "no bank 'c'"),
    ],
)
def test_what_is_not_there(tiny: Planted, wanted: dict[str, object], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        find(tiny.run, **wanted)  # type: ignore[arg-type]


def test_a_token_by_its_id_or_its_escaped_text(tiny: Planted) -> None:
    by_text = find(tiny.run, token="\n")
    assert find(tiny.run, token="\\n").equals(by_text)
    assert find(tiny.run, token=4).equals(by_text)
    assert find(tiny.run, token=5).height == 20
    with pytest.raises(QueryError, match="no single token"):
        find(tiny.run, token="\\x")
