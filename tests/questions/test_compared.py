"""Dictionaries compared: in what they can be, what is in both, and which is more interpretable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor

import unembed
from tests.planted import FEW, Planted, Planting, bank_of, planted_run
from unembed import Features, Run, questions
from unembed.errors import QueryError, SourceError
from unembed.questions.compared import Dictionary, dictionaries, interpretability_by_bank
from unembed.questions.compared.spaces import choose, meet, shared_sets, why_not

N, D, SETS, MEMBERS = 1600, 32, 30, 30


def drawn(rows: int, seed: int, d: int = D) -> Tensor:
    return torch.randn(rows, d, generator=torch.Generator().manual_seed(seed))


def model(seed: int, d: int = D, texts: str = " word") -> Planting:
    """30 sets of tokens that have a direction in common, another in each model."""
    planting = Planting(
        drawn(N, seed, d), [f"{texts}{i}" for i in range(N)], name=f"model-{seed}"
    )  # fmt: skip
    axes = torch.linalg.qr(drawn(d, 100 + seed, d))[0]
    for at in range(SETS):
        along = 3 * (axes[at % d] + 0.4 * axes[(at + 7) % d])
        members = range(at * MEMBERS, (at + 1) * MEMBERS)
        planting.token_set(f"set {at}", members, family="planted", along=along)
    planting.token_set("by id", range(0, N, 2), family="tokenizer/id")
    return planting


def writers(planting: Planting, sets: Sequence[int], seed: int, d: int = D) -> dict[int, Tensor]:
    """Features 0, 1 …, of which each promotes a set."""
    noise = drawn(len(sets), seed, d)
    return {
        at: 8 * planting.mean(f"set {number}") + 0.3 * noise[at] for at, number in enumerate(sets)
    }


class Made(NamedTuple):
    """Runs of three models: `one`, `turned` of its vocabulary, `other` of another and wider."""

    one: Planted
    turned: Planted
    other: Planted


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """What each bank's first features promote, of 200:

    `one`: a sets 0 to 11; b, of the same layer, the same rows in another order, of which that of
    set 0 is lost; c, of another layer, sets 6 to 17; `turned`: a as in another basis of the stream;
    `other`: a sets 3 to 14, and set 3 twice.
    """
    folder = tmp_path_factory.mktemp("compared")
    first, wide = model(1), model(2, 48, " other")
    rows = bank_of("a", drawn(200, 3), writers(first, range(12), 4)).W_dec
    copies = rows.flip(0) + 0.05 * drawn(200, 5)
    copies[-1] = drawn(1, 6)[0]
    banks = [
        Features.from_array(rows, name="a", layer=3, hook="blocks.3.hook_resid_post"),
        Features.from_array(copies, name="b", layer=4, hook="blocks.4.hook_resid_pre"),
        bank_of("c", drawn(150, 7), writers(first, range(6, 18), 8), layer=9),
    ]
    basis = torch.linalg.qr(drawn(D, 9))[0]
    second = Planting(first.unembedding.W_U @ basis, first.vocabulary.texts, name="turned")
    second.__dict__["sets"] = first.sets
    again = Features.from_array(rows[torch.arange(199, -1, -1)] @ basis, name="a", layer=3)
    wide_rows = writers(wide, [*range(3, 15), 3], 10, 48)
    others = bank_of("a", drawn(180, 11, 48), wide_rows, layer=3)
    return Made(
        planted_run(folder / "one", first.unembedding, banks, first.sets, enrichment=FEW),
        planted_run(folder / "turned", second.unembedding, [again], first.sets, enrichment=FEW),
        planted_run(folder / "other", wide.unembedding, [others], wide.sets, enrichment=FEW),
    )


def named(made: Made, *names: str) -> list[Dictionary]:
    return dictionaries([each.run for each in made], list(names))


# ---- what is compared


def test_names_of_dictionaries(made: Made) -> None:
    every = dictionaries([each.run for each in made])
    assert [each.name for each in every] == ["one:a", "b", "c", "turned:a", "other:a"]
    assert [each.name for each in named(made, "c", "turned:a")] == ["c", "turned:a"]
    assert [each.name for each in named(made, "a")] == ["one:a", "turned:a", "other:a"]
    assert [each.name for each in dictionaries(made.one.run)] == ["a", "b", "c"]


def test_what_is_not_there(made: Made) -> None:
    with pytest.raises(QueryError, match=r"no bank 'turned:b' in what .* Banks: one:a, b, c"):
        named(made, "turned:b")
    with pytest.raises(QueryError, match="one is named twice"):
        dictionaries([made.one.run, Run.open(made.one.run.path)])
    a = named(made, "one:a")[0]
    with pytest.raises(QueryError, match="compared with itself"):
        questions.compare_banks(a, a)


def test_runs_of_one_name_are_told_apart_by_the_folders_above(made: Made, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "later" / "one"
    shutil.copytree(made.one.run.path, folder)
    again = dictionaries([made.one.run, Run.open(folder)])
    assert again[-1].name == "later/one:c"
    assert again[0].name.endswith("compared0/one:a")


def test_spaces_are_proven(made: Made) -> None:
    a, b, c, turned, other = named(made, "one:a", "b", "c", "turned:a", "other:a")
    assert why_not(a, b) == {"decoder": None, "logits": None, "sets": None}
    reasons = why_not(a, c)
    assert "block 3's output and block 9's output" in str(reasons["decoder"])
    assert choose(a, c) == "logits"
    assert "not the same W_U" in str(why_not(a, turned)["decoder"]), "though as wide"
    assert choose(a, turned) == "logits"
    assert "0 of 1,600 ids stand for the same token" in str(why_not(a, other)["logits"])
    assert choose(a, other) == "sets"
    with pytest.raises(QueryError, match=r"cannot be compared by decoder.*logits or sets"):
        choose(a, turned, "decoder")
    with pytest.raises(QueryError, match="by decoder, logits, sets, not by 'width'"):
        questions.compare_banks(a, b, by="width")  # type: ignore[arg-type]


def test_a_place_that_is_not_known_is_none(made: Made, tmp_path: Path) -> None:
    bank = Features.from_array(drawn(120, 1), name="vectors")
    run = planted_run(tmp_path / "run", made.one.unembedding, [bank]).run
    a, vectors = named(made, "one:a")[0], dictionaries(run)[0]
    assert "does not say which layer vectors" in str(why_not(a, vectors)["decoder"])
    assert "made without token sets" in str(why_not(a, vectors)["sets"])
    found = questions.compare_banks(a, vectors)
    assert found.facts["by"] == "logits"
    assert found.sets is None
    assert found.features["same_label"].null_count() == 320


def test_token_sets_are_shared_where_they_mean_the_same(made: Made) -> None:
    a, turned, other = named(made, "one:a", "turned:a", "other:a")
    expected = [f"set {at}" for at in range(SETS)]
    assert shared_sets(a, turned)["name"].to_list() == [*expected, "by id"]
    assert shared_sets(a, other)["name"].to_list() == expected


def test_z_over_sets_is_that_of_the_runs(made: Made) -> None:
    """Cosines of rows, against those of z as either run keeps it."""
    a, other = named(made, "one:a", "other:a")
    met = meet(a, other, "sets")
    assert met.shared == SETS
    shared = shared_sets(a, other)
    z = [
        np.stack([each.run.scores.z_of_set("a", number) for number in shared[side]], 1)
        for each, side in ((a, "ours"), (other, "theirs"))
    ]
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in z]
    found = (met.ours.rows @ met.theirs.rows.T).numpy()
    np.testing.assert_allclose(found, unit[0] @ unit[1].T, atol=2e-3)  # z is kept in float16


# ---- what is in both


@pytest.mark.parametrize("by", ["decoder", "logits", "sets"])
def test_a_noisy_copy_in_another_order(made: Made, by: questions.compared.By) -> None:
    a, b = named(made, "one:a", "b")
    found = questions.compare_banks(a, b, by=by)
    ours = found.features.filter(pl.col("side") == "a")
    assert ours["feature"].to_list() == [f"a/{at}" for at in range(200)]
    right = ours["match"] == pl.Series([f"b/{199 - at}" for at in range(200)])
    assert right.sum() >= {"decoder": 199, "logits": 198, "sets": 190}[by]
    assert ours["fate"][0] == "lost"
    assert ours["match"][0] is None
    assert ours["match_label"][0] is None
    facts = found.facts
    assert facts["pairs"] == facts["a"]["again"] + facts["a"]["split"]
    assert facts["a"]["found"] > 0.95
    assert facts["a"]["random"] < 0.05
    assert facts["same_label"] > 0.9
    assert facts["same_label_shuffled"] < 0.3
    assert (found.a, found.b) == ("one:a", "b")


def test_labels_of_a_pair_name_a_set_in_common(made: Made) -> None:
    found = questions.compare_banks(*named(made, "one:a", "b"))
    ours = found.features.filter(pl.col("side") == "a").head(12)
    for row in ours.tail(11).iter_rows(named=True):
        assert row["same_label"], row
        assert f"set {row['index']}" in row["label"].lower()
        assert f"set {row['index']}" in row["match_label"].lower()


@pytest.mark.parametrize("name", ["turned:a", "other:a"])
def test_another_model_is_matched_by_what_its_features_write(made: Made, name: str) -> None:
    a, other = named(made, "one:a", name)
    found = questions.compare_banks(a, other)
    ours = found.features.filter(pl.col("side") == "a")
    if name == "turned:a":
        assert ours["match"].to_list() == [f"a/{199 - at}" for at in range(200)]
        return
    # set 3 to 11 are promoted by both; set 3 by two there
    assert {*ours["match"][3:12]} - {None} == {f"a/{at}" for at in range(9)} | (
        {"a/12"} if ours["match"][3] == "a/12" else set()
    ) - ({"a/0"} if ours["match"][3] == "a/12" else set())
    assert ours["fate"][0:3].to_list() == ["lost"] * 3
    assert found.facts["a"]["random"] < 0.05
    assert ours["match"].count() < 9 + 8, "of 188 random features next to none"
    assert found.facts["same_label"] == pytest.approx(1, abs=0.15)


def test_chance_is_said_where_two_banks_share_nothing(made: Made, tmp_path: Path) -> None:
    banks = [Features.from_array(drawn(400, 40 + at), name=f"r{at}", layer=3) for at in range(2)]
    run = planted_run(tmp_path / "random", made.one.unembedding, banks).run
    facts = questions.compare_banks(*dictionaries(run)).facts
    assert facts["by"] == "decoder"
    assert facts["a"]["found"] < 0.03
    assert facts["b"]["found"] < 0.03
    assert facts["a"]["split"] == facts["b"]["split"] == 0


def test_features_are_listed_fate_by_fate(made: Made) -> None:
    found = questions.compare_banks(*named(made, "one:a", "c"))
    listed = questions.by_fate(found.features, 3)
    assert listed.group_by("side", "fate").len()["len"].max() == 3
    again = questions.by_fate(found.features).filter(pl.col("fate") == "again")
    assert again.filter(pl.col("side") == "a")["z"].is_sorted(descending=True)
    lost = questions.by_fate(found.features).filter(pl.col("fate") == "lost")
    assert lost.filter(pl.col("side") == "b")["log10_p"].is_sorted()


# ---- what is in one alone


def test_sets_that_one_alone_promotes(made: Made) -> None:
    """By a loop over the pairs that pass."""
    a, c = named(made, "one:a", "c")
    sets = questions.compare_banks(a, c, limit=None).sets
    assert sets is not None
    passing = {
        (bank, sign): {
            row["token_set"]
            for row in made.one.run.enrichment(bank=bank, sign=sign).iter_rows(named=True)
        }
        for bank in "ac"
        for sign in "+-"
    }
    for side, own, other in (("a", "a", "c"), ("b", "c", "a")):
        for sign in "+-":
            found = sets.filter((pl.col("side") == side) & (pl.col("sign") == sign))
            assert {*found["token_set"]} == passing[own, sign] - passing[other, sign]
    promoted = sets.filter(pl.col("sign") == "+")
    assert {f"set {at}" for at in range(6)} <= {
        *promoted.filter(pl.col("side") == "a")["token_set"]
    }
    assert {f"set {at}" for at in range(12, 18)} <= {
        *promoted.filter(pl.col("side") == "b")["token_set"]
    }
    row = promoted.filter((pl.col("token_set") == "set 2") & (pl.col("side") == "a"))
    assert row["strongest"].item() == "a/2"
    nearest = made.one.run.scores.z_of_set("c", made.one.run.sets.number("set 2"))
    assert row["nearest_z"].item() == pytest.approx(nearest.max())
    assert row["nearest"].item() == f"c/{nearest.argmax()}"


def test_a_stricter_q_lets_less_pass(made: Made) -> None:
    a, c = named(made, "one:a", "c")
    strict = questions.compared.sets_of_one(a, c, sign="+", max_q=1e-12, limit=None)
    assert strict is not None
    strongest = made.one.run.enrichment(bank="a", sign="+", max_q=1e-12)["token_set"]
    assert {*strict.filter(pl.col("side") == "a")["token_set"]} <= {*strongest}
    assert (strict["z"] > 0).all()


# ---- which is more interpretable


def test_the_table_counts_what_the_runs_hold(made: Made) -> None:
    among = named(made, "one:a", "c", "other:a")
    table = interpretability_by_bank(among, agree=False)
    assert table["name"].to_list() == ["one:a", "c", "other:a"]
    assert table["again"].null_count() == 3
    for each, row in zip(among, table.iter_rows(named=True), strict=True):
        features = each.run.features.filter(pl.col("bank") == each.bank)
        explained = [each.run.explain(address) for address in features["feature"]]
        parts = [
            tuple(sorted((part["token_set"], part["z"] > 0) for part in of["parts"]))
            for of in explained
        ]
        named_ = [of for of in parts if of]
        assert row["labelled"] == pytest.approx(len(named_) / len(parts))
        shaped = [of["class"] not in ("diffuse", "flat", "dead") for of in explained]
        assert row["shaped"] == pytest.approx(np.mean(shaped))
        variance = [of["variance_explained"] or 0 for of in explained if of["parts"]]
        assert row["variance_named"] == pytest.approx(sum(variance) / len(parts), rel=1e-5)
        assert row["labels"] == len({*named_})
        assert row["duplicates"] == pytest.approx(1 - len({*named_}) / len(named_))
    assert table["duplicates"][2] > 0, "two promote set 3"


def test_the_agreement_is_that_of_each_pair(made: Made) -> None:
    among = named(made, "one:a", "b", "c")
    table = interpretability_by_bank(among, seed=1)
    pairs = {
        (one, other): questions.compare_banks(*named(made, one, other), seed=1).facts
        for one, other in (("one:a", "b"), ("one:a", "c"), ("b", "c"))
    }
    of_a = [pairs["one:a", other]["a"] for other in ("b", "c")]
    assert table["others"].to_list() == [2, 2, 2]
    assert table["again"][0] == pytest.approx(np.mean([each["found"] for each in of_a]))
    assert table["again_random"][0] == pytest.approx(np.mean([each["random"] for each in of_a]))
    agreed = [pairs["one:a", other]["same_label"] for other in ("b", "c")]
    assert table["same_label"][0] == pytest.approx(np.mean([x for x in agreed if x is not None]))


def test_what_cannot_be_compared_is_left_out_of_the_average(made: Made) -> None:
    table = interpretability_by_bank(named(made, "one:a", "b", "other:a"), by="decoder")
    assert table["others"].to_list() == [1, 1, 0]
    assert table["again"][2] is None


# ---- random decoders


def test_a_random_decoder_says_next_to_nothing(made: Made, tmp_path: Path) -> None:
    a = named(made, "one:a")[0]
    control = unembed.analyze_random(made.one.run, "a", tmp_path / "control")
    assert control.banks == ["a"]
    assert control.manifest.banks[0].features == 200
    assert control.tested.max_q == made.one.run.tested.max_q
    assert control.tested.sha256 == made.one.run.tested.sha256
    row = interpretability_by_bank([a], controls={"one:a": control}, agree=False).row(0, named=True)
    assert row["labelled_random"] <= 0.02 < 0.05 < row["labelled"]
    assert row["shaped_random"] < 0.06
    assert row["variance_named_random"] < row["variance_named"]
    with pytest.raises(QueryError, match="'c' has a random decoder, but is not among"):
        interpretability_by_bank([a], controls={"c": control}, agree=False)


def test_a_random_decoder_has_the_banks_second_moment(made: Made) -> None:
    bank = made.one.banks["a"]
    rows = torch.cat([unembed.analysis.random_decoder(bank, seed).W_dec for seed in range(60)])
    like = unembed.SecondMoment.of(bank).matrix
    rows = rows / rows.norm(dim=1, keepdim=True)
    measured = rows.double().T @ rows.double() / len(rows)
    assert float((measured - like).norm() / like.norm()) < 0.1
    first, again, other = (unembed.analysis.random_decoder(bank, seed) for seed in (1, 1, 2))
    assert torch.equal(first.W_dec, again.W_dec)
    assert not torch.equal(first.W_dec, other.W_dec)


def test_a_random_decoder_is_kept_in_the_cache(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNEMBED_CACHE", str(tmp_path))
    first = unembed.analyze_random(made.one.run, "c")
    again = unembed.analyze_random(made.one.run, "c")
    assert first.path == again.path
    assert first.path.is_relative_to(tmp_path)
    assert unembed.analyze_random(made.one.run, "c", seed=1).path != first.path


def test_what_has_no_random_decoder(made: Made, tmp_path: Path) -> None:
    null = made.one.banks["c"]
    folder = tmp_path / "run"
    run = planted_run(
        folder, made.one.unembedding, [made.one.banks["a"]], made.one.sets, enrichment=FEW,
        null=null,
    ).run  # fmt: skip
    with pytest.raises(SourceError, match="those of 'c', a bank that is not in the run"):
        unembed.analyze_random(run, "a", tmp_path / "control")


def test_labels_agree_beside_shuffled_ones() -> None:
    """Of two pairs that agree, none does with the other's partner; of one there is no other."""
    from unembed.matching.pairs import Alike
    from unembed.questions.compared.labels import agreement, same_labels

    ours = {0: frozenset({("x", 1)}), 1: frozenset({("y", -1)}), 2: frozenset({("x", 1)})}
    theirs = {0: frozenset({("x", 1), ("z", 1)}), 1: frozenset({("y", -1)}),
              2: frozenset({("x", -1)})}  # fmt: skip
    at, ones = np.arange(4), np.ones(4, np.float32)
    pairs = Alike(at, at, ones, ones)
    partner = np.array([0, 1, 2, -1])
    assert same_labels(ours, theirs, partner) == [True, True, False, None]
    assert same_labels(ours, None, partner) == [None] * 4
    first = Alike(at[:2], at[:2], ones[:2], ones[:2])
    found = agreement(ours, theirs, first, 0)
    assert found == {"labelled": 2, "same_label": 1.0, "same_label_shuffled": 0.0}
    assert agreement(ours, theirs, pairs, 0)["same_label"] == pytest.approx(2 / 3)
    single = agreement(ours, theirs, Alike(at[:1], at[:1], ones[:1], ones[:1]), 0)
    assert single == {"labelled": 1, "same_label": 1.0, "same_label_shuffled": None}
    nothing = agreement(ours, theirs, Alike(at[3:], at[3:], ones[3:], ones[3:]), 0)
    assert nothing["labelled"] == 0
    assert nothing["same_label"] is None
